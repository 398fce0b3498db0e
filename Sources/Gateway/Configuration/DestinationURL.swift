import Glibc

/// The address of a receiver: `https`, or `http` where the receiver is this machine itself.
package struct DestinationURL: Sendable, Equatable, CustomStringConvertible {
    package let text: String
    package let host: String
    package let isEncrypted: Bool
    package var description: String { text }

    /// Why a text is no address that may be sent to.
    package enum Refusal: Error, Equatable {
        case noURL
        case scheme
        case userInfo
        case fragment
        /// Health data would travel readable.
        case plainHTTP
    }

    package init(_ text: String) throws(Refusal) {
        guard text.utf8.count <= 2_048, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            !text.contains("\\"), let colon = text.range(of: "://")
        else { throw .noURL }
        let scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { throw .scheme }
        guard !text.contains("#") else { throw .fragment }
        let rest = text[colon.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw .userInfo }
        guard let host = Self.host(of: authority) else { throw .noURL }
        isEncrypted = scheme == "https"
        guard isEncrypted || Self.isLoopback(host) else { throw .plainHTTP }
        self.text = text
        self.host = host
    }

    /// Takes the host out of `host`, `host:port` or `[address]:port`.
    private static func host(of authority: Substring) -> String? {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let address = String(authority[authority.index(after: authority.startIndex)..<end])
            let port = authority[authority.index(after: end)...]
            var parsed = in6_addr()
            guard inet_pton(AF_INET6, address, &parsed) == 1, isPort(port) else { return nil }
            return address
        }
        let host = authority.prefix { $0 != ":" }
        let isName = host.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
        guard !host.isEmpty, isName, isPort(authority[host.endIndex...]) else { return nil }
        return host.lowercased()
    }

    private static func isPort(_ text: Substring) -> Bool {
        guard !text.isEmpty else { return true }
        guard text.first == ":", text.utf8.dropFirst().allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(text.dropFirst())
        else { return false }
        return (1...65_535).contains(port)
    }

    /// Only spellings that no resolver can turn into another machine.
    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" { return true }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return four.s_addr & 0xFF == 127 }
        var six = in6_addr()
        guard inet_pton(AF_INET6, host, &six) == 1 else { return false }
        return withUnsafeBytes(of: six) { bytes in
            bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
        }
    }
}

extension String {
    /// Finds a text inside this one; the standard library alone has no such search for ranges.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) {
                return start..<index(start, offsetBy: text.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
