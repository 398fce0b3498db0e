import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// The clock in an Omron device's settings, and the table of its models.
@Suite struct OmronClockTests {
    private func device(clock: String?) -> FakeOmron {
        let device = FakeOmron()
        device.key = ScriptedPeer.ownersKey
        if let clock { device.putClock(clock, at: 0x40) }
        device.put(vital(121, minute: 1), at: 0x100)
        return device
    }

    @Test func `a clock that has no date leaves the records to a person`() {
        var peer = ScriptedPeer.omron(device(clock: nil))
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times == ["121 time-unknown"])
        #expect(peer.notes.contains(.clockUnreadable("the device has no date")))
    }

    @Test func `a clock is set only where the profile gives its place, after the records`() {
        let device = device(clock: "2026-03-02T08:10:00")
        device.put([9, 8, 7], at: 0x40)
        var peer = ScriptedPeer.omron(device, omronCuff(set: ", set-address: 0x80"))
        peer.run()
        #expect(peer.end == .complete)
        #expect(device.writes.map(\.address) == [0x80])
        let block = device.writes.first?.data ?? []
        #expect(Array(block.prefix(8)) == [9, 8, 7, 0, 0, 0, 0, 0])
        #expect(Array(block.dropFirst(8).prefix(4)) == [26, 3, 2, 8])
        #expect(block[14] == block[..<14].reduce(0, &+))
        // The record was dated by the clock as it was.
        #expect(peer.times == ["121 2026-03-01T08:06:01"])
        #expect(peer.memory.clockSetAt != nil)
    }

    @Test(arguments: ["2026-03-02T08:14:50", "2026-03-02T08:15:20"])
    func `a clock that is almost right is left alone`(clock: String) {
        let device = device(clock: clock)
        var peer = ScriptedPeer.omron(device, omronCuff(set: ", set-address: 0x80"))
        peer.run()
        #expect(peer.end == .complete)
        #expect(device.writes.isEmpty)
    }

    @Test func `a gateway that does not know the time itself sets no clock`() {
        let device = device(clock: "2026-03-02T08:10:00")
        var peer = ScriptedPeer.omron(device, omronCuff(set: ", set-address: 0x80"))
        peer.now = gateway(moment("2026-03-02T08:15:00"), synchronised: false)
        peer.run()
        #expect(device.writes.isEmpty)
        #expect(
            peer.notes.contains(
                .clockNotSet(because: "the gateway's own clock is not synchronised")))
    }

    struct Order: CustomTestStringConvertible {
        let order: OmronMemoryPlan.Clock.Order
        let bytes: [UInt8]
        var testDescription: String { order.rawValue }
    }

    @Test(
        "the six bytes of a clock are read and written in the order of the model",
        arguments: [
            Order(order: .plain, bytes: [26, 5, 24, 16, 57, 12]),
            Order(order: .swapped, bytes: [5, 26, 16, 24, 12, 57]),
        ])
    func orders(_ test: Order) throws {
        let clock = OmronMemoryPlan.Clock(
            address: 0, length: 10, timeAt: 2, order: test.order, sumAt: 9)
        let time = try #require(
            LocalDateTime(year: 2026, month: 5, day: 24, hour: 16, minute: 57, second: 12))
        #expect(clock.time(in: [1, 1] + test.bytes + [0, 0]) == time)
        let block = try #require(
            clock.block([1, 1] + [UInt8](repeating: 0, count: 8), with: time))
        #expect(Array(block[2..<8]) == test.bytes)
        #expect(block[9] == block[..<9].reduce(0, &+))
        #expect(clock.time(in: [1, 2, 3]) == nil)
        #expect(clock.block([1, 2, 3], with: time) == nil)
    }

    // MARK: models

    private static let two = """
        - models: [CUFF-1]
          record-size: 14
          users: [{ address: 0x100, records: 2 }]
        - models: [CUFF-2, cuff-3]
          record-size: 14
          users: [{ address: 0x300, records: 2 }]
        """

    @Test(arguments: [("CUFF-1", 0x100), ("cuff-2", 0x300), ("CUFF-3", 0x300)])
    func `the memory is that of the model which the owner wrote down`(model: String, first: Int) {
        let device = device(clock: nil)
        var peer = ScriptedPeer.omron(device, omronCuff(memories: Self.two))
        peer.owner.model = model
        peer.run()
        #expect(device.reads == [first])
    }

    @Test func `a model that nobody named is asked for, and its memory is not guessed`() {
        let device = device(clock: nil)
        var peer = ScriptedPeer.omron(device, omronCuff(memories: Self.two))
        peer.run()
        #expect(
            peer.end
                == .needsPerson(
                    "the configuration must name the device's model, one of CUFF-1, CUFF-2, cuff-3")
        )
        #expect(device.kinds.isEmpty)
    }

    // MARK: the order of reading

    @Test(
        "every slot is read once, wherever the reading begins and however long a block is",
        arguments: [8, 14, 16, 28, 44, 56], [0, 1, 7, 19])
    func everySlot(block: Int, from: Int) {
        let memory = OmronMemoryPlan.Memory(
            models: [],
            users: [.init(address: 0x100, count: 13), .init(address: 0x200, count: 7)],
            recordSize: 14, clock: nil)
        var reads = OmronReads(memory, block: block, from: from)
        var seen: [Int: Int] = [:]
        while let read = reads.next {
            for byte in read.address..<read.address + read.count { seen[byte, default: 0] += 1 }
            #expect(read.count <= block)
            #expect(read.user == (read.address < 0x200 ? 1 : 2))
            reads.took(read)
        }
        #expect(seen.count == 20 * 14)
        #expect(seen.values.allSatisfy { $0 == 1 })
        #expect(reads.cursor == from)
    }

    @Test("a cursor from another memory begins at the first slot")
    func strangeCursor() {
        let memory = OmronMemoryPlan.Memory(
            models: [], users: [.init(address: 0x100, count: 2)], recordSize: 14, clock: nil)
        for cursor in [-1, 2, 9_999] {
            #expect(OmronReads(memory, block: 14, from: cursor).next?.address == 0x100)
        }
    }

    // MARK: frames

    @Test("the frames of a capture are made and read byte for byte")
    func frames() throws {
        #expect(
            OmronFrame.request(.start, count: 0x10) == [8, 0, 0, 0, 0, 0x10, 0, 0x18])
        #expect(OmronFrame.request(.end, count: 0) == [8, 0x0F, 0, 0, 0, 0, 0, 7])
        #expect(
            OmronFrame.request(.read, address: 0x02C0, count: 0x20)
                == [8, 1, 0, 2, 0xC0, 0x20, 0, 0xEB])
        let end = try OmronFrame(parsing: [8, 0x8F, 0, 0, 0, 0, 0, 0x87])
        #expect(end.kind == 0x8F00 && end.result == 0 && end.data.isEmpty)
    }

    @Test("a frame that is cut off, too long or broken is none")
    func brokenFrames() {
        let whole = OmronFrame.sealed([10, 0x81, 0, 1, 0, 2, 7, 7, 0])
        #expect(throws: Never.self) { try OmronFrame(parsing: whole) }
        #expect(throws: OmronFrame.Problem.tooShort) { try OmronFrame(parsing: [8, 0x8F]) }
        #expect(throws: OmronFrame.Problem.wrongChecksum) {
            try OmronFrame(parsing: whole.dropLast() + [1])
        }
        #expect(throws: OmronFrame.Problem.wrongLength) {
            try OmronFrame(parsing: OmronFrame.sealed([11, 0x81, 0, 1, 0, 2, 7, 7, 0]))
        }
        #expect(throws: OmronFrame.Problem.wrongLength) {
            try OmronFrame(parsing: OmronFrame.sealed([10, 0x81, 0, 1, 0, 9, 7, 7, 0]))
        }
    }

    @Test("a frame over four channels is whole with its last piece, and never mixed with another")
    func channels() {
        var channels = OmronChannels(count: 4)
        let frame = OmronFrame.sealed([38, 0x81, 0, 1, 0, 30] + [UInt8](0..<30) + [0])
        let pieces = stride(from: 0, to: 38, by: 16).map { Array(frame[$0..<min($0 + 16, 38)]) }
        #expect(channels.take(OmronChannels.receive[0], pieces[0]) == nil)
        #expect(channels.take(OmronChannels.receive[2], pieces[2]) == nil)
        #expect(channels.take(OmronChannels.receive[1], pieces[1]) == frame)
        // What is left of a frame whose first piece got lost is no frame.
        #expect(channels.take(OmronChannels.receive[1], pieces[1]) == nil)
        #expect(channels.take(OmronChannels.receive[2], pieces[2]) == nil)
        #expect(channels.take(OmronChannels.receive[0], [0]) == nil)
        #expect(channels.take(BluetoothUUID(0x2A35), pieces[0]) == nil)
        #expect(channels.split(frame).map(\.0) == Array(OmronChannels.transmit.prefix(3)))
    }
}
