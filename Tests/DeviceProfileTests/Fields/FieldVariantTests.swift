import DeviceProfile
import Measurement
import Testing

@Suite("Variants, sequences, records and rules of a layout") struct FieldVariantTests {
    static let board = """
        - variant: final
          kind: weight
          length: 8
          constants: [ { at: 0, bytes: "ac02" }, { at: 6, bytes: "ca" } ]
          values: [ { name: weight, at: 2, type: u16be, absent: 0, units: [ { unit: kg, scale: 0.1 } ] } ]
        - variant: live
          kind: weight
          length: 8
          constants: [ { at: 0, bytes: "ac02" }, { at: 6, one-of: ["ce", "cf"] } ]
          values: [ { name: weight, at: 2, type: u16be, units: [ { unit: kg, scale: 0.1 } ] } ]
          outcome: not-final
        - variant: high nibble alone counts
          length: { minimum: 2, maximum: 3 }
          constants: [ { at: 0, bytes: "50", mask: "f0" } ]
          outcome: device-state
        """

    @Test(
        "The first variant that a frame fits reads it, and a frame that fits none is refused",
        arguments: [
            ("AC02 0349 0000 CA 16", "measurement; weight 84.1 kg"),
            ("AC02 0000 0000 CA 16", "failed-measurement; weight none kg"),
            ("AC02 0348 0000 CE 19", "not-final; weight 84.0 kg"),
            ("AC02 0348 0000 CF 19", "not-final; weight 84.0 kg"),
            ("5A 00", "device-state"), ("6A 00", "rejected"), ("AC02 0348 0000 CB 19", "rejected"),
            ("AC02 0349 0000 CA", "rejected"), ("AC", "rejected"),
        ])
    func variants(_ hex: String, _ line: String) throws {
        let layout = try fieldLayout(Self.board, key: "variants")
        #expect(layout.decode(bytes(hex)).line == line)
    }

    @Test("A refusal names what the nearest variant lacks")
    func nearest() throws {
        let layout = try fieldLayout(Self.board, key: "variants")
        #expect(layout.decode(bytes("5A 00 00 00")).reason == "4 bytes where 2 to 3 are due")
        #expect(
            layout.decode(bytes("77 00 00 00")).reason
                == "the frame fits none of this layout's 3 variants")
    }

    static let sequence = """
        kind: weight
        length: { minimum: 3, maximum: 20 }
        bits:
          pounds: { byte: 0, bit: 0 }
          has-time: { byte: 0, bit: 1 }
          has-user: { byte: 0, bit: 2 }
          has-gap: { byte: 0, bit: 3 }
          has-number: { byte: 0, bit: 4 }
        sequence:
          from: 1
          fields:
            - { when: has-number, sequence-number: { type: u16le } }
            - value:
                name: weight
                type: u16le
                units: [ { when: pounds, unit: "[lb_av]", scale: 0.01 }, { unit: kg, scale: 0.005 } ]
            - { when: has-time, time: { format: date-time } }
            - { when: has-gap, skip: 2 }
            - { when: has-user, user-slot: { type: u8 } }
        """

    @Test(
        "Fields that flags add move the ones behind them",
        arguments: [
            ("00 C832", "measurement; weight 65.000 kg"),
            ("01 C832", "measurement; weight 130.00 [lb_av]"),
            (
                "06 C832 E9070C1F173B3A 02",
                "measurement; weight 65.000 kg; at 2025-12-31T23:59:58; user 2"
            ),
            ("0C C832 FFFF 02", "measurement; weight 65.000 kg; user 2"),
            ("14 0100 C832 07", "measurement; weight 65.000 kg; user 7; number 1"),
        ])
    func sequences(_ hex: String, _ line: String) throws {
        #expect(try fieldLayout(Self.sequence).decode(bytes(hex)).line == line)
    }

    @Test(
        "A field that its flag announces and the frame lacks breaks the frame, and so does one more"
    )
    func sequenceEnds() throws {
        let layout = try fieldLayout(Self.sequence)
        let whole = bytes("1E 0100 C832 E9070C1F173B3A FFFF 02")
        #expect(layout.decode(whole).outcome == .measurement)
        for count in 0..<whole.count {
            #expect(layout.decode(Array(whole.prefix(count))).outcome == .rejected, "\(count)")
        }
        let more = layout.decode(whole + [0])
        #expect(more.outcome == .rejected)
        #expect(more.offset == whole.count)
        let lenient = try fieldLayout(
            Self.sequence.replacing("  from: 1", with: "  from: 1\n  trailing-bytes: true"))
        #expect(lenient.decode(whole + [0]).outcome == .measurement)
    }

    static let memory = """
        kind: blood-pressure
        length: { minimum: 2, maximum: 64 }
        records: { from: 1, size: 3, trailing: 1 }
        empty:
          bytes: "00ff"
          any-of: [ raw > 0xe1 ]
        numbers:
          raw: { at: 0 }
        stored: true
        values:
          - { name: systolic, at: 0, type: u8, units: [ { unit: "mm[Hg]", offset: 25 } ] }
          - { name: diastolic, at: 1, type: u8, units: [ { unit: "mm[Hg]" } ] }
        """

    @Test("Every record of a frame is a reading of its own, and empty slots are none")
    func records() throws {
        let layout = try fieldLayout(Self.memory)
        let found = layout.readings(bytes("AA 645700 FFFFFF 000000 E20000 5F5A01 BB"))
        #expect(
            found.map(\.line) == [
                "measurement; systolic 125 mm[Hg]; diastolic 87 mm[Hg]; #stored",
                "measurement; systolic 120 mm[Hg]; diastolic 90 mm[Hg]; #stored",
            ])
        #expect(found.map(\.keyBytes) == [bytes("645700"), bytes("5F5A01")])
        #expect(layout.readings(bytes("AA FFFFFF BB")).map(\.line) == ["device-state; #empty-slot"])
        #expect(layout.readings(bytes("AA BB")).map(\.line) == ["device-state; #empty-slot"])
        #expect(layout.readings(bytes("AA 6457 BB")).map(\.outcome) == [.rejected])
    }

    @Test("A broken record does not cost the records beside it, and its offset is the frame's")
    func brokenRecord() throws {
        let layout = try fieldLayout(
            """
            kind: blood-pressure
            length: { minimum: 1, maximum: 64 }
            records: { from: 0, size: 8 }
            time: { format: date-time, at: 1 }
            values: [ { name: systolic, at: 0, type: u8, units: [ { unit: "mm[Hg]" } ] } ]
            """)
        let good = "78 E9070C1F173B3A"
        let found = layout.readings(bytes("\(good) 78 E9070D1F173B3A \(good)"))
        #expect(found.map(\.outcome) == [.measurement, .rejected, .measurement])
        #expect(found[1].offset == 9)
        #expect(found[1].quantities == [])
    }

    static let rules = """
        kind: weight
        length: 4
        numbers:
          stage: { at: 0 }
          object: { at: 0, type: u16be }
        details: [ stage ]
        values: [ { name: weight, at: 2, type: u16be, absent: 0, units: [ { unit: kg, scale: 0.01 } ] } ]
        outcomes:
          - { when: object == 0x5555, outcome: rejected, reason: another object }
          - { when: [ stage >= 3, weight ], outcome: measurement }
          - { when: weight > 250, outcome: rejected, reason: more than the scale can carry }
          - { when: stage != 0, outcome: not-final }
          - { when: not weight, outcome: device-state }
        flags:
          - { when: weight < 5, flag: light }
          - { flag: always }
        """

    @Test(
        "Rules compare numbers and values; the first that holds decides",
        arguments: [
            ("0300 1388", "measurement; weight 50.00 kg; #always; stage=3"),
            ("0100 1388", "not-final; weight 50.00 kg; #always; stage=1"),
            ("0000 0064", "measurement; weight 1.00 kg; #light; #always; stage=0"),
            ("0000 0000", "device-state; weight none kg; #always; stage=0"),
            ("0000 FFFF", "rejected; #always; stage=0"),
            ("5555 1388", "rejected; #always; stage=85"),
        ])
    func outcomes(_ hex: String, _ line: String) throws {
        #expect(try fieldLayout(Self.rules).decode(bytes(hex)).line == line)
    }

    @Test("A rule that refuses gives its reason and carries no number out")
    func reasons() throws {
        let reading = try fieldLayout(Self.rules).decode(bytes("0000 FFFF"))
        #expect(reading.reason == "more than the scale can carry")
        #expect(reading.quantities == [])
    }

    @Test("Without the owner's word a number in the unit of the display is not guessed at")
    func display() throws {
        let layout = try fieldLayout(
            """
            kind: weight
            length: 2
            values:
              - name: weight
                at: 0
                type: u16be
                units:
                  - { display: kg, unit: kg, scale: 0.1 }
                  - { display: "[lb_av]", unit: "[lb_av]", scale: 0.1 }
            """)
        let unknown = layout.decode(bytes("0349"))
        #expect(unknown.outcome == .rejected)
        #expect(
            unknown.reason == "the unit of weight is the one on the display, which is not known")
        let pounds = layout.decode(bytes("0349"), FrameContext(displayUnit: .pound))
        #expect(pounds.shown == ["weight 84.1 [lb_av]"])
        #expect(
            layout.decode(bytes("0349"), FrameContext(displayUnit: .stone)).outcome == .rejected)
    }

    @Test("Bytes that a maker hides with a fixed key are uncovered only where the profile says")
    func masked() throws {
        let layout = try fieldLayout(
            """
            kind: weight
            length: 4
            unmask: { from: 1, to: 2, key: "a00f" }
            numbers:
              first: { at: 0 }
              last: { at: 3 }
            details: [ first, last ]
            values: [ { name: weight, at: 1, type: u16be, units: [ { unit: g } ] } ]
            """)
        #expect(
            layout.decode(bytes("11 A00E 22")).line == "measurement; weight 1 g; first=17; last=34")
    }

    @Test("A value that a frame is not about does not stand in its reading")
    func onlyWhen() throws {
        let layout = try fieldLayout(
            """
            kind: body-composition
            length: 3
            numbers:
              mass: { at: 0 }
            values:
              - { name: impedance_high, only-when: mass != 0, at: 1, type: u16be, units: [ { unit: Ohm } ] }
              - { name: impedance_low, only-when: mass == 0, at: 1, type: u16be, units: [ { unit: Ohm } ] }
            """)
        #expect(layout.decode(bytes("01 01F4")).shown == ["impedance_high 500 Ohm"])
        #expect(layout.decode(bytes("00 01F4")).shown == ["impedance_low 500 Ohm"])
    }
}
