import Crypto
import Glibc

/// Where the master keys come from, and whether new values are sealed under them.
package struct StoreEncryption: Sendable, Equatable {
    /// A file with one key a line, 64 hexadecimal digits; the first seals, the others still open.
    package var keyFile: String
    /// False: what is sealed stays readable, and what is new is stored plainly.
    package var seals: Bool

    package init(keyFile: String, seals: Bool = true) {
        self.keyFile = keyFile
        self.seals = seals
    }
}

/// The master keys of a store; they seal the data keys and nothing else.
struct MasterKeys: Equatable {
    /// The first one seals.
    private(set) var keys: [MasterKey]

    var first: MasterKey { keys[0] }
    func key(_ id: String) -> MasterKey? { keys.first { $0.id == id } }

    /// Reads the key file; the error says what is wrong with it and repeats no byte of it.
    init(file path: String) throws(SpoolError) {
        func wrong(_ text: String) -> SpoolError {
            .keyMissing(SpoolFault(path: path, text: text))
        }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw wrong("the key file cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = read(file, &buffer, buffer.count)
        guard count >= 0 else { throw wrong(String(cString: strerror(errno))) }
        var keys: [MasterKey] = []
        for line in buffer[..<count].split(separator: UInt8(ascii: "\n")) {
            let text = String(decoding: line, as: UTF8.self).filter { !$0.isWhitespace }
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            guard let key = MasterKey(text) else {
                throw wrong("line \(keys.count + 1) is no key of 64 hexadecimal digits")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw wrong("holds no key") }
        self.keys = keys
    }
}

/// One master key, known by a name that tells nothing about it.
struct MasterKey: Equatable {
    let bytes: [UInt8]
    let id: String

    init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 2 * AESGCM.keySize else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
        id = String(hexadecimal(HMAC.sha256(Array("hakaru key name".utf8), key: bytes)).prefix(12))
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 65...70: digit - 55
        case 97...102: digit - 87
        default: nil
        }
    }
}
