import DeviceProfile
import Measurement
import Testing

@Suite("Mistakes in a layout") struct FieldReaderTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        var text: String
        /// Parts that the only message must have.
        var says: [String]
        var testDescription: String { says.joined(separator: " ") }
    }

    private static func value(_ field: String) -> String {
        "kind: weight\nlength: 4\nvalues:\n  - { name: weight, \(field) }"
    }

    @Test(
        "Each mistake is named with its place and with what would be accepted",
        arguments: [
            Mistake(
                text: value("at: 3, type: u16le, units: [ { unit: kg } ]"),
                says: ["values[0].at", "\"3\"", "0 to 2"]),
            Mistake(
                text: value("at: 0, type: u64le, units: [ { unit: kg } ]"),
                says: ["values[0].type", "u64le", "u32le"]),
            Mistake(
                text: value("at: 0, type: u8, bits: 4-9, units: [ { unit: kg } ]"),
                says: ["bits", "4-9", "none above 7"]),
            Mistake(
                text: value("at: 0, type: u8, bits: 5-2, units: [ { unit: kg } ]"),
                says: ["bits", "5-2"]),
            Mistake(
                text: value("at: 0, type: sfloat, bits: 0-3, units: [ { unit: kg } ]"),
                says: ["cuts a sfloat into bits"]),
            Mistake(
                text: value("bit: 30, width: 4, units: [ { unit: kg } ]"),
                says: ["width", "runs past", "2 bits"]),
            Mistake(
                text: value("at: -1, type: u16le, units: [ { unit: kg } ]"),
                says: ["at", "does not lie inside", "-4 to -2"]),
            Mistake(
                text: value("at: 0, type: u8, units: [ { unit: kg, when: pounds } ]"),
                says: ["names neither a bit nor a value"]),
            Mistake(
                text: "kind: weight\nlength: 2\noutcome: device-state\nnumbers: { a: { at: 0 } }\n"
                    + "outcomes: [ { when: a ~ 3, outcome: rejected } ]",
                says: ["is no condition", "name == 5"]),
            Mistake(
                text: "length: 4\noutcome: device-state\nchecksums: [ { method: crc17 } ]",
                says: ["method", "crc17", "crc16-modbus"]),
            Mistake(
                text:
                    "length: 4\noutcome: device-state\nchecksums: [ { method: xor, from: 2, to: 9, at: 3 } ]",
                says: ["to", "\"9\""]),
            Mistake(
                text:
                    "length: 4\noutcome: device-state\nchecksums: [ { method: xor, from: 3, to: 1, at: 2 } ]",
                says: ["ends before it begins"]),
            Mistake(
                text:
                    "length: 4\noutcome: device-state\nchecksums: [ { method: crc32, at: 2, to: 1 } ]",
                says: ["stands past the end"]),
            Mistake(
                text: "length: 8\noutcome: device-state\ntime: { format: epoch, at: 0 }",
                says: ["epoch-year", "is missing"]),
            Mistake(
                text: "length: 8\noutcome: device-state\ntime: { format: unix, at: 0 }",
                says: ["time.format", "unix", "epoch"]),
            Mistake(
                text: "length: 8\noutcome: device-state\ntime: { format: date-time, at: 4 }",
                says: ["time.at", "\"4\"", "0 to 1"]),
            Mistake(
                text: "length: 4\noutcome: device-state\nconstants: [ { at: 3, bytes: \"0102\" } ]",
                says: ["runs past the shortest frame"]),
            Mistake(
                text:
                    "length: 4\noutcome: device-state\nconstants: [ { at: 0, one-of: [\"01\", \"0203\"] } ]",
                says: ["alternatives of several lengths"]),
            Mistake(
                text: "length: 4\noutcome: device-state\nnumbers: { weight: { at: 0 } }",
                says: ["is the name of a value"]),
            Mistake(text: "length: 4", says: ["outcome", "is missing"]),
            Mistake(
                text:
                    "length: 4\nvalues: [ { name: weight, at: 0, type: u8, units: [ { unit: kg } ] } ]",
                says: ["kind", "is missing"]),
            Mistake(
                text:
                    "length: 30\noutcome: device-state\nencryption: { method: aes-128-ccm, from: 20,"
                    + " trailing: 12, tag: { at: -4, length: 4 }, nonce: [address] }",
                says: ["leaves no cipher text"]),
            Mistake(
                text:
                    "length: 30\noutcome: device-state\nencryption: { method: aes-128-ccm, from: 5,"
                    + " trailing: 7, tag: { at: -4, length: 5 }, nonce: [address] }",
                says: ["length", "is odd"]),
            Mistake(
                text: "length: 4\noutcome: device-state\ndetials: []",
                says: ["detials", "did you mean details"]),
        ])
    func mistakes(_ mistake: Mistake) {
        let lines = fieldProblems(mistake.text)
        #expect(lines.count == 1, "\(lines)")
        for part in mistake.says { #expect(lines.first?.contains(part) == true, "\(lines)") }
    }

    @Test("All mistakes of a file are named in one go")
    func several() {
        let lines = fieldProblems(
            """
            kind: weight
            length: 4
            constants: [ { at: 9, bytes: "01" } ]
            values:
              - { name: wieght, at: 0, type: u8, units: [ { unit: kg } ] }
              - { name: weight, at: 0, type: u8, units: [ { unit: kilo } ] }
            """)
        #expect(lines.count == 3, "\(lines)")
    }

    @Test("A profile of frames alone says why there is no session, and never has one beside it")
    func decodeOnly() {
        let text = ProfileText.minimal(more: "decode-only: its handshake is not built")
        #expect(ProfileText.problems(text).lines.contains { $0.contains("stands beside session") })
        let without = text.replacing(
            "session:\n  bond: none\n  steps: [ { subscribe: 2a9d } ]\n", with: "")
        #expect(ProfileText.problems(without).lines == [])
        #expect(ProfileText.load(without)?.decodeOnly == "its handshake is not built")
    }
}
