/// A row of a CSV text with the line where it begins.
struct CSVRow: Equatable {
    var line: Int
    var cells: [String]
}

/// Why a CSV text cannot be read on, or a row of it not be used.
struct CSVTrouble: Error, Equatable {
    var line: Int
    /// Counted in cells, from 1.
    var cell: Int
    var message: String
    var accepted: String
}

/// Reads CSV after RFC 4180: quoted cells may hold commas, doubled quotes and line breaks.
///
/// Rows end with CR LF, LF or CR; blank lines are skipped.
struct CSVReader {
    private let bytes: [UInt8]
    private var offset = 0
    private(set) var line = 1

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next row; nil at the end.
    ///
    /// - Throws: a quote where none may stand. The rest of that line is skipped, so that the rows
    ///   after it can be read; a quote that is never closed ends the text.
    mutating func next() throws(CSVTrouble) -> CSVRow? {
        while offset < bytes.count, isLineEnd(bytes[offset]) { skipLineEnd() }
        guard offset < bytes.count else { return nil }
        var row = CSVRow(line: line, cells: [])
        while true {
            let cell: String
            if offset < bytes.count, bytes[offset] == Self.quote {
                cell = try quoted(row)
            } else {
                cell = try plain(row)
            }
            row.cells.append(cell)
            guard offset < bytes.count, bytes[offset] == Self.comma else { break }
            offset += 1
        }
        if offset < bytes.count { skipLineEnd() }
        return row
    }

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private mutating func skipLineEnd() {
        let isPair =
            bytes[offset] == 0x0D && offset + 1 < bytes.count && bytes[offset + 1] == 0x0A
        offset += isPair ? 2 : 1
        line += 1
    }

    private mutating func plain(_ row: CSVRow) throws(CSVTrouble) -> String {
        let start = offset
        while offset < bytes.count, bytes[offset] != Self.comma, !isLineEnd(bytes[offset]) {
            guard bytes[offset] != Self.quote else {
                throw trouble(row, "a quote stands inside a cell that does not begin with one")
            }
            offset += 1
        }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func quoted(_ row: CSVRow) throws(CSVTrouble) -> String {
        offset += 1
        var text: [UInt8] = []
        var start = offset
        while offset < bytes.count {
            switch bytes[offset] {
            case Self.quote:
                text += bytes[start..<offset]
                offset += 1
                guard offset < bytes.count, bytes[offset] == Self.quote else {
                    return try ended(text, row)
                }
                start = offset
                offset += 1
            case 0x0A, 0x0D: skipLineEnd()
            default: offset += 1
            }
        }
        throw CSVTrouble(
            line: row.line, cell: row.cells.count + 1,
            message: "a quote is opened and never closed",
            accepted: "a quote at the end of the cell")
    }

    private mutating func ended(_ text: [UInt8], _ row: CSVRow) throws(CSVTrouble) -> String {
        if offset < bytes.count, bytes[offset] != Self.comma, !isLineEnd(bytes[offset]) {
            throw trouble(row, "something follows the closing quote of a cell")
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Goes to the next line, for the rows after it.
    private mutating func trouble(_ row: CSVRow, _ message: String) -> CSVTrouble {
        while offset < bytes.count, !isLineEnd(bytes[offset]) { offset += 1 }
        return CSVTrouble(
            line: row.line, cell: row.cells.count + 1, message: message,
            accepted: "the whole cell in quotes, quotes inside it doubled")
    }
}
