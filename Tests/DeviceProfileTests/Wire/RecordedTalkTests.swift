import DeviceProfile
import Measurement
import Testing

/// A part of a talk that somebody recorded, as `hakaru decode --exchange` reads it.
@Suite("A recorded talk with a device on a cable") struct RecordedTalkTests {
    private func readings(_ id: String, _ steps: [Exchange.Step]) throws -> [Reading] {
        let profile = try #require(Shipped.loaded.index[id: id])
        return Exchange.readings(steps, profile: profile)
    }

    private func step(_ text: String, isOutput: Bool = false) -> Exchange.Step {
        Exchange.Step(isOutput: isOutput, bytes: Array(text.utf8))
    }

    private func detail(_ name: String, _ reading: Reading?) -> String? {
        reading?.details.first { $0.name == name }?.value
    }

    /// A text reply in typed reports of 64 bytes, with stale ones behind.
    private func reports(_ text: String) -> [Exchange.Step] {
        let sum = text.utf8.reduce(UInt32(0)) { $0 + UInt32($1) }
        let digits = String(sum, radix: 16, uppercase: true)
        let zeros = String(repeating: "0", count: 8 - digits.utf8.count)
        let whole = Array((text + "CKSM:" + zeros + digits + "\r\nCMD OK\r\n").utf8)
        return stride(from: 0, to: whole.count, by: 62).map {
            let part = whole[$0..<min($0 + 62, whole.count)]
            return Exchange.Step(
                isOutput: false,
                bytes: [0x60, UInt8(part.count)] + part
                    + [UInt8](repeating: 0xA5, count: 62 - part.count))
        }
    }

    @Test("each row of a reader's list is a record, and rows with equal values are two")
    func list() throws {
        let rows =
            "7,411,2,28,26,21,14,0,111,0,1,0,0,0,0,0,0,0,0\r\n"
            + "7,412,3,1,26,6,45,0,111,0,1,0,0,0,0,0,0,0,0\r\n"
        let sum = rows.utf8.reduce(UInt32(0)) { $0 + UInt32($1) }
        let digits = String(sum, radix: 16, uppercase: true)
        let list =
            rows + "2," + String(repeating: "0", count: 8 - digits.utf8.count) + digits + "\r\n"
        let found = try readings("freestyle-precision-neo", reports(list))
        let records = found.filter { $0.outcome == .measurement }
        #expect(records.map(\.sequenceNumber) == [411, 412])
        #expect(detail("records-delivered", found.last) == "2")
        #expect(detail("duplicates", found.last) == "0")
        // The same with one digit changed: the reply is refused, and no row of it is used.
        var broken = reports(list)
        broken[0].bytes[20] ^= 1
        #expect(
            try readings("freestyle-precision-neo", broken).allSatisfy {
                $0.outcome != .measurement
            })
    }

    @Test("the lines of a whole listing are read, those of a broken one are not")
    func listing() throws {
        let good = [
            step("[\r\nGlu,5.4,mmol/L,02,260301,0645\r\n"), step("XX\r\n]\r\n"),
        ]
        let body = good[0].bytes
        var crc: UInt8 = 0
        for byte in body {
            crc ^= byte
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x8C : crc >> 1 }
        }
        let digits = String(crc, radix: 16, uppercase: true)
        let sum = (digits.utf8.count < 2 ? "0" : "") + digits
        let found = try readings("glucomen-areo", [good[0], step(sum + "\r\n]\r\n")])
        #expect(found.first?.outcome == .measurement)
        #expect(found.first?.shown == ["glucose 5.4 mmol/L"])
        let broken = try readings("glucomen-areo", good)
        #expect(broken.map(\.outcome) == [.rejected, .deviceState])
        // A line without its listing is a line.
        let alone = try readings("glucomen-areo", [step("Glu,6.1,mmol/L,00,260228,2010")])
        #expect(alone.first?.outcome == .measurement)
    }

    @Test("an answer that comes twice is one record and a duplicate")
    func twice() throws {
        let record = "074f4b0007010200 0708260000784943 0300005800784943"
        let talk = record.split(separator: " ").map {
            Exchange.Step(isOutput: false, bytes: bytes(String($0)))
        }
        let ask = Exchange.Step(isOutput: true, bytes: bytes("07474d4500000000"))
        let found = try readings("omron-hem-7080it", [ask] + talk + [ask] + talk)
        #expect(detail("records-delivered", found.last) == "1")
        #expect(detail("duplicates", found.last) == "1")
    }
}
