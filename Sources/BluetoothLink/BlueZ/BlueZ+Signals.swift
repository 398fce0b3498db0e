import DeviceProfile
import EventLoop
import Measurement

// What bluetoothd tells by signals, taken over in the order in which it arrives.
extension BlueZ {
    func signalArrived(_ message: BusMessage) {
        // Anybody may send a signal to our connection: only the owner of the name is believed.
        guard message.sender == owner else {
            counters.foreignSignals += 1
            return
        }
        switch (message.interface, message.member) {
        case (BlueZNames.properties, "PropertiesChanged"): propertiesChanged(message)
        case (BlueZNames.objectManager, "InterfacesAdded"): interfacesAdded(message)
        case (BlueZNames.objectManager, "InterfacesRemoved"): interfacesRemoved(message)
        case (BlueZNames.device, "Disconnected"):
            linkEnded(message.path, because: message.body.first?.string ?? "")
        default: counters.otherSignals += 1
        }
    }

    /// bluetoothd tells why, in versions that know; also after the link's end was shown.
    private func linkEnded(_ path: String, because reason: String) {
        links[path]?.reasonArrived(reason)
        let address =
            links[path]?.address
            ?? tree.value(path, BlueZNames.device, "Address")?.string
            .flatMap { BluetoothAddress($0) }
        guard let address else { return counters.unknownObjects += 1 }
        switch reason {
        case "org.bluez.Reason.Authentication": refused(path, address)
        case "org.bluez.Reason.Timeout": faded(path, address)
        default: break
        }
        treeChanged.broadcast()
    }

    private func interfacesAdded(_ message: BusMessage) {
        guard message.body.count == 2, let path = message.body[0].string,
            let interfaces = ObjectTree.interfaces(message.body[1])
        else {
            counters.malformedSignals += 1
            return
        }
        tree.add(path, interfaces)
        if let adapter = interfaces[BlueZNames.adapter] {
            adapterAppeared(path)
            adapters.values.first { $0.path == path }?.reset(daemonIsUp: true, properties: adapter)
        }
        if source == .bus, let device = interfaces[BlueZNames.device],
            let sighting = SightingReader.appeared(path, device, at: .now())
        {
            deliver(sighting)
        }
        treeChanged.broadcast()
    }

    private func interfacesRemoved(_ message: BusMessage) {
        guard message.body.count == 2, let path = message.body[0].string,
            let interfaces = message.body[1].strings
        else {
            counters.malformedSignals += 1
            return
        }
        tree.remove(path, interfaces)
        if interfaces.contains(BlueZNames.adapter) {
            adapters.values.first { $0.path == path }?.reset(daemonIsUp: true, properties: nil)
        }
        if interfaces.contains(BlueZNames.device) {
            links[path]?.lost("bluetoothd has removed the device")
        }
        treeChanged.broadcast()
    }

    private func propertiesChanged(_ message: BusMessage) {
        guard message.body.count == 3, let interface = message.body[0].string,
            let changed = message.body[1].properties, let invalidated = message.body[2].strings
        else {
            counters.malformedSignals += 1
            return
        }
        guard
            let before = tree.change(message.path, interface, changed, invalidated: invalidated)
        else {
            counters.unknownObjects += 1
            return
        }
        switch interface {
        case BlueZNames.characteristic: characteristicChanged(message.path, changed)
        case BlueZNames.device: deviceChanged(message.path, changed, before)
        case BlueZNames.adapter:
            adapters.values.first { $0.path == message.path }?.propertiesChanged(changed)
            treeChanged.broadcast()
        default: treeChanged.broadcast()
        }
    }

    private func characteristicChanged(_ path: String, _ changed: ObjectTree.Properties) {
        guard let value = changed["Value"]?.bytes else { return treeChanged.broadcast() }
        guard let link = BlueZNames.devicePath(of: path).flatMap({ links[$0] }) else {
            counters.valuesWithoutLink += 1
            // Taken at the next subscription; of more than the bound the oldest go, counted above.
            leftOvers[path, default: []].append(ValueInbox.Value(bytes: value, at: .now()))
            if leftOvers[path]?.count ?? 0 > Self.maximumLeftOvers {
                leftOvers[path]?.removeFirst()
            }
            return
        }
        link.valueArrived(value, from: path, at: .now())
    }

    private func deviceChanged(
        _ path: String, _ changed: ObjectTree.Properties, _ before: ObjectTree.Properties
    ) {
        guard let after = tree[path, BlueZNames.device] else { return }
        if source == .bus,
            let sighting = SightingReader.changed(
                path, changed: changed, before: before, after: after, at: .now())
        {
            deliver(sighting)
        }
        guard changed.keys.contains(where: { !SightingReader.advertised.contains($0) }) else {
            return
        }
        if changed["Paired"] != nil || changed["Bonded"] != nil || changed["Address"] != nil {
            notePins()
        }
        if changed["Connected"]?.bool == false { links[path]?.lost("the link was lost") }
        treeChanged.broadcast()
    }
}
