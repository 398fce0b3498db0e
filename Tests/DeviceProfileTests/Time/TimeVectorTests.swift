import Measurement
import Testing

@testable import DeviceProfile

/// The test vectors of the time rules, one by one.
@Suite struct TimeVectorTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var number: Int
        var scene: Scene
        var expected: String
        var testDescription: String { "vector \(number)" }

        init(_ number: Int, _ scene: Scene, _ expected: String) {
            self.number = number
            self.scene = scene
            self.expected = expected
        }
    }

    static let simple: [Vector] = [
        Vector(
            1,
            Scene {
                $0.received = gateway("2026-03-01T12:06:30")
                $0.check("2026-03-01T12:00:00", at: "2026-03-01T12:06:00")
                $0.stamp("2026-03-01T11:30:00")
            }, "2026-03-01T11:36:00+09:00 code 1 corrected"),
        Vector(
            4,
            Scene {
                $0.check("2026-03-01T11:59:59", at: "2026-03-01T12:00:00")
                $0.stamp("2026-03-01T10:00:00")
            }, "2026-03-01T10:00:00+09:00 code 0 device-clock"),
        Vector(
            5, Scene { $0.received = gateway("2026-03-01T08:15:30") },
            "2026-03-01T08:15:30+09:00 code 1 received"),
        Vector(
            6,
            Scene {
                $0.received = gateway("2026-03-01T09:00:00")
                $0.reading.duration = .seconds(600)
            }, "2026-03-01T08:50:00+09:00 code 1 received"),
        Vector(
            7,
            Scene {
                $0.received = gateway("2026-03-01T08:15:30")
                $0.reading.deviceTimeUnusable = true
            }, "2026-03-01T08:15:30+09:00 code 1 received"),
        Vector(
            8,
            Scene {
                $0.delivery = .requested
                $0.reading.deviceTimeUnusable = true
            }, "quarantine time-unknown"),
        Vector(
            9,
            Scene {
                $0.received = gateway("2025-12-31T20:00:20")
                $0.check("2016-01-01T00:10:00", at: "2025-12-31T20:00:00")
                $0.stamp("2016-01-01T00:05:00")
            }, "2025-12-31T19:55:00+09:00 code 1 corrected"),
        Vector(
            15,
            Scene(.stored) {
                $0.delivery = .requested
                $0.check("2026-03-01T12:00:00", at: "2026-03-01T12:00:00")
                $0.stamp("2026-03-01T11:00:00")
                $0.reading.timeFault = true
            }, "quarantine time-fault"),
        Vector(
            18,
            Scene(.stored) {
                $0.delivery = .requested
                $0.check("2026-03-01T12:00:00", at: "2026-03-01T12:00:00")
                $0.stamp("2026-03-01T12:05:00")
            }, "quarantine future"),
    ]

    @Test(arguments: simple) func `a reading gets the time that its vector gives`(vector: Vector) {
        #expect(vector.scene.shown == vector.expected)
    }

    @Test func `vector 2, a counter is placed by the gateway's clock`() throws {
        var scene = counter(
            now: 100_000, at: "2017-11-27T05:31:44.555-05:00", measured: 108_000)
        scene.received = gateway("2017-11-27T05:31:46-05:00")
        let time = try #require(scene.time)
        #expect(time.observed == moment("2017-11-27T05:31:45.555-05:00"))
        #expect(time.origin == .corrected)
        #expect(time.basis == .corrected)
    }

    @Test func `vector 3, the tolerance decides whether a second matters`() throws {
        var scene = Scene {
            $0.zone = TimeZoneRules(name: "UTC-4", fixedOffsetSeconds: -4 * 3_600)
            $0.rules.resolution = .subsecond
            $0.received = gateway("2019-09-20T12:40:20-04:00")
            $0.stamp("2019-09-20T12:40:18")
            $0.clock.check = ClockCheck(
                gateway: gateway("2019-09-20T12:40:07.936-04:00"),
                device: wall("2019-09-20T12:40:09"))
        }
        #expect(scene.shown == "2019-09-20T12:40:18-04:00 code 0 device-clock")
        scene.rules.tolerance = .zero
        #expect(scene.shown == "2019-09-20T12:40:16.936-04:00 code 1 corrected")
    }

    @Test func `vector 4, an offset within the tolerance is kept with the record`() throws {
        let time = try #require(Self.simple.first { $0.number == 4 }?.scene.time)
        #expect(time.clockOffset == .seconds(1))
    }

    @Test func `vector 5, a time of reception tells of no clock`() throws {
        let time = try #require(Self.simple.first { $0.number == 5 }?.scene.time)
        #expect(time.clockOffset == nil)
    }

    @Test func `vector 10, what was measured before the clock fell back is not shifted`() {
        let readings = [record(5, "2025-03-02T00:00:00"), record(6, "2016-01-01T00:00:00")]
        let isCurrent = DumpTimeline.isCurrent(readings, tolerance: .seconds(2))
        let scenes = zip(readings, isCurrent).map { reading, isCurrent in
            Scene(.stored) {
                $0.delivery = .requested
                $0.received = gateway("2025-03-10T00:00:10")
                $0.check("2016-01-03T00:00:00", at: "2025-03-10T00:00:00")
                $0.reading = reading
                $0.isCurrent = isCurrent
            }
        }
        #expect(scenes[0].shown == "quarantine not-current-timeline")
        #expect(scenes[1].shown == "2025-03-08T00:00:00+09:00 code 1 corrected")
    }

    @Test func `vector 10, an offset that was known before the fall may date it, as a fault`() {
        let scene = Scene(.stored) {
            $0.delivery = .requested
            $0.received = gateway("2025-03-10T00:00:10")
            $0.check("2016-01-03T00:00:00", at: "2025-03-10T00:00:00")
            $0.clock.earlier = earlier(.seconds(90), knownAt: "2025-03-01T00:00:00")
            $0.reading = record(5, "2025-03-02T00:00:00")
            $0.isCurrent = false
        }
        #expect(scene.shown == "2025-03-02T00:01:30+09:00 code 1 corrected fault")
    }

    @Test func `vector 11, a record from before the set keeps the offset from before the set`() {
        let scene = Scene {
            $0.received = gateway("2026-03-01T12:00:05")
            $0.check("2026-03-01T11:58:00", at: "2026-03-01T12:00:00")
            $0.clock.steps = [step("2026-03-01T11:58:00", setAt: "2026-03-01T12:00:00")]
            $0.clock.wasSet = true
            $0.stamp("2026-03-01T11:40:00")
        }
        #expect(scene.shown == "2026-03-01T11:42:00+09:00 code 1 corrected")
    }

    @Test
    func `vector 12, a synchronised clock in UTC is not corrected, only written in Japan's time`()
        throws
    {
        let scene = Scene {
            $0.received = gateway("2026-01-01T00:00:05")
            $0.stamp("2025-12-31T14:59:58")
            $0.reading.clockState = ClockState(isUTC: true, isCurrent: true, isSynchronised: true)
        }
        let time = try #require(scene.time)
        #expect(tokyo.local(time.observed).digits14 == "20251231235958")
        #expect(time.origin == .device)
        #expect(time.basis == .synchronised)
    }

    @Test func `vector 13, a stamp of a timeline that the device itself gave up is not used`() {
        let scene = Scene {
            $0.check("2026-03-01T12:00:00", at: "2026-03-01T12:00:00")
            $0.stamp("2026-03-01T11:00:00")
            $0.reading.clockState = ClockState(isUTC: false, isCurrent: false)
        }
        #expect(scene.shown == "quarantine not-current-timeline")
    }

    @Test func `vector 14, a glucose meter's time is its base time and the user's offset`() throws {
        let frame = bytes("03 1100 e9070c1f173b3a e4fd 68b0 11")
        var scene = Scene(.stored) {
            $0.delivery = .requested
            $0.received = gateway("2026-01-01T08:00:10")
            $0.check("2026-01-01T08:00:00", at: "2026-01-01T08:00:00")
        }
        scene.reading = read(.named("glucose-measurement"), frame)
        let time = try #require(scene.time)
        #expect(tokyo.local(time.observed).digits14 == "20251231145958")
        #expect(time.origin == .device)
        #expect(scene.reading.sequenceNumber == 17)
        #expect(scene.reading.baseTime == wall("2025-12-31T23:59:58"))
    }

    @Test func `vector 16, a record sent again under another offset keeps its key`() throws {
        let profile = try #require(Shipped.loaded.index[id: "and-ua-651ble"])
        let builder = RecordBuilder(profile: profile, zone: tokyo, simulated: false)
        var keys: Set<RecordKey> = []
        var times: Set<Instant> = []
        for offset in [Interval.seconds(360), .seconds(364)] {
            let received = gateway(moment("2026-03-01T12:06:00") + offset)
            var clock = SessionClock()
            clock.check = ClockCheck(
                gateway: received, device: tokyo.local(received.utc - offset))
            var reading = Reading(.measurement, kind: .bloodPressure)
            reading.deviceTime = wall("2026-03-01T11:30:00")
            reading.keyBytes = [1, 2, 3]
            let record = try #require(
                builder.record(
                    reading, device: DeviceDescription(id: DeviceID("ble:A")), received: received,
                    evidence: TimeEvidence(.pushed, clock)))
            keys.insert(record.key)
            times.insert(try #require(record.time?.observed))
        }
        #expect(keys.count == 1)
        #expect(times.count == 2)
    }

    @Test func `vector 17, what came before the gateway's clock was right is dated afterwards`() {
        let boot: Int64 = 1_000_000_000
        var scene = Scene(.live)
        scene.received = GatewayTime(
            utc: moment("2026-03-01T00:00:10"), monotonicNanoseconds: 40 * boot,
            synchronised: false)
        #expect(scene.shown == "quarantine no-clock-sync")
        // Twenty seconds later the clock is put forward by nine hours.
        let right = GatewayTime(
            utc: moment("2026-03-01T09:00:30"), monotonicNanoseconds: 60 * boot,
            synchronised: true)
        scene.received = scene.received.resolved(by: right)
        #expect(scene.shown == "2026-03-01T09:00:10+09:00 code 1 received")
    }

    @Test func `vector 19, a counter may have started again between measuring and reading`()
        throws
    {
        let scene = counter(
            now: 0x0000_0010, at: "2026-03-01T12:00:00", measured: 0xFFFF_FFF0)
        let time = try #require(scene.time)
        #expect(time.observed == moment("2026-03-01T11:59:59.996"))
        #expect(time.origin == .corrected)
    }

    @Test func `vector 20, the number of a stamp in identifiers counts from the year 2000`() {
        #expect(wall("2021-11-22T11:56:30").secondsSince2000 == 690_897_390)
    }

    private func counter(now: UInt64, at: String, measured: UInt64) -> Scene {
        Scene(.stored) {
            $0.delivery = .requested
            $0.received = gateway(at)
            $0.reading.tick = measured
            $0.clock.check = ClockCheck(
                gateway: gateway(at),
                reading: .ticks(now, length: Interval(microseconds: 125)))
        }
    }
}

/// A stored glucose record with a number and a stamp.
func record(_ sequence: Int, _ stamp: String) -> Reading {
    var reading = Reading(.measurement, kind: .glucose)
    reading.sequenceNumber = sequence
    reading.deviceTime = wall(stamp)
    return reading
}
