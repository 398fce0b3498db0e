import DeviceProfile
import Measurement
import Testing

@Suite("Frames that need another frame of their session") struct FieldSessionTests {
    private static let factor = """
        - variant: information
          length: 3
          constants: [ { at: 0, bytes: "12" } ]
          numbers: { factor: { at: 1, type: u16le } }
          remember: factor
          outcome: device-state
        - variant: result
          kind: weight
          length: 3
          constants: [ { at: 0, bytes: "10" } ]
          recall: factor
          values:
            - name: weight
              at: 1
              type: u16be
              units:
                - { when: factor == 100, unit: kg, scale: 0.01 }
                - { when: factor == 10, unit: kg, scale: 0.1 }
        """

    private func lines(_ layout: FrameLayout, _ frames: [String]) -> [String] {
        var sequence = FrameSequence(layout)
        return (frames.flatMap { sequence.take(bytes($0)) } + sequence.end()).map { reading in
            reading.reason.map { "\(reading.line); \($0)" } ?? reading.line
        }
    }

    @Test(
        "The weight has the factor that the scale gave before it, and the last one given counts",
        arguments: [
            (["12 6400", "10 2639"], ["device-state", "measurement; weight 97.85 kg"]),
            (["12 0A00", "10 0258"], ["device-state", "measurement; weight 60.0 kg"]),
            (
                ["12 6400", "12 0A00", "10 0258"],
                ["device-state", "device-state", "measurement; weight 60.0 kg"]
            ),
            (["10 2639"], ["rejected; no unit is defined for weight"]),
            (["12 0500", "10 2639"], ["device-state", "rejected; no unit is defined for weight"]),
        ])
    func factors(_ frames: [String], _ expected: [String]) throws {
        #expect(lines(try fieldLayout(Self.factor, key: "variants"), frames) == expected)
    }

    private static let halves = """
        - variant: weighing
          kind: body-composition
          length: 7
          constants: [ { at: 0, bytes: "01" } ]
          time: { format: epoch, epoch-year: 2010, at: 3 }
          join: { by: time, within: 5s }
          values: [ { name: weight, at: 1, type: u16le, units: [ { unit: kg, scale: 0.1 } ] } ]
          key-values: [weight]
        - variant: low frequency
          kind: body-composition
          length: 7
          constants: [ { at: 0, bytes: "02" } ]
          time: { format: epoch, epoch-year: 2010, at: 3 }
          join: { by: time, within: 5s }
          values: [ { name: impedance_low, at: 1, type: u16le, units: [ { unit: Ohm } ] } ]
          outcome: not-final
        """
    private static let weighing = "01 EC02 80000000"
    private static let low = "02 F401 80000000"
    private static let both =
        "measurement; weight 74.8 kg; impedance_low 500 Ohm; at 2010-01-01T00:02:08"

    @Test("Two frames of the same second are one reading, in either order and once")
    func joined() throws {
        let layout = try fieldLayout(Self.halves, key: "variants")
        #expect(lines(layout, [Self.weighing, Self.low]) == [Self.both])
        #expect(lines(layout, [Self.weighing, Self.weighing, Self.low]) == [Self.both])
        let turned = lines(layout, [Self.low, Self.weighing])
        #expect(
            turned == [
                "measurement; impedance_low 500 Ohm; weight 74.8 kg; at 2010-01-01T00:02:08"
            ])
    }

    @Test("Frames of different seconds stay apart, and one that is a record alone is one")
    func apart() throws {
        let layout = try fieldLayout(Self.halves, key: "variants")
        #expect(
            lines(layout, [Self.weighing, "02 F401 81000000"]) == [
                "measurement; weight 74.8 kg; at 2010-01-01T00:02:08",
                "not-final; impedance_low 500 Ohm; at 2010-01-01T00:02:09",
            ])
    }

    @Test("The record's key does not depend on the companion or on the order")
    func keys() throws {
        let layout = try fieldLayout(Self.halves, key: "variants")
        func key(_ frames: [String]) -> [UInt8] {
            var sequence = FrameSequence(layout)
            return (frames.flatMap { sequence.take(bytes($0)) } + sequence.end()).first?.keyBytes
                ?? []
        }
        #expect(key([Self.weighing]) == bytes("EC02"))
        #expect(key([Self.weighing, Self.low]) == bytes("EC02"))
        #expect(key([Self.low, Self.weighing]) == bytes("EC02"))
    }

    @Test("A frame without the field in common stands for itself")
    func withoutCommon() throws {
        let layout = try fieldLayout(Self.halves, key: "variants")
        #expect(lines(layout, ["01 EC02 00000000"]) == ["measurement; weight 74.8 kg"])
    }

    @Test("By user, number and name: all of them have to be the same, and a half waits")
    func severalFields() throws {
        let layout = try fieldLayout(
            """
            kind: body-composition
            length: 5
            numbers: { pair: { at: 1 }, side: { at: 2 } }
            user-slot: { at: 0 }
            join: { by: [user-slot, pair], within: 1s, alone: incomplete }
            values:
              - { name: weight, at: 3, type: u16le, only-when: side == 1, units: [ { unit: g } ] }
              - { name: impedance, at: 3, type: u16le, only-when: side == 2, units: [ { unit: Ohm } ] }
            """)
        #expect(
            lines(layout, ["01 07 01 6400", "01 07 02 F401"])
                == ["measurement; weight 100 g; impedance 500 Ohm; user 1"])
        #expect(
            lines(layout, ["01 07 01 6400", "02 07 02 F401"]) == [
                "not-final; weight 100 g; user 1; #incomplete",
                "not-final; impedance 500 Ohm; user 2; #incomplete",
            ])
    }

    @Test(
        "What a frame cannot join, remember or recall is named",
        arguments: [
            (
                "length: 4\noutcome: device-state\njoin: { by: time, within: 1s }",
                "is time, which the frame does not have"
            ),
            (
                "length: 4\noutcome: device-state\njoin: { by: pair, within: 1s }",
                "layouts[0].fields.join.by"
            ),
            ("length: 4\noutcome: device-state\njoin: { within: 1s }", "is missing"),
            (
                "length: 4\noutcome: device-state\nnumbers: { a: { at: 0 } }\n"
                    + "join: { by: a, within: 10m }", "join.within"
            ),
            (
                "length: 4\noutcome: device-state\nnumbers: { a: { at: 0 } }\n"
                    + "join: { by: a, within: 1s, alone: thrown-away }", "join.alone"
            ),
            (
                "length: 4\noutcome: device-state\nnumbers: { a: { at: 0 } }\n"
                    + "records: { from: 0, size: 2 }\njoin: { by: a, within: 1s }",
                "joins records that are whole"
            ),
            ("length: 4\noutcome: device-state\nremember: a", "layouts[0].fields.remember"),
            ("length: 4\noutcome: device-state\nrecall: a", "recalls a, which no frame remembers"),
            (
                "length: 4\noutcome: device-state\nnumbers: { a: { at: 0 } }\nremember: a\nrecall: a",
                "is a number of this frame"
            ),
            ("length: 4\noutcome: device-state\nrecall: weight", "is the name of a value"),
        ])
    func mistakes(_ text: String, _ says: String) {
        let lines = fieldProblems(text)
        #expect(!lines.isEmpty)
        #expect(lines.first?.contains(says) == true, "\(lines)")
    }

    @Test("The segments of a profile's own frames are put together by their header")
    func segmented() throws {
        let text = ProfileText.minimal(
            layouts: """
                  - source: usb
                    assembly: { segmented: true }
                    fields:
                      kind: weight
                      length: 3
                      values: [ { name: weight, at: 1, type: u16le, units: [ { unit: g } ] } ]
                """)
        let loaded = ProfileText.problems(text)
        #expect(loaded.lines == [])
        let layout = try #require(loaded.profile?.layouts.first)
        #expect(lines(layout, ["81 64", "00 00"]) == ["measurement; weight 100 g"])
        #expect(lines(layout, ["81 64"]) == ["rejected; the last part did not come"])
        let wrong = text.replacing(
            "{ segmented: true }", with: "{ segmented: true, begins: \"01\" }")
        #expect(
            ProfileText.problems(wrong).lines.first?.contains("stands beside segmented") == true)
    }
}
