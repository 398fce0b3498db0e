import Measurement
import Testing

@testable import DeviceProfile

/// Rule T7: clocks that jumped between sessions or inside a dump.
@Suite struct TimeDiscontinuityTests {
    /// The last session found the clock right on 1 March at noon and took all that there was.
    static func changed(device: String, at now: String = "2026-03-10T12:00:00") -> Scene {
        Scene {
            $0.received = gateway(moment(now) + .seconds(10))
            $0.clock.earlier = earlier(.zero, knownAt: "2026-03-01T12:00:00")
            $0.check(device, at: now)
        }
    }

    @Test func `after a battery change the records from before it keep the offset from before`() {
        var scene = Self.changed(device: "2010-01-03T00:00:00")
        scene.stamp("2010-01-02T00:00:00")
        #expect(scene.shown == "2026-03-09T12:00:00+09:00 code 1 corrected")
        scene.stamp("2026-03-05T07:30:00")
        #expect(scene.shown == "2026-03-05T07:30:00+09:00 code 0 device-clock fault")
    }

    @Test func `after a battery change and a set both timelines are told apart`() {
        var scene = Self.changed(device: "2010-01-03T00:00:00")
        scene.clock.steps = [step("2010-01-03T00:00:01", setAt: "2026-03-10T12:00:01")]
        scene.clock.wasSet = true
        scene.stamp("2010-01-02T00:00:00")
        #expect(scene.shown == "2026-03-09T12:00:00+09:00 code 1 corrected")
        scene.stamp("2026-03-05T07:30:00")
        #expect(scene.shown == "2026-03-05T07:30:00+09:00 code 0 device-clock fault")
        scene.stamp("2026-03-10T12:00:05")
        #expect(scene.shown == "2026-03-10T12:00:05+09:00 code 0 device-clock")
    }

    @Test func `what neither offset puts behind the last session waits for a person`() {
        var scene = Self.changed(device: "2010-01-03T00:00:00")
        for stamp in ["2026-02-20T08:00:00", "2009-06-01T00:00:00", "2026-06-01T00:00:00"] {
            scene.stamp(stamp)
            #expect(scene.shown == "quarantine not-current-timeline")
        }
    }

    @Test func `where both offsets fit the present one is taken and the doubt is told`() throws {
        var scene = Self.changed(device: "2026-03-10T11:50:00")
        scene.stamp("2026-03-09T08:00:00")
        #expect(scene.shown == "2026-03-09T08:10:00+09:00 code 1 corrected")
        #expect(try #require(scene.time).uncertainty == .minutes(10))
        // Right behind the last session only the present one fits.
        scene.stamp("2026-03-01T11:55:00")
        #expect(try #require(scene.time).uncertainty == .seconds(1))
    }

    /// Nine days allow for 60 s, 100 ppm and the step of the clock: 138.76 s.
    @Test(arguments: [(138, true), (-138, true), (139, false), (-139, false)])
    func `drift is no jump`(seconds: Int64, isDrift: Bool) throws {
        let device = tokyo.local(moment("2026-03-10T12:00:00") - .seconds(seconds))
        var scene = Self.changed(device: "\(device)")
        // Long before the last session: only without a jump is it dated.
        scene.stamp("2026-02-01T08:00:00")
        #expect((scene.time != nil) == isDrift)
    }

    @Test func `the step that the gateway itself made is no jump`() {
        var memory = DeviceMemory()
        memory.clockOffset = .minutes(6)
        memory.clockCheckedAt = moment("2026-03-01T12:00:00")
        memory.clockSetAt = moment("2026-03-01T12:00:01")
        #expect(EarlierClock(memory) == nil)
        memory.lastSessionEndedAt = moment("2026-03-01T12:00:30")
        let known = EarlierClock(memory)
        #expect(known?.offset == .zero)
        #expect(known?.knownAt == moment("2026-03-01T12:00:01"))
        memory.clockSetAt = moment("2026-02-01T12:00:00")
        #expect(EarlierClock(memory)?.offset == .minutes(6))
        memory.clockCheckedAt = nil
        #expect(EarlierClock(memory)?.offset == .zero)
        memory.clockSetAt = nil
        #expect(EarlierClock(memory) == nil)
    }

    @Test func `a live-only device that jumped is live all the same`() {
        var scene = Self.changed(device: "2010-01-03T00:00:00")
        scene.rules.readings = .live
        scene.stamp("2026-02-20T08:00:00")
        #expect(scene.shown == "2026-03-10T12:00:10+09:00 code 1 received")
    }

    // MARK: inside a dump

    struct Dump: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var records: [(Int?, String?)]
        var expected: [Bool?]

        init(_ name: String, _ records: [(Int?, String?)], _ expected: [Bool?]) {
            testDescription = name
            self.records = records
            self.expected = expected
        }
    }

    @Test(arguments: [
        Dump("nothing", [], []),
        Dump("one record", [(1, "2026-03-01T08:00:00")], [nil]),
        Dump(
            "a clock that only ran", [(1, "2026-03-01T08:00:00"), (2, "2026-03-02T08:00:00")],
            [nil, nil]),
        Dump(
            "a fall", [(5, "2025-03-02T00:00:00"), (6, "2016-01-01T00:00:00")], [false, true]),
        Dump(
            "two falls: the last one counts",
            [
                (1, "2026-03-01T08:00:00"), (2, "2016-01-01T00:00:00"),
                (3, "2026-03-03T08:00:00"), (4, "2016-01-02T00:00:00"),
                (5, "2016-01-03T00:00:00"),
            ], [false, false, false, true, true]),
        Dump(
            "newest first", [(6, "2016-01-01T00:00:00"), (5, "2025-03-02T00:00:00")],
            [true, false]),
        Dump(
            "two seconds back are the device's own",
            [
                (1, "2026-03-01T08:00:02"), (2, "2026-03-01T08:00:00"),
            ], [nil, nil]),
        Dump(
            "three are not", [(1, "2026-03-01T08:00:03"), (2, "2026-03-01T08:00:00")],
            [false, true]),
        Dump(
            "records without a stamp or a number are not judged",
            [
                (1, "2026-03-01T08:00:00"), (2, nil), (nil, "2026-03-05T08:00:00"),
                (3, "2016-01-01T00:00:00"),
            ], [false, nil, nil, true]),
        Dump(
            "the same number twice tells nothing",
            [(1, "2026-03-01T08:00:00"), (1, "2016-01-01T00:00:00")], [nil, nil]),
    ]) func `a record before the last fall of the clock is on a former timeline`(dump: Dump) {
        let readings = dump.records.map { number, stamp in
            var reading = Reading(.measurement, kind: .glucose)
            reading.sequenceNumber = number
            reading.deviceTime = stamp.map { wall($0) }
            return reading
        }
        #expect(DumpTimeline.isCurrent(readings, tolerance: .seconds(2)) == dump.expected)
    }

    @Test func `a person who changes the hour of a meter does not turn its clock back`() {
        var earlier = record(1, "2026-03-01T08:00:00")
        earlier.baseTime = wall("2026-03-01T00:00:00")
        var later = record(2, "2026-03-01T05:00:00")
        later.baseTime = wall("2026-03-01T04:00:00")
        #expect(DumpTimeline.isCurrent([earlier, later], tolerance: .zero) == [nil, nil])
    }
}
