import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

/// A bluetoothd at the level of the bus: the objects and methods that the gateway uses.
///
/// A method answers at once and right unless a behaviour says otherwise; every call is logged.
@LoopActor final class FakeBlueZ {
    enum Behaviour {
        case fail(String, String = "")
        /// Never answers.
        case hang
        /// Does this first.
        case run(@LoopActor @Sendable () async -> Void)
    }

    struct Call: Equatable {
        var member: String
        var path: String
        var arguments: [BusValue]
    }

    let bus: Bus
    private(set) var tree = ObjectTree()
    private(set) var calls: [Call] = []
    /// Taken from the front, one for each call of the method; key: `Member` or `Member path`.
    var behaviours: [String: [Behaviour]] = [:]
    private(set) var agents: [(sender: String, path: String, capability: String)] = []
    private(set) var hasDefaultAgent = false
    private var slots: [BusSlot] = []
    private let never = LoopCondition()
    /// What a device's key exchange needs: the passkey that it shows, or none.
    var passkeys: [String: UInt32] = [:]
    private(set) var agentAnswers: [Result<[BusValue], BusError>] = []

    private init(_ bus: Bus) { self.bus = bus }

    static func start(_ address: String, adapters: [String] = ["hci0"]) async throws -> FakeBlueZ {
        let fake = FakeBlueZ(try Bus.open(address))
        for name in adapters { fake.put("/org/bluez/\(name)", fake.adapter(name)) }
        fake.slots = [
            try fake.bus.export("/", includingChildren: true) { [weak fake] call throws(BusError) in
                guard let fake else { throw .cancelled }
                return try await fake.answer(call)
            }
        ]
        try await fake.bus.requestName("org.bluez")
        return fake
    }

    /// Ends as a killed bluetoothd would: all answers and signals stop.
    func quit() async throws {
        slots = []
        _ = try await bus.call(
            BusCall(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                "ReleaseName", "org.bluez"))
        never.broadcast()
    }

    /// Lets the calls that hang go on.
    func releaseHung() { never.broadcast() }

    func count(_ member: String) -> Int { calls.count { $0.member == member } }

    // MARK: Objects

    private func adapter(_ name: String) -> [String: ObjectTree.Properties] {
        [
            "org.bluez.Adapter1": [
                "Address": .string("00:1A:7D:DA:71:1\(name.last ?? "0")"), "Powered": false,
                "Discovering": false,
            ]
        ]
    }

    private func put(_ path: String, _ interfaces: [String: ObjectTree.Properties]) {
        tree.add(path, interfaces)
    }

    func add(_ path: String, _ interfaces: [String: ObjectTree.Properties]) throws {
        put(path, interfaces)
        var body: [BusValue: BusValue] = [:]
        for (name, properties) in interfaces { body[.string(name)] = .properties(properties) }
        try bus.emit(
            "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", .objectPath(path),
            .dictionary(body, of: "{sa{sv}}"))
    }

    func addAdapter(_ name: String, address: String? = nil) throws {
        var interfaces = adapter(name)
        if let address { interfaces["org.bluez.Adapter1"]?["Address"] = .string(address) }
        try add("/org/bluez/\(name)", interfaces)
    }

    /// A device that was just heard.
    @discardableResult
    func addDevice(
        _ address: String, on adapter: String = "hci0", _ extra: ObjectTree.Properties = [:]
    ) throws -> String {
        let path = Self.path(address, adapter)
        var properties: ObjectTree.Properties = [
            "Address": .string(address), "AddressType": "public", "Alias": .string(address),
            "Connected": false, "Paired": false, "Bonded": false, "ServicesResolved": false,
            "RSSI": .int16(-60), "UUIDs": .strings([]),
        ]
        properties.merge(extra) { _, new in new }
        try add(path, ["org.bluez.Device1": properties])
        return path
    }

    nonisolated static func path(_ address: String, _ adapter: String = "hci0") -> String {
        "/org/bluez/\(adapter)/dev_" + address.replacing(":", with: "_")
    }

    /// Services as `1810: [2a35: indicate]`, announced before the services are resolved.
    func addServices(
        _ device: String, _ services: KeyValuePairs<String, KeyValuePairs<String, [String]>>
    ) throws {
        for (number, service) in services.enumerated() {
            let path = "\(device)/service00\(number)0"
            try add(path, ["org.bluez.GattService1": ["UUID": .string(Self.full(service.key))]])
            for (index, characteristic) in service.value.enumerated() {
                try addCharacteristic(
                    "\(path)/char00\(number)\(index + 1)", characteristic.key, characteristic.value)
            }
        }
    }

    /// An object that no signal announces.
    func addSilently(_ path: String, _ uuid: String, _ flags: [String]) {
        put(
            path,
            [
                "org.bluez.GattCharacteristic1": [
                    "UUID": .string(Self.full(uuid)), "Flags": .strings(flags),
                ]
            ])
    }

    func addCharacteristic(_ path: String, _ uuid: String, _ flags: [String]) throws {
        try add(
            path,
            [
                "org.bluez.GattCharacteristic1": [
                    "UUID": .string(Self.full(uuid)), "Flags": .strings(flags), "Notifying": false,
                ]
            ])
    }

    nonisolated static func full(_ short: String) -> String {
        "0000\(short)-0000-1000-8000-00805f9b34fb"
    }

    func characteristic(_ device: String, _ uuid: String) -> String {
        tree.paths(with: "org.bluez.GattCharacteristic1", below: device).first {
            tree.value($0, "org.bluez.GattCharacteristic1", "UUID")?.string == Self.full(uuid)
        } ?? "/none"
    }

    func remove(_ path: String, _ interfaces: [String]) throws {
        tree.remove(path, interfaces)
        try bus.emit(
            "/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", .objectPath(path),
            .strings(interfaces))
    }

    func change(
        _ path: String, _ interface: String, _ changed: ObjectTree.Properties,
        invalidated: [String] = []
    ) throws {
        _ = tree.change(path, interface, changed, invalidated: invalidated)
        try bus.emit(
            path, "org.freedesktop.DBus.Properties", "PropertiesChanged", .string(interface),
            .properties(changed), .strings(invalidated))
    }

    func changeDevice(
        _ path: String, _ changed: ObjectTree.Properties, invalidated: [String] = []
    ) throws {
        try change(path, "org.bluez.Device1", changed, invalidated: invalidated)
    }

    /// What a notification, an indication and a read look like to a client.
    func showValue(_ path: String, _ bytes: [UInt8]) throws {
        try change(path, "org.bluez.GattCharacteristic1", ["Value": .bytes(bytes)])
    }

    func resolve(_ device: String) throws { try changeDevice(device, ["ServicesResolved": true]) }

    func dropLink(_ device: String) throws {
        try changeDevice(device, ["Connected": false, "ServicesResolved": false])
    }

    // MARK: Methods

    private func answer(_ call: BusMessage) async throws(BusError) -> [BusValue] {
        calls.append(Call(member: call.member, path: call.path, arguments: call.body))
        try await behave(call)
        do throws(BusError) {
            switch call.interface {
            case "org.freedesktop.DBus.ObjectManager": return [managedObjects]
            case "org.freedesktop.DBus.Properties": try setProperty(call)
            case "org.bluez.Adapter1": try adapterCalled(call)
            case "org.bluez.AgentManager1": try agentManagerCalled(call)
            case "org.bluez.Device1": try await deviceCalled(call)
            case "org.bluez.GattCharacteristic1": return try characteristicCalled(call)
            default: throw .unknownMethod(call)
            }
            return []
        } catch {
            throw error
        }
    }

    private func behave(_ call: BusMessage) async throws(BusError) {
        for key in ["\(call.member) \(call.path)", call.member] {
            guard let next = behaviours[key]?.first else { continue }
            behaviours[key]?.removeFirst()
            switch next {
            case .fail(let name, let message): throw BusError(name: name, message: message)
            case .hang: _ = try? await never.wait()
            case .run(let body): await body()
            }
        }
    }

    private var managedObjects: BusValue {
        var paths: [BusValue: BusValue] = [:]
        for (path, interfaces) in tree.objects {
            var inner: [BusValue: BusValue] = [:]
            for (name, properties) in interfaces { inner[.string(name)] = .properties(properties) }
            paths[.objectPath(path)] = .dictionary(inner, of: "{sa{sv}}")
        }
        return .dictionary(paths, of: "{oa{sa{sv}}}")
    }

    private func setProperty(_ call: BusMessage) throws(BusError) {
        guard call.body.count == 3, let interface = call.body[0].string,
            let name = call.body[1].string
        else { throw .unknownMethod(call) }
        emitting { try change(call.path, interface, [name: call.body[2].content]) }
    }

    private func adapterCalled(_ call: BusMessage) throws(BusError) {
        let discovering = tree.value(call.path, "org.bluez.Adapter1", "Discovering")?.bool
        switch call.member {
        case "StartDiscovery":
            guard discovering == false else {
                throw BusError(name: "org.bluez.Error.InProgress", message: "")
            }
            emitting { try change(call.path, "org.bluez.Adapter1", ["Discovering": true]) }
        case "StopDiscovery":
            guard discovering == true else {
                throw BusError(name: "org.bluez.Error.Failed", message: "No discovery started")
            }
            emitting { try change(call.path, "org.bluez.Adapter1", ["Discovering": false]) }
        case "RemoveDevice":
            let path = call.body.first?.string ?? ""
            emitting { try remove(path, ["org.bluez.Device1"]) }
        default: break
        }
    }

    private func agentManagerCalled(_ call: BusMessage) throws(BusError) {
        if call.member == "RegisterAgent", call.body.count == 2 {
            let path = call.body[0].string ?? ""
            guard !agents.contains(where: { $0.sender == call.sender && $0.path == path }) else {
                throw BusError(name: "org.bluez.Error.AlreadyExists", message: "")
            }
            agents.append((call.sender, path, call.body[1].string ?? ""))
        } else if call.member == "RequestDefaultAgent" {
            hasDefaultAgent = true
        }
    }

    private func deviceCalled(_ call: BusMessage) async throws(BusError) {
        switch call.member {
        case "Connect": emitting { try changeDevice(call.path, ["Connected": true]) }
        case "Disconnect": emitting { try dropLink(call.path) }
        case "Pair":
            if let passkey = passkeys[call.path] {
                let given = try? await askAgent("RequestPasskey", .objectPath(call.path)).first
                guard given?.integer == Int(passkey) else {
                    throw BusError(
                        name: "org.bluez.Error.AuthenticationFailed",
                        message: "Authentication Failed")
                }
            }
            emitting { try changeDevice(call.path, ["Paired": true, "Bonded": true]) }
        default: break
        }
    }

    /// Calls the registered agent as bluetoothd does.
    @discardableResult
    func askAgent(
        _ member: String, _ arguments: BusValue...
    ) async throws(BusError) -> [BusValue] {
        guard let agent = agents.last else { throw BusError(name: "no agent", message: "") }
        var call = BusCall(agent.sender, agent.path, "org.bluez.Agent1", member)
        call.arguments = arguments
        do throws(BusError) {
            let answer = try await bus.call(call, within: .seconds(5))
            agentAnswers.append(.success(answer))
            return answer
        } catch {
            agentAnswers.append(.failure(error))
            throw error
        }
    }

    private func characteristicCalled(_ call: BusMessage) throws(BusError) -> [BusValue] {
        switch call.member {
        case "ReadValue":
            let value = tree.value(call.path, "org.bluez.GattCharacteristic1", "Value")?.bytes ?? []
            // bluetoothd shows what it has read as a change of the property, then answers.
            emitting { try showValue(call.path, value) }
            return [.bytes(value)]
        case "WriteValue": return []
        case "StartNotify":
            emitting { try change(call.path, call.interface, ["Notifying": true]) }
            return []
        case "StopNotify":
            emitting { try change(call.path, call.interface, ["Notifying": false]) }
            return []
        default: throw .unknownMethod(call)
        }
    }

    private func emitting(_ body: () throws -> Void) {
        do {
            try body()
        } catch let error as BusError where error.isDisconnected {
            // The test is over.
        } catch {
            Issue.record(error)
        }
    }

    func setValue(_ path: String, _ bytes: [UInt8]) {
        _ = tree.change(
            path, "org.bluez.GattCharacteristic1", ["Value": .bytes(bytes)], invalidated: [])
    }
}
