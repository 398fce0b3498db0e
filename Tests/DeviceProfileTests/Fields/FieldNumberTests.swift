import DeviceProfile
import Measurement
import Testing

@Suite("Numbers of a layout") struct FieldNumberTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var field: String
        var hex: String
        var number: String?
        var testDescription: String { "\(field) of \(hex)" }
    }

    private func read(_ field: String, _ hex: String) throws -> Reading {
        try fieldLayout(
            """
            kind: weight
            length: \(bytes(hex).count)
            values:
              - { name: weight, \(field), units: [ { unit: g } ] }
            """
        ).decode(bytes(hex))
    }

    @Test(
        "A number is cut out of its bytes exactly where the profile says",
        arguments: [
            // The Omron cuff's flags: little-endian words with several numbers in each.
            Case(field: "at: 0, type: u16le, bits: 0-4", hex: "7316", number: "19"),
            Case(field: "at: 0, type: u16le, bits: 5-9", hex: "7316", number: "19"),
            Case(field: "at: 0, type: u16le, bits: 10-13", hex: "7316", number: "5"),
            Case(field: "at: 0, type: u16le, bits: 15", hex: "7396", number: "1"),
            Case(field: "at: 0, type: u16be, bits: 4-15", hex: "5A80", number: "1448"),
            Case(field: "at: 1, type: u24be, bits: 0-16", hex: "FF 8D2F52", number: "77650"),
            Case(field: "at: 0, type: u32le, bits: 18-31", hex: "0000FCFF", number: "16383"),
            // Big-endian bits counted from the left over the whole record.
            Case(field: "bit: 34, width: 4", hex: "5B781A48 19D71B42", number: "6"),
            Case(field: "bit: 38, width: 5", hex: "5B781A48 19D71B42", number: "14"),
            Case(field: "bit: 43, width: 5", hex: "5B781A48 19D71B42", number: "23"),
            Case(field: "bit: 0, width: 32", hex: "FFFFFFFF", number: "4294967295"),
            // Bits counted from the right, as a word that runs over byte borders.
            Case(field: "bit: 6, width: 4, order: lsb-first", hex: "C002", number: "11"),
            Case(field: "bit: 0, width: 16, order: lsb-first", hex: "0180", number: "32769"),
            Case(field: "at: 0, type: u8, bits: 0-3, signed: true", hex: "0F", number: "-1"),
            Case(field: "bit: 0, width: 12, signed: true", hex: "8000", number: "-2048"),
            Case(field: "at: 0, type: s24le", hex: "FFFFFF", number: "-1"),
            Case(field: "at: 0, type: s24be", hex: "800000", number: "-8388608"),
            Case(field: "at: 0, type: s32le", hex: "FEFFFFFF", number: "-2"),
            Case(field: "at: 0, type: s32be", hex: "7FFFFFFF", number: "2147483647"),
            Case(field: "at: -2, type: u16be", hex: "000000 0102", number: "258"),
            Case(field: "at: 0, type: bcd8", hex: "59", number: "59"),
            Case(field: "at: 0, type: bcd16be", hex: "2026", number: "2026"),
            Case(field: "at: 0, type: bcd16le", hex: "2620", number: "2026"),
            // IEEE 11073 numbers keep their own digits.
            Case(field: "at: 0, type: sfloat", hex: "F6F4", number: "127.0"),
            Case(field: "at: 0, type: float", hex: "802500FE", number: "96.00"),
            Case(field: "at: 0, type: sfloat", hex: "FF07", number: "none"),
            Case(field: "at: 0, type: float", hex: "FFFF7F00", number: "none"),
            Case(field: "at: 0, type: u8, base: 2000", hex: "1A", number: "2026"),
            Case(field: "at: 0, type: u8, maximum: 59", hex: "3F", number: "59"),
        ])
    func numbers(_ one: Case) throws {
        let reading = try read(one.field, one.hex)
        #expect(reading.shown == ["weight \(one.number ?? "") g"])
    }

    @Test(
        "Digits that are none break the frame instead of giving some number",
        arguments: ["5A", "A5"])
    func notDecimal(_ hex: String) throws {
        let reading = try read("at: 0, type: bcd8", hex)
        #expect(reading.outcome == .rejected)
        #expect(reading.quantities == [])
    }

    @Test("The offset is added before the scale, and only the shown digits stay")
    func scaling() throws {
        let layout = try fieldLayout(
            """
            kind: body-composition
            length: 4
            values:
              - { name: impedance, at: 0, type: u8, units: [ { unit: Ohm, offset: 25, scale: 0.5 } ] }
              - { name: weight, at: 1, type: u24be, units: [ { unit: kg, scale: 0.001, decimals: 1 } ] }
            """)
        #expect(
            layout.decode(bytes("64 0032B4")).shown == ["impedance 62.5 Ohm", "weight 13.0 kg"])
        #expect(
            layout.decode(bytes("00 0032B3")).shown == ["impedance 12.5 Ohm", "weight 13.0 kg"])
        #expect(layout.decode(bytes("00 000031")).shown == ["impedance 12.5 Ohm", "weight 0.0 kg"])
    }

    @Test(
        "High, low and absent are said as such and are never a number",
        arguments: [
            ("00000000", "failed-measurement; glucose none mg/dL"),
            ("58020000", "failed-measurement; glucose none mg/dL; #result-too-high"),
            ("13000000", "failed-measurement; glucose none mg/dL; #result-too-low"),
            ("6E000000", "measurement; glucose 110 mg/dL"),
        ])
    func specials(_ hex: String, _ line: String) throws {
        let layout = try fieldLayout(
            """
            kind: glucose
            length: 4
            values:
              - name: glucose
                at: 0
                type: u16le
                absent: 0
                too-low: { from: 1, to: 19 }
                too-high: { from: 600 }
                units: [ { unit: mg/dL } ]
            """)
        #expect(layout.decode(bytes(hex)).line == line)
    }

    @Test("The infinities of SFLOAT mean too high and too low")
    func infinities() throws {
        let layout = try fieldLayout(
            """
            kind: glucose
            length: 2
            values: [ { name: glucose, at: 0, type: sfloat, units: [ { unit: mg/dL } ] } ]
            """)
        #expect(layout.decode(bytes("FE07")).flags == ["result-too-high"])
        #expect(layout.decode(bytes("0208")).flags == ["result-too-low"])
        #expect(layout.decode(bytes("FE07")).outcome == .failedMeasurement)
    }

    @Test("A number that does not fit into the exact digits is refused with its offset")
    func overflow() throws {
        let layout = try fieldLayout(
            """
            kind: weight
            length: 5
            values:
              - name: weight
                at: 1
                type: u32le
                units: [ { unit: kg, scale: 1000000000000000000 } ]
            """)
        let reading = layout.decode(bytes("00 FFFFFFFF"))
        #expect(reading.outcome == .rejected)
        #expect(reading.offset == 1)
    }
}
