import Measurement
import YAML

/// The shapes of words that several keys share.
enum Words {
    /// A name that may stand in a file name, a log line and a header.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, isAlphanumeric(first), text.utf8.count <= 64 else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            isAlphanumeric(byte) || byte == 0x2E || byte == 0x5F || byte == 0x2D
        }
    }

    static func isAlphanumeric(_ text: String, upTo count: Int) -> Bool {
        (1...count).contains(text.utf8.count) && text.utf8.allSatisfy(isAlphanumeric)
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    static func isKebab(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: 0x2D, omittingEmptySubsequences: false)
        return text.utf8.count <= 64
            && parts.allSatisfy { part in
                !part.isEmpty && part.allSatisfy { isAlphanumeric($0) && !(0x41...0x5A ~= $0) }
            }
    }

    static func isAdapter(_ text: String) -> Bool {
        guard text.hasPrefix("hci"), text.utf8.count <= 6 else { return false }
        return UInt8(text.dropFirst(3)).map { text == "hci\($0)" } ?? false
    }

    static func isAbsolutePath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.count < 4_096 && !text.utf8.contains(0)
    }

    /// A day as `2026-03-01`, its first moment.
    static func date(_ reader: NodeReader) -> LocalDateTime? {
        guard let text = reader.string(accepted: "a day such as 2026-03-01") else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let digits = parts.map(\.utf8.count)
        if digits == [4, 2, 2], let year = Int(parts[0]), let month = Int(parts[1]),
            let day = Int(parts[2]), let date = LocalDateTime(year: year, month: month, day: day)
        {
            return date
        }
        reader.report("is no day of the calendar", accepted: "a day such as 2026-03-01")
        return nil
    }
}
