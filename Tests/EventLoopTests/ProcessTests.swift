import GatewayTestKit
import Glibc
import Testing

/// The loop alone in a process of its own, where nothing of the test runner is beside it.
@Suite struct ProcessTests {
    @Test(.timeLimit(.minutes(1)))
    func `an idle loop wakes nobody and has one thread`() throws {
        let probe = try Child(builtProgram("LoopProbe"), ["idle"])
        let line = probe.readLine() ?? ""
        let fields = parse(line)
        // One wake-up is the probe's own timer.
        #expect((fields["switches"] ?? 99) <= 2, "\(line)")
        #expect(fields["threads"] == 1, "\(line)")
        #expect(probe.wait() == 0)
    }

    @Test(.timeLimit(.minutes(1)))
    func `three sleepers share their wake-ups and start no pool`() throws {
        let probe = try Child(builtProgram("LoopProbe"), ["sleepers"])
        let line = probe.readLine() ?? ""
        let fields = parse(line)
        #expect((fields["switches"] ?? 99) <= 10, "\(line)")
        #expect(fields["threads"] == 1, "\(line)")
        #expect(probe.wait() == 0)
    }

    @Test(.timeLimit(.minutes(1)))
    func `SIGTERM ends the loop with the code asked for, SIGHUP does not`() throws {
        let probe = try Child(builtProgram("LoopProbe"), ["signals"])
        #expect(probe.readLine() == "ready")
        probe.signal(SIGHUP)
        #expect(probe.readLine() == "hangup")
        probe.signal(SIGTERM)
        #expect(probe.wait() == 7)
    }

    @Test(.timeLimit(.minutes(1)))
    func `the service manager hears ready, the watchdog and stopping`() throws {
        let path = "/tmp/hakaru-notify-\(getpid()).sock"
        let socket = try NotifySocket(path)
        let probe = try Child(
            builtProgram("LoopProbe"), ["watchdog"],
            environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"])
        #expect(probe.readLine() == "watchdog=true")
        #expect(probe.wait() == 0)
        let messages = socket.messages()
        #expect(messages.contains("READY=1\nSTATUS=two lines"), "\(messages)")
        #expect(messages.filter { $0 == "WATCHDOG=1" }.count >= 2, "\(messages)")
        #expect(messages.last == "STOPPING=1", "\(messages)")
    }

    @Test(.timeLimit(.minutes(1)))
    func `without a service manager the watchdog is off and nothing fails`() throws {
        let probe = try Child(builtProgram("LoopProbe"), ["watchdog"])
        #expect(probe.readLine() == "watchdog=false")
        #expect(probe.wait() == 0)
    }

    private func parse(_ line: String) -> [String: Int] {
        var fields: [String: Int] = [:]
        for field in line.split(separator: " ") {
            let parts = field.split(separator: "=")
            if parts.count == 2 { fields[String(parts[0])] = Int(parts[1]) }
        }
        return fields
    }
}

/// The service manager's side of sd_notify: a datagram socket.
private final class NotifySocket {
    private let descriptor: Int32
    private let path: String

    struct Failed: Error {}

    init(_ path: String) throws(Failed) {
        self.path = path
        unlink(path)
        descriptor = socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Failed() }
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    func messages() -> [String] {
        var all: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return all }
            all.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
    }
}
