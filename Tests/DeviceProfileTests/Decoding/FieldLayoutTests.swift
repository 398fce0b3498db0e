import DeviceProfile
import Measurement
import Testing
import YAML

@Suite("Layouts that a profile spells out") struct FieldLayoutTests {
    /// A layout as a profile would write it, read by the loader.
    private func layout(_ fields: String) throws -> FrameLayout {
        let indented = fields.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n")
        let profile = try #require(
            ProfileText.load(
                ProfileText.minimal(layouts: "  - source: usb\n    fields:\n" + indented)))
        return try #require(profile.layouts.first)
    }

    @Test(
        "Each number type has its width, its order and its sign",
        arguments: [
            ("u8", "FF", "255"), ("s8", "FF", "-1"), ("u16le", "0180", "32769"),
            ("u16be", "0180", "384"), ("s16le", "0180", "-32767"), ("s16be", "8001", "-32767"),
            ("u24le", "010080", "8388609"), ("u24be", "010080", "65664"),
            ("u32le", "01000080", "2147483649"), ("u32be", "01000080", "16777344"),
        ])
    func types(_ type: String, _ hex: String, _ text: String) throws {
        let layout = try layout(
            """
            kind: weight
            length: 4
            values:
              - { name: weight, at: 0, type: \(type), units: [ { unit: g } ] }
            """)
        let frame = bytes(hex) + [UInt8](repeating: 0, count: 4 - bytes(hex).count)
        #expect(layout.decode(frame).shown == ["weight \(text) g"])
    }

    private static let scale = """
        kind: body-composition
        length: { minimum: 6, maximum: 8 }
        constants:
          - { at: 0, bytes: "A5" }
        bits:
          pounds: { byte: 1, bit: 0 }
          stable: { byte: 1, bit: 5 }
          shoes: { byte: 1, bit: 6 }
        values:
          - name: weight
            at: 2
            type: u16be
            units:
              - { when: pounds, unit: "[lb_av]", scale: 0.1 }
              - { unit: kg, scale: 0.05 }
          - name: impedance
            at: 4
            type: u16be
            when: not shoes
            absent: [0, { from: 3000 }]
            units: [ { unit: Ohm } ]
        outcomes:
          - { when: not stable, outcome: not-final }
          - { when: [stable, not impedance, shoes], outcome: device-state }
        flags:
          - { when: shoes, flag: no-skin-contact }
        key-values: [weight]
        """

    struct Frame: Sendable {
        var hex: String
        var outcome: ReadingOutcome
        var shown: [String]
        var flags: [String] = []
    }

    @Test(
        "Units, absent values, outcomes and flags follow the bits",
        arguments: [
            Frame(
                hex: "A520 05A0 01F7", outcome: .measurement,
                shown: ["weight 72.00 kg", "impedance 503 Ohm"]),
            Frame(
                hex: "A521 05A0 01F7", outcome: .measurement,
                shown: ["weight 144.0 [lb_av]", "impedance 503 Ohm"]),
            Frame(
                hex: "A500 05A0 0000", outcome: .notFinal,
                shown: ["weight 72.00 kg", "impedance none Ohm"]),
            Frame(
                hex: "A520 05A0 0BB8", outcome: .measurement,
                shown: ["weight 72.00 kg", "impedance none Ohm"]),
            Frame(
                hex: "A520 05A0 0BB7", outcome: .measurement,
                shown: ["weight 72.00 kg", "impedance 2999 Ohm"]),
            Frame(
                hex: "A560 05A0 01F7", outcome: .deviceState,
                shown: ["weight 72.00 kg", "impedance none Ohm"], flags: ["no-skin-contact"]),
            Frame(
                hex: "A520 05A0 01F7 0000", outcome: .measurement,
                shown: ["weight 72.00 kg", "impedance 503 Ohm"]),
            Frame(hex: "A620 05A0 01F7", outcome: .rejected, shown: []),
            Frame(hex: "A520 05A0 01", outcome: .rejected, shown: []),
            Frame(hex: "A520 05A0 01F7 000000", outcome: .rejected, shown: []),
        ])
    func conditions(_ frame: Frame) throws {
        let reading = try layout(Self.scale).decode(bytes(frame.hex))
        #expect(reading.outcome == frame.outcome)
        #expect(reading.shown == frame.shown)
        #expect(reading.flags == frame.flags)
    }

    @Test("The key of a repeated weighing is its weight alone")
    func keyBytes() throws {
        let layout = try layout(Self.scale)
        let first = layout.decode(bytes("A520 05A0 0000"))
        let fuller = layout.decode(bytes("A520 05A0 01F7"))
        #expect(first.keyBytes == bytes("05A0"))
        #expect(first.keyBytes == fuller.keyBytes)
        #expect(layout.decode(bytes("A520 05A1 0000")).keyBytes != first.keyBytes)
    }

    @Test("A frame whose values are all absent is no measurement")
    func nothing() throws {
        let layout = try layout(
            """
            kind: heart-rate
            length: 1
            values:
              - { name: heart_rate, at: 0, type: u8, absent: [255], units: [ { unit: /min } ] }
            """)
        #expect(layout.decode([72]).outcome == .measurement)
        #expect(layout.decode([255]).outcome == .failedMeasurement)
    }

    @Test("A time stamp in the frame is the device's time, and an impossible one breaks the frame")
    func timeStamp() throws {
        let layout = try layout(
            """
            kind: weight
            length: 9
            time-at: 2
            values:
              - { name: weight, at: 0, type: u16le, units: [ { unit: kg, scale: 0.01 } ] }
            """)
        let reading = layout.decode(bytes("581B E9070C1F173B3A"))
        #expect(reading.deviceTime?.description == "2025-12-31T23:59:58")
        #expect(reading.shown == ["weight 70.00 kg"])
        let broken = layout.decode(bytes("581B E9070D1F173B3A"))
        #expect(broken.outcome == .rejected)
        #expect(broken.offset == 2)
    }

    @Test("Where no unit rule holds the frame is refused rather than guessed at")
    func noUnit() throws {
        let layout = try layout(
            """
            kind: weight
            length: 3
            bits:
              pounds: { byte: 0, bit: 0 }
            values:
              - { name: weight, at: 1, type: u16le, units: [ { when: pounds, unit: "[lb_av]" } ] }
            """)
        #expect(layout.decode(bytes("01 9600")).shown == ["weight 150 [lb_av]"])
        #expect(layout.decode(bytes("00 9600")).outcome == .rejected)
    }

    @Test("Broadcast data is read with or without the company id or the UUID in front")
    func captured() throws {
        let band = try #require(Shipped.loaded.index[id: "xiaomi-mi-band"])
        let heart = try #require(
            FrameSource("manufacturer-data:0157").flatMap { band.layout(for: $0) })
        let plain = heart.decode(captured: bytes("02 02017D FFFF"))
        #expect(plain.shown == ["heart_rate 125 /min"])
        #expect(heart.decode(captured: bytes("5701 02 02017D FFFF")) == plain)
        #expect(heart.decode(bytes("5701 02 02017D FFFF")).outcome == .rejected)
        let steps = try #require(FrameSource("service-data:fee0").flatMap { band.layout(for: $0) })
        #expect(steps.decode(captured: bytes("E0FE 8D230000")).shown == ["steps 9101 {steps}"])
    }
}
