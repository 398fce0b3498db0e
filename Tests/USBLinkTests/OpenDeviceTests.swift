import EventLoop
import Testing

@testable import USBLink

/// The library's handle of a device that is not there: whoever hands it to the library crashes.
private func made(_ transfers: Int = 0) -> OpenDevice {
    let device = OpenDevice(
        handle: OpaquePointer(bitPattern: 8)!, descriptor: -1, claimed: [])
    for number in 0..<transfers {
        device.transfers[number] = UnsafeMutablePointer(bitPattern: 64 * (number + 1))
    }
    return device
}

private let endpoint = USBEndpoint(address: 0x81, kind: .interrupt, maximumPacket: 8)

extension USBHost {
    /// The second half of a transfer whose first half ran while the device was open.
    fileprivate func late(on device: sending OpenDevice, closed: Bool) async -> Result<
        [UInt8], USBError
    > {
        let request = Request(endpoint: endpoint, bytes: [], length: 8, limit: .zero)
        if closed { _ = device.beginClosing() }
        return await withCheckedContinuation { continuation in
            submit(request, on: device, Pending(device, device.nextNumber(), 0, continuation))
        }
    }

    fileprivate func add(_ device: sending OpenDevice) -> USBHandle {
        let token = USBHandle(number: -1)
        opened[token] = device
        return token
    }

    fileprivate func beginClosing(_ token: USBHandle) { _ = opened[token]?.beginClosing() }
}

@Suite("A device on a cable is closed once, after its last transfer") struct OpenDeviceTests {
    @Test("the handle is given to nobody once the device closes, and to one who closes it")
    func handle() throws {
        let device = made()
        #expect(try device.usable() == OpaquePointer(bitPattern: 8))
        #expect(device.beginClosing() == OpaquePointer(bitPattern: 8))
        #expect(device.beginClosing() == nil)
        #expect(throws: USBError.gone) { try device.usable() }
    }

    @Test("numbers of transfers are never used twice, so a late cancel hits no other transfer")
    func numbers() {
        let device = made()
        #expect((0..<4).map { _ in device.nextNumber() } == [1, 2, 3, 4])
        device.ended(4)
        #expect(device.nextNumber() == 5)
    }

    @Test("whoever closes a device without transfers does not wait for one that never ends")
    func idle() async {
        let device = made()
        await withCheckedContinuation { device.whenDrained($0) }
    }

    @Test("whoever closes a device waits for its last transfer, not for the first")
    func drains() async {
        let device = made(2)
        await withCheckedContinuation { continuation in
            device.whenDrained(continuation)
            device.ended(0)
            // The first one alone would have resumed it twice, which ends the program.
            device.ended(1)
        }
        #expect(device.transfers.isEmpty)
        device.ended(1)
    }

    @Test("a transfer that was let in before the close is never given to the library after it")
    func late() async throws {
        let host = try USBHost { @LoopActor in }
        defer { host.stop() }
        #expect(await host.late(on: made(), closed: true) == .failure(.gone))
    }

    @Test("a task that was ended before its transfer began leaves none that nobody can end")
    func cancelled() async throws {
        let host = try USBHost { @LoopActor in }
        defer { host.stop() }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await host.late(on: made(), closed: false)
        }
        #expect(await task.value == .failure(.cancelled))
    }

    @Test("nothing reaches a device that closes or is not open", arguments: [true, false])
    func closing(isListed: Bool) async throws {
        let host = try USBHost { @LoopActor in }
        defer { host.stop() }
        var token = USBHandle(number: 1)
        if isListed {
            token = await host.add(made())
            await host.beginClosing(token)
        }
        await #expect(throws: USBError.gone) {
            try await host.read(token, endpoint, upTo: 8, limit: .zero)
        }
        await #expect(throws: USBError.gone) {
            try await host.write(token, endpoint, [1], limit: .zero)
        }
        await #expect(throws: USBError.gone) { try await host.clearHalt(token, endpoint) }
        // A second close of a device that closes does nothing.
        await host.close(token)
        #expect(await host.openCount == (isListed ? 1 : 0))
    }
}

@Suite("An interface that another program has") struct ClaimErrorTests {
    private static let busy: Int32 = -6

    @Test("A reader of smart cards names the service that takes it, and the command that ends that")
    func smartCards() {
        let reader = USBDeviceInfo.made(.made(0, 0x0B, .bulk), .made(1, 0xFF, .bulk))
        let error = USBError(
            claiming: 1, of: reader, node: "/dev/bus/usb/001/004", Self.busy)
        #expect(
            error.description == "another program or driver holds the device: interface 1 of "
                + "/dev/bus/usb/001/004; mostly the smart-card service: "
                + "sudo systemctl disable --now pcscd.socket pcscd.service")
        #expect(error.name == "busy")
    }

    @Test("Any other device says how to find the program; another error stays what it is")
    func others() {
        let meter = USBDeviceInfo.made(.made(0, 3, .interrupt))
        let error = USBError(claiming: 0, of: meter, node: "/dev/bus/usb/001/005", Self.busy)
        #expect(error.description.contains("interface 0 of /dev/bus/usb/001/005"))
        #expect(error.description.contains("sudo fuser -v /dev/bus/usb/001/005"))
        let gone = USBError(
            claiming: 0, of: meter, node: "x", -4)
        #expect(gone == .gone)
    }
}
