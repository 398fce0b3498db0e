import DeviceProfile
import EventLoop

/// What bluetoothd asks while devices pair (org.bluez.Agent1), answered only for those we pair.
///
/// A passkey is given to the one device that it belongs to; whatever another device asks for is
/// refused and counted.
@LoopActor final class PairingAgent {
    nonisolated static let path = "/org/hakaru/agent"

    /// A pairing that the gateway has begun.
    struct Pairing {
        var method: BondMethod
        var passkey: PasskeyProvider?
    }
    private var pairings: [String: Pairing] = [:]
    private(set) var refused: [String: Int] = [:]

    nonisolated init() {}

    func begin(_ pairing: Pairing, for devicePath: String) { pairings[devicePath] = pairing }
    func end(for devicePath: String) { pairings[devicePath] = nil }

    func answer(_ call: BusMessage) async throws(BusError) -> [BusValue] {
        guard call.interface == BlueZNames.agent else { throw .unknownMethod(call) }
        switch call.member {
        case "Release", "Cancel": return []
        case "RequestPasskey": return [.uint32(try await passkey(call))]
        case "RequestAuthorization", "RequestConfirmation":
            // Just Works: bluetoothd asks for it where the device began, or in later versions.
            guard pairing(call)?.method == .justWorks else { throw refuse(call) }
            return []
        case "DisplayPasskey", "DisplayPinCode":
            // The gateway shows nothing: a device that wants its passkey typed in cannot be served.
            throw refuse(call)
        case "RequestPinCode", "AuthorizeService": throw refuse(call)
        default: throw .unknownMethod(call)
        }
    }

    private func passkey(_ call: BusMessage) async throws(BusError) -> UInt32 {
        guard let pairing = pairing(call), pairing.method == .passkeyEntry,
            let passkey = await pairing.passkey?(), passkey <= 999_999,
            // The pairing may have ended while a person was looking for the number.
            self.pairing(call) != nil
        else { throw refuse(call) }
        return passkey
    }

    private func pairing(_ call: BusMessage) -> Pairing? {
        call.body.first?.string.flatMap { pairings[$0] }
    }

    private func refuse(_ call: BusMessage) -> BusError {
        refused[call.member, default: 0] += 1
        return BusError(
            name: "org.bluez.Error.Rejected", message: "the gateway is not pairing this device")
    }
}

/// Gives the passkey of one device, from its label or its display; nil where nobody knows it.
package typealias PasskeyProvider = @LoopActor @Sendable () async -> UInt32?
