import Measurement
import Testing

@testable import DeviceProfile

/// What decides between the device's clock, the moment of reception and a person's help.
@Suite struct TimeRuleTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var scene: Scene
        var expected: String

        init(_ name: String, _ expected: String, _ scene: Scene) {
            testDescription = name
            self.scene = scene
            self.expected = expected
        }
    }

    @Test(arguments: withoutStamp) func `a reading without a time is dated only where it is live`(
        example: Case
    ) {
        #expect(example.scene.shown == example.expected)
    }

    static let withoutStamp: [Case] = [
        Case("an indication", "2026-03-01T12:00:00+09:00 code 1 received", Scene()),
        Case("a broadcast", "2026-03-01T12:00:00+09:00 code 1 received", Scene(.live)),
        Case("out of memory", "quarantine time-unknown", Scene { $0.delivery = .requested }),
        Case(
            "of a device that only sends what it has stored", "quarantine time-unknown",
            Scene(.stored)),
        Case(
            "although the clock can be read", "2026-03-01T12:00:00+09:00 code 1 received",
            Scene { $0.check("2026-03-01T11:00:00", at: "2026-03-01T12:00:00") }),
        Case(
            "with a duration, out of memory", "quarantine time-unknown",
            Scene {
                $0.delivery = .requested
                $0.reading.duration = .seconds(600)
            }),
    ]

    @Test(arguments: unreadable) func `a stamp whose clock nobody can read proves no time`(
        example: Case
    ) {
        #expect(example.scene.shown == example.expected)
    }

    static let unreadable: [Case] = [
        Case("pushed, of this minute", received, Scene { $0.stamp("2026-03-01T11:59:20") }),
        Case("pushed, six minutes slow", received, Scene { $0.stamp("2026-03-01T11:54:00") }),
        Case("pushed, an hour slow", received, Scene { $0.stamp("2026-03-01T11:00:00") }),
        Case(
            "pushed, of yesterday", "quarantine time-unknown",
            Scene { $0.stamp("2026-02-28T12:00:00") }),
        Case(
            "pushed, of a clock in the future", received, Scene { $0.stamp("2026-05-01T12:00:00") }),
        Case("pushed, of a clock never set", received, Scene { $0.stamp("2010-01-01T00:07:00") }),
        Case(
            "pushed, near by the offset of the last session", received,
            Scene {
                $0.stamp("2026-03-01T03:00:10")
                $0.clock.earlier = earlier(.seconds(9 * 3_600), knownAt: "2026-02-28T12:00:00")
            }),
        Case(
            "pushed, far by the offset of the last session", "quarantine time-unknown",
            Scene {
                $0.stamp("2026-02-28T03:00:10")
                $0.clock.earlier = earlier(.seconds(9 * 3_600), knownAt: "2026-02-28T10:00:00")
            }),
        Case(
            "out of memory, of this minute", "quarantine time-unknown",
            Scene {
                $0.delivery = .requested
                $0.stamp("2026-03-01T11:59:20")
            }),
        Case(
            "a device that only sends what it has stored", "quarantine time-unknown",
            Scene(.stored) { $0.stamp("2026-03-01T11:59:20") }),
        Case(
            "a broadcast with a clock that is days off", received,
            Scene(.live) { $0.stamp("2026-02-20T11:59:20") }),
        Case(
            "a meter whose clock the person sets", "2026-02-20T11:59:20+09:00 code 0 device-clock",
            Scene(.stored) {
                $0.delivery = .requested
                $0.rules.unreadableClock = .unchanged
                $0.stamp("2026-02-20T11:59:20")
            }),
        Case(
            "such a meter, in the future", "quarantine future",
            Scene(.stored) {
                $0.delivery = .requested
                $0.rules.unreadableClock = .unchanged
                $0.stamp("2026-03-01T12:05:00")
            }),
    ]
    static let received = "2026-03-01T12:00:00+09:00 code 1 received"

    @Test func `a live time tells how far the device's stamp was away`() throws {
        let near = Scene { $0.stamp("2026-03-01T11:54:00") }
        #expect(try #require(near.time).uncertainty == .minutes(6))
        let exact = Scene { $0.stamp("2026-03-01T12:00:00") }
        #expect(try #require(exact.time).uncertainty == .seconds(1))
    }

    @Test(arguments: faulty) func `a clock that calls itself faulty dates nothing`(example: Case) {
        #expect(example.scene.shown == example.expected)
    }

    static let faulty: [Case] = [
        Case("pushed", received, fault(Scene { $0.stamp("2026-03-01T11:00:00") })),
        Case(
            "stored", "quarantine time-fault",
            fault(
                Scene(.stored) {
                    $0.delivery = .requested
                    $0.stamp("2026-03-01T11:00:00")
                })),
        Case(
            "stored, on a meter whose stamps are taken as they are", "quarantine time-fault",
            fault(
                Scene(.stored) {
                    $0.delivery = .requested
                    $0.rules.unreadableClock = .unchanged
                    $0.stamp("2026-03-01T11:00:00")
                })),
        Case(
            "stored without a stamp", "quarantine time-unknown",
            fault(Scene(.stored) { $0.delivery = .requested })),
    ]

    private static func fault(_ scene: Scene) -> Scene {
        var scene = scene
        scene.reading.timeFault = true
        return scene
    }

    @Test(arguments: tooLate) func `no reading is of the future`(example: Case) {
        #expect(example.scene.shown == example.expected)
    }

    static let tooLate: [Case] = [
        Case(
            "59 seconds ahead", "2026-03-01T12:00:59+09:00 code 0 device-clock",
            ahead("2026-03-01T12:00:59")),
        Case(
            "60 seconds ahead", "2026-03-01T12:01:00+09:00 code 0 device-clock",
            ahead("2026-03-01T12:01:00")),
        Case("61 seconds ahead", received, ahead("2026-03-01T12:01:01")),
        Case(
            "out of memory", "quarantine future",
            ahead("2026-03-01T12:01:01") { $0.delivery = .requested }),
        Case(
            "sent by a device that stores", "quarantine future",
            ahead("2026-03-01T12:01:01") { $0.rules.readings = .stored }),
        Case(
            "a stamp of last week that the clock of now would put into the future",
            "quarantine not-current-timeline",
            Scene {
                $0.check("2016-01-01T00:00:00", at: "2026-03-01T11:59:50")
                $0.stamp("2026-02-22T09:00:00")
            }),
        Case(
            "the same from a device that only sends live", received,
            Scene(.live) {
                $0.check("2016-01-01T00:00:00", at: "2026-03-01T11:59:50")
                $0.stamp("2026-02-22T09:00:00")
            }),
    ]

    private static func ahead(_ stamp: String, change: (inout Scene) -> Void = { _ in }) -> Scene {
        Scene {
            $0.check("2026-03-01T12:00:00", at: "2026-03-01T12:00:00")
            $0.stamp(stamp)
            change(&$0)
        }
    }

    @Test func `a reading older than the device can be waits for a person`() {
        var scene = Scene {
            $0.check("2026-03-01T12:00:00", at: "2026-03-01T12:00:00")
            $0.stamp("2024-03-01T12:00:00")
        }
        #expect(scene.shown == "2024-03-01T12:00:00+09:00 code 0 device-clock")
        scene.stamp("2024-03-01T11:59:59")
        #expect(scene.shown == "quarantine too-old")
        scene.rules.maximumAge = .seconds(86_400)
        scene.stamp("2026-02-28T11:59:59")
        #expect(scene.shown == "quarantine too-old")
    }

    // MARK: T0

    @Test func `an unsynchronised gateway dates nothing, whatever the device knows`() {
        let check = "2026-03-01T11:00:00"
        for delivery in [Delivery.pushed, .requested] {
            let scene = Scene {
                $0.delivery = delivery
                $0.received = gateway("2026-03-01T12:00:00", synchronised: false)
                $0.check(check, at: "2026-03-01T12:00:00")
                $0.stamp(check)
            }
            #expect(scene.shown == "quarantine no-clock-sync")
        }
    }

    @Test func `a check from before the synchronisation is moved with it`() {
        let scene = Scene {
            let second: Int64 = 1_000_000_000
            $0.received = GatewayTime(
                utc: moment("2026-03-01T21:00:30"), monotonicNanoseconds: 90 * second,
                synchronised: true)
            // 60 s earlier the gateway was nine hours slow.
            $0.clock.check = ClockCheck(
                gateway: GatewayTime(
                    utc: moment("2026-03-01T11:59:30"), monotonicNanoseconds: 30 * second,
                    synchronised: false),
                device: wall("2026-03-01T20:53:30"))
            $0.stamp("2026-03-01T20:50:00")
        }
        #expect(scene.shown == "2026-03-01T20:56:00+09:00 code 1 corrected")
    }

    @Test func `a moment is only moved by a clock that is right, and only once`() {
        let wrong = gateway("2026-03-01T12:00:00", synchronised: false)
        let right = gateway("2026-03-01T12:00:30")
        #expect(wrong.resolved(by: wrong) == wrong)
        #expect(right.resolved(by: gateway("2026-03-02T12:00:00")) == right)
        #expect(wrong.resolved(by: right).utc == wrong.utc)
        let far = GatewayTime(
            utc: right.utc, monotonicNanoseconds: .min, synchronised: false)
        let late = GatewayTime(utc: right.utc, monotonicNanoseconds: .max, synchronised: true)
        #expect(far.resolved(by: late) == far)
    }

    // MARK: T4, T4b, T6, T9

    @Test(arguments: [
        (TimeResolution.second, Int64(2)), (.minute, 60), (.hour, 3_600), (.day, 86_400),
    ]) func `an offset that the device cannot show is none`(resolution: TimeResolution, most: Int64)
        throws
    {
        for (seconds, origin) in [(most, OriginOfTimeCode.device), (most + 1, .corrected)] {
            let scene = Scene {
                $0.rules.resolution = resolution
                $0.received = gateway("2026-03-01T12:00:30")
                $0.clock.check = ClockCheck(
                    gateway: gateway("2026-03-01T12:00:00"),
                    device: tokyo.local(moment("2026-03-01T12:00:00") - .seconds(seconds)))
                $0.stamp("2026-02-25T10:00:00")
            }
            let time = try #require(scene.time)
            #expect(time.origin == origin)
            #expect(time.clockOffset == .seconds(seconds))
            #expect(time.resolution == resolution)
        }
    }

    @Test func `a slow answer makes the check worth less`() throws {
        let scene = Scene {
            $0.clock.check = ClockCheck(
                gateway: gateway("2026-03-01T12:00:00"), device: wall("2026-03-01T11:59:56"),
                latency: .seconds(5))
            $0.stamp("2026-03-01T11:00:00")
        }
        let time = try #require(scene.time)
        #expect(time.origin == .device)
        #expect(time.uncertainty == .seconds(5))
    }

    @Test func `one offset holds for all of a session, however old a record is`() throws {
        for stamp in ["2025-03-02T00:00:00", "2026-02-01T00:00:00", "2026-03-01T11:00:00"] {
            let scene = Scene {
                $0.check("2026-03-01T11:54:00", at: "2026-03-01T12:00:00")
                $0.stamp(stamp)
            }
            #expect(try #require(scene.time).observed == moment(stamp) + .minutes(6))
        }
    }

    @Test func `a clock in UTC is read as UTC, and its offset is that of the zone no more`() {
        let scene = Scene(.mixed, clock: .utc) {
            $0.check("2026-03-01T03:00:00", at: "2026-03-01T12:00:00")
            $0.stamp("2026-03-01T02:30:00")
        }
        #expect(scene.shown == "2026-03-01T11:30:00+09:00 code 0 device-clock")
    }

    @Test func `an offset that the device itself gives wins over the gateway's zone`() throws {
        let scene = Scene {
            $0.reading.clockState.utcOffsetMinutes = -240
            $0.clock.check = ClockCheck(
                gateway: gateway("2026-03-01T12:00:00"),
                reading: .wall(wall("2026-02-28T23:00:00")),
                state: ClockState(utcOffsetMinutes: -240))
            $0.stamp("2026-02-28T22:30:00")
        }
        #expect(scene.shown == "2026-03-01T11:30:00+09:00 code 0 device-clock")
    }

    @Test(arguments: [true, false]) func `a synchronised clock is kept, current or not`(
        isCurrent: Bool
    ) {
        let scene = Scene {
            $0.check("2026-03-01T11:00:00", at: "2026-03-01T12:00:00")
            $0.stamp("2026-03-01T10:00:00")
            $0.reading.clockState = ClockState(isCurrent: isCurrent, isSynchronised: true)
            $0.isCurrent = isCurrent
        }
        #expect(scene.shown == "2026-03-01T10:00:00+09:00 code 0 synchronised")
    }

    @Test func `a synchronised clock cannot be of the future either`() {
        let scene = Scene {
            $0.delivery = .requested
            $0.stamp("2026-03-01T12:10:00")
            $0.reading.clockState.isSynchronised = true
        }
        #expect(scene.shown == "quarantine future")
    }

    // MARK: T10, T11

    struct Count: Sendable {
        var now: UInt64
        var measured: UInt64
        var milliseconds: Int64
    }

    @Test(arguments: [
        Count(now: 1_000, measured: 1_000, milliseconds: 0),
        Count(now: 1_000, measured: 0, milliseconds: -1_000),
        Count(now: 0, measured: .max, milliseconds: -1),
        Count(now: .max, measured: 0, milliseconds: 1),
        Count(now: 5, measured: 60_005, milliseconds: 60_000),
        // A minute and a bit ahead can only be the round before.
        Count(now: 5, measured: 60_006, milliseconds: 60_001 - 4_294_967_296),
    ]) func `a counter is read forwards no further than to its reception`(count: Count) throws {
        let scene = Scene {
            $0.reading.tick = count.measured
            $0.rules.maximumAge = .seconds(100 * 86_400)
            $0.clock.check = ClockCheck(
                gateway: gateway("2026-03-01T12:00:00"),
                reading: .ticks(count.now, length: .milliseconds(1)))
        }
        let expected = moment("2026-03-01T12:00:00") + .milliseconds(count.milliseconds)
        #expect(try #require(scene.time).observed == expected)
    }

    @Test func `a counter that was restarted, or that nobody read, dates nothing`() {
        var scene = Scene(.stored) {
            $0.delivery = .requested
            $0.reading.tick = 5
        }
        #expect(scene.shown == "quarantine time-unknown")
        scene.clock.check = ClockCheck(
            gateway: gateway("2026-03-01T12:00:00"), reading: .ticks(5, length: .seconds(1)))
        #expect(scene.shown == "2026-03-01T12:00:00+09:00 code 1 corrected")
        scene.reading.clockState.isCurrent = false
        #expect(scene.shown == "quarantine not-current-timeline")
        scene.reading.clockState.isCurrent = nil
        scene.isCurrent = false
        #expect(scene.shown == "quarantine not-current-timeline")
    }

    @Test func `a live count without a clock has the moment of its reception`() {
        let scene = Scene { $0.reading.tick = 5 }
        #expect(scene.shown == Self.received)
    }

    // MARK: T20

    @Test(arguments: [
        (TimeResolution.subsecond, "2026-03-01T12:34:56.789"),
        (.second, "2026-03-01T12:34:56"), (.minute, "2026-03-01T12:34:00"),
        (.hour, "2026-03-01T12:00:00"), (.day, "2026-03-01T00:00:00"),
    ]) func `what the device did not measure is written as zero, never rounded`(
        resolution: TimeResolution, expected: String
    ) {
        #expect("\(resolution.cut(wall("2026-03-01T12:34:56.789")))" == expected)
    }
}
