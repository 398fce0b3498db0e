import BluetoothLink
import DeviceLink
import DeviceProfile
import EventLoop
import Measurement

/// What passed over a link, for those who watch a session: captures and the pairing guide.
enum LinkFact: Sendable, Equatable {
    case connected(bonded: Bool)
    case bonded(BondMethod)
    case services([GATTService])
    /// `at` of the fact is the middle between request and answer.
    case read(BluetoothUUID, [UInt8])
    case written(BluetoothUUID, [UInt8])
    case subscribed(BluetoothUUID)
    case value(BluetoothUUID, [UInt8])
    case failed(LinkError)
    case disconnected(byDevice: Bool)
}

/// A peripheral that tells a watcher what passes, and changes nothing.
@LoopActor final class ObservedPeripheral: GATTPeripheral {
    typealias Watcher = @LoopActor (LinkFact, GatewayTime) -> Void

    private let inner: any GATTPeripheral
    private let watcher: Watcher
    private let clock: @LoopActor () -> GatewayTime

    init(
        _ inner: any GATTPeripheral, clock: @escaping @LoopActor () -> GatewayTime = { .now() },
        watcher: @escaping Watcher
    ) {
        self.inner = inner
        self.watcher = watcher
        self.clock = clock
    }

    var onValue: (@LoopActor (GATTValue) -> Void)? {
        didSet {
            guard let onValue else { return inner.onValue = nil }
            inner.onValue = { [watcher] value in
                // What came when no session ran belongs to no captured session.
                if !value.isLeftOver { watcher(.value(value.uuid, value.bytes), value.at) }
                onValue(value)
            }
        }
    }

    var onDisconnect: (@LoopActor (Bool, String) -> Void)? {
        didSet {
            guard let onDisconnect else { return inner.onDisconnect = nil }
            inner.onDisconnect = { [watcher, clock] byDevice, reason in
                watcher(.disconnected(byDevice: byDevice), clock())
                onDisconnect(byDevice, reason)
            }
        }
    }

    func connect(
        within limit: Duration, priority: ConnectionPriority
    ) async throws(LinkError) -> Bool {
        let bonded = try await told { () throws(LinkError) in
            try await inner.connect(within: limit, priority: priority)
        }
        watcher(.connected(bonded: bonded), clock())
        return bonded
    }

    func bond(
        _ method: BondMethod, passkey: PasskeyProvider?, within limit: Duration
    ) async throws(LinkError) {
        try await told { () throws(LinkError) in
            try await inner.bond(method, passkey: passkey, within: limit)
        }
        watcher(.bonded(method), clock())
    }

    func services(within limit: Duration) async throws(LinkError) -> [GATTService] {
        let services = try await told { () throws(LinkError) in
            try await inner.services(within: limit)
        }
        watcher(.services(services), clock())
        return services
    }

    func read(_ uuid: BluetoothUUID) async throws(LinkError) -> [UInt8] {
        let before = clock()
        let bytes = try await inner.read(uuid)
        watcher(.read(uuid, bytes), before.after(half: clock().since(before)))
        return bytes
    }

    func write(_ uuid: BluetoothUUID, _ bytes: [UInt8]) async throws(LinkError) {
        let before = clock()
        try await inner.write(uuid, bytes)
        // The answer to a command may come before the end of the write is known.
        watcher(.written(uuid, bytes), before)
    }

    func subscribe(_ uuid: BluetoothUUID) async throws(LinkError) -> [GATTValue] {
        let values = try await told { () throws(LinkError) in try await inner.subscribe(uuid) }
        watcher(.subscribed(uuid), clock())
        for value in values where !value.isLeftOver {
            watcher(.value(value.uuid, value.bytes), value.at)
        }
        return values
    }

    var staleBond: LinkError? { inner.staleBond }
    var identity: BluetoothAddress? { inner.identity }
    var adapterFreeAt: GatewayTime? { inner.adapterFreeAt }
    var radioQuietAt: GatewayTime? { inner.radioQuietAt }

    func disconnect() async { await inner.disconnect() }

    private func told<Value>(
        _ body: () async throws(LinkError) -> Value
    ) async throws(LinkError) -> Value {
        do throws(LinkError) {
            return try await body()
        } catch {
            watcher(.failed(error), clock())
            throw error
        }
    }
}
