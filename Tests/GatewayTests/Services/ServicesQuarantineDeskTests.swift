import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Spool
import Testing

@testable import Gateway

/// A person decides on a reading whose time or value the rules could not justify.
@Suite(.timeLimit(.minutes(1))) struct QuarantineDeskTests {
    init() { LoopThread.start() }

    private static let person = LedgerActor.user(1_000)
    private static let received = GatewayTime(
        utc: Desk.noon, monotonicNanoseconds: 5_000_000_000, synchronised: true)

    /// A stored reading of a day before, whose clock could not be read.
    private static func doubtful(systolic: Int = 125) -> SessionEntry {
        Cuff.reading(
            .init(
                wall: Cuff.zone.local(Desk.noon - .minutes(1_440)), clockOffset: nil,
                received: received, systolic: systolic, delivery: .requested),
            Cuff.profiles())
    }

    private static func run(
        _ body: @escaping @LoopActor @Sendable (Desk, RecordKey) async throws -> Void
    ) async throws {
        try await Desk.run { desk async throws in
            desk.profiles = Cuff.profiles()
            _ = await desk.take([doubtful()])
            let stored = try #require(try await desk.stored().first)
            #expect(stored.record.quarantine == .timeUnknown)
            try await body(desk, stored.record.key)
        }
    }

    private static func refusal(
        _ body: () async throws(QuarantineDesk.Refusal) -> QuarantineDesk.Outcome
    ) async -> QuarantineDesk.Refusal? {
        do throws(QuarantineDesk.Refusal) {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    // MARK: release

    @Test func `a person's time is written with code 1, and the input code stays`() async throws {
        try await Self.run { desk, key async throws in
            let given = Desk.noon - .minutes(1_445)
            let outcome = try await desk.quarantine.release(key, .given(given), by: Self.person)
            #expect(!outcome.already)
            let record = outcome.stored.record
            #expect(record.key == key && record.quarantine == nil)
            #expect(record.time?.observed == given && record.time?.basis == .person)
            #expect(record.time?.origin == .corrected && record.dataInputCode == .device)
            #expect(outcome.stored.deliveries.map(\.state) == [.waiting])
            #expect(desk.told.last?.key == key, "the way out is woken")
            let line = try #require(try await desk.spool.ledger(limit: 9).last)
            #expect(line.event == "released" && line.actor == "uid 1000" && line.subject == key.hex)
            #expect(line.details.contains("\"observed_at\":\(given.microseconds)"))
            #expect(line.details.contains("\"reason_before\":\"time-unknown\""))
        }
    }

    @Test func `the reception time may be taken, for a period its beginning`() async throws {
        try await Self.run { desk, key async throws in
            let outcome = try await desk.quarantine.release(key, .reception, by: Self.person)
            #expect(outcome.stored.record.time?.observed == Desk.noon)
            #expect(outcome.stored.record.time?.basis == .received)
            #expect(outcome.stored.record.time?.origin == .corrected)
        }
    }

    @Test func `deciding the same twice is once; deciding otherwise is refused with what stands`()
        async throws
    {
        try await Self.run { desk, key async throws in
            let given = Desk.noon - .minutes(1_445)
            _ = try await desk.quarantine.release(key, .given(given), by: Self.person)
            let again = try await desk.quarantine.release(key, .given(given), by: Self.person)
            #expect(again.already)
            let other = await Self.refusal { () throws(QuarantineDesk.Refusal) in
                try await desk.quarantine.release(key, .reception, by: Self.person)
            }
            guard case .decidedBefore(let text)? = other else {
                Issue.record("\(String(describing: other))")
                return
            }
            #expect(text.contains("(person), and that stays"))
            #expect(try await desk.spool.ledger(limit: 9).count == 2)
            let discard = await Self.refusal { () throws(QuarantineDesk.Refusal) in
                try await desk.quarantine.discard(key, reason: "no", by: Self.person)
            }
            #expect(discard == other)
        }
    }

    @Test func `two people at once: one decision, and both are told the truth`() async throws {
        try await Self.run { desk, key async throws in
            let quarantine = desk.quarantine
            let tasks = (1...8).map { minute in
                spawn { () async -> QuarantineDesk.Refusal? in
                    let given = Desk.noon - .minutes(Int64(minute % 2 + 1_440))
                    return await Self.refusal { () throws(QuarantineDesk.Refusal) in
                        try await quarantine.release(key, .given(given), by: Self.person)
                    }
                }
            }
            var refused = 0
            for task in tasks where await task.value != nil { refused += 1 }
            #expect(refused == 4, "those with the other time")
            #expect(try await desk.spool.ledger(limit: 99).count == 2)
        }
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var minutes: Int64
        var code: String
    }

    @Test(arguments: [
        Wrong(testDescription: "tomorrow", minutes: 1_440, code: "future"),
        Wrong(testDescription: "after its reception", minutes: 2, code: "future"),
        Wrong(testDescription: "in another century", minutes: -60 * 24 * 365 * 40, code: "too-old"),
    ])
    func `a time at which nothing was measured is refused with the reason`(
        wrong: Wrong
    ) async throws {
        try await Self.run { desk, key async throws in
            let refused = await Self.refusal { () throws(QuarantineDesk.Refusal) in
                try await desk.quarantine.release(
                    key, .given(Desk.noon + .minutes(wrong.minutes)), by: Self.person)
            }
            guard case .wrongTime(let code, let text)? = refused else {
                Issue.record("\(String(describing: refused))")
                return
            }
            #expect(code == wrong.code && text.hasPrefix("20") || text.hasPrefix("19"))
            #expect(try await desk.spool.counts().quarantined == 1)
        }
    }

    @Test func `a key that nobody knows, a discarded and an accepted one are told apart`()
        async throws
    {
        try await Self.run { desk, key async throws in
            let unknown = await Self.refusal { () throws(QuarantineDesk.Refusal) in
                try await desk.quarantine.release(Desk.key(99), .reception, by: Self.person)
            }
            #expect(unknown == .unknown("there is no record \(Desk.key(99))"))
            _ = try await desk.quarantine.discard(key, reason: "a guest", by: Self.person)
            for _ in 1...2 {
                let outcome = try await desk.quarantine.discard(
                    key, reason: "another", by: Self.person)
                #expect(outcome.already && outcome.stored.discarded?.reason == "a guest")
            }
            let released = await Self.refusal { () throws(QuarantineDesk.Refusal) in
                try await desk.quarantine.release(key, .reception, by: Self.person)
            }
            guard case .decidedBefore(let text)? = released else {
                Issue.record("\(String(describing: released))")
                return
            }
            #expect(text.hasSuffix(": a guest"))
        }
    }

    @Test func `without consent a released record is held like any other`() async throws {
        try await Self.run { desk, key async throws in
            desk.roster = Desk.home(consent: [.weight])
            let outcome = try await desk.quarantine.release(key, .reception, by: Self.person)
            #expect(outcome.stored.deliveries.map(\.state) == [.held])
            #expect(outcome.stored.deliveries.map(\.reason) == ["no consent"])
        }
    }

    @Test func `a store that is closed refuses by name and keeps the reading`() async throws {
        try await Self.run { desk, key async throws in
            await desk.spool.close()
            let refused = await Self.refusal { () throws(QuarantineDesk.Refusal) in
                try await desk.quarantine.release(key, .reception, by: Self.person)
            }
            guard case .store(let error)? = refused else {
                Issue.record("\(String(describing: refused))")
                return
            }
            #expect(error.name == "closed")
        }
    }

    // MARK: retry

    @Test func `a corrected profile makes a record of what the old one refused, under its key`()
        async throws
    {
        try await Desk.run { desk async throws in
            desk.profiles = Cuff.profiles(Cuff.strict)
            let wall = Cuff.zone.local(Desk.noon)
            _ = await desk.take([
                Cuff.reading(
                    .init(wall: wall, clockOffset: .seconds(0), received: Self.received),
                    desk.profiles)
            ])
            let before = try #require(try await desk.stored().first)
            #expect(before.record.quarantine == .implausible)
            let same = try await desk.quarantine.retry(before.record.key, by: Self.person)
            #expect(same.already, "nothing has changed yet")
            desk.profiles = Cuff.profiles(Cuff.corrected)
            let after = try await desk.quarantine.retry(before.record.key, by: Self.person)
            #expect(!after.already)
            #expect(after.stored.record.key == before.record.key)
            #expect(after.stored.record.quarantine == nil)
            #expect(after.stored.record.profileRevision == 2)
            #expect(after.stored.record.time?.observed == Desk.noon)
            #expect(after.stored.deliveries.map(\.state) == [.waiting])
            let line = try #require(try await desk.spool.ledger(limit: 9).last)
            #expect(line.event == "retried")
            #expect(line.details.contains("\"profile_revision_before\":1"))
            #expect(line.details.contains("\"profile_revision\":2"))
            #expect(!line.details.contains("125"))
        }
    }

    @Test func `what a new profile still cannot justify stays, with the reason of now`()
        async throws
    {
        try await Self.run { desk, key async throws in
            desk.profiles = Cuff.profiles(Cuff.strict)
            let outcome = try await desk.quarantine.retry(key, by: Self.person)
            #expect(outcome.already)
            #expect(outcome.stored.record.quarantine == .implausible)
            desk.profiles = ProfileIndex([])
            _ = try await desk.quarantine.retry(key, by: Self.person)
            let story = try await desk.quarantine.story(key)
            #expect(story.kept.evidence?.note == "the profile and-ua-651ble is not loaded")
        }
    }

    @Test func `trying all again counts what became a record and what stays`() async throws {
        try await Desk.run { desk async throws in
            desk.profiles = Cuff.profiles(Cuff.strict)
            var entries = (0..<5).map { number in
                Cuff.reading(
                    .init(
                        wall: Cuff.zone.local(Desk.noon), clockOffset: .seconds(0),
                        received: Self.received, systolic: 120 + number), desk.profiles)
            }
            entries.append(Self.doubtful(systolic: 99))
            _ = await desk.take(entries)
            #expect(try await desk.spool.counts().quarantined == 6)
            desk.profiles = Cuff.profiles(Cuff.corrected)
            let result = try await desk.quarantine.retryAll(by: Self.person)
            #expect(result.released == 5 && result.left == 1)
            let again = try await desk.quarantine.retryAll(by: Self.person)
            #expect(again.released == 0 && again.left == 1)
        }
    }

    @Test func `a reading that arrives again while it is tried stays one record`() async throws {
        try await Self.run { desk, key async throws in
            let quarantine = desk.quarantine
            let task = spawn { try? await quarantine.retryAll(by: Self.person) }
            for _ in 1...5 { _ = await desk.take([Self.doubtful()]) }
            _ = await task.value
            #expect(try await desk.spool.counts().stored == 1)
            #expect(try await desk.spool.record(key)?.record.quarantine == .timeUnknown)
        }
    }

    // MARK: show

    @Test func `two sentences say what is known and what releasing would write`() async throws {
        try await Self.run { desk, key async throws in
            _ = await desk.take([
                Cuff.reading(
                    .init(
                        wall: Cuff.zone.local(Desk.noon - .seconds(30)), clockOffset: .zero,
                        received: Self.received, systolic: 131), Cuff.profiles())
            ])
            let story = try await desk.quarantine.story(key)
            #expect(
                story.known
                    == "The device wrote 2026-02-28T03:00:00; it was received at "
                    + "2026-03-01T03:00:00+00:00; the device's clock was not read beside it; the "
                    + "record of this device before it is none, the one after it of "
                    + "2026-03-01T02:59:30+00:00; it waits because nothing tells when it was "
                    + "measured.")
            #expect(
                story.releasing
                    == "Releasing it with a time of yours writes that time with "
                    + "origin_of_time_code 1 and releasing it with the reception time writes "
                    + "2026-03-01T03:00:00+00:00, both under the same key, with data_input_code 0.")
        }
    }

    @Test func `a clock that was read is told with its direction`() async throws {
        for (seconds, text) in [
            (360, "was 360 s behind the gateway's"), (-90, "was 90 s ahead of the gateway's"),
            (0, "agreed with the gateway's"),
        ] as [(Int64, String)] {
            try await Desk.run { desk async throws in
                desk.profiles = Cuff.profiles(Cuff.strict)
                _ = await desk.take([
                    Cuff.reading(
                        .init(
                            wall: Cuff.zone.local(Desk.noon), clockOffset: .seconds(seconds),
                            received: Self.received), desk.profiles)
                ])
                let key = try #require(try await desk.stored().first).record.key
                let story = try await desk.quarantine.story(key)
                #expect(story.known.contains("the device's clock " + text))
                #expect(story.clockOffset == .seconds(seconds))
            }
        }
    }

    @Test func `a record that is not in quarantine has no story`() async throws {
        try await Self.run { desk, key async throws in
            _ = try await desk.quarantine.release(key, .reception, by: Self.person)
            do throws(QuarantineDesk.Refusal) {
                _ = try await desk.quarantine.story(key)
                Issue.record("it has one")
            } catch {
                guard case .decidedBefore = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }
}
