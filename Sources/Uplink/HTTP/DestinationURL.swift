import CCurl

/// An address that documents may be sent to: `https`, or `http` on this machine only.
///
/// It is taken apart by libcurl itself, so nothing is checked for one host and sent to another.
package struct DestinationURL: Sendable, Equatable, CustomStringConvertible {
    /// As it is given to libcurl.
    package let text: String
    package let scheme: String
    package let host: String

    /// Refuses what is not an address, carries credentials, or would leave the machine unencrypted.
    package init(_ text: String) throws(URLProblem) {
        guard let handle = curl_url() else { throw URLProblem(text, "no memory") }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = Self.part(handle, CURLUPART_SCHEME),
            let host = Self.part(handle, CURLUPART_HOST)
        else { throw URLProblem(text, "not a URL; accepted: https://HOST/PATH") }
        guard Self.part(handle, CURLUPART_USER) == nil,
            Self.part(handle, CURLUPART_PASSWORD) == nil
        else {
            throw URLProblem(
                "the address", "holds credentials; accepted: authorization.bearer-token-file")
        }
        guard scheme == "https" || (scheme == "http" && Self.isLoopback(host)) else {
            throw URLProblem(text, "\(scheme) to \(host); accepted: https (http on loopback only)")
        }
        self.text = text
        self.scheme = scheme
        self.host = host
    }

    package var description: String { text }

    private static func part(_ handle: OpaquePointer, _ part: CURLUPart) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host.lowercased() == "localhost" || host == "[::1]" { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127"
            && numbers.allSatisfy { UInt8($0) != nil }
    }
}

/// An address that nothing is sent to, and why.
package struct URLProblem: Error, Sendable, Equatable, CustomStringConvertible {
    package var url: String
    package var message: String

    init(_ url: String, _ message: String) {
        self.url = url
        self.message = message
    }

    package var description: String { "\(url): \(message)" }
}
