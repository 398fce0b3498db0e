import Measurement
import Testing

@testable import DeviceProfile

/// Rule T8 over sessions: a stamp from before the gateway set the clock keeps the offset from then.
@Suite struct TimeStepTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var stamp: String
        var expected: String
        init(_ name: String, _ stamp: String, _ expected: String) {
            testDescription = name
            self.stamp = stamp
            self.expected = expected
        }
    }

    /// A clock six minutes slow that was set at noon; the next session finds it right.
    static func slow(drained: Bool, steps: [ClockStep] = []) -> Scene {
        Scene {
            $0.received = gateway("2026-03-02T08:00:05")
            $0.clock.steps =
                steps + [
                    step("2026-03-01T11:54:00", setAt: "2026-03-01T12:00:00", drained: drained)
                ]
            $0.check("2026-03-02T08:00:00", at: "2026-03-02T08:00:00")
        }
    }

    @Test(arguments: [
        Case("long before", "2026-02-20T08:00:00", "2026-02-20T08:06:00+09:00 code 1 corrected"),
        Case(
            "right before", "2026-03-01T11:54:00", "2026-03-01T12:00:00+09:00 code 1 corrected"),
        Case(
            "while the set was on its way", "2026-03-01T11:55:00",
            "2026-03-01T12:01:00+09:00 code 1 corrected"),
        Case(
            "at the set", "2026-03-01T12:00:00", "2026-03-01T12:00:00+09:00 code 0 device-clock"),
        Case(
            "a second of rounding before it", "2026-03-01T11:59:59",
            "2026-03-01T11:59:59+09:00 code 0 device-clock"),
        Case("after", "2026-03-02T07:00:00", "2026-03-02T07:00:00+09:00 code 0 device-clock"),
    ]) func `the rest of a backlog keeps the old offset in the next session`(example: Case) {
        for drained in [false, true] {
            var scene = Self.slow(drained: drained)
            scene.stamp(example.stamp)
            #expect(scene.shown == example.expected)
        }
    }

    @Test func `the offset of the record is the one it was shifted by`() throws {
        var scene = Self.slow(drained: false)
        scene.stamp("2026-03-01T10:00:00")
        #expect(try #require(scene.time).clockOffset == .minutes(6))
        scene.stamp("2026-03-02T07:00:00")
        #expect(try #require(scene.time).clockOffset == .zero)
    }

    @Test(arguments: [
        Case("before both", "2026-02-20T08:00:00", "2026-02-20T08:10:00+09:00 code 1 corrected"),
        Case(
            "between the two", "2026-02-27T08:00:00", "2026-02-27T08:06:00+09:00 code 1 corrected"),
        Case("after both", "2026-03-02T07:00:00", "2026-03-02T07:00:00+09:00 code 0 device-clock"),
    ]) func `a clock that was set twice has three timelines`(example: Case) {
        let first = step("2026-02-25T08:50:00", setAt: "2026-02-25T09:00:00", drained: true)
        var scene = Self.slow(drained: false, steps: [first])
        scene.stamp(example.stamp)
        #expect(scene.shown == example.expected)
    }

    @Test func `a set in this session counts for what the device sends after it`() {
        var scene = Scene {
            $0.received = gateway("2026-03-01T12:00:20")
            $0.check("2026-03-01T11:54:00", at: "2026-03-01T12:00:00")
            $0.clock.steps = [step("2026-03-01T11:54:01", setAt: "2026-03-01T12:00:01")]
            $0.clock.wasSet = true
        }
        scene.stamp("2026-03-01T11:53:00")
        #expect(scene.shown == "2026-03-01T11:59:00+09:00 code 1 corrected")
        // Measured on the new timeline.
        scene.stamp("2026-03-01T12:00:15")
        #expect(scene.shown == "2026-03-01T12:00:15+09:00 code 0 device-clock")
        // A clock that takes the time and does not set it.
        scene.stamp("2026-03-01T11:54:15")
        #expect(scene.shown == "2026-03-01T12:00:15+09:00 code 1 corrected")
    }

    // MARK: a clock that was ahead shows an hour twice

    /// A clock one hour ahead that was set back at noon.
    static func ahead(drained: Bool) -> Scene {
        Scene {
            $0.received = gateway("2026-03-01T12:45:10")
            $0.clock.steps = [
                step("2026-03-01T13:00:00", setAt: "2026-03-01T12:00:00", drained: drained)
            ]
            $0.check("2026-03-01T12:45:00", at: "2026-03-01T12:45:00")
        }
    }

    @Test func `before the set there is no doubt about a clock that was ahead`() {
        for drained in [false, true] {
            var scene = Self.ahead(drained: drained)
            scene.stamp("2026-03-01T11:30:00")
            #expect(scene.shown == "2026-03-01T10:30:00+09:00 code 1 corrected")
        }
    }

    @Test func `an hour that came twice is the old one while the device has a backlog`() throws {
        var scene = Self.ahead(drained: false)
        scene.stamp("2026-03-01T12:30:00")
        #expect(scene.shown == "2026-03-01T11:30:00+09:00 code 1 corrected")
        #expect(try #require(scene.time).uncertainty == .minutes(60))
    }

    @Test func `an hour that came twice is the new one once the device has given all`() throws {
        var scene = Self.ahead(drained: true)
        scene.stamp("2026-03-01T12:30:00")
        #expect(scene.shown == "2026-03-01T12:30:00+09:00 code 0 device-clock")
        #expect(try #require(scene.time).uncertainty == .seconds(1))
    }

    @Test func `what the new clock has not shown yet can only be of the old one`() {
        var scene = Self.ahead(drained: true)
        scene.stamp("2026-03-01T12:55:00")
        #expect(scene.shown == "2026-03-01T11:55:00+09:00 code 1 corrected")
    }

    @Test func `in the session of the set itself everything is of the old timeline`() {
        var scene = Scene {
            $0.received = gateway("2026-03-01T12:00:10")
            $0.check("2026-03-01T12:59:59", at: "2026-03-01T11:59:59")
            $0.clock.steps = [step("2026-03-01T13:00:00", setAt: "2026-03-01T12:00:00")]
            $0.clock.wasSet = true
        }
        scene.stamp("2026-03-01T12:58:00")
        #expect(scene.shown == "2026-03-01T11:58:00+09:00 code 1 corrected")
        scene.stamp("2026-03-01T12:00:05")
        #expect(scene.shown == "2026-03-01T11:00:05+09:00 code 1 corrected")
    }

    @Test func `hours after the set the clock shows nothing twice any more`() {
        var scene = Self.ahead(drained: false)
        scene.received = gateway("2026-03-01T18:00:10")
        scene.check("2026-03-01T18:00:00", at: "2026-03-01T18:00:00")
        scene.stamp("2026-03-01T17:30:00")
        #expect(scene.shown == "2026-03-01T17:30:00+09:00 code 0 device-clock")
    }

    @Test func `a stamp that fits neither side of a set is no stamp of now`() {
        let scene = Scene {
            $0.received = gateway("2026-03-01T12:00:20")
            $0.check("2010-01-01T00:10:00", at: "2026-03-01T12:00:00")
            $0.clock.steps = [step("2010-01-01T00:10:00", setAt: "2026-03-01T12:00:00")]
            $0.clock.wasSet = true
            $0.stamp("2026-02-22T08:00:00")
        }
        #expect(scene.shown == "quarantine not-current-timeline")
    }
}
