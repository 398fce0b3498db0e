import CCurl
import EventLoop
import Glibc

/// One try to reach a destination, up to the end of the TLS handshake; nothing is sent to it.
///
/// It blocks: for a program that looks once, not for the daemon.
package enum ConnectionProbe {
    /// What stands in the way, by what a person can do about it.
    package enum Trouble: Error, Sendable, Equatable {
        case name(String)
        case connection(String)
        case certificate(String)
        case ownFiles(String)
        case proxy(String)
    }

    /// Resolves the name, connects and verifies the certificate, as a delivery would.
    package static func run(
        _ url: DestinationURL, tls: TLSFiles, proxy: String? = nil,
        patience: Duration = .seconds(10)
    ) throws(Trouble) {
        guard let easy = curl_easy_init() else { throw .connection("libcurl cannot be started") }
        defer { curl_easy_cleanup(easy) }
        let detail = UnsafeMutablePointer<CChar>.allocate(capacity: 256)
        detail.initialize(repeating: 0, count: 256)
        defer { detail.deallocate() }
        hakaru_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, detail)
        hakaru_easy_set_pointer(easy, CURLOPT_URL, url.text)
        hakaru_easy_set_long(easy, CURLOPT_CONNECT_ONLY, 1)
        hakaru_easy_set_long(easy, CURLOPT_NOSIGNAL, 1)
        hakaru_easy_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
        hakaru_easy_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
        hakaru_easy_set_long(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        hakaru_easy_set_long(
            easy, CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: patience.wholeMicroseconds / 1_000))
        if let file = tls.authorities { hakaru_easy_set_pointer(easy, CURLOPT_CAINFO, file) }
        if let file = tls.clientCertificate { hakaru_easy_set_pointer(easy, CURLOPT_SSLCERT, file) }
        if let file = tls.clientKey { hakaru_easy_set_pointer(easy, CURLOPT_SSLKEY, file) }
        if let proxy {
            hakaru_easy_set_pointer(easy, CURLOPT_PROXY, proxy)
            hakaru_easy_set_pointer(easy, CURLOPT_NOPROXY, "")
        }
        let code = curl_easy_perform(easy)
        guard code != CURLE_OK else { return }
        let said = String(cString: detail)
        throw trouble(code, said.isEmpty ? String(cString: curl_easy_strerror(code)) : said)
    }

    private static func trouble(_ code: CURLcode, _ text: String) -> Trouble {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: .name(text)
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: .proxy(text)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_ISSUER_ERROR:
            .certificate(text)
        case CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER: .ownFiles(text)
        default: .connection(text)
        }
    }

    /// Asks a local socket one question; nil without a whole answer.
    package static func ask(
        socket: String, _ path: String, patience: Duration = .seconds(5)
    ) -> (status: Int, body: [UInt8])? {
        guard let easy = curl_easy_init() else { return nil }
        defer { curl_easy_cleanup(easy) }
        let received = Received()
        hakaru_easy_set_pointer(easy, CURLOPT_UNIX_SOCKET_PATH, socket)
        hakaru_easy_set_pointer(easy, CURLOPT_URL, "http://localhost\(path)")
        hakaru_easy_set_pointer(easy, CURLOPT_PROXY, "")
        hakaru_easy_set_long(easy, CURLOPT_NOSIGNAL, 1)
        hakaru_easy_set_long(
            easy, CURLOPT_TIMEOUT_MS, Int(clamping: patience.wholeMicroseconds / 1_000))
        let context = Unmanaged.passUnretained(received).toOpaque()
        hakaru_easy_set_pointer(easy, CURLOPT_WRITEDATA, context)
        hakaru_easy_set_write(easy, CURLOPT_WRITEFUNCTION) { data, size, count, context in
            guard let data, let context else { return 0 }
            let received = Unmanaged<Received>.fromOpaque(context).takeUnretainedValue()
            guard received.bytes.count + size * count <= Received.limit else { return 0 }
            received.bytes += UnsafeRawBufferPointer(start: data, count: size * count)
            return size * count
        }
        guard curl_easy_perform(easy) == CURLE_OK else { return nil }
        var status = 0
        hakaru_easy_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        return (status, received.bytes)
    }

    private final class Received {
        var bytes: [UInt8] = []
        static let limit = 4 << 20
    }
}
