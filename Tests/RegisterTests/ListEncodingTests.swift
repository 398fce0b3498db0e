import DataFiles
import Register
import Testing

@Suite("Lists: encodings") struct ListEncodingTests {
    /// 参加者ID,コンソーシアムID / Ｐ１,C1 in Shift_JIS, as a spreadsheet saves it.
    static let shiftJIS: [UInt8] =
        [0x8E, 0x51, 0x89, 0xC1, 0x8E, 0xD2, 0x49, 0x44, 0x2C]
        + [0x83, 0x52, 0x83, 0x93, 0x83, 0x5C, 0x81, 0x5B, 0x83, 0x56, 0x83, 0x41, 0x83, 0x80]
        + [0x49, 0x44, 0x0D, 0x0A, 0x82, 0x6F, 0x82, 0x50, 0x2C, 0x43, 0x31, 0x0D, 0x0A]

    @Test("a list in Shift_JIS is the same list, though a character holds the byte of a backslash")
    func japanese() throws {
        var reader = ListReader(file: "l.csv")
        let table = try reader.csv(TextDecoding.utf8(Self.shiftJIS))
        #expect(table.rows.map { $0[1] } == ["P1"])
    }

    @Test("UTF-8 stays as it is, byte order mark included")
    func unchanged() throws {
        let bytes = Array("\u{FEFF}参加者".utf8)
        #expect(try TextDecoding.utf8(bytes) == bytes)
        #expect(try TextDecoding.utf8([]) == [])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var line: Int
    }

    @Test(
        "what is neither is refused with its line",
        arguments: [
            Bad(
                testDescription: "half a character at the end", bytes: [0x41, 0x0A, 0x8E], line: 2),
            Bad(
                testDescription: "no character at all", bytes: [0x41, 0x0A, 0x0A, 0xFF, 0xFF],
                line: 3),
            Bad(testDescription: "UTF-16", bytes: [0xFF, 0xFE, 0x41, 0x00], line: 1),
            Bad(
                testDescription: "marked as UTF-8 and not", bytes: [0xEF, 0xBB, 0xBF, 0x8E, 0x51],
                line: 1),
        ])
    func bad(_ sample: Bad) {
        do throws(TextTrouble) {
            let out = try TextDecoding.utf8(sample.bytes)
            Issue.record("it was taken as \(out)")
        } catch {
            #expect(error.line == sample.line)
        }
    }
}
