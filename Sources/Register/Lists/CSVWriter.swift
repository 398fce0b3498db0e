/// Writes CSV after RFC 4180, rows ended by CR LF as spreadsheets expect them.
package struct CSVWriter {
    package private(set) var text = ""

    package init() {}

    package mutating func add(_ cells: [String]) {
        text += cells.map(Self.cell).joined(separator: ",")
        text += "\r\n"
    }

    static func cell(_ raw: String) -> String {
        let needsQuotes = raw.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes else { return raw }
        var out = "\""
        for character in raw.unicodeScalars {
            if character == "\"" { out += "\"\"" } else { out.unicodeScalars.append(character) }
        }
        return out + "\""
    }
}
