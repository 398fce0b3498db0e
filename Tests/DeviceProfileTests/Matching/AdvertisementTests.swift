import DeviceProfile
import Testing

@Suite("Advertising data") struct AdvertisementTests {
    @Test("Every AD type that says what a device is gets read")
    func types() throws {
        let advertisement = try Advertisement(
            adStructures: bytes(
                "020106 0303 1018 03 02 0F18 05 05 00FE0000 "
                    + "11 07 E4AB90560D005C976D1B345A00F03B23 04 09 414243 "
                    + "06 FF 5701 020304 05 16 1B18 0102 06 20 AA550000 07 "
                    + "12 21 E4AB90560D005C976D1B345A00F03B23 09 03 19 4100"))
        #expect(advertisement.flags == 6)
        #expect(advertisement.name == "ABC")
        #expect(
            advertisement.serviceUUIDs.map(\.description)
                == [
                    "1810", "180f", "0000fe00-0000-1000-8000-00805f9b34fb",
                    "233bf000-5a34-1b6d-975c-000d5690abe4",
                ].map { BluetoothUUID($0)?.description ?? "" })
        #expect(advertisement.manufacturerData == [0x0157: [2, 3, 4]])
        #expect(advertisement.serviceData[BluetoothUUID(0x181B)] == [1, 2])
        #expect(advertisement.serviceData[BluetoothUUID(0x55AA)] == [7])
        #expect(advertisement.serviceData.count == 3)
        #expect(advertisement.appearance == 0x41)
    }

    @Test("A zero length ends the data, as padding does on the air")
    func padding() throws {
        let advertisement = try Advertisement(adStructures: bytes("020106 00 0303 1018"))
        #expect(advertisement.flags == 6)
        #expect(advertisement.serviceUUIDs.isEmpty)
        #expect(try Advertisement(adStructures: []) == Advertisement())
    }

    @Test("A short name is a name, and a broken name is no crash")
    func names() throws {
        #expect(try Advertisement(adStructures: bytes("03 08 4142")).name == "AB")
        #expect(try Advertisement(adStructures: bytes("03 09 FFFE")).name != nil)
        #expect(try Advertisement(adStructures: bytes("01 09")).name == "")
    }

    @Test("Unknown AD types and half a UUID are passed over")
    func unknown() throws {
        let advertisement = try Advertisement(
            adStructures: bytes("02 0A 04 04 03 1018 11 02 3D 01"))
        #expect(advertisement.serviceUUIDs == [.bloodPressureService])
    }

    @Test(
        "A structure that runs past the end, or is too short for its type, is refused with its offset",
        arguments: [
            ("020106 05 09 4142", 3), ("1F FF 5701", 0), ("020106 02 FF 57", 5),
            ("02 16 1B", 2), ("04 20 AA5500", 2), ("01 FF", 2), ("05", 0),
        ])
    func broken(_ hex: String, _ offset: Int) {
        let error = #expect(throws: DecodeError.self) {
            try Advertisement(adStructures: bytes(hex))
        }
        #expect(error?.offset == offset)
    }

    @Test("Every truncation of every shipped example is read or refused, and never a crash")
    func truncations() {
        for profile in Shipped.profiles {
            for example in profile.examples {
                for count in 0..<example.advertisement.count {
                    let part = Array(example.advertisement.prefix(count))
                    let read = try? Advertisement(adStructures: part)
                    let whole = try? Advertisement(adStructures: example.advertisement)
                    #expect(
                        read == nil
                            || read?.serviceUUIDs.count ?? 0 <= whole?.serviceUUIDs.count ?? 0)
                }
            }
        }
    }

    @Test("Random advertising data never crashes")
    func fuzz() {
        var generator = Seeded(7)
        var readable = 0
        for _ in 0..<50_000 {
            let count = Int.random(in: 0...62, using: &generator)
            let data = (0..<count).map { _ in UInt8.random(in: 0...33, using: &generator) }
            if let advertisement = try? Advertisement(adStructures: data) {
                readable += 1
                _ = Shipped.loaded.index.candidates(advertisement)
            }
        }
        #expect(readable > 0)
    }
}

@Suite("Bluetooth UUIDs") struct BluetoothUUIDTests {
    @Test(
        "All spellings of one UUID are the same UUID",
        arguments: [
            "2a35", "2A35", "0x2A35", "00002a35", "00002A35-0000-1000-8000-00805F9B34FB",
            "00002a3500001000800000805f9b34fb",
        ])
    func spellings(_ text: String) {
        #expect(BluetoothUUID(text) == .bloodPressureMeasurement)
        #expect(BluetoothUUID(text)?.description == "2a35")
        #expect(BluetoothUUID(text)?.full == "00002a35-0000-1000-8000-00805f9b34fb")
    }

    @Test("A maker's own UUID keeps all of its digits")
    func vendor() {
        let text = "233bf000-5a34-1b6d-975c-000d5690abe4"
        #expect(BluetoothUUID(text)?.description == text)
        #expect(BluetoothUUID(text)?.short == nil)
        #expect(BluetoothUUID("12345678")?.description == "12345678")
        #expect(BluetoothUUID("0000fe00-0000-1000-8000-00805f9b34fc")?.short == nil)
    }

    @Test(
        "What is no UUID is none",
        arguments: [
            "", "2a3", "2a355", "xyzw", "0x", "2a35 ", "+2a5", "-2a35x",
            "00002a35-0000-1000-8000-00805f9b34f", "00002a35-0000-1000-8000-00805f9b34fbb",
            "0000+a35-0000-1000-8000-00805f9b34fb",
        ])
    func none(_ text: String) {
        #expect(BluetoothUUID(text) == nil)
    }
}

@Suite("Bluetooth addresses") struct BluetoothAddressTests {
    @Test(
        "An address is read as people and programs write it",
        arguments: [
            "A4:C1:38:00:00:01", "a4:c1:38:00:00:01", "A4-C1-38-00-00-01", "A4_C1_38_00_00_01",
            "a4c138000001",
        ])
    func spellings(_ text: String) {
        #expect(BluetoothAddress(text)?.description == "A4:C1:38:00:00:01")
        #expect(BluetoothAddress(text)?.bytes == [0xA4, 0xC1, 0x38, 0, 0, 1])
    }

    @Test(
        "What is no address is none",
        arguments: [
            "", "A4:C1:38:00:00", "A4:C1:38:00:00:01:02", "G4:C1:38:00:00:01", "+4:C1:38:00:00:01",
            "A4 C1 38 00 00 01",
        ])
    func none(_ text: String) {
        #expect(BluetoothAddress(text) == nil)
    }

    @Test("Leading zeros stay")
    func zeros() {
        #expect(BluetoothAddress("00:00:00:00:00:01")?.description == "00:00:00:00:00:01")
    }
}

@Suite("Frame sources") struct FrameSourceTests {
    @Test(
        "A source reads back as it is written",
        arguments: [
            "gatt:2a35", "gatt:233bf001-5a34-1b6d-975c-000d5690abe4", "service-data:181b",
            "manufacturer-data:0157", "advertisement", "usb", "serial", "eeprom",
        ])
    func roundTrip(_ text: String) {
        #expect(FrameSource(text)?.description == text)
    }

    @Test(
        "What is no source is none",
        arguments: [
            "", "gatt", "gatt:", "gatt:2a3", "usb:1", "manufacturer-data:157",
            "manufacturer-data:0x15", "manufacturer-data:+157", "hid", "GATT:2a35",
        ])
    func none(_ text: String) {
        #expect(FrameSource(text) == nil)
    }

    @Test("A company id may carry the 0x that people write")
    func company() {
        #expect(FrameSource("manufacturer-data:0x020E") == .manufacturerData(0x020E))
    }
}
