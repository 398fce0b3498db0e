package import DeviceLink
package import DeviceProfile
package import EventLoop
package import Measurement

/// One device for the length of one session, through bluetoothd.
@LoopActor package final class BlueZPeripheral: GATTPeripheral {
    package let address: BluetoothAddress
    package var onValue: (@LoopActor (GATTValue) -> Void)?
    package var onDisconnect: (@LoopActor (_ byDevice: Bool, _ reason: String) -> Void)?

    let path: String
    let bluez: BlueZ
    let control: AdapterControl
    package private(set) var adapterFreeAt: GatewayTime?
    package private(set) var radioQuietAt: GatewayTime?
    /// Discovery rests until the device has sent something.
    private var setUp: DiscoveryPause?
    var table = CharacteristicTable()
    var inbox = ValueInbox()
    private var state = State.idle
    private var reason: String?
    private var servicesWereKnown = false

    private enum State: Equatable {
        case idle
        case connecting
        case connected
        /// The gateway asked for the end.
        case leaving
        case closed(String)
    }

    init(address: BluetoothAddress, path: String, bluez: BlueZ, control: AdapterControl) {
        self.address = address
        self.path = path
        self.bluez = bluez
        self.control = control
    }

    var isBonded: Bool { bluez.isBonded(path) }

    // MARK: Connecting

    /// Connects when the adapter is free for it, while discovery pauses.
    ///
    /// The limit holds for the wait for the adapter and for the attempt separately. An attempt that
    /// is given up is called off in bluetoothd too.
    package func connect(
        within limit: Duration, priority: ConnectionPriority = .normal
    ) async throws(LinkError) -> Bool {
        guard state == .idle else { throw .unreachable("this session has had its connection") }
        guard bluez.links[path] == nil else { throw .unreachable("another session holds it") }
        // Taken before the wait, so that a second session is refused.
        bluez.links[path] = self
        state = .connecting
        do throws(LinkError) {
            await becomeKnown()
            try await attemptInTurn(within: limit, priority)
            return isBonded
        } catch {
            close("connecting failed")
            throw error
        }
    }

    /// Brings the device into the mirror; where that fails, the attempt says so.
    private func becomeKnown() async {
        do throws(BusError) {
            try await bluez.follow(path, within: .seconds(1))
        } catch {
            if error.isTimeout { control.note(.callHung) }
        }
    }

    private func attemptInTurn(
        within limit: Duration, _ priority: ConnectionPriority
    ) async throws(LinkError) {
        let isOurTurn: Bool
        do {
            isOurTurn = try await control.connections.enter(priority, within: limit)
        } catch {
            throw .unreachable("the session was stopped")
        }
        guard isOurTurn else { throw .unreachable("the adapter was busy with other devices") }
        adapterFreeAt = .now()
        control.hasLinks = true
        try await control.withDiscoveryPaused { () async throws(LinkError) in
            // Before discovery may go on: where the next device waits, it need not be stopped again.
            defer { control.connections.leave() }
            radioQuietAt = .now()
            try await self.attempt(within: limit)
            setUp = control.pauseForSetUp()
        }
        control.connected()
    }

    private func attempt(within limit: Duration) async throws(LinkError) {
        var wait = Duration.seconds(3)
        do throws(BusError) {
            _ = try await call("Connect", within: limit)
        } catch let error where error.name == "org.bluez.Error.AlreadyConnected" {
            return joined()
        } catch let error where error.isUnderWay {
            // bluetoothd is connecting it already, after a link that broke early: joined.
            wait = limit
        } catch {
            if error.isTimeout || error.isCancelled { await callOff() }
            if let problem = await bondProblem(error) { throw problem }
            throw error.isTimeout
                ? .unreachable("no connection within \(limit)")
                : LinkError(error, during: "connect")
        }
        try await waitForLink(within: wait)
    }

    /// The answer to Connect may come before the change of `Connected`, and after the link was lost.
    private func waitForLink(within limit: Duration) async throws(LinkError) {
        let settled = try? await bluez.treeChanged.wait(for: limit) {
            self.state != .connecting || self.isConnectedInTree
        }
        guard state == .connecting else {
            await reasonIsKnown()
            throw lossError("connect")
        }
        guard settled == true else {
            let error = lossError("connect")
            await callOff()
            // What ended then was ended here.
            bluez.bonds[address]?.wasOutOfReach()
            throw error
        }
        joined()
    }

    private func joined() { state = .connected }

    /// Ends an attempt in bluetoothd too, before the adapter's next one: the end would hit that.
    private func callOff() async {
        // A task of its own: the session's may be cancelled, and a call in it would not be sent.
        await spawn { [self] in
            do throws(BusError) {
                _ = try await call("Disconnect", within: bluez.settings.adapter.callLimit)
            } catch {
                if error.isTimeout { control.note(.connectHung) }
            }
        }.value
    }

    private var isConnectedInTree: Bool {
        bluez.tree.value(path, BlueZNames.device, "Connected")?.bool ?? false
    }

    // MARK: The end

    package func disconnect() async {
        guard state == .connected || state == .connecting else { return }
        state = .leaving
        do throws(BusError) {
            _ = try await call("Disconnect", within: bluez.settings.adapter.callLimit)
        } catch {
            if error.isTimeout { control.note(.callHung) }
        }
        _ = try? await bluez.treeChanged.wait(for: .seconds(5)) {
            !self.isConnectedInTree || self.isClosed
        }
        lost("the gateway ended it")
    }

    /// bluetoothd tells why, in versions that know (org.bluez.Device1.Disconnected).
    func reasonArrived(_ reason: String) { self.reason = reason }

    /// The link is over; idempotent.
    func lost(_ what: String) {
        switch state {
        case .idle, .closed: return
        case .connecting:
            // The attempt itself reports it.
            state = .closed(reason ?? what)
            noteEarlyLoss()
        case .connected, .leaving:
            let byDevice = state != .leaving && bluez.owner != nil
            if byDevice { noteEarlyLoss() }
            close(reason ?? what)
            tell(byDevice, reason ?? what)
        }
    }

    /// Tells of the end, and where that is in doubt only once it is known why.
    private func tell(_ byDevice: Bool, _ what: String) {
        guard byDevice, awaitsReason else { return onDisconnect?(byDevice, what) ?? () }
        spawn { [self] in
            await reasonIsKnown()
            onDisconnect?(byDevice, what)
        }
    }

    /// The device talks: others are looked for again.
    func talkBegan() {
        setUp?.end()
        setUp = nil
    }

    private func close(_ what: String) {
        talkBegan()
        if !isClosed { state = .closed(what) }
        if bluez.links[path] === self { bluez.links[path] = nil }
        control.hasLinks = bluez.links.values.contains { $0.control === control }
        bluez.counters.unclaimedValues += inbox.unclaimed
        endSubscriptions()
    }

    /// bluetoothd would subscribe by itself at the next connection, and the device would send its
    /// records before the session has read its clock.
    private func endSubscriptions() {
        let paths = inbox.subscribed
        inbox = ValueInbox()
        guard !paths.isEmpty, let bus = bluez.bus else { return }
        spawn {
            for path in paths {
                _ = try? await bus.call(
                    .bluez(path, BlueZNames.characteristic, "StopNotify"), within: .seconds(5))
            }
        }
    }

    private var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    // MARK: Bonds that no longer hold

    /// A device that lost its bond connects and leaves at once, again and again.
    private func noteEarlyLoss() {
        guard isBonded, !servicesWereKnown, reason != "org.bluez.Reason.Timeout" else { return }
        bluez.bonds[address, default: .init()].linkEndedEarly()
    }

    package var staleBond: LinkError? { bluez.bonds[address]?.verdict }

    func servicesBecameKnown() {
        servicesWereKnown = true
        bluez.bonds[address]?.linkWorked()
    }

    /// The link of a bonded device ended early, and nobody has said why.
    private var awaitsReason: Bool {
        isClosed && isBonded && !servicesWereKnown && reason == nil && staleBond == nil
    }

    /// Waits a moment for who knows why the link ended: the kernel's word, bluetoothd's signal and the
    /// change of the property come in any order.
    func reasonIsKnown() async {
        guard awaitsReason else { return }
        _ = try? await bluez.treeChanged.wait(for: bluez.settings.adapter.reasonLimit) {
            !self.awaitsReason
        }
    }

    /// What a failed Connect means for the bond; nil where it says nothing about it.
    ///
    /// bluetoothd's words for it depend on what it was doing when the link broke (`br-connection-canceled`,
    /// `le-connection-abort-by-remote`): only one of them tells.
    private func bondProblem(_ error: BusError) async -> LinkError? {
        guard isBonded else { return nil }
        if error.message.contains("key-missing") { bluez.refused(path, address) }
        if error.isTimeout {
            bluez.bonds[address]?.wasOutOfReach()
        } else {
            // Where the link stood, its end may be told after the answer.
            _ = try? await bluez.treeChanged.wait(for: bluez.settings.adapter.reasonLimit) {
                self.staleBond != nil || self.isClosed && !self.awaitsReason
            }
        }
        return staleBond
    }

    /// Why an operation failed that the link did not outlive.
    func lossError(_ operation: String) -> LinkError {
        guard case .closed(let what) = state else {
            return .unreachable("\(operation): no answer in time")
        }
        if let staleBond { return staleBond }
        return .disconnected("\(operation): \(what)")
    }

    // MARK: Calls

    func requireLink(_ operation: String) throws(LinkError) {
        guard state == .connected else { throw lossError(operation) }
    }

    var hasLink: Bool { state == .connected }

    func call(
        _ member: String, _ arguments: BusValue..., at path: String? = nil,
        interface: String = BlueZNames.device, within limit: Duration
    ) async throws(BusError) -> [BusValue] {
        guard let bus = bluez.bus, bluez.owner != nil else {
            throw BusError(name: BusError.disconnectedName, message: "bluetoothd is not there")
        }
        var call = BusCall(BlueZNames.service, path ?? self.path, interface, member)
        call.arguments = arguments
        return try await bus.call(call, within: limit)
    }
}
