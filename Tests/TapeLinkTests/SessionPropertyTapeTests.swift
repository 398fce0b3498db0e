import DeviceLink
import DeviceProfile
import Measurement
import Testing

@testable import TapeLink

/// What holds for every session, whatever clocks and devices do; the seed of a found one is given.
@Suite struct SessionPropertyTapeTests {
    static let seeds = Array(UInt64(1)...40)

    @Test(arguments: seeds) func `clocks that are shifted together shift every time equally`(
        seed: UInt64
    ) throws {
        for part in UInt64(0)..<5 {
            let plan = Plan(seed: seed * 100 + part)
            let plain = try results(plan.tapes(), profiles: ClockProfiles.index)
            let shift = Interval.seconds(Int64(plan.shift))
            let shifted = try results(plan.tapes(by: shift), profiles: ClockProfiles.index)
            #expect(plain.map(\.outcome) == shifted.map(\.outcome), "\(plan)")
            for (one, other) in zip(plain, shifted) {
                let time = one.entry.record?.time
                let moved = other.entry.record?.time
                #expect(time.map { $0.observed + shift } == moved?.observed, "\(plan)")
                #expect(time?.basis == moved?.basis && time?.origin == moved?.origin)
                #expect(time?.clockOffset == moved?.clockOffset)
            }
        }
    }

    @Test(arguments: seeds) func `any end of the tapes played twice changes nothing`(
        seed: UInt64
    ) throws {
        for part in UInt64(0)..<3 {
            let tapes = Plan(seed: seed * 1_000 + part).tapes()
            let once = try results(tapes, profiles: ClockProfiles.index)
            for from in tapes.indices {
                let twice = try results(
                    tapes + tapes[from...], profiles: ClockProfiles.index)
                #expect(Array(twice.prefix(once.count)).map(\.shown) == once.map(\.shown))
                var known = Dictionary(
                    once.map { ($0.entry.key, $0.entry.record) }, uniquingKeysWith: { $1 })
                for again in twice.dropFirst(once.count) where again.isRecord {
                    let before = known[again.entry.key] ?? nil
                    if again.outcome == .duplicate {
                        #expect(again.entry.record?.time == before?.time)
                    } else {
                        // Only what waited for the gateway's clock may still get its time.
                        #expect(before?.quarantine == .noClockSync)
                        known[again.entry.key] = again.entry.record
                    }
                }
            }
        }
    }

    @Test(arguments: seeds) func `no time lies behind its reception by more than a minute`(
        seed: UInt64
    ) throws {
        for part in UInt64(0)..<5 {
            let plan = Plan(seed: seed * 7 + part)
            for result in try results(plan.tapes(), profiles: ClockProfiles.index) {
                guard let record = result.entry.record, let time = record.time else { continue }
                #expect(time.observed <= record.received.utc + .seconds(60), "\(plan)")
            }
        }
    }

    @Test func `the random sessions meet what they are meant for`() throws {
        var outcomes: Set<String> = []
        for seed in UInt64(1)...200 {
            for result in try results(Plan(seed: seed).tapes(), profiles: ClockProfiles.index) {
                switch result.outcome {
                case .quarantined(let reason): outcomes.insert(reason.rawValue)
                case .duplicate: outcomes.insert("duplicate")
                case .reading:
                    outcomes.insert(result.entry.record?.time?.basis.rawValue ?? "none")
                }
            }
        }
        #expect(
            outcomes.isSuperset(of: [
                "device-clock", "corrected", "received", "future",
                "not-current-timeline", "no-clock-sync", "time-unknown",
            ]))
    }
}

extension ReplayResult {
    fileprivate var isRecord: Bool { entry.reading.outcome == .measurement }
}

/// Some sessions of one device: when, how wrong its clock is, what it sends.
private struct Plan: CustomStringConvertible {
    var seed: UInt64
    var shift: Int
    private var sessions: [Session] = []

    private struct Session {
        var at: Int
        var device: String
        /// How far the clock is ahead; nil: it cannot be read.
        var ahead: Int?
        var changesTo: Int?
        var synchronised: Bool
        var synchronisesAfter: Bool
        /// Seconds before the session by the device's clock, and the weight.
        var records: [(age: Int, weight: Int)]
    }

    var description: String { "seed \(seed): \(sessions)" }

    init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix(state: seed)
        func any(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        shift = any(-400...400) * 86_400 + any(0...86_399)
        let device = ["reader", "notifier", "keys"][any(0...2)]
        var at = 0
        var ahead = [0, 1, 360, -360, -500_000_000, any(-100_000...100_000)][any(0...5)]
        for _ in 0..<any(1...4) {
            at += any(300...300_000)
            if any(0...3) == 0 { ahead += any(-100_000...100_000) }
            let records = (0..<any(0...5)).map { _ in
                (
                    age: [any(-10...50), any(-400...400), any(0...900_000)][any(0...2)],
                    weight: any(300...1_200)
                )
            }
            sessions.append(
                Session(
                    at: at, device: device, ahead: any(0...4) == 0 ? nil : ahead,
                    changesTo: any(0...5) == 0 ? any(-1_000...1_000) : nil,
                    synchronised: any(0...3) > 0, synchronisesAfter: any(0...2) > 0,
                    records: records))
        }
    }

    /// The tapes, with every clock put forward.
    func tapes(by shift: Interval = .zero) -> [TapeText] {
        sessions.map { session in
            let start = moment("2026-03-01T08:00:00") + .seconds(Int64(session.at)) + shift
            var text = TapeText()
            func at(_ seconds: Int, _ write: (inout TapeText, String) -> Void) {
                let local = tokyo.local(start + .seconds(Int64(seconds))).description
                text.day(String(local.prefix(10)))
                write(&text, String(local.dropFirst(11)))
            }
            func shown(_ seconds: Int, _ ahead: Int) -> String {
                hex(
                    DateTimeField.bytes(
                        tokyo.local(start + .seconds(Int64(seconds + ahead)))))
            }
            at(0) { $0.gatewayClock($1, session.synchronised) }
            at(1) { $0.device($1, session.device) }
            if let ahead = session.ahead {
                at(2) { $0.read($1, "2a08", shown(2, ahead)) }
                at(2) { $0.read($1, "2a2b", shown(2, ahead) + "000000") }
                if session.device == "notifier" {
                    at(3) { $0.notify($1, "2a2b", shown(3, ahead) + "000000") }
                }
            }
            for (number, record) in session.records.enumerated() {
                let last = session.device == "keys" ? "00" : ""
                at(10 + number) {
                    $0.weight($1, record.weight, shown(-record.age, session.ahead ?? 0) + last)
                }
                if number == 1, let changed = session.changesTo, session.device != "keys" {
                    at(11) { $0.notify($1, "2a2b", shown(11, changed) + "000001") }
                }
            }
            if !session.synchronised, session.synchronisesAfter {
                at(100) { $0.gatewayClock($1, true) }
            }
            return text
        }
    }
}

/// A small generator with a seed.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
