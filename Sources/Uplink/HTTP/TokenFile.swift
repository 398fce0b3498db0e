import Glibc

/// A bearer token in a file, read anew for every try, so that a changed token needs no restart.
package struct TokenFile: Sendable, Equatable {
    package var path: String
    package init(path: String) { self.path = path }

    private static let limit = 16_384

    /// Returns the token without the line end that editors leave.
    package func read() throws(TokenProblem) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw problem(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.limit)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(
                    descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw problem(String(cString: strerror(errno))) }
            if got == 0 { break }
            count += got
        }
        guard count < Self.limit else { throw problem("larger than \(Self.limit) bytes") }
        let blanks: Set<UInt8> = [9, 10, 13, 32]
        let token = bytes[..<count].drop { blanks.contains($0) }
        let end = (token.lastIndex { !blanks.contains($0) } ?? token.startIndex - 1) + 1
        let text = token[token.startIndex..<end]
        guard !text.isEmpty else { throw problem("is empty") }
        guard text.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw problem("holds something else than one token")
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func problem(_ message: String) -> TokenProblem {
        TokenProblem(path: path, message: message)
    }
}

/// A token that cannot be had; it never repeats the token.
package struct TokenProblem: Error, Sendable, Equatable, CustomStringConvertible {
    package var path: String
    package var message: String
    package var description: String { "bearer token file \(path): \(message)" }
}
