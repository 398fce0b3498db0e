import CCurl
import EventLoop
import Exchange
import Glibc

/// One exchange with a server: what libcurl reads from and writes to while it lasts.
///
/// The client keeps it alive until libcurl has let go of it.
@LoopActor final class Transfer {
    let request: HTTPRequest
    let easy: UnsafeMutableRawPointer
    private var lines: UnsafeMutablePointer<curl_slist>?
    /// libcurl writes the detail of an error here (CURL_ERROR_SIZE).
    private let detail: UnsafeMutablePointer<CChar>
    private static let detailSize = 256
    private var headers: [HTTPHeader] = []
    private var body: [UInt8] = []
    private var isTooLarge = false
    private var continuation: CheckedContinuation<HTTPOutcome, Never>?

    init?(_ request: HTTPRequest) {
        guard let easy = curl_easy_init() else { return nil }
        self.request = request
        self.easy = easy
        detail = .allocate(capacity: Self.detailSize)
        detail.initialize(repeating: 0, count: Self.detailSize)
    }

    isolated deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(lines)
        detail.deallocate()
    }

    // MARK: Before

    /// Sets every option; nil when all were taken.
    func prepare(userAgent: String) -> HTTPFailure? {
        for header in request.headers {
            let line = "\(header.name): \(header.value)"
            // A line break in a value would begin a header of its own.
            guard line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                return HTTPFailure(.request, "header \(header.name) is not one line")
            }
            append(line)
        }
        // Neither an extra round trip before the body nor a form's content type.
        append("Expect:")
        let codes = [
            set(CURLOPT_URL, request.url.text),
            set(CURLOPT_PROTOCOLS_STR, request.url.scheme),
            set(CURLOPT_NOSIGNAL, 1),
            set(CURLOPT_FOLLOWLOCATION, 0),
            // HTTP/2 where the receiver offers it in the handshake, HTTP/1.1 else.
            set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS),
            set(CURLOPT_SSL_VERIFYPEER, 1),
            set(CURLOPT_SSL_VERIFYHOST, 2),
            set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2),
            set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.limits.connect)),
            set(CURLOPT_TIMEOUT_MS, milliseconds(request.limits.total)),
            set(CURLOPT_USERAGENT, userAgent),
            hakaru_easy_set_pointer(easy, CURLOPT_HTTPHEADER, lines),
            hakaru_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, detail),
            set(CURLOPT_POST, 1),
            set(CURLOPT_POSTFIELDSIZE_LARGE, request.body.count),
            request.body.withUnsafeBytes {
                hakaru_easy_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress)
            },
        ]
        let all = codes + trustCodes() + proxyCodes() + callbackCodes()
        guard let failed = all.first(where: { $0 != CURLE_OK }) else { return nil }
        return HTTPFailure(.request, Self.text(failed))
    }

    private func trustCodes() -> [CURLcode] {
        let files = request.tls
        return [
            files.authorities.map { set(CURLOPT_CAINFO, $0) },
            files.clientCertificate.map { set(CURLOPT_SSLCERT, $0) },
            files.clientKey.map { set(CURLOPT_SSLKEY, $0) },
        ].compactMap { $0 }
    }

    /// A proxy of the configuration holds for every address; the environment's own list does not count.
    private func proxyCodes() -> [CURLcode] {
        guard let proxy = request.proxy else { return [] }
        return [set(CURLOPT_PROXY, proxy), set(CURLOPT_NOPROXY, "")]
    }

    private func callbackCodes() -> [CURLcode] {
        let me = Unmanaged.passUnretained(self).toOpaque()
        return [
            hakaru_easy_set_pointer(easy, CURLOPT_PRIVATE, me),
            hakaru_easy_set_pointer(easy, CURLOPT_WRITEDATA, me),
            hakaru_easy_set_write(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                Transfer.with(context) { $0.receive(bytes, size * count) }
            },
            hakaru_easy_set_pointer(easy, CURLOPT_HEADERDATA, me),
            hakaru_easy_set_write(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                Transfer.with(context) { $0.receiveHeader(bytes, size * count) }
            },
        ]
    }

    private func append(_ line: String) { lines = curl_slist_append(lines, line) }
    private func set(_ option: CURLoption, _ value: Int) -> CURLcode {
        hakaru_easy_set_long(easy, option, value)
    }
    private func set(_ option: CURLoption, _ value: String) -> CURLcode {
        hakaru_easy_set_pointer(easy, option, value)
    }
    private func milliseconds(_ duration: Duration) -> Int {
        Int(clamping: duration.wholeMicroseconds / 1000)
    }

    // MARK: During

    /// libcurl calls back on the loop's thread, inside `curl_multi_socket_action`.
    private nonisolated static func with(
        _ context: UnsafeMutableRawPointer?, _ body: @LoopActor (Transfer) -> Int
    ) -> Int {
        guard let context else { return 0 }
        nonisolated(unsafe) let onLoop = context
        return LoopActor.assumeIsolated {
            body(Unmanaged<Transfer>.fromOpaque(onLoop).takeUnretainedValue())
        }
    }

    private func receive(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard body.count + count <= request.limits.answerBytes else {
            isTooLarge = true
            return 0  // anything but `count` ends the transfer
        }
        body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
        return count
    }

    private func receiveHeader(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        let line = String(
            decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
        // A proxy's answer or a 100 comes before the one that counts.
        if line.hasPrefix("HTTP/") { headers = [] }
        guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), headers.count < 200 else {
            return count
        }
        let value = line[line.index(after: colon)...]
        headers.append(HTTPHeader(String(line[..<colon]), value.trimmed))
        return count
    }

    // MARK: After

    func waitsFor(_ continuation: CheckedContinuation<HTTPOutcome, Never>) {
        self.continuation = continuation
    }

    func finish(_ outcome: HTTPOutcome) {
        continuation?.resume(returning: outcome)
        continuation = nil
    }

    /// Says what libcurl's result means.
    func outcome(_ code: CURLcode) -> HTTPOutcome {
        if code == CURLE_OK {
            var status = 0
            hakaru_easy_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
            return .answer(HTTPAnswer(status: status, headers: headers, body: body))
        }
        if isTooLarge {
            let limit = request.limits.answerBytes
            return .failure(HTTPFailure(.answerTooLarge, "more than \(limit) bytes"))
        }
        let said = String(cString: detail)
        let message = said.isEmpty ? Self.text(code) : said
        return .failure(HTTPFailure(Self.kind(code, hasHeaders: !headers.isEmpty), message))
    }

    private static func text(_ code: CURLcode) -> String {
        curl_easy_strerror(code).map { String(cString: $0) } ?? "error \(code.rawValue)"
    }

    private static func kind(_ code: CURLcode, hasHeaders: Bool) -> HTTPFailure.Kind {
        switch code {
        case CURLE_OPERATION_TIMEDOUT: .timeOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CIPHER,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_CRL_BADFILE, CURLE_SSL_CLIENTCERT:
            .tls
        case CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_ENGINE_NOTFOUND,
            CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_OUT_OF_MEMORY:
            .request
        case CURLE_PARTIAL_FILE, CURLE_HTTP2_STREAM, CURLE_WEIRD_SERVER_REPLY: .halfAnswer
        case CURLE_RECV_ERROR where hasHeaders: .halfAnswer
        default: .unreachable
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var rest = self
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
