import Measurement
import Testing

@testable import DeviceProfile

/// Rule T0: what came while the gateway's clock was wrong is dated once that is right.
@Suite struct UndatedReadingTests {
    /// A gateway that starts in 1970 and is told the time when it has run for ten hours.
    static func clock(_ secondsSinceBoot: Int64, right: Bool) -> GatewayTime {
        let start = right ? moment("2026-03-01T00:00:00") : Instant(seconds: 0)
        return GatewayTime(
            utc: start + .seconds(secondsSinceBoot),
            monotonicNanoseconds: secondsSinceBoot * 1_000_000_000, synchronised: right)
    }

    let engine = TimeEngine(
        rules: { () -> TimeRules in
            var rules = TimeRules()
            rules.clock = .local
            return rules
        }(), zone: tokyo)
    let now = ClockSample(clock(36_000, right: true), boot: "one")

    func undated(
        _ delivery: Delivery = .pushed, stamp: String? = nil, device: String? = nil,
        change: (inout Reading) -> Void = { _ in }
    ) -> UndatedReading {
        var reading = Reading(.measurement, kind: .bloodPressure)
        reading.deviceTime = stamp.map { wall($0) }
        change(&reading)
        let check = device.map {
            ClockCheck(gateway: Self.clock(3_590, right: false), device: wall($0))
        }
        return UndatedReading(
            reading, received: ClockSample(Self.clock(3_600, right: false), boot: "one"),
            evidence: TimeEvidence(delivery, SessionClock(check: check)))
    }

    func shown(_ decision: TimeDecision?) -> String {
        switch decision {
        case nil: "waits"
        case .accepted(let time):
            "\(tokyo.iso8601(time.observed)) code \(time.origin.rawValue) \(time.basis.rawValue)"
        case .faulty: "faulty"
        case .quarantined(let reason): "quarantine \(reason.rawValue)"
        }
    }

    @Test func `a live weight gets the moment it came by the clock that is right now`() {
        #expect(
            shown(engine.resolve(undated(), by: now))
                == "2026-03-01T01:00:00+09:00 code 1 received")
    }

    @Test func `a stamp is shifted by what the device's clock was off by the right clock`() throws {
        let reading = undated(
            .requested, stamp: "2026-02-28T23:00:00", device: "2026-03-01T00:53:50")
        let decision = engine.resolve(reading, by: now)
        #expect(shown(decision) == "2026-02-28T23:06:00+09:00 code 1 corrected")
        guard case .accepted(let time) = decision else { return }
        #expect(time.clockOffset == .seconds(360))
    }

    @Test func `a device whose clock was right all the time keeps its own time, code 0`() {
        let reading = undated(
            .requested, stamp: "2026-02-28T23:00:00", device: "2026-03-01T00:59:50")
        #expect(
            shown(engine.resolve(reading, by: now))
                == "2026-02-28T23:00:00+09:00 code 0 device-clock")
    }

    @Test func `nothing is dated before the clock is right, nor by the clock of another boot`() {
        let early = ClockSample(Self.clock(36_000, right: false), boot: "one")
        #expect(engine.resolve(undated(), by: early) == nil)
        let other = ClockSample(now.time, boot: "two")
        #expect(engine.resolve(undated(), by: other) == nil)
    }

    @Test func `a stored reading without a stamp still waits for a person, with its own reason`() {
        #expect(shown(engine.resolve(undated(.requested), by: now)) == "quarantine time-unknown")
    }

    @Test func `hours of waiting make the time less certain, as the gateway's clock ran alone`()
        throws
    {
        guard case .accepted(let time) = engine.resolve(undated(), by: now) else {
            Issue.record("no time")
            return
        }
        // Nine hours at 100 ppm.
        #expect(time.uncertainty == .milliseconds(3_240))
    }

    @Test func `a record keeps its key and gets the time, or waits for what else is wrong`() throws
    {
        let profile = try #require(Shipped.loaded.index[id: "and-ua-651ble"])
        let builder = RecordBuilder(profile: profile, zone: tokyo, simulated: false)
        let undated = undated { $0.keyBytes = [1] }
        var record = try #require(
            builder.record(
                undated.reading, device: DeviceDescription(id: DeviceID("ble:A")),
                received: undated.received.time, evidence: undated.evidence))
        #expect(record.quarantine == .noClockSync)
        let resolved = try #require(builder.resolve(record, undated, by: now))
        #expect(resolved.key == record.key)
        #expect(resolved.quarantine == nil)
        #expect(resolved.time?.observed == moment("2026-03-01T01:00:00"))
        #expect(resolved.received.utc == moment("2026-03-01T01:00:00"))
        record.quarantine = .implausible
        #expect(builder.resolve(record, undated, by: now) == nil)
    }

    @Test(arguments: TimePropertyTests.seeds) func `what is kept as text comes back the same`(
        seed: UInt64
    ) {
        var random = Seeded(seed)
        for _ in 0..<200 {
            var scene = Scene.random(&random)
            scene.received.synchronised = false
            let undated = UndatedReading(
                scene.reading, received: ClockSample(scene.received, boot: "b\"1\n"),
                evidence: TimeEvidence(scene.delivery, scene.clock, isCurrent: scene.isCurrent))
            #expect(UndatedReading(text: undated.text) == undated)
            #expect(!undated.text.contains("\n"))
            let engine = TimeEngine(rules: scene.rules, zone: scene.zone)
            let now = ClockSample(gateway("2027-03-01T00:00:00"), boot: "b\"1\n")
            let again = UndatedReading(text: undated.text).flatMap { engine.resolve($0, by: now) }
            #expect(again == engine.resolve(undated, by: now))
        }
    }

    @Test(arguments: [
        "", "{}", "[]", "null", #"{"boot":"x"}"#,
        #"{"boot":"x","received":{"utc":1,"monotonic":2},"pushed":true,"reading":{},"clock":{}}"#,
    ]) func `text that is none of ours is no reading`(text: String) {
        #expect(UndatedReading(text: text) == nil)
    }

    @Test func `a text that lost a part is refused as a whole`() {
        let text = undated(stamp: "2026-03-01T00:00:00", device: "2026-03-01T00:53:50").text
        for (part, other) in [
            (#""wall":"#, #""all":"#), (#""steps":[]"#, #""steps":[{}]"#),
            (#""latency":0"#, #""latency":"0""#), (#""fault":false"#, #""fault":0"#),
            (#""monotonic":"#, #""monotone":"#), (#""check":"#, #""earlier":"#),
        ] {
            let broken = text.replacing(part, with: other)
            #expect(broken != text, "\(part)")
            #expect(UndatedReading(text: broken) == nil, "\(broken)")
        }
    }
}
