package import DeviceLink
package import DeviceProfile
import EventLoop
import Measurement

// Services, reads, writes and subscriptions.
extension BlueZPeripheral {
    /// Waits for `ServicesResolved`, and for characteristics that are exported after it.
    package func services(within limit: Duration) async throws(LinkError) -> [GATTService] {
        try requireLink("services")
        let resolved = try? await bluez.treeChanged.wait(for: limit) {
            self.isResolved || !self.hasLink
        }
        guard hasLink, resolved == true else {
            await reasonIsKnown()
            throw lossError("services")
        }
        servicesBecameKnown()
        await settle()
        guard hasLink else { throw lossError("services") }
        guard !table.services.isEmpty else {
            throw .stackFailed("bluetoothd shows no service of the device")
        }
        return table.services
    }

    private var isResolved: Bool {
        bluez.tree.value(path, BlueZNames.device, "ServicesResolved")?.bool ?? false
    }

    /// bluetoothd may say that the services are resolved before it has exported all of them: what is
    /// announced is waited for a little, and its objects are read once more. What a device announces and
    /// never has is waited for once.
    private func settle() async {
        for attempt in 0..<4 {
            table = CharacteristicTable(device: path, in: bluez.tree)
            let missing = missingServices.subtracting(bluez.absentServices[address] ?? [])
            guard !missing.isEmpty || table.services.isEmpty, hasLink else { return }
            if attempt == 2 { await bluez.readObjectsAgain() }
            // An advertised UUID that is no service is never there: the waits are short.
            let before = table
            _ = try? await bluez.treeChanged.wait(for: .milliseconds(200)) {
                CharacteristicTable(device: self.path, in: self.bluez.tree) != before
            }
        }
        if hasLink { bluez.absentServices[address] = missingServices }
    }

    private var missingServices: Set<BluetoothUUID> {
        let announced = bluez.tree.value(path, BlueZNames.device, "UUIDs")?.strings ?? []
        return Set(table.missing(announced.compactMap { BluetoothUUID($0) }))
    }

    package func read(_ uuid: BluetoothUUID) async throws(LinkError) -> [UInt8] {
        try requireLink("read \(uuid)")
        guard let entry = table[uuid] else { return try await batteryLevel(uuid) }
        inbox.readBegan(entry.path)
        var answer: [UInt8]?
        // Also when the call fails: what came meanwhile was no echo.
        defer {
            for value in inbox.readEnded(entry.path, with: answer) { deliver(value, uuid) }
        }
        let result = try await perform(
            "read \(uuid)", "ReadValue", entry.path, [.properties([:])])
        guard let bytes = result.first?.bytes else {
            throw .stackFailed("read \(uuid): the answer holds no bytes")
        }
        answer = bytes
        return bytes
    }

    /// bluetoothd reads the level by itself, after the services are known.
    private func batteryLevel(_ uuid: BluetoothUUID) async throws(LinkError) -> [UInt8] {
        guard uuid == .batteryLevel else { throw .noSuchCharacteristic(uuid) }
        _ = try? await bluez.treeChanged.wait(for: .milliseconds(500)) {
            self.batteryPercentage != nil || !self.hasLink
        }
        guard let level = batteryPercentage else {
            try requireLink("read \(uuid)")
            throw .noSuchCharacteristic(uuid)
        }
        return [level]
    }

    private var batteryPercentage: UInt8? {
        bluez.tree.value(path, BlueZNames.battery, "Percentage")?.integer
            .flatMap { UInt8(exactly: $0) }
    }

    package func write(_ uuid: BluetoothUUID, _ bytes: [UInt8]) async throws(LinkError) {
        try requireLink("write \(uuid)")
        guard let entry = table[uuid] else { throw .noSuchCharacteristic(uuid) }
        let kind = entry.characteristic.properties.contains(.write) ? "request" : "command"
        _ = try await perform(
            "write \(uuid)", "WriteValue", entry.path,
            [.bytes(bytes), .properties(["type": .string(kind)])])
    }

    package func subscribe(_ uuid: BluetoothUUID) async throws(LinkError) -> [GATTValue] {
        try requireLink("subscribe \(uuid)")
        guard let entry = table[uuid] else { throw .noSuchCharacteristic(uuid) }
        do throws(LinkError) {
            _ = try await perform("subscribe \(uuid)", "StartNotify", entry.path, [])
        } catch let error where isAcquired(error) {
            // Left over from an earlier link: ended and begun anew.
            _ = try? await perform("subscribe \(uuid)", "StopNotify", entry.path, [])
            _ = try await perform("subscribe \(uuid)", "StartNotify", entry.path, [])
        }
        let leftOver = bluez.leftOvers.removeValue(forKey: entry.path) ?? []
        return leftOver.map {
            GATTValue(uuid: uuid, bytes: $0.bytes, at: .now(), isLeftOver: true)
        }
            + inbox.subscribe(entry.path).map {
                GATTValue(uuid: uuid, bytes: $0.bytes, at: $0.at)
            }
    }

    private func isAcquired(_ error: LinkError) -> Bool {
        if case .refused(_, let text) = error { text.contains("acquired") } else { false }
    }

    func valueArrived(_ bytes: [UInt8], from path: String, at time: GatewayTime) {
        guard let value = inbox.arrived(ValueInbox.Value(bytes: bytes, at: time), at: path) else {
            return
        }
        guard let entry = table.entry(at: path) else {
            bluez.counters.valuesWithoutLink += 1
            return
        }
        deliver(value, entry.characteristic.uuid)
        talkBegan()
    }

    private func deliver(_ value: ValueInbox.Value, _ uuid: BluetoothUUID) {
        onValue?(GATTValue(uuid: uuid, bytes: value.bytes, at: value.at))
    }

    /// An ATT transaction has 30 seconds; after that bluetoothd has ended the link itself.
    private func perform(
        _ what: String, _ member: String, _ path: String, _ arguments: [BusValue]
    ) async throws(LinkError) -> [BusValue] {
        var call = BusCall(BlueZNames.service, path, BlueZNames.characteristic, member)
        call.arguments = arguments
        guard let bus = bluez.bus else { throw .stackFailed("\(what): the bus is not there") }
        do throws(BusError) {
            let result = try await bus.call(call, within: .seconds(31))
            guard hasLink else { throw BusError(name: "org.bluez.Error.NotConnected", message: "") }
            return result
        } catch {
            guard hasLink else { throw lossError(what) }
            if error.isTimeout { control.note(.callHung) }
            throw LinkError(error, during: what)
        }
    }
}

extension BlueZ {
    /// Reads all objects once more, for those whose announcement is late.
    func readObjectsAgain() async {
        guard let bus, owner != nil else { return }
        let answer = try? await bus.call(
            .bluez("/", BlueZNames.objectManager, "GetManagedObjects"),
            within: settings.adapter.callLimit)
        guard let read = answer?.first.flatMap({ ObjectTree(managedObjects: $0) }) else { return }
        tree = read
        treeChanged.broadcast()
    }
}
