import DeviceLink
import DeviceProfile
import Testing

@testable import BluetoothLink

@Suite struct ObjectTreeTests {
    static let device = "/org/bluez/hci0/dev_A4_C1_38_00_00_01"

    @Test func `a change keeps what it does not name and drops what it takes back`() throws {
        var tree = ObjectTree()
        tree.add("/d", ["I": ["a": "1", "b": "2"]])
        let before = tree.change("/d", "I", ["a": "3", "c": "4"], invalidated: ["b", "none"])
        #expect(before == ["a": "1", "b": "2"])
        #expect(tree["/d", "I"] == ["a": "3", "c": "4"])
    }

    @Test func `a change of what was never announced is refused`() {
        var tree = ObjectTree()
        tree.add("/d", ["I": [:]])
        #expect(tree.change("/x", "I", ["a": "1"], invalidated: []) == nil)
        #expect(tree.change("/d", "J", ["a": "1"], invalidated: []) == nil)
        #expect(tree.objects == ["/d": ["I": [:]]])
    }

    @Test func `an object is gone with its last interface`() {
        var tree = ObjectTree()
        tree.add("/d", ["I": [:], "J": [:]])
        tree.remove("/d", ["I"])
        #expect(tree.objects["/d"]?.count == 1)
        tree.remove("/d", ["J", "K"])
        #expect(tree.objects.isEmpty)
        tree.remove("/d", ["J"])
    }

    @Test(arguments: [
        BusValue.string("no tree"), .array([], of: "s"), .properties(["a": "b"]),
        .dictionary([.objectPath("/d"): "x"], of: "{os}"),
        .dictionary(
            [.objectPath("/d"): .dictionary(["I": "x"], of: "{ss}")], of: "{oa{ss}}"),
    ])
    func `an answer that is no tree is told, not taken for an empty one`(_ value: BusValue) {
        #expect(ObjectTree(managedObjects: value) == nil)
    }

    @Test func `paths below a device are not those of a device whose name begins alike`() {
        var tree = ObjectTree()
        for path in ["/a/dev_1", "/a/dev_1/x", "/a/dev_10", "/a/dev_10/x"] {
            tree.add(path, ["I": [:]])
        }
        #expect(tree.paths(with: "I", below: "/a/dev_1") == ["/a/dev_1/x"])
        #expect(tree.paths(with: "I").count == 4)
        #expect(tree.paths(with: "J").isEmpty)
    }

    @Test(arguments: [
        ("/org/bluez/hci0/dev_A/service0010/char0011", "/org/bluez/hci0/dev_A", "hci0"),
        ("/org/bluez/hci12/dev_A", "/org/bluez/hci12/dev_A", "hci12"),
        ("/org/bluez/hci0", nil, "hci0"), ("/org/bluez", nil, nil), ("/", nil, nil), ("", nil, nil),
        ("/org/other/hci0/dev_A", "/org/other/hci0/dev_A", nil),
    ])
    func `paths name their device and adapter`(path: String, device: String?, adapter: String?) {
        #expect(BlueZNames.devicePath(of: path) == device)
        #expect(BlueZNames.adapterName(of: path) == adapter)
    }

    // MARK: Characteristics

    private func tree(_ objects: [(String, String, String, [String])]) -> ObjectTree {
        var tree = ObjectTree()
        tree.add(Self.device, ["org.bluez.Device1": [:]])
        for (path, kind, uuid, flags) in objects {
            tree.add(
                Self.device + path,
                ["org.bluez." + kind: ["UUID": .string(uuid), "Flags": .strings(flags)]])
        }
        return tree
    }

    @Test func `of two characteristics of a kind the first on the device is used`() {
        let clock = FakeBlueZ.full("2a08")
        let table = CharacteristicTable(
            device: Self.device,
            in: tree([
                ("/service0020", "GattService1", FakeBlueZ.full("180f"), []),
                ("/service0020/char0021", "GattCharacteristic1", clock, ["read"]),
                ("/service0010", "GattService1", FakeBlueZ.full("1810"), []),
                ("/service0010/char0012", "GattCharacteristic1", clock, ["read", "write"]),
            ]))
        #expect(table[.dateTime]?.path == Self.device + "/service0010/char0012")
        #expect(table[.dateTime]?.service == .bloodPressureService)
        #expect(table.services.map(\.uuid) == [.bloodPressureService, .batteryService])
        #expect(table[.glucoseMeasurement] == nil)
    }

    @Test func `a service without its characteristics counts as missing, Generic Access does not`()
    {
        let table = CharacteristicTable(
            device: Self.device,
            in: tree([
                ("/service0010", "GattService1", FakeBlueZ.full("1810"), []),
                ("/service0020", "GattService1", FakeBlueZ.full("1808"), []),
                (
                    "/service0020/char0021", "GattCharacteristic1", FakeBlueZ.full("2a18"),
                    ["notify"]
                ),
            ]))
        let announced = [0x1800, 0x1801, 0x1810, 0x1808, 0x181D].map { BluetoothUUID($0) }
        #expect(table.missing(announced) == [.bloodPressureService, .weightScaleService])
    }

    @Test func `a characteristic that the device itself shows wins over the battery property`() {
        var tree = tree([
            ("/service0010", "GattService1", FakeBlueZ.full("180f"), []),
            ("/service0010/char0011", "GattCharacteristic1", FakeBlueZ.full("2a19"), ["read"]),
        ])
        tree.add(Self.device, ["org.bluez.Battery1": ["Percentage": .byte(5)]])
        let table = CharacteristicTable(device: Self.device, in: tree)
        #expect(!table.hasBatteryProperty)
        #expect(table.services.count == 1)
    }

    @Test func `objects without a UUID are left out`() {
        var tree = tree([("/service0010", "GattService1", "nonsense", [])])
        tree.add(Self.device + "/service0030", ["org.bluez.GattService1": [:]])
        #expect(CharacteristicTable(device: Self.device, in: tree).services.isEmpty)
    }
}
