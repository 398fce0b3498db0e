import EventLoop
import Exchange
import GatewayTestKit
import Glibc
import JSON
import Testing

@testable import Uplink

/// The receiver behind a proxy that speaks HTTP/2 to us, as many real ones stand.
///
/// nghttpx is Debian's package nghttp2-proxy; without it these tests are left out.
@Suite(
    "HTTP/2", .timeLimit(.minutes(1)),
    .enabled(if: access(HTTP2Proxy.program, X_OK) == 0, "nghttp2-proxy is not installed"))
struct HTTP2Tests {
    private func post(
        _ count: Int, to url: String, body: [UInt8] = Array("[]".utf8)
    ) async throws -> [Int] {
        let authority = try Scratch.certificate("ca.pem")
        return try await LoopThread.run {
            let client = try HTTPClient(userAgent: "hakaru/1.2.3")
            var statuses: [Int] = []
            for _ in 0..<count {
                var request = HTTPRequest(
                    url: try DestinationURL(url), headers: HTTPClientTests.headers, body: body,
                    tls: TLSFiles(authorities: authority))
                request.limits.total = .seconds(10)
                guard case .answer(let answer) = await client.post(request) else { break }
                statuses.append(answer.status)
            }
            return statuses
        }
    }

    @Test("where the receiver offers HTTP/2 documents go by it, over one connection")
    func one() async throws {
        let receiver = try ReceiverProcess(certificate: .none)
        let proxy = try HTTP2Proxy(before: receiver.port)
        #expect(try await post(5, to: proxy.url) == [400, 400, 400, 400, 400])
        let lines = try proxy.lines()
        #expect(lines.count == 5)
        #expect(lines.allSatisfy { $0.hasPrefix("h2 ") }, "\(lines)")
        #expect(Set(lines).count == 1, "each request had a connection of its own: \(lines)")
        #expect(try receiver.keys() == Array(repeating: "a-key-of-this-test", count: 5))
    }

    @Test("a large document arrives whole by HTTP/2", arguments: [0, 100_000, 3_000_000])
    func large(count: Int) async throws {
        let receiver = try ReceiverProcess(certificate: .none)
        let proxy = try HTTP2Proxy(before: receiver.port)
        let body = [UInt8](repeating: 0x20, count: count)
        #expect(try await post(1, to: proxy.url, body: body) == [400])
        #expect(try receiver.log("request").first?["bytes"]?.integer == count)
        #expect(try proxy.lines().allSatisfy { $0.hasPrefix("h2 ") })
    }

    @Test("where it offers only HTTP/1.1 they go by that")
    func older() async throws {
        let receiver = try ReceiverProcess(certificate: .none)
        let proxy = try HTTP2Proxy(before: receiver.port, protocols: "http/1.1")
        #expect(try await post(2, to: proxy.url) == [400, 400])
        #expect(try proxy.lines().allSatisfy { $0.hasPrefix("http/1.1 ") })
    }

    @Test("a receiver that ends behind its proxy is no answer of its own")
    func gone() async throws {
        let receiver = try ReceiverProcess(certificate: .none)
        let proxy = try HTTP2Proxy(before: receiver.port)
        receiver.stop()
        let statuses = try await post(1, to: proxy.url)
        #expect(statuses.allSatisfy { $0 >= 500 }, "\(statuses)")
    }
}

/// nghttpx with the test certificate; writes the protocol and the port of each request's connection.
final class HTTP2Proxy {
    static let program = "/usr/sbin/nghttpx"
    let url: String
    private let child: Child
    private let log: String

    init(before port: Int, protocols: String = "h2,http/1.1") throws {
        log = try Scratch.folder() + "/access"
        let own = try Self.freePort()
        url = "https://localhost:\(own)/v1/records"
        child = try Child(
            Self.program,
            [
                "--frontend=127.0.0.1,\(own)", "--backend=127.0.0.1,\(port)",
                "--npn-list=\(protocols)", "--workers=1", "--conf=/dev/null",
                "--accesslog-file=\(log)", "--accesslog-format=$alpn $remote_port",
                "--errorlog-file=\(log).errors", try Scratch.certificate("server.key"),
                try Scratch.certificate("server.pem"),
            ], mergingErrors: true)
        for _ in 0..<200 where !Self.listens(own) { usleep(20_000) }
        try #require(Self.listens(own), "nghttpx did not start")
    }

    deinit {
        child.signal(SIGKILL)
        _ = child.wait()
    }

    func lines() throws -> [String] {
        // The line is written when the request is over, which may be after its answer.
        usleep(100_000)
        return String(decoding: try Scratch.read(log), as: UTF8.self).split(separator: "\n")
            .map(String.init)
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func with<T>(
        _ port: UInt16, _ body: (Int32, UnsafeMutablePointer<sockaddr>, socklen_t) -> T
    ) -> T {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = address(port)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func freePort() throws -> Int {
        let port = with(0) { descriptor, address, size -> UInt16 in
            var length = size
            guard bind(descriptor, address, size) == 0,
                getsockname(descriptor, address, &length) == 0
            else { return 0 }
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
        try #require(port > 0)
        return Int(port)
    }

    private static func listens(_ port: Int) -> Bool {
        with(UInt16(port)) { connect($0, $1, $2) == 0 }
    }
}
