import BluetoothLink
import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import TapeLink
import Testing

@testable import Gateway

/// A tape that a person asked for: one whole session, and nothing for ever.
@Suite struct CaptureDeskTests {
    init() { LoopThread.start() }

    private func address(_ last: Int) throws -> BluetoothAddress {
        try #require(BluetoothAddress("A4:C1:38:00:00:0\(last)"))
    }

    private func time(_ seconds: Int64) -> GatewayTime {
        GatewayTime(
            utc: Instant(seconds: 1_772_320_500 + seconds),
            monotonicNanoseconds: seconds * 1_000_000_000,
            synchronised: true)
    }

    private func sighting(_ address: BluetoothAddress, flags: UInt8, at seconds: Int64) -> Sighting
    {
        var advertisement = Advertisement()
        advertisement.flags = flags
        return Sighting(
            address: address, advertisement: advertisement, rssi: -60, at: time(seconds))
    }

    @LoopActor private func desk() throws -> CaptureDesk {
        CaptureDesk(zone: TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600))
    }

    @LoopActor private func lines(_ desk: CaptureDesk, _ address: BluetoothAddress) throws -> [Tape
        .Entry]
    {
        let text = try #require(desk.captures[address]?.writer?.text)
        return try TapeParser.parse(Array(text.utf8), file: "captured.tape").lines.map(\.entry)
    }

    @Test @LoopActor func `a session is recorded from the first advertisement to its end`() throws {
        let desk = try desk(), address = try address(1)
        try desk.begin(address, for: .seconds(60), now: time(0).utc)
        #expect(desk.captures[address]?.state == .listening)
        desk.heard(sighting(address, flags: 5, at: 1))
        desk.heard(sighting(address, flags: 5, at: 2))
        desk.took(.connected(bonded: false), of: address, at: time(3))
        desk.heard(sighting(address, flags: 6, at: 4))
        desk.took(.bonded(.justWorks), of: address, at: time(4))
        desk.took(.services([]), of: address, at: time(5))
        desk.took(.written(.dateTime, [1, 2, 3]), of: address, at: time(6))
        desk.took(.value(.bloodPressureMeasurement, [0x16]), of: address, at: time(7))
        desk.took(.disconnected(byDevice: true), of: address, at: time(8))
        desk.sessionEnded(address)
        #expect(desk.captures[address]?.state == .ended)
        #expect(
            try lines(desk, address) == [
                .advertisement([2, 1, 5], rssi: -60), .connected, .bonded(method: "just-works"),
                .services([]), .write(.dateTime, nil),
                .notification(.bloodPressureMeasurement, [0x16]), .disconnected(byDevice: true),
            ])
    }

    @Test @LoopActor func `a link that breaks before the services does not end it`() throws {
        let desk = try desk(), address = try address(1)
        try desk.begin(address, for: .seconds(60), now: time(0).utc)
        desk.heard(sighting(address, flags: 5, at: 1))
        desk.took(.connected(bonded: false), of: address, at: time(3))
        desk.took(.disconnected(byDevice: true), of: address, at: time(4))
        desk.sessionEnded(address)
        #expect(desk.captures[address]?.state == .recording)
        desk.heard(sighting(address, flags: 5, at: 5))
        #expect(try lines(desk, address).count == 4)
    }

    @Test @LoopActor func `other devices stay out of the tape`() throws {
        let desk = try desk(), address = try address(1), other = try self.address(2)
        try desk.begin(address, for: .seconds(60), now: time(0).utc)
        desk.heard(sighting(other, flags: 5, at: 1))
        desk.took(.connected(bonded: true), of: other, at: time(2))
        #expect(desk.captures[address]?.writer == nil)
        #expect(desk.captures[other] == nil)
        #expect(!desk.isWatching(other))
    }

    @Test @LoopActor func `a second capture of the same device is refused while one runs`() throws {
        let desk = try desk(), address = try address(1)
        try desk.begin(address, for: .seconds(60), now: time(0).utc)
        #expect(throws: CaptureDesk.Refusal.running) {
            try desk.begin(address, for: .seconds(60), now: time(1).utc)
        }
        #expect(desk.discard(address))
        try desk.begin(address, for: .seconds(60), now: time(2).utc)
    }

    @Test @LoopActor func `only a few run at once, and one that ended makes room`() throws {
        let desk = try desk()
        for number in 1...CaptureDesk.maximum {
            try desk.begin(try address(number), for: .seconds(60), now: time(0).utc)
        }
        #expect(throws: CaptureDesk.Refusal.tooMany) {
            try desk.begin(try address(9), for: .seconds(60), now: time(0).utc)
        }
        let first = try address(1)
        desk.heard(sighting(first, flags: 5, at: 1))
        desk.took(.services([]), of: first, at: time(2))
        desk.sessionEnded(first)
        try desk.begin(try address(9), for: .seconds(60), now: time(3).utc)
        #expect(desk.captures.count == CaptureDesk.maximum)
        #expect(desk.captures[first] == nil)
    }

    @Test @LoopActor func `an unsynchronised clock of the gateway is part of the tape`() throws {
        let desk = try desk(), address = try address(1)
        try desk.begin(address, for: .seconds(60), now: time(0).utc)
        var early = sighting(address, flags: 5, at: 1)
        early.at.synchronised = false
        desk.heard(early)
        #expect(try lines(desk, address).first == .gatewayClock(synchronised: false))
    }

    @Test func `the time ends a capture of a device that never came`() async throws {
        let state = try await waited()
        #expect(state == .ended)
    }

    @LoopActor private func waited() async throws -> CaptureDesk.State? {
        let desk = try desk(), address = try address(1)
        try desk.begin(address, for: .milliseconds(20), now: time(0).utc)
        for _ in 0..<200 where desk.isWatching(address) {
            try await Task.sleep(for: .milliseconds(5))
        }
        return desk.captures[address]?.state
    }
}
