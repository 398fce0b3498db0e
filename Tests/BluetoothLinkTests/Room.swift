import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

/// A gateway's Bluetooth on a private bus, with a fake bluetoothd.
@LoopActor final class Room {
    let privateBus: PrivateBus
    var fake: FakeBlueZ
    let bluez: BlueZ
    let seen = SightingLog()
    private let task: Task<Void, Never>

    private init(_ privateBus: PrivateBus, _ fake: FakeBlueZ, _ settings: BlueZSettings) {
        self.privateBus = privateBus
        self.fake = fake
        let seen = self.seen
        let bluez = BlueZ(settings: settings) { seen.sightings.append($0) }
        self.bluez = bluez
        task = spawn { await bluez.run() }
    }

    static func open(
        adapters: [String] = ["hci0"], _ change: (inout BlueZSettings) -> Void = { _ in },
        prepare: @LoopActor (FakeBlueZ) async throws -> Void = { _ in }
    ) async throws -> Room {
        let privateBus = try PrivateBus()
        let fake = try await FakeBlueZ.start(privateBus.address, adapters: adapters)
        try await prepare(fake)
        var settings = BlueZSettings(busAddress: privateBus.address)
        // No answer of the fake is as late as this, on however busy a machine.
        settings.adapter.callLimit = .seconds(8)
        settings.adapter.recoveryPause = .milliseconds(10)
        settings.adapter.discoveringLostAfter = .milliseconds(60)
        settings.adapter.delayFactor = 0.01
        settings.adapter.setUpLimit = .milliseconds(50)
        change(&settings)
        return Room(privateBus, fake, settings)
    }

    func state(_ adapter: String = "hci0") -> AdapterState? {
        bluez.status.first { $0.adapter == adapter }?.state
    }

    func becomes(_ state: AdapterState, _ adapter: String = "hci0") async -> Bool {
        await eventuallyOrReport(state, adapter)
    }

    private func eventuallyOrReport(_ state: AdapterState, _ adapter: String) async -> Bool {
        let reached = await eventually(within: .seconds(15)) { self.state(adapter) == state }
        if !reached {
            Issue.record("\(bluez.status)\n\(fake.calls.map { "\($0.member) \($0.path)" })")
        }
        return reached
    }

    func close() async {
        task.cancel()
        await task.value
        fake.releaseHung()
        fake.behaviours = [:]
    }
}

@LoopActor final class SightingLog {
    var sightings: [Sighting] = []
    nonisolated init() {}
}
