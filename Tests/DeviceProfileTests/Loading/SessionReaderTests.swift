import DeviceProfile
import Measurement
import Testing

/// Steps of a session as somebody writes them, and what is said about those that are wrong.
@Suite("Session steps") struct SessionReaderTests {
    private func steps(_ lines: String) -> String {
        let indented = lines.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
        return ProfileText.minimal(session: "  bond: none\n  steps:\n" + indented)
    }

    private func first(_ text: String) -> SessionPlan.Step? {
        ProfileText.load(steps(text))?.session?.steps.first
    }

    @Test("expect, answer and leave say what they are")
    func handshakes() {
        let uuid = BluetoothUUID(0xFFE1)
        #expect(
            first("- expect: { characteristic: ffe1, begins: \"12\", timeout: 3s, optional: true }")
                == .expect(
                    ExpectPlan(
                        characteristic: uuid, begins: [0x12], timeout: .seconds(3),
                        isOptional: true)))
        #expect(
            first(
                "- answer: { characteristic: ffe1, begins: e7, write: ffe1, "
                    + "parts: [e7f1, { frame: 1, length: 3 }] }")
                == .answer(
                    AnswerRule(
                        characteristic: uuid, begins: [0xE7], target: uuid,
                        parts: [.bytes([0xE7, 0xF1]), .frame(at: 1, count: 3, xorWithKey: false)])))
        #expect(first("- leave: true") == .leave)
        #expect(
            first("- write: { characteristic: ffe1, bytes: \"01\" }") == .write(uuid, [0x01]))
    }

    @Test("parts of a write are read in their order")
    func parts() {
        let text = """
            - write:
                characteristic: ffe1
                parts: ["4d", { time: [year-be, second], zone: utc }, { seconds: 2010, order: big }, { checksum: xor, from: 1 }]
            """
        #expect(
            first(text)
                == .compose(
                    BluetoothUUID(0xFFE1),
                    [
                        .bytes([0x4D]), .time([.yearBigEndian, .second], .utc),
                        .seconds(sinceYear: 2010, bigEndian: true, .local),
                        .checksum(.xor, from: 1),
                    ]))
    }

    @Test("the memory of an Omron device is read with its models, users and clock")
    func memory() throws {
        let text = """
            - procedure: omron-memory
              with:
                channels: 4
                unlock: key
                memories:
                  - models: [A-1]
                    record-size: 14
                    users: [{ address: 0x02e8, records: 100 }]
                    clock: { address: 0x28c, length: 16, time-at: 8, order: swapped }
                  - models: [A-2]
                    record-size: 16
                    unlock: none
                    users: [{ address: 0x98, records: 60 }, { address: 0x458, records: 60 }]
            """
        guard case .procedure(.omronMemory(let plan)) = first(text) else {
            Issue.record("\(ProfileText.problems(steps(text)).lines)")
            return
        }
        #expect(plan.channels == 4 && plan.unlock == .key && plan.block == 0x2C)
        #expect(plan.memory(of: "a-1")?.clock?.order == .swapped)
        #expect(plan.memory(of: "a-1")?.clock?.setAddress == nil)
        #expect(plan.memory(of: "A-2")?.users.map(\.address) == [0x98, 0x458])
        #expect(plan.memory(of: "A-2")?.unlock == OmronMemoryPlan.Unlock.none)
        #expect(plan.memory(of: "A-3") == nil && plan.memory(of: nil) == nil)
    }

    struct Mistake: CustomTestStringConvertible {
        let name: String
        let text: String
        let says: String
        var testDescription: String { name }
    }

    @Test(
        "a mistake is named with its line and column and with what would be right",
        arguments: [
            Mistake(
                name: "unknown procedure", text: "- procedure: omron-memories",
                says:
                    "16:18: session.steps[0].procedure: is \"omron-memories\", did you mean omron-memory?"
            ),
            Mistake(
                name: "a procedure without its parameters", text: "- procedure: omron-memory",
                says: "session.steps[0].with: is missing"),
            Mistake(
                name: "an unknown parameter",
                text: "- { procedure: user-consent, with: { pauses: 1s } }",
                says: "16:42: session.steps[0].with.pauses: is not a known key, did you mean pause?"
            ),
            Mistake(
                name: "with beside another step", text: "- { leave: true, with: { pause: 1s } }",
                says: "16:22: session.steps[0].with: stands beside leave"),
            Mistake(
                name: "a frame where nothing is answered",
                text: "- write: { characteristic: ffe1, parts: [{ frame: 1, length: 2 }] }",
                says: "stands in a write; accepted: frame in an answer only"),
            Mistake(
                name: "bytes and parts",
                text: "- write: { characteristic: ffe1, bytes: \"01\", parts: [\"01\"] }",
                says: "parts: stands beside bytes"),
            Mistake(
                name: "a field of the time that there is not",
                text: "- write: { characteristic: ffe1, parts: [{ time: [weekday] }] }",
                says: "time[0]: is \"weekday\""),
            Mistake(
                name: "two channels",
                text:
                    "- { procedure: omron-memory, with: { channels: 2, unlock: none, memories: [ { record-size: 14, users: [ { address: 0, records: 1 } ] } ] } }",
                says: "channels: is 2; accepted: 1 or 4"),
            Mistake(
                name: "a ring beyond the memory",
                text:
                    "- { procedure: omron-memory, with: { unlock: none, memories: [ { record-size: 14, users: [ { address: 0xfff0, records: 9 } ] } ] } }",
                says: "records: reach beyond the memory"),
            Mistake(
                name: "a time beyond its block",
                text:
                    "- { procedure: omron-memory, with: { unlock: none, memories: [ { record-size: 14, users: [ { address: 0, records: 9 } ], clock: { address: 0, length: 10, time-at: 8 } } ] } }",
                says: "time-at: lies beyond the block; accepted: a place in its 10 bytes"),
            Mistake(
                name: "a clock to set without its sum",
                text:
                    "- { procedure: omron-memory, with: { unlock: none, memories: [ { record-size: 14, users: [ { address: 0, records: 9 } ], clock: { address: 0, length: 16, time-at: 8, set-address: 64 } } ] } }",
                says: "set-address: stands without sum-at"),
            Mistake(
                name: "leave that is not", text: "- leave: false",
                says: "leave: is false; accepted: true, or no such step"),
        ])
    func mistakes(_ mistake: Mistake) {
        let (profile, lines) = ProfileText.problems(steps(mistake.text))
        #expect(profile == nil)
        #expect(lines.contains { $0.contains(mistake.says) }, "\(lines)")
    }

    @Test("of several memories each one names its models")
    func namelessMemory() {
        let one = "{ record-size: 14, users: [ { address: 0, records: 1 } ] }"
        let lines = ProfileText.problems(
            steps(
                "- { procedure: omron-memory, with: { unlock: none, memories: [ \(one), \(one) ] } }"
            )
        ).lines
        #expect(lines.filter { $0.contains("names no models beside others") }.count == 2)
    }
}
