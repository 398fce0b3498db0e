import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Spool
import Testing

@testable import Gateway

/// Rule T0: what was read while the gateway's own clock was wrong, and how it gets its time.
@Suite(.timeLimit(.minutes(1))) struct ClockWatchTests {
    init() { LoopThread.start() }

    /// The gateway's clocks so long after its start; it shows 1970 until it is synchronised.
    private static func clock(_ seconds: Int64, synchronised: Bool = false) -> GatewayTime {
        GatewayTime(
            utc: (synchronised ? Desk.noon : Instant(seconds: 0)) + .seconds(seconds),
            monotonicNanoseconds: seconds * 1_000_000_000, synchronised: synchronised)
    }

    /// A device whose clock is right, measured so long after the gateway's start.
    private static func reading(_ seconds: Int64, systolic: Int = 125) -> SessionEntry {
        let wall = Cuff.zone.local(Desk.noon + .seconds(seconds))
        return Cuff.reading(
            .init(
                wall: wall,
                clockOffset: Interval(microseconds: -Desk.noon.microseconds),
                received: clock(seconds), systolic: systolic),
            Cuff.profiles())
    }

    private static func run(
        _ body: @escaping @LoopActor @Sendable (Desk) async throws -> Void
    ) async throws {
        try await Desk.run { desk in
            desk.profiles = Cuff.profiles()
            try await body(desk)
        }
    }

    @Test func `a gateway that starts in 1970 loses nothing and dates it once its clock is set`()
        async throws
    {
        try await Self.run { desk async throws in
            _ = await desk.take([Self.reading(10), Self.reading(70, systolic: 126)])
            #expect(try await desk.spool.counts().quarantined == 2)
            #expect(try await desk.spool.formBatch("common-db", max: 9, at: Desk.noon) == nil)
            let keys = try await desk.stored().map(\.record.key)
            let sample = ClockSample(Self.clock(200, synchronised: true), boot: "this boot")
            let result = try await desk.intake.dateUndated(by: sample)
            #expect(result.dated == 2 && result.left == 0)
            let stored = try await desk.stored()
            #expect(stored.map(\.record.key) == keys)
            #expect(
                stored.map(\.record.time?.observed)
                    == [Desk.noon + .seconds(10), Desk.noon + .seconds(70)])
            #expect(stored.allSatisfy { $0.record.time?.basis == .deviceClock })
            #expect(stored.allSatisfy { $0.record.received.synchronised })
            #expect(stored.allSatisfy { $0.participant == "P0000001" && $0.revision == 2 })
            #expect(stored.allSatisfy { $0.deliveries.map(\.state) == [.waiting] })
            #expect(desk.told.filter { $0.quarantine == nil }.count == 2)
            let ledger = try await desk.spool.ledger(limit: 9)
            #expect(ledger.map(\.event) == ["received", "dated", "dated"])
            #expect(ledger[1].actor == "gateway" && ledger[1].subject == keys[0].hex)
            #expect(ledger[1].details.contains("gateway_clock_shift"))
        }
    }

    @Test func `a restart of the daemon in the same run of the machine changes nothing of it`()
        async throws
    {
        let scratch = ScratchDirectory()
        try await Desk.run(in: scratch) { desk async throws in
            desk.profiles = Cuff.profiles()
            _ = await desk.take([Self.reading(10)])
        }
        try await Desk.run(in: scratch) { desk async throws in
            desk.profiles = Cuff.profiles()
            _ = await desk.take([Self.reading(60, systolic: 126)])
            // A step of nine hours came with the synchronisation.
            var right = Self.clock(200, synchronised: true)
            right.utc = right.utc + .minutes(540)
            let result = try await desk.intake.dateUndated(
                by: ClockSample(right, boot: "this boot"))
            #expect(result.dated == 2)
            let times = try await desk.stored().map(\.record.received.utc)
            #expect(
                times == [
                    Desk.noon + .minutes(540) + .seconds(10),
                    Desk.noon + .minutes(540) + .seconds(60),
                ])
        }
    }

    @Test func `what came before the machine was started again waits for a person`() async throws {
        try await Self.run { desk async throws in
            _ = await desk.take([Self.reading(10)])
            let sample = ClockSample(Self.clock(20, synchronised: true), boot: "another boot")
            #expect(try await desk.intake.dateUndated(by: sample).dated == 0)
            let stored = try #require(try await desk.stored().first)
            #expect(stored.record.quarantine == .noClockSync)
            var story = try await desk.quarantine.story(stored.record.key)
            #expect(story.known.contains("it is dated by itself then"))
            story.boot = "another boot"
            #expect(
                story.known.contains(
                    "it waits because the gateway was started again before its own clock was "
                        + "synchronised"))
        }
    }

    @Test func `a clock that says it is right but is not synchronised dates nothing`() async throws
    {
        try await Self.run { desk async throws in
            _ = await desk.take([Self.reading(10)])
            let sample = ClockSample(Self.clock(20), boot: "this boot")
            let result = try await desk.intake.dateUndated(by: sample)
            #expect(result.dated == 0 && result.left == 1)
            #expect(try await desk.spool.counts().quarantined == 1)
        }
    }

    @Test func `dating twice, and what comes again afterwards, changes nothing`() async throws {
        try await Self.run { desk async throws in
            _ = await desk.take([Self.reading(10)])
            let sample = ClockSample(Self.clock(100, synchronised: true), boot: "this boot")
            _ = try await desk.intake.dateUndated(by: sample)
            let before = try await desk.stored()
            var later = sample
            later.time.utc = later.time.utc + .minutes(60)
            #expect(try await desk.intake.dateUndated(by: later).dated == 0)
            #expect(await desk.take([Self.reading(10)]) == .stored(new: 0))
            #expect(try await desk.stored() == before)
        }
    }

    @Test func `a reading that a person released meanwhile keeps that person's time`() async throws
    {
        try await Self.run { desk async throws in
            _ = await desk.take([Self.reading(10), Self.reading(70, systolic: 126)])
            let key = try #require(try await desk.stored().first).record.key
            let given = Desk.noon - .minutes(30)
            _ = try await desk.quarantine.release(key, .given(given), by: .user(0))
            let sample = ClockSample(Self.clock(100, synchronised: true), boot: "this boot")
            #expect(try await desk.intake.dateUndated(by: sample).dated == 1)
            #expect(try await desk.spool.record(key)?.record.time?.observed == given)
        }
    }

    @Test func `what has no profile any more waits on and says so once`() async throws {
        try await Self.run { desk async throws in
            _ = await desk.take([Self.reading(10)])
            desk.profiles = ProfileIndex([])
            let sample = ClockSample(Self.clock(100, synchronised: true), boot: "this boot")
            for _ in 1...3 {
                #expect(try await desk.intake.dateUndated(by: sample).left == 1)
            }
            #expect(try await desk.spool.ledger(limit: 9).map(\.event) == ["received", "retried"])
            desk.profiles = Cuff.profiles()
            #expect(try await desk.intake.dateUndated(by: sample).dated == 1)
        }
    }

    // MARK: the watch

    /// A clock that a test sets.
    @LoopActor private final class Hands {
        var time = ClockWatchTests.clock(0)
        private(set) var looks = 0
        func look() -> GatewayTime {
            looks += 1
            return time
        }
    }

    @Test func `the daemon notices by itself that its clock was synchronised`() async throws {
        try await Self.run { desk async throws in
            let hands = Hands()
            let watch = ClockWatch(
                intake: desk.intake, boot: "this boot", clock: { hands.look() },
                period: .milliseconds(5))
            desk.intake.onUndated = { watch.nudge() }
            let task = spawn { await watch.run() }
            _ = await desk.take([Self.reading(10)])
            _ = await eventually { hands.looks > 3 }
            #expect(watch.dated == 0)
            hands.time = Self.clock(60, synchronised: true)
            #expect(await eventually { watch.dated == 1 })
            // It looks no more while nothing waits, and again when something does.
            let looks = hands.looks
            try await sleep(for: .milliseconds(30))
            #expect(hands.looks == looks)
            _ = await desk.take([Self.reading(70, systolic: 130)])
            #expect(await eventually { watch.dated == 2 })
            task.cancel()
            await task.value
        }
    }

    @Test func `a gateway without a time service sleeps while nothing waits for its clock`()
        async throws
    {
        try await Self.run { desk async throws in
            let hands = Hands()
            let watch = ClockWatch(
                intake: desk.intake, boot: "this boot", clock: { hands.look() },
                period: .milliseconds(5))
            let task = spawn { await watch.run() }
            try await sleep(for: .milliseconds(60))
            #expect(hands.looks == 0)
            task.cancel()
            await task.value
        }
    }

    @Test func `readings that a killed daemon left waiting are dated by the next one`() async throws
    {
        try await Self.run { desk async throws in
            _ = await desk.take([Self.reading(10)])
            let hands = Hands()
            hands.time = Self.clock(60, synchronised: true)
            let watch = ClockWatch(
                intake: desk.intake, boot: "this boot", clock: { hands.look() },
                period: .milliseconds(5))
            let task = spawn { await watch.run() }
            #expect(await eventually { watch.dated == 1 })
            task.cancel()
            await task.value
        }
    }

    @Test func `a clock that is marked synchronised before its step is not believed`() async throws
    {
        try await Self.run { desk async throws in
            let hands = Hands()
            let watch = ClockWatch(
                intake: desk.intake, boot: "this boot", clock: { hands.look() },
                period: .milliseconds(20))
            desk.intake.onUndated = { watch.nudge() }
            let task = spawn { await watch.run() }
            _ = await desk.take([Self.reading(10)])
            // The mark is there, the step follows within a period.
            hands.time = Self.clock(60)
            hands.time.synchronised = true
            let seen = hands.looks
            _ = await eventually { hands.looks > seen }
            hands.time = Self.clock(61, synchronised: true)
            #expect(await eventually { watch.dated == 1 })
            let observed = try await desk.stored().first?.record.time?.observed
            #expect(observed == Desk.noon + .seconds(10))
            task.cancel()
            await task.value
        }
    }

    @Test func `a store in trouble is tried again`() async throws {
        try await Self.run { desk async throws in
            let hands = Hands()
            hands.time = Self.clock(60, synchronised: true)
            _ = await desk.take([Self.reading(10)])
            let watch = ClockWatch(
                intake: desk.intake, boot: "this boot", clock: { hands.look() },
                period: .milliseconds(5))
            await desk.spool.close()
            let task = spawn { await watch.run() }
            let seen = hands.looks
            #expect(await eventually { hands.looks > seen + 6 })
            #expect(watch.dated == 0)
            task.cancel()
            await task.value
        }
    }
}
