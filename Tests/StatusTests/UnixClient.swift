import CLinux
import EventLoop
import GatewayTestKit
import Glibc

@testable import Status

/// A blocking HTTP client over a Unix socket that sends exactly the bytes it is told to.
final class UnixClient {
    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    struct Answer: Equatable {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    let descriptor: Int32
    private var buffer: [UInt8] = []
    /// From now on the stream comes in chunks, whose marks are taken out.
    private var chunks: Chunks?

    init(_ path: String) throws(Failed) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw Failed(description: "connect: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    func get(_ path: String) throws(Failed) -> Answer {
        send("GET \(path) HTTP/1.1\r\nHost: hakaru\r\n\r\n")
        return try answer()
    }

    func answer(toHead: Bool = false) throws(Failed) -> Answer {
        let head = try take(until: "\r\n\r\n").split(separator: "\r\n")
        guard let status = head.first?.split(separator: " ").dropFirst().first,
            let code = Int(status)
        else { throw Failed(description: "no status line: \(head)") }
        var headers: [String: String] = [:]
        for line in head.dropFirst() {
            let name = line.prefix { $0 != ":" }
            headers[name.lowercased()] = String(line.dropFirst(name.count + 2))
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        return Answer(status: code, headers: headers, body: try take(toHead ? 0 : length))
    }

    /// Reads until a text, which is left out; fails at the end of the stream.
    func take(until mark: String) throws(Failed) -> String {
        let mark = Array(mark.utf8)
        while true {
            if let place = buffer.indices.first(where: { buffer[$0...].starts(with: mark) }) {
                defer { buffer.removeSubrange(..<(place + mark.count)) }
                return String(decoding: buffer[..<place], as: UTF8.self)
            }
            try fill()
        }
    }

    private func take(_ count: Int) throws(Failed) -> String {
        while buffer.count < count { try fill() }
        defer { buffer.removeSubrange(..<count) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private func fill() throws(Failed) {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else {
            let reason = count == 0 ? "closed by the server" : String(cString: strerror(errno))
            throw Failed(description: reason)
        }
        if chunks == nil {
            buffer.append(contentsOf: chunk[..<count])
        } else {
            chunks?.decode(chunk[..<count], into: &buffer)
        }
    }

    /// Says that the rest of the stream is chunked.
    func beginChunks() {
        var decoder = Chunks()
        let rest = buffer
        buffer = []
        decoder.decode(rest[...], into: &buffer)
        chunks = decoder
    }

    /// Waits until the server closes; false when it does not within the receive time-out.
    func isClosedByServer() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count == 0 || (count < 0 && errno == ECONNRESET) { return true }
            guard count > 0 else { return false }
        }
    }
}

/// Takes the marks of the chunked encoding out of a stream, piece by piece.
struct Chunks {
    private var left = 0
    private var mark: [UInt8] = []

    mutating func decode(_ bytes: ArraySlice<UInt8>, into out: inout [UInt8]) {
        for byte in bytes {
            if left > 0 {
                left -= 1
                out.append(byte)
                continue
            }
            mark.append(byte)
            guard byte == UInt8(ascii: "\n"), mark.count > 2 else { continue }
            let digits = mark.filter { $0 != 0x0D && $0 != 0x0A }
            left = Int(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
            mark = []
        }
    }
}

/// A server of one test on a socket in a directory of its own; it stops with the value.
struct ServedSocket: ~Copyable {
    private let scratch = ScratchDirectory()
    let server: StatusServer
    let path: String

    init(
        _ change: @Sendable (inout StatusServer.Options) -> Void = { _ in },
        routes: @escaping @LoopActor @Sendable (StatusServer) -> Void
    ) async throws {
        let path = scratch.path + "/s.sock"
        var options = StatusServer.Options(path: path)
        change(&options)
        let fixed = options
        server = try await LoopThread.run {
            let server = try StatusServer(fixed)
            routes(server)
            try server.start()
            return server
        }
        self.path = path
    }

    deinit {
        let server = server
        spawn { server.stop() }
    }

    func client() throws -> UnixClient { try UnixClient(path) }

    var counters: StatusServer.Counters {
        get async throws {
            let server = server
            return try await LoopThread.run { server.counters }
        }
    }

    /// Waits until the counters satisfy a condition; false after five seconds.
    func eventually(_ condition: (StatusServer.Counters) -> Bool) async throws -> Bool {
        for _ in 0..<500 {
            if condition(try await counters) { return true }
            usleep(10_000)
        }
        return false
    }
}

extension SocketResponse {
    static func text(_ text: String) -> SocketResponse {
        SocketResponse(contentType: "text/plain", body: Array(text.utf8))
    }
}
