import Measurement
import Testing

@testable import DeviceProfile

/// What holds for every input; the seed of a found one is the argument.
@Suite struct TimePropertyTests {
    static let seeds = Array(UInt64(1)...20)

    @Test(arguments: seeds) func `no time lies behind its reception by more than a minute`(
        seed: UInt64
    ) {
        var random = Seeded(seed)
        for _ in 0..<2_000 {
            let scene = Scene.random(&random)
            guard let time = scene.time else { continue }
            #expect(time.observed <= scene.received.utc + .seconds(60), "\(scene)")
            #expect(time.uncertainty >= .zero)
        }
    }

    @Test(arguments: seeds) func `clocks that are shifted together shift every time equally`(
        seed: UInt64
    ) {
        var random = Seeded(seed)
        for _ in 0..<2_000 {
            let scene = Scene.random(&random)
            let shift = Interval.seconds(Int64.random(in: -40_000_000...40_000_000, using: &random))
            let shifted = scene.shifted(by: shift)
            switch (scene.decision, shifted.decision) {
            case (.quarantined(let one), .quarantined(let other)): #expect(one == other)
            default:
                #expect(scene.time.map { $0.observed + shift } == shifted.time?.observed)
                #expect(scene.time?.origin == shifted.time?.origin)
                #expect(scene.time?.basis == shifted.time?.basis)
            }
        }
    }

    @Test(arguments: seeds) func `a decision depends on nothing but its inputs`(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<200 {
            let scene = Scene.random(&random)
            #expect(scene.decision == scene.decision)
        }
    }

    @Test(arguments: seeds) func `the key of a record does not know its time`(seed: UInt64) throws {
        var random = Seeded(seed)
        let profile = try #require(Shipped.loaded.index[id: "and-ua-651ble"])
        let builder = RecordBuilder(profile: profile, zone: tokyo, simulated: false)
        let device = DeviceDescription(id: DeviceID("ble:A"))
        for _ in 0..<200 {
            var scene = Scene.random(&random)
            if !builder.hasOwnIdentity(scene.reading) { scene.stamp("2026-03-01T08:00:00") }
            scene.reading.keyBytes = [1, 2, 3]
            let keys = (0..<3).map { _ in
                let other = Scene.random(&random)
                return builder.key(scene.reading, device: device.id, received: other.received)
            }
            #expect(Set(keys).count == 1)
        }
    }

    @Test func `every basis and every reason is reached by some input`() {
        var random = Seeded(7)
        var bases: Set<TimeBasis> = []
        var reasons: Set<QuarantineReason> = []
        for _ in 0..<20_000 {
            switch Scene.random(&random).decision {
            case .accepted(let time), .faulty(let time): bases.insert(time.basis)
            case .quarantined(let reason): reasons.insert(reason)
            }
        }
        #expect(bases == [.deviceClock, .corrected, .received, .synchronised])
        #expect(
            reasons == [
                .timeUnknown, .timeFault, .notCurrentTimeline, .future, .tooOld, .noClockSync,
            ])
    }
}

extension Scene {
    /// A device, a gateway and a reading in any state they can be in.
    static func random(_ random: inout Seeded) -> Scene {
        var scene = Scene()
        scene.rules.readings = .allCases.randomElement(using: &random) ?? .mixed
        scene.rules.clock = .allCases.randomElement(using: &random) ?? .local
        scene.rules.resolution = .allCases.randomElement(using: &random) ?? .second
        scene.rules.unreadableClock = Bool.random(using: &random) ? .unchanged : .quarantine
        scene.delivery = Bool.random(using: &random) ? .pushed : .requested
        let now = moment("2026-03-01T12:00:00") + .near(&random, days: 400)
        scene.received = gateway(now, synchronised: .often(&random))
        if .often(&random) {
            scene.reading.deviceTime = tokyo.local(now + .near(&random, days: 900))
        }
        if .seldom(&random) { scene.reading.tick = .random(in: 0...0xFFFF_FFFF, using: &random) }
        scene.reading.timeFault = .seldom(&random)
        scene.reading.duration = .seldom(&random) ? .seconds(600) : nil
        scene.reading.clockState = ClockState(
            isUTC: .seldom(&random) ? Bool.random(using: &random) : nil,
            isCurrent: .seldom(&random) ? Bool.random(using: &random) : nil,
            isSynchronised: .seldom(&random), utcOffsetMinutes: .seldom(&random) ? 60 : nil)
        scene.isCurrent = .seldom(&random) ? Bool.random(using: &random) : nil
        scene.clock = .random(&random, now)
        return scene
    }

    /// The same with every clock, the device's too, put forward or back.
    func shifted(by shift: Interval) -> Scene {
        var scene = self
        scene.received.utc = received.utc + shift
        scene.reading.deviceTime = reading.deviceTime?.adding(shift)
        scene.clock.check?.gateway.utc = (clock.check?.gateway.utc ?? received.utc) + shift
        if case .wall(let time)? = clock.check?.reading {
            scene.clock.check?.reading = .wall(time.adding(shift))
        }
        scene.clock.steps = clock.steps.map {
            ClockStep(
                deviceBefore: $0.deviceBefore.adding(shift), offset: $0.offset,
                setAt: $0.setAt + shift, drained: $0.drained)
        }
        scene.clock.earlier = clock.earlier.map {
            EarlierClock(
                offset: $0.offset, knownAt: $0.knownAt + shift, drainedAt: $0.drainedAt + shift)
        }
        return scene
    }
}

extension SessionClock {
    static func random(_ random: inout Seeded, _ now: Instant) -> SessionClock {
        var clock = SessionClock()
        let offset = Interval.near(&random, days: 6_000)
        if .often(&random) {
            let checked = gateway(now + .near(&random, days: 0), synchronised: true)
            let ticks = ClockReading.ticks(
                .random(in: 0...0xFFFF_FFFF, using: &random), length: .milliseconds(1))
            clock.check = ClockCheck(
                gateway: checked,
                reading: .seldom(&random) ? ticks : .wall(tokyo.local(checked.utc - offset)),
                latency: .milliseconds(.random(in: 0...5_000, using: &random)))
        }
        if Bool.random(using: &random) {
            clock.earlier = EarlierClock(
                offset: .near(&random, days: 6_000), knownAt: now - .seconds(90_000),
                drainedAt: now - .seconds(89_000))
        }
        for day in stride(from: Int64(9), to: 0, by: -3) where .seldom(&random) {
            let setAt = now - .seconds(day * 86_400)
            let before = Interval.near(&random, days: 500)
            clock.steps.append(
                ClockStep(
                    deviceBefore: tokyo.local(setAt - before), offset: before, setAt: setAt,
                    drained: Bool.random(using: &random)))
        }
        if clock.check != nil, .seldom(&random) {
            clock.steps.append(
                ClockStep(
                    deviceBefore: tokyo.local(now - offset), offset: offset, setAt: now,
                    drained: false))
            clock.wasSet = true
        }
        return clock
    }
}

extension Interval {
    /// Anything from nothing to some days, small lengths as likely as large ones.
    static func near(_ random: inout Seeded, days: Int64) -> Interval {
        let most = max(60, days * 86_400)
        let scales: [Int64] = [most, 86_400, 3_600, 120, 2]
        let scale = min(most, scales.randomElement(using: &random) ?? 2)
        return .seconds(Int64.random(in: -scale...scale, using: &random))
    }
}

extension Bool {
    static func often(_ random: inout Seeded) -> Bool {
        UInt64.random(in: 0..<8, using: &random) > 0
    }
    static func seldom(_ random: inout Seeded) -> Bool { !often(&random) }
}
