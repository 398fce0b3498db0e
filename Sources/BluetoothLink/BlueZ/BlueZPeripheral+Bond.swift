package import DeviceLink
package import DeviceProfile
import EventLoop

// Bonds: made with the agent, kept by bluetoothd.
extension BlueZPeripheral {
    package func bond(
        _ method: BondMethod, passkey: PasskeyProvider?, within limit: Duration
    ) async throws(LinkError) {
        try requireLink("pair")
        guard !isBonded, method != .none else { return }
        bluez.agent.begin(.init(method: method, passkey: passkey), for: path)
        defer { bluez.agent.end(for: path) }
        if let error = await pair(within: limit) {
            if error.isTimeout || error.isCancelled { callOffPairing() }
            guard hasLink else { throw lossError("pair") }
            if error.isTimeout { throw .pairingFailed("no end within \(limit)") }
            throw Self.pairingError(error)
        }
        _ = try? await bluez.treeChanged.wait(for: .seconds(3)) { self.isBonded || !self.hasLink }
        try requireLink("pair")
        guard isBonded else { throw .pairingFailed("bluetoothd has stored no key") }
        _ = try? await bluez.bus?.call(
            .setting("Trusted", of: BlueZNames.device, at: path, to: true),
            within: bluez.settings.adapter.callLimit)
    }

    /// Pairs; the bond itself counts, not the answer to the call.
    ///
    /// bluetoothd 5.66 never answers Pair when the bond is made while it still reads the device's
    /// services after Connect.
    private func pair(within limit: Duration) async -> BusError? {
        let answer = Locked<Result<Void, BusError>?>(nil)
        let pairing = spawn { [self] in
            let result: Result<Void, BusError>
            do throws(BusError) {
                _ = try await call("Pair", within: limit)
                result = .success(())
            } catch let error where error.name == "org.bluez.Error.AlreadyExists" {
                // The device asked for security by itself meanwhile.
                result = .success(())
            } catch {
                result = .failure(error)
            }
            answer.withLock { $0 = result }
            bluez.treeChanged.broadcast()
        }
        defer { pairing.cancel() }
        let ended = try? await bluez.treeChanged.wait(for: limit + .seconds(1)) {
            self.isBonded || !self.hasLink || answer.withLock { $0 != nil }
        }
        if isBonded { return nil }
        guard ended != nil else { return .cancelled }
        if case .failure(let error) = answer.withLock({ $0 }) { return error }
        return hasLink ? nil : .cancelled
    }

    /// bluetoothd keeps the path of the private address and changes the property.
    package var identity: BluetoothAddress? {
        guard isBonded,
            let known = bluez.tree.value(path, BlueZNames.device, "Address")?.string
                .flatMap({ BluetoothAddress($0) })
        else { return nil }
        return known == address ? nil : known
    }

    private static func pairingError(_ error: BusError) -> LinkError {
        switch LinkError(error, during: "pair") {
        case .unreachable(let text) where error.name == "org.bluez.Error.Failed":
            .pairingFailed(text)
        case let other: other
        }
    }

    private func callOffPairing() {
        spawn { [self] in
            _ = try? await call("CancelPairing", within: bluez.settings.adapter.callLimit)
        }
    }
}

extension BlueZ {
    /// A device for one session; nil where no adapter in use has heard it.
    ///
    /// A bond belongs to one adapter: the device is connected through that one, whichever has heard it, and
    /// another would pair anew and so end the bond.
    package func peripheral(
        _ address: BluetoothAddress, on adapter: String? = nil
    ) -> BlueZPeripheral? {
        let known = devicePaths(address).compactMap { path -> (String, AdapterControl)? in
            guard let name = BlueZNames.adapterName(of: path), let control = adapters[name] else {
                return nil
            }
            return (path, control)
        }
        let bonded = known.first { path, _ in
            tree[path, BlueZNames.device].map(SightingReader.isBonded) ?? false
        }
        let found = bonded ?? known.first { adapter == nil || $1.name == adapter }
        guard let (path, control) = found ?? unmirrored(address, adapter) else { return nil }
        return BlueZPeripheral(address: address, path: path, bluez: self, control: control)
    }

    /// A device that the kernel has told of and the mirror does not hold yet.
    private func unmirrored(
        _ address: BluetoothAddress, _ adapter: String?
    ) -> (String, AdapterControl)? {
        guard source == .managementSocket, let adapter, let control = adapters[adapter] else {
            return nil
        }
        return (BlueZNames.path(of: address, on: control), control)
    }

    /// The identity addresses of all bonded devices.
    package var bondedDevices: Set<BluetoothAddress> {
        Set(
            tree.paths(with: BlueZNames.device, below: BlueZNames.root).compactMap { path in
                guard let device = tree[path, BlueZNames.device], SightingReader.isBonded(device)
                else { return nil }
                return device["Address"]?.string.flatMap { BluetoothAddress($0) }
            })
    }

    /// Removes a device with its bond from every adapter in use; only ever on a person's word.
    package func forget(_ address: BluetoothAddress) async throws(LinkError) {
        guard let bus, owner != nil else { throw .stackFailed("bluetoothd is not there") }
        for path in devicePaths(address) {
            guard let name = BlueZNames.adapterName(of: path), let control = adapters[name] else {
                continue
            }
            do throws(BusError) {
                _ = try await bus.call(
                    .bluez(
                        control.path, BlueZNames.adapter, "RemoveDevice", .objectPath(path)),
                    within: settings.adapter.callLimit)
            } catch let error where error.name == "org.bluez.Error.DoesNotExist" {
                // Gone already.
            } catch {
                throw LinkError(error, during: "forget")
            }
        }
        bonds[address] = nil
    }

    private func devicePaths(_ address: BluetoothAddress) -> [String] {
        tree.paths(with: BlueZNames.device, below: BlueZNames.root).filter {
            tree.value($0, BlueZNames.device, "Address")?.string.flatMap { BluetoothAddress($0) }
                == address
        }
    }
}
