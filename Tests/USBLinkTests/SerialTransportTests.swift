import DeviceProfile
import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import USBLink

@Suite("Serial lines", .timeLimit(.minutes(1))) struct SerialTransportTests {
    static let line = WirePlan.Line(speed: 9_600, dataBits: 8, parity: .none, stopBits: 1)

    @Test("bytes go both ways as they are: no echo, no line ends changed, nothing held back")
    func bothWays() async throws {
        let terminal = Terminal()
        let link = try await LoopThread.run {
            let link = SerialTransport(node: terminal.node, line: Self.line)
            try await link.open()
            return link
        }
        terminal.write("ST,+00012.34 kg\r\n\u{3}\u{11}")
        let received = try await LoopThread.run { try await link.receive() }
        #expect(String(decoding: received, as: UTF8.self) == "ST,+00012.34 kg\r\n\u{3}\u{11}")
        try await LoopThread.run { try await link.send(Array("D?\r\n".utf8)) }
        #expect(terminal.read() == "D?\r\n")
        try await LoopThread.run { await link.close() }
    }

    @Test("what stood in the line before it was opened belongs to nobody")
    func flushed() async throws {
        let terminal = Terminal()
        let early = open(terminal.node, O_RDWR | O_NOCTTY | O_NONBLOCK)
        defer { close(early) }
        terminal.write("half a fra")
        let link = try await LoopThread.run {
            let link = SerialTransport(node: terminal.node, line: Self.line)
            try await link.open()
            return link
        }
        terminal.write("new")
        let received = try await LoopThread.run { try await link.receive() }
        #expect(String(decoding: received, as: UTF8.self) == "new")
        try await LoopThread.run { await link.close() }
    }

    @Test("a line that is hung up, as by a pulled adapter, is gone for reader and writer")
    func hungUp() async throws {
        let link: SerialTransport
        do {
            let terminal = Terminal()
            link = try await LoopThread.run {
                let link = SerialTransport(node: terminal.node, line: Self.line)
                try await link.open()
                return link
            }
        }
        try await LoopThread.run {
            await #expect(throws: USBError.gone) { try await link.receive() }
            await #expect(throws: USBError.gone) { try await link.send([1]) }
            await link.close()
        }
    }

    @Test("bytes that came before the hang-up are handed over first")
    func lastWords() async throws {
        let link: SerialTransport
        do {
            let terminal = Terminal()
            link = try await LoopThread.run {
                let link = SerialTransport(node: terminal.node, line: Self.line)
                try await link.open()
                return link
            }
            terminal.write("last")
            let isThere = try await LoopThread.run { try await link.receive() }
            #expect(String(decoding: isThere, as: UTF8.self) == "last")
        }
        _ = try await LoopThread.run {
            await #expect(throws: USBError.gone) { try await link.receive() }
        }
    }

    @Test("a line that is in use, missing or not a line is refused by name")
    func refused() async throws {
        let terminal = Terminal()
        try await LoopThread.run {
            let absent = SerialTransport(node: "/dev/ttyUSB-none", line: Self.line)
            await #expect(throws: USBError.gone) { try await absent.open() }
            let noLine = SerialTransport(node: "/dev/null", line: Self.line)
            await #expect(throws: USBError.self) { try await noLine.open() }
            let fast = WirePlan.Line(speed: 12_345, dataBits: 8, parity: .none, stopBits: 1)
            let strange = SerialTransport(node: terminal.node, line: fast)
            await #expect(throws: USBError.failed("a speed of 12345 is not known")) {
                try await strange.open()
            }
        }
    }

    @Test("waiting for a line ends when it is closed")
    func closed() async throws {
        let terminal = Terminal()
        try await LoopThread.run {
            let link = SerialTransport(node: terminal.node, line: Self.line)
            try await link.open()
            let reader = spawn { () async -> USBError? in
                do throws(USBError) { _ = try await link.receive() } catch { return error }
                return nil
            }
            try await sleep(for: .milliseconds(5))
            await link.close()
            #expect(await reader.value == .cancelled)
            await #expect(throws: USBError.self) { try await link.open() }
        }
    }

    @Test(
        "speed and stop bits are set on the line as the profile says",
        arguments: [(1_200, 1), (2_400, 2), (19_200, 1), (38_400, 2), (115_200, 1)])
    func settings(speed: Int, stopBits: Int) throws {
        let terminal = Terminal()
        let descriptor = open(terminal.node, O_RDWR | O_NOCTTY | O_NONBLOCK)
        defer { close(descriptor) }
        try LineSettings.apply(
            WirePlan.Line(speed: speed, dataBits: 8, parity: .even, stopBits: stopBits),
            to: descriptor)
        var settings = termios()
        tcgetattr(descriptor, &settings)
        let speeds = [
            1_200: B1200, 2_400: B2400, 19_200: B19200, 38_400: B38400, 115_200: B115200,
        ]
        #expect(cfgetispeed(&settings) == speed_t(try #require(speeds[speed])))
        #expect(settings.c_cflag & tcflag_t(CSTOPB) == (stopBits == 2 ? tcflag_t(CSTOPB) : 0))
        #expect(settings.c_iflag & tcflag_t(INPCK) != 0)
        #expect(settings.c_iflag & tcflag_t(IGNPAR) == 0, "a wrong byte is seen, not dropped")
        #expect(settings.c_lflag & tcflag_t(ECHO | ICANON | ISIG) == 0)
    }
}

@Suite("The folder of lines", .timeLimit(.minutes(1))) struct LineWatcherTests {
    @Test("a line that appears is told at once, other nodes are not")
    func watch() async throws {
        let scratch = ScratchDirectory()
        let directory = scratch.path
        try await LoopThread.run {
            var count = 0
            let watcher = try #require(LineWatcher(directory: directory) { count += 1 })
            close(open(directory + "/sda1", O_WRONLY | O_CREAT, 0o600))
            try await sleep(for: .milliseconds(20))
            #expect(count == 0)
            close(open(directory + "/ttyUSB0", O_WRONLY | O_CREAT, 0o600))
            #expect(await eventually { count > 0 })
            let before = count
            chmod(directory + "/ttyUSB0", 0o660)
            #expect(await eventually { count > before }, "the rules gave the line to the group")
            withExtendedLifetime(watcher) {}
        }
    }

    @Test("a folder that cannot be watched says so")
    func absent() async throws {
        try await LoopThread.run {
            #expect(LineWatcher(directory: "/nowhere/at/all") {} == nil)
        }
    }
}
