import CCurl
import DataFiles
import Glibc
import JSON

/// Asks the daemon over its socket.
struct SocketClient {
    static let defaultPath = "/run/hakaru/hakaru.sock"
    static var environmentPath: String {
        getenv("HAKARU_SOCKET").map { String(cString: $0) } ?? defaultPath
    }

    let path: String

    /// Asks for a document; an error answer of the daemon is thrown with its own code.
    func get(_ resource: String, query: [(String, String)] = []) throws(CommandError) -> JSONValue {
        let parts = query.map { Self.escape($0.0) + "=" + Self.escape($0.1) }
        let question = parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
        return try document("GET", resource, question)
    }

    /// Has something changed by `POST`; `body` is written as a JSON object.
    func post(
        _ resource: String, _ body: (inout JSONWriter) -> Void = { _ in }
    ) throws(CommandError) -> JSONValue {
        var writer = JSONWriter()
        writer.object { body(&$0) }
        return try document("POST", resource, body: Array(writer.text.utf8))
    }

    /// Hands a file over as it is.
    func post(
        _ resource: String, query: [(String, String)], bytes: [UInt8]
    ) throws(CommandError) -> JSONValue {
        let parts = query.map { Self.escape($0.0) + "=" + Self.escape($0.1) }
        return try document(
            "POST", resource, "?" + parts.joined(separator: "&"), body: bytes)
    }

    /// Has something taken away; the daemon looks at who asks.
    func delete(_ resource: String) throws(CommandError) -> JSONValue {
        try document("DELETE", resource, body: [])
    }

    private func document(
        _ method: String, _ resource: String, _ question: String = "", body: [UInt8]? = nil
    ) throws(CommandError) -> JSONValue {
        let (status, answer) = try transfer(method, resource + question, body)
        let document = try? JSONValue.parse(answer)
        guard status == 200 else { throw Self.refusal(status, document, resource) }
        guard let document else {
            throw .failed("\(path) answered \(resource) with something that is not JSON")
        }
        return document
    }

    private static func refusal(
        _ status: Int, _ document: JSONValue?, _ resource: String
    ) -> CommandError {
        let error = document?["error"]
        guard let code = error?["code"]?.string, let message = error?["message"]?.string else {
            return .failed("the daemon answered \(resource) with status \(status)")
        }
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
        return .refused(
            code: code, lines.map { Plain.text(String($0)) }.joined(separator: "\n"))
    }

    private final class Received {
        var bytes: [UInt8] = []
        /// More than any page of records; an answer beyond it is a fault.
        static let limit = 64 << 20
    }

    /// A transfer from the daemon that is to be performed, and then cleaned up, by the caller.
    ///
    /// - Parameter seconds: how long it may take in all; 0 for as long as it likes.
    func handle(
        for resource: String, seconds: Int
    ) throws(CommandError) -> UnsafeMutableRawPointer {
        guard let handle = curl_easy_init() else { throw .failed("libcurl cannot be started") }
        hakaru_easy_set_pointer(handle, CURLOPT_UNIX_SOCKET_PATH, path)
        hakaru_easy_set_pointer(handle, CURLOPT_URL, "http://hakaru" + resource)
        hakaru_easy_set_pointer(handle, CURLOPT_USERAGENT, "hakaru/" + hakaruVersion)
        // No proxy of the environment may come between this program and the socket.
        hakaru_easy_set_pointer(handle, CURLOPT_PROXY, "")
        hakaru_easy_set_long(handle, CURLOPT_NOSIGNAL, 1)
        hakaru_easy_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, 3_000)
        hakaru_easy_set_long(handle, CURLOPT_TIMEOUT_MS, seconds * 1_000)
        return handle
    }

    private func transfer(
        _ method: String, _ resource: String, _ content: [UInt8]?
    ) throws(CommandError) -> (Int, [UInt8]) {
        let handle = try handle(for: resource, seconds: 40)
        defer { curl_easy_cleanup(handle) }
        let received = Received()
        let context = Unmanaged.passUnretained(received).toOpaque()
        // The library makes a copy of its own of what is to be sent.
        if let content {
            hakaru_easy_set_long(handle, CURLOPT_POSTFIELDSIZE, content.count)
            hakaru_easy_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, content)
        }
        if method != "GET" { hakaru_easy_set_pointer(handle, CURLOPT_CUSTOMREQUEST, method) }
        hakaru_easy_set_pointer(handle, CURLOPT_WRITEDATA, context)
        hakaru_easy_set_write(handle, CURLOPT_WRITEFUNCTION) { data, size, count, context in
            guard let data, let context else { return 0 }
            let received = Unmanaged<Received>.fromOpaque(context).takeUnretainedValue()
            guard received.bytes.count + size * count <= Received.limit else { return 0 }
            let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
            received.bytes.append(contentsOf: bytes)
            return size * count
        }
        let code = curl_easy_perform(handle)
        guard code == CURLE_OK else { throw trouble(code, handle) }
        var status = 0
        hakaru_easy_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        return (status, received.bytes)
    }

    /// Tells apart what a person can do something about.
    private func trouble(_ code: CURLcode, _ handle: UnsafeMutableRawPointer) -> CommandError {
        var system = 0
        hakaru_easy_get_long(handle, CURLINFO_OS_ERRNO, &system)
        switch code {
        case CURLE_COULDNT_CONNECT where access(path, F_OK) == 0 && access(path, W_OK) != 0:
            return .refused(
                code: "not-permitted",
                "\(path): you may not use this socket; join its group, or ask as root")
        case CURLE_COULDNT_CONNECT:
            return .noDaemon(
                "\(path): no daemon answers; is hakarud running? (systemctl status hakarud)")
        case CURLE_OPERATION_TIMEDOUT:
            return .noDaemon("\(path): the daemon does not answer in time")
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE:
            return .noDaemon("\(path): the daemon ended the connection")
        default:
            return .noDaemon("\(path): \(String(cString: curl_easy_strerror(code)))")
        }
    }

    static func escape(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                out += "%" + (byte < 16 ? "0" : "") + digits
            }
        }
        return out
    }
}

extension JSONValue {
    /// The objects of a list, which may stand alone or under its name.
    func items(_ name: String) -> [JSONValue] { array ?? self[name]?.array ?? [] }

    /// The value as one line of JSON.
    var line: [UInt8] {
        var writer = JSONWriter(capacity: 512)
        write(to: &writer)
        return writer.bytes
    }
}
