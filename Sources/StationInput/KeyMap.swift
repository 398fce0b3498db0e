/// Which character a key types, for the keyboard layout that a reader is set to.
///
/// Keys are the kernel's numbers (`KEY_1` is 2), which name places on the keyboard, not characters.
package enum KeyMap: String, Sendable, CaseIterable {
    case us
    /// The Japanese layout of JIS X 6002, 106 or 109 keys.
    case jis

    /// The character of a key; nil for keys that type none.
    package func character(_ key: UInt16, isShifted: Bool) -> UInt8? {
        if let digit = Self.keypad[key] { return digit }
        for row in rows where row.first <= key && Int(key - row.first) < row.plain.utf8.count {
            let text = isShifted ? row.shifted : row.plain
            let found = Array(text.utf8)[Int(key - row.first)]
            return found == 0 ? nil : found
        }
        return nil
    }

    private struct Row {
        var first: UInt16
        var plain: String
        var shifted: String
    }

    private var rows: [Row] { self == .us ? Self.american : Self.japanese }

    private static let letters = [
        Row(first: 16, plain: "qwertyuiop", shifted: "QWERTYUIOP"),
        Row(first: 30, plain: "asdfghjkl", shifted: "ASDFGHJKL"),
        Row(first: 44, plain: "zxcvbnm,./", shifted: "ZXCVBNM<>?"),
        Row(first: 57, plain: " ", shifted: " "),
    ]
    private static let american =
        letters + [
            Row(first: 2, plain: "1234567890-=", shifted: "!@#$%^&*()_+"),
            Row(first: 26, plain: "[]", shifted: "{}"),
            Row(first: 39, plain: ";'`", shifted: ":\"~"),
            Row(first: 43, plain: "\\", shifted: "|"),
        ]
    /// A zero stands where a key with shift types nothing.
    private static let japanese =
        letters + [
            Row(first: 2, plain: "1234567890-^", shifted: "!\"#$%&'()\0=~"),
            Row(first: 26, plain: "@[", shifted: "`{"),
            Row(first: 39, plain: ";:", shifted: "+*"),
            Row(first: 43, plain: "]", shifted: "}"),
            Row(first: 89, plain: "\\", shifted: "_"),
            Row(first: 124, plain: "\\", shifted: "|"),
        ]
    private static let keypad: [UInt16: UInt8] = [
        71: 0x37, 72: 0x38, 73: 0x39, 74: 0x2D, 75: 0x34, 76: 0x35, 77: 0x36, 78: 0x2B,
        79: 0x31, 80: 0x32, 81: 0x33, 82: 0x30, 83: 0x2E, 55: 0x2A, 98: 0x2F,
    ]
}
