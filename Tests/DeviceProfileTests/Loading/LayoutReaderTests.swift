import DeviceProfile
import Testing

@Suite("Reading a layout that a profile spells out") struct LayoutReaderTests {
    private func problems(_ fields: String, source: String = "usb") -> [String] {
        let indented = fields.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n")
        return ProfileText.problems(
            ProfileText.minimal(layouts: "  - source: \(source)\n    fields:\n" + indented)
        ).lines
    }

    private static let value = "{ name: weight, at: 0, type: u16le, units: [ { unit: kg } ] }"

    @Test(
        "Fields outside the shortest frame are refused when the file is read, not when a frame comes",
        arguments: [
            (
                "length: 4",
                "values: [ { name: weight, at: 3, type: u16le, units: [ { unit: kg } ] } ]"
            ),
            (
                "length: 1",
                "values: [ { name: weight, at: 0, type: u16le, units: [ { unit: kg } ] } ]"
            ),
            (
                "length: { minimum: 2, maximum: 9 }",
                "values: [ { name: weight, at: 2, type: u8, units: [ { unit: kg } ] } ]"
            ),
            (
                "length: 4",
                "values: [ { name: weight, at: -5, type: u8, units: [ { unit: kg } ] } ]"
            ),
            ("length: 4", "bits: { stable: { byte: 4, bit: 0 } }\nvalues: [ \(value) ]"),
            ("length: 4", "bits: { stable: { byte: 0, bit: 8 } }\nvalues: [ \(value) ]"),
            ("length: 9", "time-at: 3\nvalues: [ \(value) ]"),
            ("length: 6", "time-at: 0\nvalues: [ \(value) ]"),
            ("length: 4", "constants: [ { at: 3, bytes: \"0102\" } ]\nvalues: [ \(value) ]"),
            ("length: { minimum: 9, maximum: 2 }", "values: [ \(value) ]"),
        ])
    func offsets(_ length: String, _ rest: String) {
        let lines = problems("kind: weight\n\(length)\n\(rest)")
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.contains("accepted: ") ?? false)
    }

    @Test("A condition on a bit that is not defined lists those that are")
    func unknownBit() {
        let lines = problems(
            """
            kind: weight
            length: 4
            bits: { stable: { byte: 0, bit: 5 } }
            values: [ \(Self.value) ]
            outcomes: [ { when: not stabel, outcome: not-final } ]
            """)
        #expect(lines.count == 1)
        #expect(
            lines.first?.contains("names neither a bit nor a value; accepted: stable, weight")
                ?? false)
    }

    @Test("A bit may not have the name of a value, which a condition could not tell apart")
    func bitNamedAsValue() {
        let lines = problems(
            "kind: weight\nlength: 4\nbits: { weight: { byte: 0, bit: 5 } }\nvalues: [ \(Self.value) ]"
        )
        #expect(lines.first?.contains("is the name of a value") ?? false)
    }

    @Test("Two layouts for one source are refused, because only one could ever be used")
    func twice() {
        let layouts = "  - source: gatt:2a9d\n    format: weight-measurement\n"
        let lines = ProfileText.problems(
            ProfileText.minimal(
                layouts: layouts + "  - source: gatt:2A9D\n    format: battery-level")
        ).lines
        #expect(lines.count == 1)
        #expect(lines.first?.contains("has two layouts for gatt:2a9d") ?? false)
    }

    @Test("Without kind or length the rest of the layout is not blamed")
    func incomplete() {
        #expect(problems("kind: weight\nvalues: [ \(Self.value) ]").count == 1)
        #expect(problems("length: 4\nvalues: [ \(Self.value) ]").count == 1)
    }
}
