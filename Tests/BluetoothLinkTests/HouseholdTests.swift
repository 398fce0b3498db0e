import EventLoop
import GatewayTestKit
import Glibc
import JSON
import Testing

@testable import BluetoothLink

/// The whole gateway over Bluetooth, from an advertisement to the page that a person reads.
@Suite("A gateway in a household", .timeLimit(.minutes(3))) struct HouseholdTests {
    init() { LoopThread.start() }

    /// The moment as the seven bytes of Date Time, in the gateway's zone.
    private static func dateTime(_ secondsAgo: Int) -> [UInt8] {
        var seconds = time(nil) - secondsAgo + 9 * 3_600
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let year = Int(parts.tm_year) + 1_900
        return [
            UInt8(year & 255), UInt8(year >> 8), UInt8(parts.tm_mon + 1), UInt8(parts.tm_mday),
            UInt8(parts.tm_hour), UInt8(parts.tm_min), UInt8(parts.tm_sec),
        ]
    }

    /// A Blood Pressure Measurement in mmHg with time and pulse.
    private static func measured(_ systolic: UInt8, _ secondsAgo: Int) -> [UInt8] {
        [0x06, systolic, 0, 80, 0, 93, 0] + dateTime(secondsAgo) + [64, 0]
    }

    private func systolic(_ home: Household) throws -> [Int] {
        try home.ask("records").compactMap { $0["values"]?["systolic"]?["value"]?.integer }
    }

    @Test(
        "a cuff that is heard is read, and its reading stands on the page, without anybody typing")
    func cuff() async throws {
        let home = try await Household()
        try home.startScanning()
        let (clock, frames) = (Self.dateTime(0), [Self.measured(125, 120), Self.measured(131, 60)])
        try await LoopThread.run {
            try home.fake.addCuff(Household.cuff, clock: clock, sends: frames)
        }
        try home.until("two records") { try systolic($0) == [125, 131] }
        let device = try #require(try home.ask("devices").first)
        #expect(device["model"]?.string?.contains("UA-651BLE") == true)
        #expect(device["clock"]?["offset_seconds"] != nil)
        let record = try #require(try home.ask("records").first)
        #expect(record["profile"]?.string == "and-ua-651ble")
        #expect(record["simulated"]?.bool == false)
        #expect(try home.stop() == 0)
        // What was stored is there after a restart, without the device.
        try home.start()
        #expect(try systolic(home) == [125, 131])
        #expect(try home.stop() == 0)
    }

    @Test("a cuff that goes in the middle brings the rest later, and nothing twice")
    func cutOff() async throws {
        let home = try await Household()
        try home.startScanning()
        let frames = (1...4).map { Self.measured(UInt8(120 + $0), 600 - 60 * $0) }
        let clock = Self.dateTime(0)
        try await LoopThread.run {
            try home.fake.addCuff(Household.cuff, clock: clock, sends: frames, leavesAfter: 2)
        }
        try home.until("the first two") { try systolic($0) == [121, 122] }
        try home.until("the end of the session") {
            try $0.ask("devices").first?["state"]?.string != "connected"
        }
        // It is heard again, for as long as it has something, and sends all of it.
        let path = FakeBlueZ.path(Household.cuff)
        try await LoopThread.run {
            let fake = try home.fake
            try fake.remove(path, ["org.bluez.Device1"])
            try fake.addCuff(Household.cuff, clock: clock, sends: frames)
        }
        for strength: Int16 in [-61, -58, -63] {
            try await Task.sleep(for: .seconds(1))
            try await LoopThread.run {
                try home.fake.changeDevice(path, ["RSSI": .int16(strength)])
            }
        }
        try home.until("all four") { try systolic($0) == [121, 122, 123, 124] }
        #expect(try home.stop(SIGKILL) != 0)
        try home.start()
        #expect(try systolic(home) == [121, 122, 123, 124])
    }

    @Test("bluetoothd that ends is shown, and when it is back devices are read as before")
    func bluetoothd() async throws {
        let home = try await Household()
        try home.startScanning()
        try await LoopThread.run { try await home.fake.quit() }
        try home.until("no bluetoothd") { $0.adapter?["state"]?.string == "no-bluetoothd" }
        try await home.startBluetooth()
        try home.until("scanning again") { $0.adapter?["state"]?.string == "scanning" }
        let (clock, frames) = (Self.dateTime(0), [Self.measured(118, 30)])
        try await LoopThread.run {
            try home.fake.addCuff(Household.cuff, clock: clock, sends: frames)
        }
        try home.until("a record") { try systolic($0) == [118] }
    }

    @Test("a device that no profile takes is a sighting with the reason, and is never connected")
    func foreign() async throws {
        let home = try await Household()
        try home.startScanning()
        try await LoopThread.run {
            try home.fake.addDevice(
                "C0:FF:EE:00:00:01",
                ["Alias": "Cuff of nobody", "UUIDs": .strings([FakeBlueZ.full("1810")])])
            try home.fake.addDevice("C0:FF:EE:00:00:02", ["Alias": "Headphones"])
        }
        try home.until("a sighting") {
            try $0.ask("sightings").contains { $0["address"]?.string == "C0:FF:EE:00:00:01" }
        }
        let sightings = try home.ask("sightings")
        let cuff = sightings.first { $0["address"]?.string == "C0:FF:EE:00:00:01" }
        #expect(cuff?["because"]?.string?.isEmpty == false)
        #expect(!sightings.contains { $0["name"]?.string == "Headphones" })
        let connects = try await LoopThread.run { try home.fake.count("Connect") }
        #expect(connects == 0)
    }

    @Test("forget removes the bond in bluetoothd too, and says so")
    func forget() async throws {
        let home = try await Household()
        try home.startScanning()
        let (clock, frames) = (Self.dateTime(0), [Self.measured(125, 60)])
        try await LoopThread.run {
            try home.fake.addCuff(Household.cuff, clock: clock, sends: frames)
        }
        try home.until("a record") { try systolic($0) == [125] }
        let answer = try #require(try home.ask("forget", Household.cuff).first)
        #expect(answer["was_bonded"]?.bool == true)
        let removed = try await LoopThread.run { try home.fake.count("RemoveDevice") }
        #expect(removed == 1)
        // The reading stays: it was measured.
        #expect(try systolic(home) == [125])
        // One without a bond is forgotten too: nothing is left of it, as was asked.
        #expect(try home.ask("forget", "C0:FF:EE:00:00:09").first?["was_bonded"]?.bool == false)
        #expect(home.status(["forget", "not an address"]) == 1)
    }

    @Test("a pairing that nobody ends is refused to a second person, and ends with its lease")
    func pairing() async throws {
        let home = try await Household()
        try home.startScanning()
        let pair = try home.command(["pair", "C0:FF:EE:00:00:03", "--seconds", "30", "--json"])
        let first = try JSONValue.parse(Array(try #require(pair.readLine()).utf8))
        #expect(first["state"]?.string == "waiting-for-device")
        let second = try home.ask("pair", "C0:FF:EE:00:00:04")
        #expect(second.last?["error"]?["code"]?.string == "pairing-runs")
        pair.signal(SIGINT)
        #expect(pair.wait() == 1)
        // Whoever ends the command ends the pairing: the next one need not wait.
        let next = try home.command(["pair", "C0:FF:EE:00:00:04", "--seconds", "30", "--json"])
        let state = try JSONValue.parse(Array(try #require(next.readLine()).utf8))
        #expect(state["state"]?.string == "waiting-for-device")
        next.signal(SIGTERM)
        #expect(next.wait() == 1)
    }
}
