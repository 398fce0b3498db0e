import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import USBLink

@Suite("Messages of the kernel", .timeLimit(.minutes(1))) struct KernelMessagesTests {
    static func message(_ fields: String...) -> [UInt8] {
        Array(fields.joined(separator: "\0").utf8)
    }

    @Test("a plug, a line and a HID driver are reasons to look; a disk or a network card is none")
    func reasons() {
        let header = "add@/devices/platform/vhci_hcd.0/usb1/1-1"
        for (fields, isReason) in [
            (["ACTION=add", "SUBSYSTEM=usb", "DEVTYPE=usb_device"], true),
            (["ACTION=add", "SUBSYSTEM=tty", "DEVNAME=ttyUSB0"], true),
            (["ACTION=bind", "SUBSYSTEM=hid"], true),
            (["ACTION=add", "SUBSYSTEM=input", "DEVNAME=input/event3"], true),
            (["ACTION=add", "SUBSYSTEM=block"], false),
            (["ACTION=add", "SUBSYSTEM=usbmon"], false),
            (["ACTION=add", "NAME=SUBSYSTEM=usb"], false),
            ([], false),
        ] {
            let bytes = Self.message(([header] + fields).joined(separator: "\0"))
            #expect(KernelMessages.isAboutDevices(bytes[...]) == isReason, "\(fields)")
        }
    }

    @Test("udevd's messages, with bytes of their own before the fields, are understood too")
    func udev() {
        let bytes =
            Array("libudev\0".utf8) + [0xFE, 0xED, 0xCA, 0xFE, 40, 0, 0, 0, 40, 0, 0, 0, 0]
            + Self.message("SUBSYSTEM=usb", "GROUP=hakaru")
        #expect(KernelMessages.isAboutDevices(bytes[...]))
    }

    @Test("listening can be started and ended any number of times without losing a descriptor")
    func descriptors() async throws {
        try await LoopThread.run {
            let before = Self.openDescriptors
            // Tests beside this one open files of their own.
            for _ in 0..<100 { _ = try KernelMessages {} }
            #expect(Self.openDescriptors < before + 50)
        }
    }

    @LoopActor static var openDescriptors: Int {
        (0..<256).count { fcntl(Int32($0), F_GETFD) >= 0 }
    }
}

@Suite("All devices of the machine", .timeLimit(.minutes(1))) struct USBHostTests {
    /// A tree with the captured cuff in some sockets; nothing in it can be opened.
    private static func put(_ folder: String, _ name: String, node: Int, cut: Int? = nil) {
        let path = folder + "/" + name
        mkdir(path, 0o755)
        for (file, bytes) in [
            ("descriptors", Array(DescriptorReaderTests.cuff.prefix(cut ?? 1_000))),
            ("busnum", Array("250\n".utf8)), ("devnum", Array("\(node)\n".utf8)),
        ] {
            let descriptor = open(path + "/" + file, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
            write(descriptor, bytes, bytes.count)
            close(descriptor)
        }
    }

    private static func take(_ folder: String, _ name: String) {
        for file in ["descriptors", "busnum", "devnum"] { unlink("\(folder)/\(name)/\(file)") }
        rmdir(folder + "/" + name)
    }

    @Test("two identical cuffs are two, and one that is put back at once is another one")
    func generations() async throws {
        let scratch = ScratchDirectory()
        let folder = scratch.path
        let changes = Locked(0)
        LoopThread.start()
        let host = try USBHost(tree: DeviceTree(root: folder)) { changes.withLock { $0 += 1 } }
        Self.put(folder, "1-1", node: 3)
        Self.put(folder, "1-2", node: 4)
        await host.scan()
        let first = host.present
        #expect(first.map(\.path.description) == ["1-1", "1-2"])
        #expect(Set(first.map(\.identity)).count == 2)
        await host.scan()
        #expect(host.present == first, "looking again changes nothing")
        Self.put(folder, "1-1", node: 5)
        await host.scan()
        let second = host.present
        #expect(second.count == 2)
        #expect(second.first { $0.path.description == "1-1" }?.generation == 3)
        Self.take(folder, "1-2")
        await host.scan()
        #expect(host.present.map(\.path.description) == ["1-1"])
        try await LoopThread.run {
            #expect(await eventually { changes.withLock { $0 } >= 1 })
        }
        host.stop()
    }

    @Test("a device that lies about itself is refused once and hides nobody else")
    func refused() async throws {
        let scratch = ScratchDirectory()
        let folder = scratch.path
        LoopThread.start()
        let host = try USBHost(tree: DeviceTree(root: folder)) {}
        Self.put(folder, "1-1", node: 3, cut: 50)
        Self.put(folder, "1-2", node: 4)
        await host.scan()
        await host.scan()
        #expect(await host.refusals == 1)
        #expect(host.present.map(\.path.description) == ["1-2"])
        host.stop()
    }

    @Test(
        "opening what has gone, or what came anew, is refused; closing what is not open does nothing"
    )
    func opening() async throws {
        let scratch = ScratchDirectory()
        let folder = scratch.path
        LoopThread.start()
        let host = try USBHost(tree: DeviceTree(root: folder)) {}
        Self.put(folder, "1-1", node: 3)
        await host.scan()
        let info = try #require(host.present.first)
        await #expect(throws: USBError.gone) { try await host.open(info, claiming: [0]) }
        var former = info
        former.generation += 1
        await #expect(throws: USBError.gone) { try await host.open(former, claiming: [0]) }
        let nothing = USBHandle(number: 7)
        await host.close(nothing)
        let endpoint = USBEndpoint(address: 0x81, kind: .interrupt, maximumPacket: 8)
        await #expect(throws: USBError.gone) {
            try await host.read(nothing, endpoint, upTo: 8, limit: .zero)
        }
        #expect(await host.openCount == 0)
        host.stop()
    }
}
