import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// Steps that answer, wait for a frame and leave: handshakes that a profile can say by itself.
@Suite struct SessionAnswersTests {
    private static let uuid = BluetoothUUID(0xFFE1)

    private func scale(_ steps: String, clock: String = "none") -> ScriptedPeer {
        ScriptedPeer(
            profile(
                """
                class: scale
                session:
                  bond: none
                  quiet: 5s
                  steps:
                \(steps.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
                layouts:
                  - source: gatt:ffe1
                    fields:
                      kind: weight
                      length: { minimum: 4, maximum: 20 }
                      values:
                        - { name: weight, at: 2, type: u16be, units: [{ unit: kg, scale: 0.05 }] }
                time: { clock: \(clock), readings: live }
                """), at: "2026-03-02T08:15:00", ["ffe1": "notify write", "ffe2": "write"])
    }

    private static let acknowledging = """
        - answer: { characteristic: ffe1, begins: e7, write: ffe1, parts: ["e7f1", { frame: 1, length: 3 }] }
        - subscribe: ffe1
        """

    @Test func `each frame is acknowledged with bytes of its own`() {
        var peer = scale(Self.acknowledging)
        peer.pushed = [
            (Self.uuid, [0xE7, 0x58, 0x01, 0x08, 0x5E]), (Self.uuid, [0xE7, 0x59, 0x03, 0x01]),
        ]
        peer.run()
        #expect(peer.end == .complete)
        #expect(
            peer.written.map(\.1) == [
                [0xE7, 0xF1, 0x58, 0x01, 0x08], [0xE7, 0xF1, 0x59, 0x03, 0x01],
            ])
    }

    @Test func `the scale may forget a frame only after it is stored`() throws {
        var peer = scale(Self.acknowledging)
        peer.pushed = [(Self.uuid, [0xE7, 0x58, 0x01, 0x08, 0x5E])]
        peer.run()
        let stored = try #require(peer.log.firstIndex(of: "commit 1"))
        let told = try #require(peer.log.firstIndex(of: "write ffe1"))
        #expect(stored < told)
    }

    @Test func `what the store does not take is not acknowledged`() {
        var peer = scale(Self.acknowledging)
        peer.pushed = [(Self.uuid, [0xE7, 0x58, 0x01, 0x08, 0x5E])]
        peer.refusedCommits = [1]
        peer.run()
        #expect(peer.written.isEmpty)
        #expect(peer.end == .interrupted("the store takes nothing"))
    }

    @Test func `a frame that begins otherwise, or is too short for its answer, gets none`() {
        var peer = scale(Self.acknowledging)
        peer.pushed = [(Self.uuid, [0xE8, 0, 1, 2]), (Self.uuid, [0xE7, 0x58, 0x01])]
        peer.run()
        #expect(peer.written.isEmpty)
        #expect(
            peer.notes.contains(
                .refused(step: "answer", "the frame is too short for its answer")))
    }

    @Test func `an answer that the device refuses is noted and the session goes on`() {
        var peer = scale(Self.acknowledging)
        peer.errors["write ffe1"] = .refused(att: 0x0E, "unlikely error")
        peer.pushed = [(Self.uuid, [0xE7, 0x58, 0x01, 0x08, 0x5E])]
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.stored.count == 1)
    }

    @Test func `a challenge is answered with the owner's key, and not at all without one`() {
        let steps = """
            - answer: { characteristic: ffe1, begins: a1, write: ffe2, parts: ["20", { frame: 1, length: 4, xor-key: true }] }
            - subscribe: ffe1
            """
        for key in [[0xFF, 0x0F] as [UInt8], nil] {
            var peer = scale(steps)
            peer.owner.key = key
            peer.pushed = [(Self.uuid, [0xA1, 1, 2, 3, 4])]
            peer.run()
            #expect(
                peer.written.map(\.1) == (key == nil ? [] : [[0x20, 0xFE, 0x0D, 0xFC, 0x0B]]))
            #expect(!"\(peer.notes)".contains("ff0f"))
        }
    }

    // MARK: expect

    private static let waiting = """
        - subscribe: ffe1
        - expect: { characteristic: ffe1, begins: "12", timeout: 3s }
        - write: { characteristic: ffe2, bytes: "0a" }
        """

    /// A device that speaks as soon as it is subscribed.
    private func speaking(_ steps: String, _ frames: [[UInt8]]) -> ScriptedPeer {
        var peer = scale("- write: { characteristic: ffe1, bytes: \"00\" }\n" + steps)
        peer.says = { uuid, bytes in bytes == [0] ? frames.map { (uuid, $0) } : [] }
        return peer
    }

    @Test func `a write waits for the frame that it answers`() {
        var peer = speaking(Self.waiting, [[0x11, 0, 0, 0], [0x12, 0, 0, 0]])
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.written.map(\.1) == [[0], [0x0A]])
    }

    @Test func `without that frame the session ends and the next one tries again`() {
        var peer = speaking(Self.waiting, [[0x11, 0, 0, 0]])
        peer.run()
        #expect(peer.end == .interrupted("the device did not send what was waited for"))
        #expect(peer.stored.count == 1)
    }

    @Test func `a frame that not every model sends is waited for no longer than it may take`() {
        var peer = speaking(
            Self.waiting.replacing("timeout: 3s", with: "timeout: 3s, optional: true"), [])
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.written.map(\.1) == [[0], [0x0A]])
    }

    @Test func `a challenge that is waited for is answered before the next step`() {
        let steps = """
            - answer: { characteristic: ffe1, begins: a1, write: ffe2, bytes: "20" }
            - subscribe: ffe1
            - expect: { characteristic: ffe1, begins: a1, timeout: 3s }
            - write: { characteristic: ffe2, bytes: "02" }
            """
        var peer = speaking(steps, [[0xA1, 0, 0, 0]])
        peer.run()
        #expect(peer.written.map(\.1) == [[0], [0x20], [0x02]])
    }

    // MARK: leave, and times

    @Test func `of a stream one value is enough: the gateway leaves by itself`() {
        var peer = speaking(
            """
            - subscribe: ffe1
            - expect: { characteristic: ffe1, timeout: 3s }
            - leave: true
            """, [[0x12, 0, 0x10, 0], [0x12, 0, 0x20, 0]])
        peer.leavesWhenDone = false
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.log.contains("disconnect"))
        #expect(peer.stored.count <= 2 && !peer.stored.isEmpty)
    }

    private static let timed = """
        - write:
            characteristic: ffe2
            parts: ["4d", { time: [year-2000, month, day, hour, minute, second] }, { checksum: sum8 }]
        """

    @Test func `the time of the moment is written with its checksum`() {
        var peer = scale(Self.timed)
        peer.run()
        let bytes = peer.written.first?.1 ?? []
        #expect(Array(bytes.prefix(6)) == [0x4D, 26, 3, 2, 8, 15])
        #expect(bytes.count == 8)
        #expect(bytes.last == bytes.dropLast().reduce(0, &+))
    }

    @Test func `a clock that dates records is not set by a gateway that has no time itself`() {
        for (clock, count) in [("local", 0), ("none", 1)] {
            var peer = scale(Self.timed, clock: clock)
            peer.now = gateway(moment("2026-03-02T08:15:00"), synchronised: false)
            peer.run()
            #expect(peer.written.count == count, "\(clock)")
            #expect(peer.end == .complete)
        }
    }

    @Test func `a time that was written is remembered where the clock dates records`() {
        var peer = scale(Self.timed, clock: "local")
        peer.run()
        #expect(peer.memory.clockSetAt != nil)
        var other = scale(Self.timed)
        other.run()
        #expect(other.memory.clockSetAt == nil)
    }
}

/// The parts of a write, byte for byte.
@Suite struct WritePartsTests {
    struct Case: CustomTestStringConvertible {
        let name: String
        let parts: [WritePart]
        let bytes: [UInt8]
        var testDescription: String { name }
    }

    @Test(
        "parts stand one behind the other in the form that the profile names",
        arguments: [
            Case(name: "fixed", parts: [.bytes([1, 2]), .bytes([3])], bytes: [1, 2, 3]),
            Case(
                name: "fields of the time",
                parts: [.time([.yearLittleEndian, .yearBigEndian, .minute, .second], .local)],
                bytes: [0xEA, 0x07, 0x07, 0xEA, 15, 1]),
            Case(
                name: "the nearest second, in UTC", parts: [.time([.day, .hour, .second], .utc)],
                bytes: [1, 23, 1]),
            Case(
                name: "seconds since 2010",
                parts: [.seconds(sinceYear: 2010, bigEndian: false, .local)],
                bytes: [0x05, 0x0C, 0x68, 0x1E]),
            Case(
                name: "seconds since 2010, the other way round",
                parts: [.seconds(sinceYear: 2010, bigEndian: true, .local)],
                bytes: [0x1E, 0x68, 0x0C, 0x05]),
            Case(
                name: "bytes of the frame", parts: [.frame(at: 1, count: 2, xorWithKey: false)],
                bytes: [0x22, 0x33]),
            Case(
                name: "bytes of the frame under the key",
                parts: [.frame(at: 0, count: 3, xorWithKey: true)], bytes: [0x10, 0x20, 0x32]),
            Case(
                name: "checksums over what stands before",
                parts: [.bytes([1, 2, 4]), .checksum(.xor, from: 0), .checksum(.sum8, from: 1)],
                bytes: [1, 2, 4, 7, 13]),
        ])
    func forms(_ test: Case) throws {
        let bytes = try WriteParts.bytes(
            test.parts, frame: [0x11, 0x22, 0x33], key: [0x01, 0x02],
            at: moment("2026-03-02T08:15:00") + .milliseconds(700), zone: tokyo)
        #expect(bytes == test.bytes)
    }

    @Test("an answer that needs more than there is names what is missing")
    func missing() {
        let at = moment("2026-03-02T08:15:00")
        #expect(throws: WriteParts.Problem(text: "the frame is too short for its answer")) {
            try WriteParts.bytes(
                [.frame(at: 2, count: 2, xorWithKey: false)], frame: [1, 2, 3], key: nil, at: at,
                zone: tokyo)
        }
        #expect(throws: WriteParts.Problem(text: "the answer needs the owner's key")) {
            try WriteParts.bytes(
                [.frame(at: 0, count: 2, xorWithKey: true)], frame: [1, 2, 3], key: nil, at: at,
                zone: tokyo)
        }
    }
}
