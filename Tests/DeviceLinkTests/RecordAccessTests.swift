import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// Records that are asked for (RACP): all, from a number on, refused, unanswered, in thousands.
@Suite struct RecordAccessTests {
    private func requests(_ peer: ScriptedPeer) -> [[UInt8]] {
        peer.written.filter { $0.0 == controlPoint }.map(\.1)
    }

    @Test func `the first session asks for all records and the next one only for newer ones`() {
        var peer = ScriptedPeer.meter(numbers: 1...4)
        peer.run()
        #expect(requests(peer) == [[1, 1]])
        peer.run()
        #expect(requests(peer) == [[1, 3, 1, 5, 0]])
        #expect(peer.times.count == 4)
        #expect(peer.end == .complete)
    }

    @Test func `records that were made since come in the next session`() {
        var peer = ScriptedPeer.meter(numbers: 1...4)
        peer.run()
        peer.requested = ScriptedPeer.meter(numbers: 1...6).requested
        peer.run()
        #expect(peer.stored.compactMap(\.reading.sequenceNumber) == [1, 2, 3, 4, 5, 6])
        #expect(peer.memory.nextSequence == 7)
        #expect(peer.memory.newestSequence == 6)
    }

    @Test func `numbers above 255 are asked for in both bytes`() {
        var peer = ScriptedPeer.meter(numbers: [0x1233])
        peer.memory.nextSequence = 0x1233
        peer.run()
        #expect(requests(peer) == [[1, 3, 1, 0x33, 0x12]])
        #expect(peer.memory.nextSequence == 0x1234)
    }

    @Test func `a meter without records is a whole session`() {
        var peer = ScriptedPeer.meter(numbers: [])
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.stored.isEmpty)
        #expect(peer.memory.nextSequence == nil)
    }

    @Test(arguments: [UInt8(3), 4, 5, 9]) func `a meter that knows no filter is asked for all`(
        code: UInt8
    ) {
        var peer = ScriptedPeer.meter(numbers: [])
        peer.memory.nextSequence = 3
        peer.requested = { request in
            request == [1, 1]
                ? [
                    (glucoseUUID, glucoseFrame(2, "2026-02-01T08:00:00")),
                    (glucoseUUID, glucoseFrame(3, "2026-02-02T08:00:00")),
                    (controlPoint, answer(1)),
                ] : [(controlPoint, answer(code))]
        }
        peer.run()
        #expect(requests(peer) == [[1, 3, 1, 3, 0], [1, 1]])
        #expect(peer.stored.count == 2)
        #expect(peer.end == .complete)
    }

    @Test func `what came before the filter was refused is kept`() {
        var peer = ScriptedPeer.meter(numbers: [])
        peer.memory.nextSequence = 3
        peer.requested = { request in
            request == [1, 1]
                ? [(controlPoint, answer(1))]
                : [
                    (glucoseUUID, glucoseFrame(3, "2026-02-02T08:00:00")),
                    (controlPoint, answer(4)),
                ]
        }
        peer.run()
        #expect(peer.stored.count == 1)
    }

    struct Answer: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var isForGood: Bool
    }

    @Test(arguments: [
        Answer(testDescription: "not completed", bytes: answer(8), isForGood: false),
        Answer(testDescription: "opcode unsupported", bytes: answer(2), isForGood: true),
        Answer(testDescription: "operator unsupported for all", bytes: answer(4), isForGood: true),
        Answer(testDescription: "a reserved code", bytes: answer(77), isForGood: false),
        Answer(testDescription: "an empty answer", bytes: [], isForGood: false),
        Answer(testDescription: "an answer cut short", bytes: [6, 0, 1], isForGood: false),
        Answer(testDescription: "an answer too long", bytes: [6, 0, 1, 1, 1], isForGood: false),
        Answer(testDescription: "a request", bytes: [1, 1], isForGood: false),
    ]) func `a meter that does not give its records is asked again, unless it never will`(
        given: Answer
    ) {
        var peer = ScriptedPeer.meter(numbers: [])
        peer.requested = { _ in
            [
                (glucoseUUID, glucoseFrame(1, "2026-02-01T08:00:00")), (controlPoint, given.bytes),
            ]
        }
        peer.run()
        // What came is stored all the same; one record alone moves no cursor.
        #expect(peer.stored.count == 1)
        #expect(peer.memory.nextSequence == nil)
        #expect((peer.end == .complete) == given.isForGood)
    }

    @Test(arguments: [UInt8(0x80), 0x81, 0xFD, 0xFE]) func `a request that is refused is told`(
        code: UInt8
    ) throws {
        var peer = ScriptedPeer.meter(numbers: 1...3)
        peer.errors["write 2a52"] = .refused(att: code, "procedure in progress")
        peer.run()
        guard case .interrupted(let why) = try #require(peer.end) else {
            Issue.record("the session was whole")
            return
        }
        #expect(why.contains("ATT error \(code)"))
    }

    @Test func `a meter that does not answer is left, and what it sent is stored`() {
        var peer = ScriptedPeer.meter(numbers: [])
        peer.requested = { _ in
            [
                (glucoseUUID, glucoseFrame(1, "2026-02-01T08:00:00")),
                (glucoseUUID, glucoseFrame(2, "2026-02-02T08:00:00")),
            ]
        }
        peer.run()
        #expect(peer.end == .interrupted("the device did not finish sending its records"))
        #expect(peer.stored.count == 2)
        #expect(peer.memory.nextSequence == 3)
        #expect(peer.now.utc - moment("2026-03-01T08:15:00") > .seconds(30))
    }

    @Test func `the answer may come before the write is confirmed`() {
        var machine = requesting()
        let now = Machines.now
        let actions = machine.handle(.notification(controlPoint, answer(6), at: now))
        #expect(actions.names == ["cancel response", "timer quiet"])
        #expect(machine.handle(.written(controlPoint, at: now)).isEmpty)
        #expect(machine.phase == .draining)
    }

    // MARK: order and cut-offs

    struct Cut: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var from: Int?
        var numbers: [Int]
        /// With a cut-off, and when the meter says that it was all.
        var next: Int?
        var nextWhenDone: Int
        init(_ name: String, from: Int? = nil, _ numbers: [Int], cut: Int?, done: Int) {
            testDescription = name
            self.from = from
            self.numbers = numbers
            next = cut
            nextWhenDone = done
        }
    }

    @Test(arguments: [
        Cut("ascending", [1, 2, 3], cut: 4, done: 4),
        Cut("with gaps", [5, 9, 30], cut: 31, done: 31),
        Cut("one record", [7], cut: nil, done: 8),
        Cut("the one that was asked for", from: 7, [7], cut: 8, done: 8),
        Cut("not the one that was asked for", from: 7, [9], cut: 7, done: 10),
        Cut("newest first", [9, 8, 7], cut: nil, done: 10),
        Cut("newest first from a number on", from: 7, [9, 8], cut: 7, done: 10),
        Cut("mixed", [1, 3, 2], cut: nil, done: 4),
        Cut("one twice", [1, 1], cut: nil, done: 2),
    ]) func `a dump that was cut off leaves nothing behind that is never asked for again`(cut: Cut)
    {
        for isDone in [false, true] {
            var memory = DeviceMemory()
            memory.nextSequence = cut.from
            var machine = requesting(memory)
            let now = Machines.now
            for number in cut.numbers {
                _ = machine.handle(
                    .notification(
                        glucoseUUID, glucoseFrame(number, "2026-02-01T08:00:00"), at: now))
            }
            let end =
                isDone
                ? machine.handle(.notification(controlPoint, answer(1), at: now))
                : machine.handle(.disconnected(byDevice: true, at: now))
            #expect(end.commits.map(\.entries.count) == [cut.numbers.count])
            #expect(
                end.commits.first?.memory.nextSequence == (isDone ? cut.nextWhenDone : cut.next))
        }
    }

    @Test func `the cursor goes with the records it stands behind, in one commit`() {
        var machine = requesting()
        let now = Machines.now
        for number in 1...3 {
            let actions = machine.handle(
                .notification(
                    glucoseUUID, glucoseFrame(number, "2026-02-01T08:0\(number):00"), at: now))
            #expect(actions.commits.isEmpty)
        }
        let commits = machine.handle(.notification(controlPoint, answer(1), at: now)).commits
        #expect(commits.map(\.entries.count) == [3])
        #expect(commits.first?.memory.nextSequence == 4)
    }

    @Test func `ten thousand records are all stored, in parts that the memory can hold`() {
        let steps = 2_000
        var peer = ScriptedPeer.meter(numbers: 1...10_000)
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.stored.count == 10_000)
        #expect(peer.memory.nextSequence == 10_001)
        let parts = peer.log.filter { $0.hasPrefix("commit") }.compactMap {
            Int($0.dropFirst("commit ".count))
        }
        #expect(parts.allSatisfy { $0 <= steps })
        #expect(Set(peer.stored.map(\.key)).count == 10_000)
    }

    @Test func `a dump that is cut off behind its first part goes on from there`() {
        var peer = ScriptedPeer.meter(numbers: 1...5_000)
        // Connect, discover, three subscriptions and the write come before the records.
        peer.leavesAt = 6 + 3_000
        peer.run()
        #expect(peer.stored.count == 3_000)
        #expect(peer.memory.nextSequence == 3_001)
        peer.leavesAt = nil
        peer.run()
        #expect(peer.stored.count == 5_000)
    }

    // MARK: contexts

    struct Context: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var frames: [(BluetoothUUID, [UInt8])]
        var meals: [String?]
        var lost = 0
    }

    static func measured(_ number: Int, context: Bool = true) -> (BluetoothUUID, [UInt8]) {
        (glucoseUUID, glucoseFrame(number, "2026-02-0\(number)T08:00:00", context: context))
    }

    @Test(arguments: [
        Context(
            testDescription: "after its measurement",
            frames: [measured(1), (contextUUID, contextFrame(1)), measured(2, context: false)],
            meals: ["2", nil]),
        Context(
            testDescription: "before its measurement",
            frames: [(contextUUID, contextFrame(1)), measured(1)], meals: ["2"]),
        Context(
            testDescription: "after the next measurement",
            frames: [
                measured(1), measured(2), (contextUUID, contextFrame(1)),
                (contextUUID, contextFrame(2)),
            ], meals: ["2", "2"]),
        Context(testDescription: "missing", frames: [measured(1)], meals: [nil]),
        Context(
            testDescription: "without a measurement",
            frames: [(contextUUID, contextFrame(9)), measured(1)], meals: [nil], lost: 1),
        Context(
            testDescription: "although none was announced",
            frames: [measured(1, context: false), (contextUUID, contextFrame(1))], meals: ["2"]),
    ]) func `a meal belongs to the record of its number, wherever it stands`(context: Context) {
        var peer = ScriptedPeer.meter(numbers: [])
        peer.requested = { _ in context.frames + [(controlPoint, answer(1))] }
        peer.run()
        #expect(peer.stored.map(\.record?.mealCode) == context.meals)
        #expect(
            peer.stored.map(\.frames.count) == context.meals.map { $0 == nil ? 1 : 2 })
        let lost = peer.notes.contains(
            .refused(step: "join", "1 contexts whose measurement did not come"))
        #expect(lost == (context.lost > 0))
    }

    @Test func `a broken context is stored as broken, and its measurement without it`() {
        var peer = ScriptedPeer.meter(numbers: [])
        peer.requested = { _ in
            [Self.measured(1), (contextUUID, [2, 1]), (controlPoint, answer(1))]
        }
        peer.run()
        #expect(peer.stored.map(\.reading.outcome) == [.measurement, .rejected])
    }

    @Test func `a context that parts of a dump would separate still finds its measurement`() {
        var peer = ScriptedPeer.meter(numbers: [])
        let most = RecordAccessState.maximumEntries
        let frames = (1...most + 1).flatMap { number -> [(BluetoothUUID, [UInt8])] in
            let frame = glucoseFrame(number, "2026-02-01T08:00:00", context: true)
            return [(glucoseUUID, frame), (contextUUID, contextFrame(number))]
        }
        peer.requested = { _ in frames + [(controlPoint, answer(1))] }
        peer.run()
        #expect(peer.stored.count == most + 1)
        #expect(peer.stored.allSatisfy { $0.record?.mealCode == "2" })
    }

    @Test func `unasked measurements wait two seconds for their context`() {
        var machine = requesting()
        let now = Machines.now
        _ = machine.handle(.notification(controlPoint, answer(6), at: now))
        let first = machine.handle(
            .notification(glucoseUUID, Self.measured(1).1, at: now))
        #expect(first.commits.isEmpty)
        #expect(first.names.contains("timer join"))
        let joined = machine.handle(.notification(contextUUID, contextFrame(1), at: now))
        #expect(joined.commits.map(\.entries.count) == [1])
        #expect(joined.commits.first?.entries.first?.record?.mealCode == "2")
        _ = machine.handle(.committed(1, at: now))
        _ = machine.handle(.notification(glucoseUUID, Self.measured(2).1, at: now))
        let late = machine.handle(.timer(.join, at: now))
        #expect(late.commits.map(\.entries.count) == [1])
    }

    @Test func `the same number twice gives two entries, not one in the place of the other`() {
        var machine = requesting()
        let now = Machines.now
        _ = machine.handle(.notification(controlPoint, answer(6), at: now))
        var entries = 0
        for second in ["00", "01"] {
            let frame = glucoseFrame(1, "2026-02-01T08:00:\(second)", context: true)
            let actions = machine.handle(.notification(glucoseUUID, frame, at: now))
            entries += actions.commits.reduce(0) { $0 + $1.entries.count }
        }
        _ = machine.handle(.committed(1, at: now))
        let end = machine.handle(.disconnected(byDevice: true, at: now))
        entries += end.commits.reduce(0) { $0 + $1.entries.count }
        #expect(entries == 2)
    }

    // MARK: clocks in a dump

    @Test func `a clock that fell back inside the memory dates nothing before the fall`() {
        var peer = ScriptedPeer.meter(numbers: [])
        peer.requested = { _ in
            [
                (glucoseUUID, glucoseFrame(1, "2026-02-20T08:00:00")),
                (glucoseUUID, glucoseFrame(2, "2026-02-10T08:00:00")),
                (glucoseUUID, glucoseFrame(3, "2026-02-11T08:00:00")),
                (controlPoint, answer(1)),
            ]
        }
        peer.run()
        #expect(
            peer.times == [
                "#1 not-current-timeline", "#2 2026-02-10T08:00:00", "#3 2026-02-11T08:00:00",
            ])
    }

    @Test func `a stored record without a date waits for a person`() {
        var peer = ScriptedPeer.meter(numbers: [])
        let undated: [UInt8] = [2, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0x68, 0xB0, 0xF8]
        peer.requested = { _ in [(glucoseUUID, undated), (controlPoint, answer(1))] }
        peer.run()
        #expect(peer.times == ["#1 time-unknown"])
    }

    /// A meter that was asked for its records and has not answered.
    private func requesting(_ memory: DeviceMemory = DeviceMemory()) -> SessionMachine {
        var machine = Machines.machine(meter, memory)
        let now = Machines.now
        _ = machine.start()
        _ = machine.handle(.connected(bonded: true, at: now))
        _ = machine.handle(.services(ScriptedPeer.meter(numbers: []).services, at: now))
        for uuid in [glucoseUUID, contextUUID, controlPoint] {
            _ = machine.handle(.subscribed(uuid, at: now))
        }
        return machine
    }
}
