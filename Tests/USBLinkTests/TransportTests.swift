import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import USBLink

@Suite("Links over USB", .timeLimit(.minutes(1))) struct TransportTests {
    static let cuff = USBDeviceInfo.made(.made(0, 3, .interrupt, packet: 8))

    @Test("a report is filled up to the packet, so that a device never waits for the rest of one")
    func hidSend() async throws {
        let devices = FakeDevices()
        try await LoopThread.run {
            let link = try #require(HIDTransport(devices, Self.cuff))
            try await link.open()
            try await link.send([2, 0x4F, 0x4B])
            await link.close()
        }
        #expect(devices.written == [[2, 0x4F, 0x4B, 0, 0, 0, 0, 0]])
        devices.state.withLock { state in
            #expect(state.opened.map(\.claimed) == [[0]])
            #expect(state.closed == 1)
        }
    }

    @Test(
        "feature reports go over the control pipe to the interface, with kind and id in the value")
    func features() async throws {
        let devices = FakeDevices()
        devices.state.withLock {
            $0.controlAnswers = [.success([1, 1]), .success([9, 8])]
        }
        try await LoopThread.run {
            let link = try #require(HIDTransport(devices, Self.cuff))
            try await link.open()
            try await link.setFeature(report: 0, [1, 1])
            #expect(try await link.getFeature(report: 5, length: 2) == [9, 8])
        }
        devices.state.withLock { state in
            #expect(
                state.controls.map(\.setup) == [
                    USBSetup(type: 0x21, request: 9, value: 0x0300, index: 0),
                    USBSetup(type: 0xA1, request: 1, value: 0x0305, index: 0),
                ])
            #expect(state.controls.map(\.length) == [0, 2])
        }
    }

    @Test("a report that the device took only in part is a failure, not a success")
    func partOfAReport() async throws {
        let devices = FakeDevices()
        devices.state.withLock { $0.controlAnswers = [.success([1])] }
        try await LoopThread.run {
            let link = try #require(HIDTransport(devices, Self.cuff))
            try await link.open()
            await #expect(throws: USBError.self) {
                try await link.setOutput(report: 0, [1, 2])
            }
        }
    }

    @Test("a device without an OUT pipe gets its reports over the control pipe")
    func noOutPipe() async throws {
        let devices = FakeDevices()
        let device = USBDeviceInfo.made(.made(0, 3, .interrupt, out: false))
        try await LoopThread.run {
            let link = try #require(HIDTransport(devices, device))
            try await link.open()
            try await link.send([1, 2])
        }
        #expect(devices.written.isEmpty)
        #expect(devices.state.withLock { $0.controls.map(\.setup.value) } == [0x0200])
    }

    @Test(
        "a link that is used before it is open, or after it was closed, says that nothing is there")
    func notOpen() async throws {
        let devices = FakeDevices()
        try await LoopThread.run {
            let link = try #require(HIDTransport(devices, Self.cuff))
            await #expect(throws: USBError.gone) { try await link.send([1]) }
            try await link.open()
            await link.close()
            await link.close()
            await #expect(throws: USBError.gone) { try await link.receive() }
            await #expect(throws: USBError.self) { try await link.open() }
        }
        #expect(devices.state.withLock { $0.closed } == 1)
    }

    @Test("each link takes only devices that have what it needs")
    func fitting() async throws {
        let devices = FakeDevices()
        try await LoopThread.run {
            let disk = USBDeviceInfo.made(
                .made(0, 8, .bulk, sub: 6, protocolCode: 0x50, name: "LifeScan MSC"))
            #expect(HIDTransport(devices, disk) == nil)
            #expect(
                BulkTransport(devices, disk) == nil, "a disk is never spoken to as a plain pipe")
            #expect(StorageTransport(devices, disk, interfaceName: "LifeScan MSC") != nil)
            #expect(StorageTransport(devices, disk, interfaceName: "Other") == nil)
            #expect(StorageTransport(devices, Self.cuff, interfaceName: nil) == nil)
            #expect(BulkTransport(devices, Self.cuff) == nil)
            #expect(HIDTransport(devices, .made(.made(0, 3, .bulk))) == nil)
        }
    }

    // MARK: a serial line inside HID

    static let line = WirePlan.Line(speed: 19_200, dataBits: 8, parity: .none, stopBits: 1)

    @Test("the bridge is set up before its line is used: speed, enable, purge")
    func bridgeSetUp() async throws {
        let devices = FakeDevices()
        let device = USBDeviceInfo.made(.made(0, 3, .interrupt))
        try await LoopThread.run {
            let link = try #require(HIDUARTTransport(devices, device, Self.line))
            try await link.open()
        }
        #expect(
            devices.state.withLock { $0.controls.map(\.bytes) } == [
                [0x50, 0, 0, 0x4B, 0, 0, 0, 3, 0], [0x41, 1], [0x43, 3],
            ])
    }

    @Test("parity, data bits and stop bits reach the bridge as its manual numbers them")
    func bridgeSettings() {
        let odd = WirePlan.Line(speed: 9_600, dataBits: 7, parity: .odd, stopBits: 2)
        #expect(HIDUARTTransport.settings(odd) == [0, 0, 0x25, 0x80, 2, 0, 2, 1])
        let even = WirePlan.Line(speed: 115_200, dataBits: 8, parity: .even, stopBits: 1)
        #expect(HIDUARTTransport.settings(even) == [0, 1, 0xC2, 0, 1, 0, 3, 0])
    }

    @Test(
        "long messages are cut into reports with their count; stale bytes of a report are left out")
    func bridgeData() async throws {
        let devices = FakeDevices()
        let device = USBDeviceInfo.made(.made(0, 3, .interrupt))
        devices.answer(0x81, .success([0]), .success([2, 7, 8, 99, 99]), .success([9, 1]))
        try await LoopThread.run {
            let link = try #require(HIDUARTTransport(devices, device, Self.line))
            try await link.open()
            try await link.send(Array(repeating: 5, count: 70))
            #expect(try await link.receive() == [7, 8])
            await #expect(throws: USBError.self) { try await link.receive() }
        }
        #expect(devices.written.map { $0[0] } == [63, 7])
        #expect(devices.written.allSatisfy { $0.count == 64 })
    }

    // MARK: bulk

    @Test("a message that fills its last packet is closed; serial data are not")
    func closing() async throws {
        for (code, closing) in [(UInt8(0x0F), true), (0xFF, true), (0x0A, false)] {
            let devices = FakeDevices()
            try await LoopThread.run {
                let link = try #require(BulkTransport(devices, .made(.made(1, code, .bulk))))
                try await link.open()
                try await link.send([1, 2])
            }
            #expect(devices.state.withLock { $0.written.map(\.closing) } == [closing])
        }
    }

    @Test("CDC that refuses its own requests is used by its pipes all the same")
    func brokenCDC() async throws {
        let devices = FakeDevices()
        devices.state.withLock { $0.controlAnswers = [.failure(.stalled), .failure(.stalled)] }
        devices.answer(0x81, .success([]), .success([0x02, 0x4D]))
        var control = USBInterface(number: 0, classCode: 2)
        control.subclass = 2
        let device = USBDeviceInfo.made(control, .made(1, 10, .bulk))
        try await LoopThread.run {
            let link = try #require(BulkTransport(devices, device, line: Self.line))
            try await link.open()
            #expect(try await link.receive() == [0x02, 0x4D])
        }
        devices.state.withLock { state in
            #expect(state.opened.map(\.claimed) == [[0, 1]])
            #expect(state.controls.map(\.setup.request) == [0x20, 0x22])
            #expect(state.controls[0].bytes == [0, 0x4B, 0, 0, 0, 0, 8])
        }
    }

    @Test("a pipe that stalls is cleared once; one that stalls again is out of order")
    func stall() async throws {
        let devices = FakeDevices()
        devices.answer(
            0x81, .failure(.stalled), .success([1]), .failure(.stalled), .failure(.stalled))
        try await LoopThread.run {
            let link = try #require(BulkTransport(devices, .made(.made(0, 0xFF, .bulk))))
            try await link.open()
            #expect(try await link.receive() == [1])
            await #expect(throws: USBError.stalled) { try await link.receive() }
        }
        #expect(devices.state.withLock { $0.cleared } == [0x81, 0x81])
    }

    @Test("what a link cannot do is refused in words, not left without an answer")
    func notPossible() async throws {
        let devices = FakeDevices()
        try await LoopThread.run {
            let link = try #require(BulkTransport(devices, .made(.made(0, 0xFF, .bulk))))
            try await link.open()
            await #expect(throws: USBError.self) { try await link.setFeature(report: 0, [1]) }
            await #expect(throws: USBError.self) { try await link.setOutput(report: 0, [1]) }
            await #expect(throws: USBError.self) { try await link.getFeature(report: 0, length: 1) }
            await #expect(throws: USBError.self) { try await link.inquire() }
            await #expect(throws: USBError.self) { try await link.readBlock(3) }
            await #expect(throws: USBError.self) {
                try await link.writeBlock(3, Array(repeating: 0, count: 512))
            }
        }
        #expect(devices.written.isEmpty)
    }
}
