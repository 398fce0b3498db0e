import GatewayTestKit
import Glibc
import JSON
import Testing

/// The strict receiver of `Tests/Receiver` as a process of its own, with certificates of its own.
final class ReceiverProcess: @unchecked Sendable {  // used by one test at a time
    let url: String
    let port: Int
    private let child: Child
    private let folder: String

    enum Certificate {
        case good, expired, foreign, none
    }

    init(
        _ options: [String] = [], certificate: Certificate = .good, port: Int = 0
    ) throws {
        folder = try Scratch.folder()
        var arguments = [
            Scratch.package + "/Tests/Receiver/receiver.py", "--port", "\(port)", "--log",
            folder + "/log", "--control", folder + "/control",
        ]
        let file: String? =
            switch certificate {
            case .good: "server"
            case .expired: "expired"
            case .foreign: "other"
            case .none: nil
            }
        if let file {
            arguments += ["--cert", try Scratch.certificate(file + ".pem")]
            arguments += ["--key", try Scratch.certificate("server.key")]
        } else {
            arguments.append("--http")
        }
        child = try Child("python3", arguments + options, mergingErrors: true)
        let line = try #require(child.readLine())
        url = try #require(line.split(separator: " ").last.map(String.init))
        self.port = try #require(
            url.split(separator: ":").last?.split(separator: "/").first.flatMap { Int($0) })
    }

    deinit { stop() }

    func stop() {
        child.signal(SIGKILL)
        _ = child.wait()
    }

    @discardableResult
    func control(_ command: String) throws -> JSONValue {
        let answer = try UnixSocket.ask(folder + "/control", command)
        let value = try JSONValue.parse(Array(answer.utf8))
        #expect(value["error"] == nil, "\(answer)")
        return value
    }

    func misbehave(_ how: String) throws { try control(#"{"do":"misbehave",\#(how)}"#) }
    func behave() throws { try control(#"{"do":"behave"}"#) }
    func stat(_ name: String) throws -> Int {
        try #require(try control(#"{"do":"stats"}"#)[name]?.integer)
    }
    func records() throws -> [JSONValue] {
        try #require(try control(#"{"do":"records"}"#)["records"]?.array)
    }

    /// The lines of the receiver's log of one kind.
    func log(_ event: String) throws -> [JSONValue] {
        try Scratch.read(folder + "/log").split(separator: UInt8(ascii: "\n"))
            .map { try JSONValue.parse($0) }
            .filter { $0["event"]?.string == event }
    }
    func keys() throws -> [String] {
        try log("request").compactMap { $0["idempotency_key"]?.string }
    }
}

/// Files of a test run, below one folder that goes away with the test program.
enum Scratch {
    static let package: String = {
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    }()

    /// Makes a folder of its own from a template that ends in XXXXXX; nil where that fails.
    private static func made(_ template: String) -> String? {
        guard let path = strdup(template) else { return nil }
        defer { free(path) }
        return mkdtemp(path).map { String(cString: $0) }
    }

    private static let root: String = {
        atexit {
            let path = Scratch.root
            if path.hasPrefix("/tmp/hakaru-uplink-") { _ = system("rm -r \(path)") }
        }
        return made("/tmp/hakaru-uplink-XXXXXX") ?? "/tmp"
    }()

    static func folder() throws -> String { try #require(made(root + "/XXXXXX")) }

    /// Empty where the certificates could not be made.
    private static let certificates: String = {
        let folder = root + "/certificates"
        let program = package + "/Tests/Receiver/make-certificates.sh"
        guard let make = try? Child(program, [folder], mergingErrors: true) else { return "" }
        _ = make.readAll()
        return make.wait() == 0 ? folder : ""
    }()

    static func certificate(_ name: String) throws -> String {
        try #require(!certificates.isEmpty, "openssl could not make certificates")
        return certificates + "/" + name
    }

    static func read(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "rb"), "\(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes += buffer[..<count]
        }
        return bytes
    }

    static func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "wb"), "\(path)")
        defer { fclose(file) }
        #expect(fwrite(text, 1, text.utf8.count, file) == text.utf8.count)
    }
}

/// One line to a Unix socket and one line back.
enum UnixSocket {
    static func ask(_ path: String, _ line: String) throws -> String {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < 108)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, size)
            }
        }
        try #require(connected == 0, "\(path): \(String(cString: strerror(errno)))")
        let command = line + "\n"
        try #require(write(descriptor, command, command.utf8.count) == command.utf8.count)
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while answer.last != UInt8(ascii: "\n") {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count <= 0 { break }
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }
}
