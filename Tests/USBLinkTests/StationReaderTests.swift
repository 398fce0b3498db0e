import DeviceProfile
import EventLoop
import GatewayTestKit
import Glibc
import StationInput
import Testing

@testable import USBLink

/// Readers on real descriptors: a pipe with the kernel's own events, a terminal, and a device made of code.
@Suite("Readers at a station", .timeLimit(.minutes(1))) struct StationReaderTests {
    /// What a reader gave, and how it ended.
    @LoopActor final class Record {
        var inputs: [ReaderInput] = []
        var isOpen = false
        var end: USBError?
        nonisolated init() {}

        func run(_ reader: any StationReader) -> Task<Void, Never> {
            spawn {
                self.end = await reader.run(
                    opened: { self.isOpen = true }, { self.inputs.append($0) })
            }
        }
    }

    // MARK: keyboards

    /// A pipe with a name, in the place of an event node.
    private struct Node: ~Copyable {
        let scratch = ScratchDirectory()
        let path: String
        let keyboard: Int32
        init() {
            path = scratch.path + "/event0"
            mkfifo(path, 0o600)
            keyboard = open(path, O_RDWR | O_NONBLOCK)
        }
        deinit { close(keyboard) }
        func press(_ keys: [UInt16]) {
            var bytes: [UInt8] = []
            for key in keys {
                for value in [UInt8(1), 0] {
                    bytes += [UInt8](repeating: 0, count: 16)
                    bytes += [
                        1, 0, UInt8(truncatingIfNeeded: key), UInt8(key >> 8), value, 0, 0, 0,
                    ]
                }
            }
            write(keyboard, bytes, bytes.count)
        }
    }

    @Test("what is typed after the node was grabbed is one code, and stop gives the node back")
    func typed() async throws {
        let node = Node()
        let path = node.path
        let record = Record()
        let (reader, task, grabs) = try await LoopThread.run {
            let grabs = Locked<[Int32]>([])
            let reader = KeyboardReader(nodes: [path], input: KeyboardInput(.us)) { descriptor in
                grabs.withLock { $0.append(descriptor) }
                return 0
            }
            let task = record.run(reader)
            #expect(await eventually { record.isOpen })
            return (reader, task, grabs)
        }
        #expect(grabs.withLock { $0.count } == 1)
        node.press([50, 32, 50, 12, 11, 2, 8, 28])  // mdm-017 Enter
        try await LoopThread.run {
            #expect(await eventually { !record.inputs.isEmpty })
            #expect(record.inputs == [.code("mdm-017")])
            reader.stop()
            await task.value
            #expect(record.end == .cancelled)
        }
        let descriptor = try #require(grabs.withLock { $0.first })
        #expect(fcntl(descriptor, F_GETFD) < 0, "the node is closed")
    }

    @Test("half a code is refused after the pause, without any byte to wake it")
    func half() async throws {
        let node = Node()
        let path = node.path
        let record = Record()
        let (reader, task) = try await LoopThread.run {
            let reader = KeyboardReader(nodes: [path], input: KeyboardInput(.us)) { _ in 0 }
            let task = record.run(reader)
            #expect(await eventually { record.isOpen })
            return (reader, task)
        }
        node.press([50, 32, 50])
        try await LoopThread.run {
            #expect(await eventually { record.inputs == [.refused(.incomplete)] })
            reader.stop()
            await task.value
        }
    }

    @Test(
        "a node that cannot be had ends the reader with the reason that helps",
        arguments: [EBUSY, EACCES, ENODEV, EINVAL])
    func refused(_ code: Int32) async throws {
        let node = Node()
        let path = node.path
        try await LoopThread.run {
            let record = Record()
            let reader = KeyboardReader(nodes: [path], input: KeyboardInput(.us)) { _ in
                errno = code
                return -1
            }
            await record.run(reader).value
            #expect(!record.isOpen)
            switch (code, record.end) {
            case (EBUSY, .busy(let why)?): #expect(why.contains("grabbed already"))
            case (EACCES, .permission(let node)?): #expect(node == path)
            case (ENODEV, .gone?), (EINVAL, .failed?): break
            default: Issue.record("\(code): \(String(describing: record.end))")
            }
        }
    }

    @Test("a keyboard is never read that cannot be grabbed: what it types would go to others too")
    func notGrabbed() async throws {
        let node = Node()
        node.press([2, 28])
        let path = node.path
        try await LoopThread.run {
            let record = Record()
            // The kernel's own call: a pipe is no keyboard.
            await record.run(KeyboardReader(nodes: [path], input: KeyboardInput(.us))).value
            #expect(record.inputs.isEmpty && !record.isOpen)
        }
    }

    @Test("a reader that is pulled out in the middle of a code ends, and the half code is told")
    func pulled() async throws {
        let record = Record()
        let task: Task<Void, Never>
        do {
            let node = Node()
            let path = node.path
            task = try await LoopThread.run {
                let reader = KeyboardReader(nodes: [path], input: KeyboardInput(.us)) { _ in 0 }
                let task = record.run(reader)
                #expect(await eventually { record.isOpen })
                return task
            }
            node.press([2, 3])
        }
        await task.value
        try await LoopThread.run {
            #expect(record.end == .gone)
            #expect(record.inputs == [.refused(.incomplete)])
        }
    }

    // MARK: lines

    @Test("a scanner on a line gives codes in order, and a line that is hung up ends it")
    func line() async throws {
        let record = Record()
        let task: Task<Void, Never>
        do {
            let terminal = Terminal()
            let node = terminal.node
            task = try await LoopThread.run {
                let line = WirePlan.Line(speed: 9_600, dataBits: 8, parity: .none, stopBits: 1)
                let reader = LineReader(node: node, line: line, input: LineInput())
                let task = record.run(reader)
                #expect(await eventually { record.isOpen })
                return task
            }
            terminal.write("MDM-001\r\n\u{2}4912345")
            terminal.write("678904\u{3}")
            try await LoopThread.run {
                #expect(await eventually { record.inputs.count == 2 })
                #expect(record.inputs == [.code("MDM-001"), .code("4912345678904")])
            }
        }
        await task.value
        try await LoopThread.run { #expect(record.end == .gone) }
    }

    @Test("a scanner that is stopped gives its line back at once")
    func stopped() async throws {
        let terminal = Terminal()
        let node = terminal.node
        try await LoopThread.run {
            let record = Record()
            let line = WirePlan.Line(speed: 9_600, dataBits: 8, parity: .none, stopBits: 1)
            let reader = LineReader(node: node, line: line, input: LineInput())
            let task = record.run(reader)
            #expect(await eventually { record.isOpen })
            reader.stop()
            await task.value
            #expect(record.end == .cancelled)
        }
    }

    // MARK: card readers

    /// An RC-S380 with its descriptors as the kernel shows them.
    static let device = USBDeviceInfo.made(
        vendor: 0x054C, product: 0x06C3, .made(0, 0xFF, .bulk))
    static let statuses: [UInt8] = [0x2B, 0x21, 0x07, 0x01, 0x03, 0x03]

    /// The reader's answers from its set-up on: what each look finds.
    private static func answers(_ looks: [[UInt8]]) -> [Result<[UInt8], USBError>] {
        var bodies: [[UInt8]] = []
        for status in statuses {
            let rest: [UInt8] = status == 0x21 ? [0x11, 0x01] : [0]
            bodies.append([0xD7, status] + rest)
        }
        for look in looks { bodies.append([0xD7, 0x05] + look) }
        var results: [Result<[UInt8], USBError>] = []
        for body in bodies {
            results.append(.success(Port100.acknowledgement))
            results.append(.success(Port100.frame(of: body)))
        }
        return results
    }
    private static let none: [UInt8] = [0x80, 0, 0, 0]
    private static let card: [UInt8] = {
        let parts: [[UInt8]] = [
            [0, 0, 0, 0, 8, 0x14, 0x01], Array(1...8), Array(repeating: 0xFF, count: 8), [0, 3],
        ]
        return Array(parts.joined())
    }()

    @Test("an RC-S380 is set up, asked for cards, and told to switch off at the end")
    func rcs380() async throws {
        let devices = FakeDevices()
        devices.state.withLock {
            $0.answers[0x81] = Self.answers([Self.none, Self.card, Self.card])
        }
        try await LoopThread.run {
            let record = Record()
            let reader = try #require(CardReader(devices, Self.device, systemCode: 0xFFFF))
            let task = record.run(reader)
            #expect(await eventually { !record.inputs.isEmpty })
            #expect(record.inputs == [.card(Array(1...8))])
            reader.stop()
            await task.value
            #expect(record.end == .cancelled)
        }
        #expect(devices.written.first == Port100.acknowledgement)
        #expect(devices.written.last == Port100.frame(of: [0xD6, 0x06, 0x00]))
        #expect(devices.state.withLock { $0.closed } == 1)
    }

    @Test("a reader that misses an answer is set up again; one that never answers is given up")
    func recovers() async throws {
        let devices = FakeDevices()
        devices.state.withLock {
            $0.answers[0x81] =
                [.failure(.timeOut), .success([1, 2, 3])] + Self.answers([Self.card])
        }
        try await LoopThread.run {
            let record = Record()
            let reader = try #require(CardReader(devices, Self.device, systemCode: 0xFFFF))
            await record.run(reader).value
            #expect(record.inputs == [.card(Array(1...8))])
            #expect(record.end == .gone, "after the last answer it was pulled out")
            #expect(reader.troubles == 3)
        }
        let silent = FakeDevices()
        silent.state.withLock { $0.answers[0x81] = Array(repeating: .failure(.timeOut), count: 10) }
        try await LoopThread.run {
            let record = Record()
            let reader = try #require(CardReader(silent, Self.device, systemCode: 0xFFFF))
            await record.run(reader).value
            #expect(record.end == .timeOut)
            #expect(record.inputs.isEmpty)
        }
    }

    @Test("a reader that lost its state and refuses every look is set up anew, and then reads")
    func forgetful() async throws {
        let devices = FakeDevices()
        let refused: [UInt8] = [0x02, 0, 0, 0]
        devices.state.withLock {
            $0.answers[0x81] =
                Self.answers(Array(repeating: refused, count: 8)) + Self.answers([Self.card])
        }
        try await LoopThread.run {
            let record = Record()
            let reader = try #require(
                CardReader(
                    devices, Self.device, systemCode: 0xFFFF, pause: .milliseconds(1)))
            await record.run(reader).value
            #expect(record.inputs == [.card(Array(1...8))])
            #expect(record.end == .gone, "after the last answer it was pulled out")
            #expect(reader.troubles == 9)
        }
        // Twice: at the start and after the eighth look.
        #expect(devices.written.filter { $0 == Port100.frame(of: [0xD6, 0x2A, 0x01]) }.count == 2)
    }

    @Test("of an RC-S300 the interface of its own is claimed, not the one of smart cards")
    func interface() async throws {
        let devices = FakeDevices()
        let both = USBDeviceInfo.made(
            vendor: 0x054C, product: 0x0DC9, .made(0, 0x0B, .bulk), .made(1, 0xFF, .bulk))
        try await LoopThread.run {
            let reader = try #require(CardReader(devices, both, systemCode: 0xFFFF))
            await Record().run(reader).value
            #expect(CardReader(devices, .made(.made(0, 0xFF, .bulk)), systemCode: 0) == nil)
        }
        #expect(devices.state.withLock { $0.opened.map(\.claimed) } == [[1]])
    }
}
