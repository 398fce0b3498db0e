import DeviceProfile
import EventLoop
import Measurement

// Advertisements from the kernel's management socket, where this process may have them.
extension BlueZ {
    /// Where advertisements come from now.
    var source: AdvertisementSource { air.listener == nil ? .bus : .managementSocket }

    /// Opens the management socket and asks whether it shows advertisements; falls back by itself.
    func openAir() async {
        guard air.listener == nil, let open = settings.openManagement else { return }
        do throws(ManagementRefusal) {
            let listener = try AirListener(
                open(), { [weak self] in self?.packetArrived($0, $1, $2) },
                onClose: { [weak self] in self?.airClosed($0) })
            try await listener.probe(within: settings.adapter.probeLimit)
            // A newer reading of bluetoothd's objects opens one of its own.
            guard !Task.isCancelled else { return }
            air.listener = listener
            air.refusal = nil
        } catch {
            guard !Task.isCancelled else { return }
            air.refusal = error
        }
    }

    /// The kernel took the socket back: bluetoothd's signals are listened to instead.
    private func airClosed(_ refusal: ManagementRefusal) {
        guard air.listener != nil else { return }
        air.listener = nil
        air.refusal = refusal
        counters.managementFailures += 1
        reload()
    }

    private func packetArrived(
        _ packet: ManagementPacket, _ bytes: Span<UInt8>, _ now: GatewayTime
    ) {
        // Nothing counts before the socket has been found to be the source.
        guard air.listener != nil else { return }
        switch packet.content {
        case .deviceFound(let found):
            heard(found, bytes.extracting(found.data), air.controls[packet.controller], now)
        case .bonded(let address):
            guard let control = air.controls[packet.controller] else { return }
            followBonded(BlueZNames.path(of: address, on: control))
        case .disconnected(let address, let reason):
            guard let control = air.controls[packet.controller] else { return }
            let path = devicePath(of: address, on: control)
            switch reason {
            case ManagementPacket.authenticationFailure: refused(path, address)
            case ManagementPacket.timeout: faded(path, address)
            default: counters.otherManagementEvents += 1
            }
        default: counters.otherManagementEvents += 1
        }
    }

    /// The link ended because the keys do not fit; of a device without a bond that says nothing.
    func refused(_ path: String, _ address: BluetoothAddress) {
        guard isBonded(path) else { return }
        bonds[address, default: .init()].keysWereRefused()
        treeChanged.broadcast()
    }

    /// The link ended because the device was no longer heard.
    func faded(_ path: String, _ address: BluetoothAddress) {
        guard isBonded(path) else { return }
        bonds[address]?.wasOutOfReach()
    }

    func isBonded(_ path: String) -> Bool {
        tree[path, BlueZNames.device].map(SightingReader.isBonded) ?? false
    }

    /// Takes an advertisement; a foreign one allocates nothing and ends here.
    private func heard(
        _ found: ManagementPacket.Found, _ data: Span<UInt8>, _ control: AdapterControl?,
        _ now: GatewayTime
    ) {
        guard let control, found.isLowEnergy else {
            counters.unwantedAdvertisements += 1
            return
        }
        control.advertisementArrived(at: now)
        let verdict = settings.filter().verdict(data, address: found.address)
        guard
            verdict != .foreign || air.isOfInterest(found.address, at: now)
                || settings.isNamed(found.address)
        else {
            counters.foreignAdvertisements += 1
            return
        }
        var advertisement = Advertisement()
        if !advertisement.add(heard: data) { counters.brokenAdvertisements += 1 }
        let path = devicePath(of: found.address, on: control)
        let object = tree[path, BlueZNames.device]
        if let object { advertisement.addWhatIsKnown(object) }
        air.complete(&advertisement, of: found.address, at: now)
        deliver(
            Sighting(
                address: found.address, addressIsRandom: found.addressIsRandom,
                advertisement: advertisement, rssi: found.rssi == 127 ? nil : Int(found.rssi),
                at: now, adapter: control.name,
                bonded: object.map(SightingReader.isBonded) ?? false))
    }

    // MARK: What of bluetoothd's objects is followed

    /// Listens to bluetoothd: to all that it says, or only to what adapters and sessions need.
    func listen(_ bus: Bus) throws(BusError) {
        signalSlots = []
        air.followed = [:]
        guard source == .managementSocket else {
            signalSlots = [try listen(bus, "")]
            return
        }
        let properties = ",interface='\(BlueZNames.properties)',member='PropertiesChanged'"
        signalSlots.append(try listen(bus, properties + ",arg0='\(BlueZNames.adapter)'"))
        // The objects of an adapter itself: a longer path is a device's.
        for number in 0..<Self.maximumAdapters {
            signalSlots.append(
                try listen(bus, Self.objects(at: "\(BlueZNames.root)/hci\(number)")))
        }
    }

    private func listen(_ bus: Bus, _ rule: String) throws(BusError) -> BusSlot {
        try bus.onSignal("sender='\(BlueZNames.service)'" + rule) { [weak self] in
            self?.signalArrived($0)
        }
    }

    private static func objects(at path: String) -> String {
        ",interface='\(BlueZNames.objectManager)',arg0path='\(path)'"
    }

    /// Of all that bluetoothd knows, what the mirror keeps: adapters, bonded and connected devices.
    func follow(_ read: ObjectTree) throws(BusError) -> ObjectTree {
        guard source == .managementSocket else { return read }
        var kept = read
        for path in read.paths(with: BlueZNames.device, below: BlueZNames.root) {
            let device = read[path, BlueZNames.device] ?? [:]
            if SightingReader.isBonded(device) || device["Connected"]?.bool == true
                || links[path] != nil
            {
                try followSignals(of: path)
            } else {
                kept.removeAll(below: path)
            }
        }
        return kept
    }

    /// Brings a device into the mirror before it is connected, and keeps it there.
    ///
    /// bluetoothd may make the object a little later than the kernel tells of the device.
    func follow(_ path: String, within limit: Duration) async throws(BusError) {
        guard source == .managementSocket, let bus, owner != nil else { return }
        air.turn += 1
        let turn = air.turn
        if air.followed[path] != nil, tree[path, BlueZNames.device] != nil {
            air.followed[path]?.turn = turn
            return
        }
        try followSignals(of: path)
        let answer = try await bus.call(
            .bluez("/", BlueZNames.objectManager, "GetManagedObjects"),
            within: settings.adapter.callLimit)
        if let read = answer.first.flatMap({ ObjectTree(managedObjects: $0) }) {
            tree.takeOver(read, below: path)
            treeChanged.broadcast()
        }
        notePins()
        _ = try? await treeChanged.wait(for: limit) { self.tree[path, BlueZNames.device] != nil }
    }

    private func followSignals(of path: String) throws(BusError) {
        guard let bus, air.followed[path] == nil else { return }
        forgetLongestUnused()
        air.followed[path] = FollowedDevice(
            slots: [
                try listen(bus, ",path_namespace='\(path)'"),
                try listen(bus, Self.objects(at: path)),
                try listen(bus, Self.objects(at: path + "/")),
            ], turn: air.turn)
    }

    private func forgetLongestUnused() {
        guard air.followed.count >= Self.maximumFollowed else { return }
        let idle = air.followed.filter {
            links[$0.key] == nil
                && !SightingReader.isBonded(tree[$0.key, BlueZNames.device] ?? [:])
        }
        guard let oldest = idle.min(by: { $0.value.turn < $1.value.turn })?.key else { return }
        air.followed[oldest] = nil
        tree.removeAll(below: oldest)
    }

    /// A device was bonded, by whomever: its object is followed from now on.
    private func followBonded(_ path: String) {
        spawn { [weak self] in
            guard let self else { return }
            do throws(BusError) {
                try await follow(path, within: settings.adapter.callLimit)
                notePins()
            } catch {
                counters.reloadFailures += 1
            }
        }
    }

    /// Notes the bonded devices, and those of them that bluetoothd calls by a former private address.
    func notePins() {
        air.pin(bondedDevices, at: .now())
        air.movedPaths = [:]
        for path in tree.paths(with: BlueZNames.device, below: BlueZNames.root) {
            guard let device = tree[path, BlueZNames.device], SightingReader.isBonded(device),
                let address = device["Address"]?.string.flatMap({ BluetoothAddress($0) }),
                !path.hasSuffix(BlueZNames.deviceName(of: address))
            else { continue }
            air.movedPaths[address, default: []].append(path)
        }
    }

    /// Where bluetoothd keeps a device: usually under its address.
    func devicePath(of address: BluetoothAddress, on control: AdapterControl) -> String {
        air.movedPaths[address]?.first { $0.hasPrefix(control.path + "/") }
            ?? BlueZNames.path(of: address, on: control)
    }

    /// The bus allows 512 rules to a connection; each device takes three.
    private static let maximumFollowed = 100
    private static let maximumAdapters = 16
}

extension Advertisement {
    /// Name and services that bluetoothd knows from earlier; they do not age.
    fileprivate mutating func addWhatIsKnown(_ device: ObjectTree.Properties) {
        name = name ?? device["Name"]?.string
        for uuid in device["UUIDs"]?.strings?.compactMap({ BluetoothUUID($0) }) ?? []
        where !serviceUUIDs.contains(uuid) {
            serviceUUIDs.append(uuid)
        }
    }
}
