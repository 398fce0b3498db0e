import DeviceProfile
import Measurement
import Testing

@Suite("Checksums of a layout") struct FieldChecksumTests {
    private func layout(_ checksum: String, length: String) throws -> FrameLayout {
        try fieldLayout(
            """
            length: \(length)
            outcome: device-state
            checksums: [ \(checksum) ]
            """)
    }

    struct Check: Sendable, CustomTestStringConvertible {
        var method: String
        var value: String
        var testDescription: String { method }
    }

    /// The published check values: the checksum of the nine characters 1 to 9, most significant first.
    static let checks = [
        Check(method: "crc8", value: "F4"), Check(method: "crc8-maxim", value: "A1"),
        Check(method: "crc16-arc", value: "BB3D"), Check(method: "crc16-modbus", value: "4B37"),
        Check(method: "crc16-ccitt-false", value: "29B1"),
        Check(method: "crc16-xmodem", value: "31C3"), Check(method: "crc16-kermit", value: "2189"),
        Check(method: "crc16-x25", value: "906E"), Check(method: "crc32", value: "CBF43926"),
        Check(method: "crc32-mpeg2", value: "0376E6E7"), Check(method: "sum8", value: "DD"),
        Check(method: "sum16", value: "01DD"), Check(method: "xor", value: "31"),
    ]

    @Test("Each method gives its published value in either byte order", arguments: checks)
    func published(_ check: Check) throws {
        let digits = Array("123456789".utf8)
        let value = bytes(check.value)
        let length = "\(digits.count + value.count)"
        let big = try layout("{ method: \(check.method), byte-order: big }", length: length)
        let little = try layout("{ method: \(check.method) }", length: length)
        #expect(big.decode(digits + value).outcome == .deviceState)
        #expect(little.decode(digits + value.reversed()).outcome == .deviceState)
        for index in 0..<digits.count {
            var frame = digits + value
            frame[index] ^= 0x10
            #expect(big.decode(frame).outcome == .rejected, "byte \(index)")
        }
    }

    @Test("A method of the maker's own is said by its parameters")
    func custom() throws {
        let layout = try layout(
            "{ method: crc, width: 16, polynomial: 0x1021, initial: 0xffff, reflect-input: true,"
                + " reflect-output: true, final-xor: 0xffff, byte-order: big }", length: "11")
        #expect(layout.decode(Array("123456789".utf8) + bytes("906E")).outcome == .deviceState)
    }

    @Test(
        "Range and place are counted from the front or from the end",
        arguments: [
            ("{ method: sum8, from: 2, to: 6, at: 7 }", "AC02 26B6 0000 CA A6", true),
            ("{ method: sum8, from: 2, to: 6, at: 7 }", "AC02 26B6 0000 CA FF", false),
            ("{ method: sum8, from: 2, to: -2, at: -1 }", "AC02 26B6 0000 CA A6", true),
            ("{ method: xor, comes-to-zero: true }", "0800 0000 0010 0018", true),
            ("{ method: xor, comes-to-zero: true }", "0800 0000 0010 0019", false),
            ("{ method: sum8, negated: true }", "0102 0304 0506 07 E4", true),
            ("{ method: sum8, comes-to-zero: true }", "0102 0304 0506 07 E4", true),
            ("{ method: sum8, negated: true }", "0102 0304 0506 07 1C", false),
        ])
    func ranges(_ checksum: String, _ hex: String, _ holds: Bool) throws {
        let reading = try layout(checksum, length: "8").decode(bytes(hex))
        #expect((reading.outcome == .deviceState) == holds)
    }

    @Test("A frame shorter than its checksum's range is refused, not read past its end")
    func short() throws {
        let layout = try fieldLayout(
            """
            - { length: { minimum: 1, maximum: 8 }, outcome: device-state }
            """, key: "checksums: [ { method: sum8, from: 2, to: 6, at: 7 } ]\n    variants")
        for count in 1..<8 {
            #expect(layout.decode([UInt8](repeating: 0, count: count)).outcome == .rejected)
        }
        #expect(layout.decode([UInt8](repeating: 0, count: 8)).outcome == .deviceState)
    }

    @Test("A frame with a wrong checksum never carries a number out")
    func noNumber() throws {
        for profile in Shipped.profiles {
            for layout in profile.layouts {
                guard case .variants(let variants) = layout.format else { continue }
                guard variants.allSatisfy({ !$0.checksums.isEmpty }) else { continue }
                for vector in profile.vectors
                where vector.source == layout.source && vector.outcome == .measurement {
                    for bit in 0..<vector.bytes.count * 8 {
                        var frame = vector.bytes
                        frame[bit / 8] ^= 1 << UInt8(bit % 8)
                        let reading = layout.decode(frame)
                        #expect(reading.outcome != .measurement, "\(profile.id) bit \(bit)")
                    }
                }
            }
        }
    }
}
