import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// What a whole session does, and in which order.
@Suite struct SessionOrderTests {
    @Test func `a cuff's clock is read before it is set and its records are taken after that`() {
        var peer = ScriptedPeer.cuff([
            pressureFrame(121, "2026-02-28T20:00:00"), pressureFrame(122, "2026-03-01T08:08:30"),
        ])
        peer.run()
        #expect(
            peer.operations == ["connect", "discover", "read 2a08", "set 2a08", "subscribe 2a35"])
        #expect(peer.end == .complete)
        #expect(peer.times == ["121 2026-02-28T20:06:00", "122 2026-03-01T08:14:30"])
        #expect(peer.stored.allSatisfy { $0.record?.time?.origin == .corrected })
        #expect(peer.memory.clockOffset ?? .zero > .minutes(6))
        #expect(peer.memory.clockSteps.count == 1)
        #expect(peer.memory.clockSteps.map(\.drained) == [true])
        #expect(peer.memory.lastSessionEndedAt != nil)
    }

    @Test func `the clock is set to the second that is nearest`() {
        var peer = ScriptedPeer.cuff()
        peer.run()
        // Read at .3 s, written at .5 s (a note lies between the two).
        #expect(peer.written.map(\.1) == [dateTime("2026-03-01T08:15:01")])
    }

    @Test func `a cuff that is in UTC is set to UTC`() {
        let utc = profile(
            """
            class: blood-pressure
            session:
              bond: none
              steps: [ { read-clock: 2a08 }, { set-clock: { characteristic: 2a08, time: utc } } ]
            layouts: [ { source: "gatt:2a35", format: blood-pressure-measurement } ]
            time: { clock: utc, readings: mixed }
            """)
        var peer = ScriptedPeer(utc, at: "2026-03-01T08:15:00", ["2a08": "read write"])
        peer.values[clockUUID] = dateTime("2026-02-28T23:15:00")
        peer.run()
        #expect(peer.written.map(\.1) == [dateTime("2026-02-28T23:15:01")])
        #expect(peer.memory.clockOffset ?? .minutes(1) < .seconds(1))
    }

    @Test func `each record is in a commit before the next session begins behind it`() throws {
        var peer = ScriptedPeer.meter(numbers: 1...5)
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times.count == 5)
        #expect(peer.memory.nextSequence == 6)
        #expect(peer.log.filter { $0.hasPrefix("commit") }.first == "commit 5")
    }

    @Test func `a device that is bonded is not bonded again`() {
        var peer = ScriptedPeer.cuff()
        peer.isBonded = false
        peer.run()
        #expect(peer.operations.prefix(3) == ["connect", "bond just-works", "discover"])
        peer.run()
        #expect(peer.operations.prefix(2) == ["connect", "discover"])
    }

    @Test func `a profile without a bond makes none`() {
        let open = profile(
            """
            class: scale
            session: { bond: none, steps: [ { subscribe: 2a9d } ] }
            layouts: [ { source: "gatt:2a9d", format: weight-measurement } ]
            time: { clock: none, readings: live }
            """)
        var peer = ScriptedPeer(open, at: "2026-03-01T08:15:00", ["2a9d": "indicate"])
        peer.isBonded = false
        peer.run()
        #expect(peer.operations == ["connect", "discover", "subscribe 2a9d"])
        #expect(peer.end == .complete)
    }

    @Test func `what the device tells of itself goes into its records`() throws {
        var peer = ScriptedPeer.cuff([pressureFrame(121, "2026-03-01T08:08:30")])
        peer.services =
            ScriptedPeer(
                cuff, at: "2026-03-01T08:15:00",
                [
                    "2a08": "read write", "2a35": "indicate", "2a29": "read", "2a24": "read",
                    "2a25": "read", "2a26": "read", "2a19": "read",
                ]
            ).services
        peer.values[.manufacturerName] = Array("A&D Medical\0\0".utf8)
        peer.values[.modelNumber] = Array(" UA-651BLE".utf8)
        peer.values[.serialNumber] = Array("5170100123".utf8)
        peer.values[.firmwareRevision] = []
        peer.values[.batteryLevel] = [80]
        peer.run()
        let record = try #require(peer.stored.first?.record)
        #expect(record.device.manufacturer == "A&D Medical")
        #expect(record.device.model == "UA-651BLE")
        #expect(record.device.serial == "5170100123")
        #expect(record.device.firmware == nil)
        #expect(peer.memory.batteryPercent == 80)
    }

    @Test func `a battery above 100 percent is no battery level`() {
        var peer = ScriptedPeer(
            cuff, at: "2026-03-01T08:15:00", ["2a35": "indicate", "2a19": "read"])
        peer.values[.batteryLevel] = [101]
        peer.run()
        #expect(peer.memory.batteryPercent == nil)
        #expect(peer.end == .complete)
    }

    // MARK: clocks that cannot be read or set

    struct Clock: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var properties: String?
        var bytes: [UInt8]?
        var isSet: Bool
        var expected: String
    }

    @Test(arguments: [
        Clock(
            testDescription: "no such characteristic", properties: nil, bytes: nil, isSet: false,
            expected: "122 2026-03-01T08:15:00"),
        Clock(
            testDescription: "only writable", properties: "write", bytes: nil, isSet: true,
            expected: "122 2026-03-01T08:15:00"),
        Clock(
            testDescription: "the read is refused", properties: "read write", bytes: nil,
            isSet: true, expected: "122 2026-03-01T08:15:00"),
        Clock(
            testDescription: "no date", properties: "read write", bytes: [0, 0, 0, 0, 8, 9, 0],
            isSet: true, expected: "122 2026-03-01T08:15:00"),
        Clock(
            testDescription: "six bytes", properties: "read write",
            bytes: [0xEA, 7, 3, 1, 8, 9], isSet: true, expected: "122 2026-03-01T08:15:00"),
        Clock(
            testDescription: "not writable", properties: "read",
            bytes: dateTime("2026-03-01T08:09:00"), isSet: false,
            expected: "122 2026-03-01T08:14:30"),
    ]) func `a session goes on without the clock, and the record is dated without it`(clock: Clock)
    {
        var peer = ScriptedPeer.cuff([pressureFrame(122, "2026-03-01T08:08:30")])
        var characteristics = ["2a35": "indicate"]
        characteristics["2a08"] = clock.properties
        peer.services =
            ScriptedPeer(cuff, at: "2026-03-01T08:15:00", characteristics).services
        peer.values[clockUUID] = clock.bytes
        peer.run()
        #expect(peer.end == .complete)
        #expect((peer.written.count == 1) == clock.isSet)
        let times = peer.times.map { String($0.prefix(clock.expected.count - 2)) }
        #expect(times == [String(clock.expected.dropLast(2))])
        // A set without a read leaves no step: nobody knows what the clock showed.
        #expect(peer.memory.clockSteps.isEmpty)
    }

    @Test func `an unsynchronised gateway sets no clock and dates nothing`() {
        var peer = ScriptedPeer.cuff([pressureFrame(122, "2026-03-01T08:08:30")])
        peer.now.synchronised = false
        peer.run()
        #expect(peer.written.isEmpty)
        #expect(peer.times == ["122 no-clock-sync"])
        #expect(
            peer.notes.contains(
                .clockNotSet(because: "the gateway's own clock is not synchronised")))
        #expect(peer.stored.first?.evidence?.clock.check != nil)
    }

    @Test func `a clock that is right leaves no step behind, yet its record has the offset`() throws
    {
        var peer = ScriptedPeer.cuff(
            [pressureFrame(122, "2026-03-01T08:14:30")], clock: "2026-03-01T08:15:00")
        peer.run()
        #expect(peer.memory.clockSteps.isEmpty)
        #expect(peer.memory.clockSetAt != nil)
        let time = try #require(peer.stored.first?.record?.time)
        #expect(time.origin == .device)
        #expect(time.clockOffset == .milliseconds(300))
    }

    @Test func `only the last steps of a clock are remembered`() {
        var peer = ScriptedPeer.cuff()
        for day in 1...12 {
            let now = moment("2026-03-01T08:15:00") + .minutes(Int64(day) * 1_440)
            peer.now = gateway(now)
            let wrong = now + .minutes(day % 2 == 0 ? 6 : -6)
            peer.values[clockUUID] = DateTimeField.bytes(tokyo.local(wrong))
            peer.run()
        }
        #expect(peer.memory.clockSteps.count == DeviceMemory.maximumClockSteps)
        #expect(peer.memory.clockSteps.map(\.setAt) == peer.memory.clockSteps.map(\.setAt).sorted())
    }

    // MARK: frames that are not measurements

    @Test func `a failed measurement is stored as what it is`() throws {
        let failed: [UInt8] =
            [0x16, 0xFF, 7, 0xFF, 7, 0xFF, 7] + dateTime("2026-03-01T08:00:00")
            + [0xFF, 7, 0, 0]
        var peer = ScriptedPeer.cuff([failed])
        peer.run()
        let entry = try #require(peer.stored.first)
        #expect(entry.reading.outcome == .failedMeasurement)
        #expect(entry.record == nil)
        #expect(entry.frames.map(\.bytes) == [failed])
    }

    @Test func `a broken frame is stored with the place where it breaks`() throws {
        var peer = ScriptedPeer.cuff([[0x16, 0x7D]])
        peer.run()
        let entry = try #require(peer.stored.first)
        #expect(entry.reading.outcome == .rejected)
        #expect(entry.reading.reason != nil)
    }

    @Test func `a value that no layout of the profile reads is noted, with its length`() {
        var peer = ScriptedPeer.cuff()
        peer.pushed = [(BluetoothUUID(0x2A37), [0, 64])]
        peer.run()
        #expect(peer.notes.contains(.ignored(BluetoothUUID(0x2A37), byteCount: 2)))
        #expect(peer.stored.isEmpty)
    }

    @Test func `a reading without time and number has a window for its repetition`() throws {
        var peer = ScriptedPeer.cuff([
            pressureFrame(121, nil), pressureFrame(122, "2026-03-01T08:08:00"),
        ])
        peer.run()
        #expect(peer.stored.map(\.duplicateWindow) == [.seconds(60), nil])
    }
}
