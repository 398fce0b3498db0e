import DeviceProfile
import Measurement
import Testing

@testable import Gateway

/// Which devices may be connected, and with which digits: never a neighbour's by mistake.
@Suite struct DeviceRegisterTests {
    static let cuff = ["UA-651BLE", "A&D UA-651BLE"]
    static let meter = ["Accu-Chek Guide"]

    private func register(_ devices: String) throws -> DeviceRegister {
        let (made, problems) = configure(
            minimal("participants:\n  - id: P0000001\n    devices:\n" + devices))
        #expect(problems.isEmpty)
        return DeviceRegister(try #require(made))
    }

    private static func address(_ text: String) -> BluetoothAddress {
        guard let address = BluetoothAddress(text) else { preconditionFailure(text) }
        return address
    }

    @Test func `a device that the configuration names by address is connected, no other`() throws {
        let register = try register(
            "      - { model: UA-651BLE, address: 'a4-c1-38-00-00-01' }\n")
        #expect(register.isRegistered(Self.address("A4:C1:38:00:00:01"), models: Self.cuff))
        #expect(!register.isRegistered(Self.address("A4:C1:38:00:00:02"), models: Self.cuff))
    }

    @Test(arguments: ["UA-651BLE", "ua-651ble", "A&D UA-651BLE"])
    func `a device that is known by its serial is connected under any name of its model`(
        name: String
    ) throws {
        let register = try register("      - { model: '\(name)', serial: '1' }\n")
        #expect(register.isRegistered(Self.address("A4:C1:38:00:00:09"), models: Self.cuff))
        #expect(!register.isRegistered(Self.address("A4:C1:38:00:00:09"), models: Self.meter))
    }

    @Test func `a serial number alone says nothing before the connection`() throws {
        let register = try register("      - { model: UA-651BLE, serial: '5180200001' }\n")
        #expect(register.isRegistered(Self.address("A4:C1:38:00:00:09"), models: Self.cuff))
        let alone = try self.register("      - { serial: '5180200001' }\n")
        #expect(!alone.isRegistered(Self.address("A4:C1:38:00:00:09"), models: Self.cuff))
    }

    @Test func `a passkey goes to the device with its address and to no other of the model`() throws
    {
        let register = try register(
            """
                  - { model: Accu-Chek Guide, address: '00:60:19:00:00:03', passkey: '314159' }
                  - { model: Accu-Chek Guide, address: '00:60:19:00:00:04', passkey: '000042' }

            """)
        #expect(register.passkey(Self.address("00:60:19:00:00:03")) == 314_159)
        // Leading zeros are part of the label, not of the number.
        #expect(register.passkey(Self.address("00:60:19:00:00:04")) == 42)
        #expect(register.passkey(Self.address("00:60:19:00:00:05")) == nil)
    }

    @Test func `a passkey without an address is given to nobody`() throws {
        let register = try register(
            "      - { model: Accu-Chek Guide, serial: '1', passkey: '314159' }\n")
        #expect(register.isRegistered(Self.address("00:60:19:00:00:05"), models: Self.meter))
        #expect(register.passkey(Self.address("00:60:19:00:00:05")) == nil)
    }

    @Test func `slots of one device need the digits once`() throws {
        let register = try register(
            """
                  - { model: Accu-Chek Guide, address: '00:60:19:00:00:03', slot: 1 }
                  - { model: Accu-Chek Guide, address: '00:60:19:00:00:03', slot: 2, passkey: '7' }

            """.replacing("'7'", with: "'000007'"))
        #expect(register.passkey(Self.address("00:60:19:00:00:03")) == 7)
    }

    @Test func `without participants nothing is connected`() throws {
        let register = DeviceRegister(try #require(configure(minimal("")).0))
        #expect(!register.isRegistered(Self.address("A4:C1:38:00:00:01"), models: Self.cuff))
    }

    @Test func `a description leads back to the device on the air`() throws {
        var description = DeviceDescription(id: DeviceID("ble:A4:C1:38:00:00:01"))
        #expect(description.bluetoothAddress == nil)
        description.address = "A4:C1:38:00:00:01"
        let wanted = Self.address("A4:C1:38:00:00:01")
        #expect(description.bluetoothAddress == wanted)
        description.address = "1-1.2"
        #expect(description.bluetoothAddress == nil)
    }
}
