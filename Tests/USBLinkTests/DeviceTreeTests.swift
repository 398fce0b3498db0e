import GatewayTestKit
import Glibc
import Testing

@testable import USBLink

@Suite("The kernel's device tree") struct DeviceTreeTests {
    /// A tree as sysfs has it, with one captured cuff at 1-1.2.
    private struct Tree: ~Copyable {
        let scratch = ScratchDirectory()
        var tree: DeviceTree { DeviceTree(root: scratch.path) }

        func folder(_ name: String) { mkdir(scratch.path + "/" + name, 0o755) }

        func file(_ name: String, _ bytes: [UInt8]) {
            let descriptor = open(scratch.path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
            write(descriptor, bytes, bytes.count)
            close(descriptor)
        }

        func text(_ name: String, _ text: String) { file(name, Array((text + "\n").utf8)) }

        func cuff() {
            folder("1-1.2")
            file("1-1.2/descriptors", DescriptorReaderTests.cuff)
            text("1-1.2/manufacturer", "OMRON HEALTHCARE")
            text("1-1.2/product", "HHX-CABLE-USB1")
            text("1-1.2/busnum", "1")
            text("1-1.2/devnum", "7")
            text("1-1.2/bConfigurationValue", "1")
            folder("1-1.2:1.0")
        }
    }

    static let path = USBPath(bus: 1, ports: [1, 2])

    @Test(
        "a device is described without being opened: names, node, and no serial where it has none")
    func names() throws {
        let tree = Tree()
        tree.cuff()
        let info = try #require(try tree.tree.device(Self.path))
        #expect(info.numbers == "0590:0028")
        #expect(info.manufacturerName == "OMRON HEALTHCARE")
        #expect(info.productName == "HHX-CABLE-USB1")
        #expect(info.serial == nil)
        #expect(info.node == "/dev/bus/usb/001/007")
        #expect("\(info.identity)" == "usb:0590:0028@1-1.2")
    }

    @Test("the interface's name, its driver and its HID usage are read where the kernel shows them")
    func interface() throws {
        let tree = Tree()
        tree.cuff()
        tree.text("1-1.2:1.0/interface", "LifeScan MSC")
        tree.folder("1-1.2:1.0/0003:0590:0028.0001")
        tree.file(
            "1-1.2:1.0/0003:0590:0028.0001/report_descriptor",
            DescriptorReaderTests.bytes("058d0920a101c0"))
        symlink("../../bus/usb/drivers/usbhid", tree.scratch.path + "/1-1.2:1.0/driver")
        let interface = try #require(try tree.tree.device(Self.path)?.interfaces.first)
        #expect(interface.name == "LifeScan MSC")
        #expect(interface.driver == "usbhid")
        #expect(interface.usage?.page == 0x8D)
    }

    @Test("a serial number of zeros is no serial: two such cuffs would become one")
    func serials() throws {
        let tree = Tree()
        tree.cuff()
        for (text, own) in [("ABC123", "ABC123"), ("000000", nil), ("0", nil), ("FFFF", nil)] {
            tree.text("1-1.2/serial", text)
            #expect(try tree.tree.device(Self.path)?.ownSerial == own, "\(text)")
        }
        tree.text("1-1.2/serial", "ABC123")
        #expect(
            "\(try #require(try tree.tree.device(Self.path)).identity)" == "usb:0590:0028:ABC123")
    }

    @Test("lines of bridges and of CDC units are found, those of the neighbour are not")
    func lines() {
        let tree = Tree()
        tree.cuff()
        tree.folder("1-1.2:1.0/ttyUSB3")
        tree.folder("1-1.20:1.0")
        tree.folder("1-1.20:1.0/ttyUSB9")
        #expect(tree.tree.lines(Self.path) == ["ttyUSB3"])
        tree.folder("1-1.2:1.1")
        tree.folder("1-1.2:1.1/tty")
        tree.folder("1-1.2:1.1/tty/ttyACM0")
        #expect(tree.tree.lines(Self.path) == ["ttyUSB3", "ttyACM0"])
        #expect(tree.tree.paths() == [Self.path])
    }

    @Test(
        "the nodes of a device that types are found; its volume buttons and the neighbour's are not"
    )
    func keyboards() {
        let tree = Tree()
        tree.cuff()
        for (place, name, keys) in [
            ("1-1.2:1.0", "input7", "10000 7 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe"),
            ("1-1.2:1.0", "input8", "3f000303ff 0 0 483ffff17aff32d bfd4444600000000 0"),
            ("1-1.20:1.0", "input9", "10000 7 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe"),
        ] {
            let hid = "\(place)/0003:05E0:1200.0004"
            for folder in [
                place, hid, hid + "/input", hid + "/input/" + name,
                hid + "/input/\(name)/event\(name.dropFirst(5))",
                hid + "/input/\(name)/capabilities",
            ] {
                tree.folder(folder)
            }
            tree.text(hid + "/input/\(name)/capabilities/key", keys)
        }
        #expect(tree.tree.keyboards(Self.path) == ["/dev/input/event7"])
        #expect(tree.tree.keyboards(USBPath(bus: 1, ports: [1, 3])) == [])
    }

    @Test(
        "a device that has gone is nothing, one with broken descriptors is refused with the place")
    func absent() throws {
        let tree = Tree()
        #expect(try tree.tree.device(Self.path) == nil)
        tree.cuff()
        tree.file("1-1.2/descriptors", Array(DescriptorReaderTests.cuff.prefix(50)))
        #expect(throws: DescriptorError.self) { try tree.tree.device(Self.path) }
    }
}

@Suite("Adapters") struct BridgeTests {
    @Test("the numbers of adapters are known as such, those of devices are not")
    func bridges() {
        for (vendor, product) in [
            (0x0403, 0x6001), (0x067B, 0x23C3), (0x10C4, 0xEA60), (0x1A86, 0x7523),
        ] {
            #expect(
                Bridges.isBridge(.made(vendor: UInt16(vendor), product: UInt16(product))),
                "\(vendor):\(product)")
        }
        for (vendor, product) in [
            (0x0590, 0x0028), (0x10C4, 0x85A7), (0x067B, 1), (0x1A79, 0x6002),
        ] {
            #expect(
                !Bridges.isBridge(.made(vendor: UInt16(vendor), product: UInt16(product))),
                "\(vendor):\(product)")
        }
    }
}
