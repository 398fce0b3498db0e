package import DeviceLink
package import DeviceProfile
package import EventLoop
package import Measurement

/// A device that a session can be run with: what `GATTSessionRunner` needs of a link.
///
/// Every operation has a time limit and ends with a `LinkError` when the link is lost meanwhile.
@LoopActor package protocol GATTPeripheral: AnyObject {
    /// Called for each notification and indication of a subscribed characteristic, in order.
    var onValue: (@LoopActor (GATTValue) -> Void)? { get set }
    /// Called once when the link is over; `byDevice` unless the gateway ended it.
    var onDisconnect: (@LoopActor (_ byDevice: Bool, _ reason: String) -> Void)? { get set }

    /// Connects; the result tells whether the stack holds a bond for the device.
    func connect(
        within limit: Duration, priority: ConnectionPriority
    ) async throws(LinkError) -> Bool
    /// Bonds; nothing happens where the bond is there.
    func bond(
        _ method: BondMethod, passkey: PasskeyProvider?, within limit: Duration
    ) async throws(LinkError)
    /// Waits for the device's services.
    func services(within limit: Duration) async throws(LinkError) -> [GATTService]
    func read(_ uuid: BluetoothUUID) async throws(LinkError) -> [UInt8]
    /// Writes and waits for the device's answer, where the characteristic gives one.
    func write(_ uuid: BluetoothUUID, _ bytes: [UInt8]) async throws(LinkError)
    /// Asks for notifications or indications.
    ///
    /// - Returns: the values that came before the subscription stood, those first that came when no
    ///   session ran.
    func subscribe(_ uuid: BluetoothUUID) async throws(LinkError) -> [GATTValue]
    /// Ends the link and waits for that, for a few seconds at most.
    func disconnect() async
    /// The address that the bond has told, where the device had connected under another one.
    var identity: BluetoothAddress? { get }
    /// When the adapter was free for this device; nil before that, and where nothing is waited for.
    var adapterFreeAt: GatewayTime? { get }
    /// When nothing but the connection was asked of the adapter any more; nil likewise.
    var radioQuietAt: GatewayTime? { get }
    /// Why the lost link means that the device no longer knows its bond; nil where it does not.
    var staleBond: LinkError? { get }
}

extension GATTPeripheral {
    package var staleBond: LinkError? { nil }
    package var adapterFreeAt: GatewayTime? { nil }
    package var radioQuietAt: GatewayTime? { nil }
    package var identity: BluetoothAddress? { nil }
}

/// A value that a device sent by itself.
package struct GATTValue: Sendable, Equatable {
    package var uuid: BluetoothUUID
    package var bytes: [UInt8]
    package var at: GatewayTime
    /// It came when no session ran, and may have been taken in an earlier one.
    package var isLeftOver: Bool

    package init(uuid: BluetoothUUID, bytes: [UInt8], at: GatewayTime, isLeftOver: Bool = false) {
        self.uuid = uuid
        self.bytes = bytes
        self.at = at
        self.isLeftOver = isLeftOver
    }
}
