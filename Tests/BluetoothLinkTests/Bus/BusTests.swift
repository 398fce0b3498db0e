import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import BluetoothLink

@Suite struct BusTests {
    static let ping = BusCall("org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping")

    @Test func `an error that a peer answers keeps its name and text`() async throws {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let (server, client) = (try Bus.open(bus.address), try Bus.open(bus.address))
            let refusal = BusError(name: "org.bluez.Error.Failed", message: "le-connection-abort")
            let slot = try server.export("/") { _ throws(BusError) in throw refusal }
            try await server.requestName("test.refuser")
            await #expect(throws: refusal) {
                _ = try await client.call(BusCall("test.refuser", "/", "t.T", "Anything"))
            }
            withExtendedLifetime(slot) {}
        }
    }

    @Test func `a peer that never answers costs its caller the limit, and others nothing`()
        async throws
    {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let (server, client) = (try Bus.open(bus.address), try Bus.open(bus.address))
            let never = LoopCondition()
            let slot = try server.export("/") { call throws(BusError) in
                if call.member == "Never" { _ = try? await never.wait() }
                return []
            }
            try await server.requestName("test.slow")
            let slow = spawn { () async throws -> [BusValue] in
                try await client.call(
                    BusCall("test.slow", "/", "t.T", "Never"), within: .seconds(4))
            }
            let start = ContinuousClock.now
            for _ in 0..<20 { _ = try await client.call(BusCall("test.slow", "/", "t.T", "Now")) }
            #expect(ContinuousClock.now - start < .seconds(4))
            let failure = await slow.result
            #expect(throws: BusError.self) { try failure.get() }
            if case .failure(let error as BusError) = failure {
                #expect(error.isTimeout && !error.isPeerGone, "\(error)")
            }
            never.broadcast()
            withExtendedLifetime(slot) {}
        }
    }

    @Test func `a cancelled caller stops waiting at once`() async throws {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let (server, client) = (try Bus.open(bus.address), try Bus.open(bus.address))
            let never = LoopCondition()
            let slot = try server.export("/") { _ throws(BusError) in
                _ = try? await never.wait()
                return []
            }
            try await server.requestName("test.never")
            let task = spawn { try await client.call(BusCall("test.never", "/", "t.T", "Never")) }
            try await sleep(for: .milliseconds(20))
            let start = ContinuousClock.now
            task.cancel()
            await #expect(throws: BusError.cancelled) { _ = try await task.value }
            #expect(ContinuousClock.now - start < .seconds(2))
            // An answer that comes after all finds nobody, and harms nothing.
            never.broadcast()
            try await sleep(for: .milliseconds(20))
            _ = try await client.call(Self.ping)
            withExtendedLifetime(slot) {}
        }
    }

    @Test func `a name that nobody owns is told from a slow peer, and nothing is started for it`()
        async throws
    {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let client = try Bus.open(bus.address)
            do throws(BusError) {
                _ = try await client.call(BusCall("org.bluez", "/", "t.T", "Anything"))
                Issue.record("an answer came from nobody")
            } catch {
                #expect(error.isPeerGone && !error.isTimeout && !error.isDisconnected, "\(error)")
            }
        }
    }

    @Test func `a peer that leaves before it answers ends the call`() async throws {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let client = try Bus.open(bus.address)
            var server: Bus? = try Bus.open(bus.address)
            let never = LoopCondition()
            var slot: BusSlot? = try server?.export("/") { _ throws(BusError) in
                _ = try? await never.wait()
                return []
            }
            try await server?.requestName("test.leaver")
            let task = spawn { try await client.call(BusCall("test.leaver", "/", "t.T", "Never")) }
            try await sleep(for: .milliseconds(20))
            slot = nil
            server = nil
            _ = (slot, server)
            let result = await task.result
            guard case .failure(let error as BusError) = result else {
                Issue.record("an answer came from nobody")
                return
            }
            #expect(error.isPeerGone, "\(error)")
            never.broadcast()
        }
    }

    @Test func `the death of the bus ends every call and is told once`() async throws {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let (server, client) = (try Bus.open(bus.address), try Bus.open(bus.address))
            let never = LoopCondition()
            let slot = try server.export("/") { _ throws(BusError) in
                _ = try? await never.wait()
                return []
            }
            try await server.requestName("test.never")
            let closed = Locked(0)
            try client.onClose { closed.withLock { $0 += 1 } }
            let task = spawn { try await client.call(BusCall("test.never", "/", "t.T", "Never")) }
            try await sleep(for: .milliseconds(20))
            bus.kill()
            await #expect(throws: BusError.self) { _ = try await task.value }
            #expect(await eventually { closed.withLock { $0 } == 1 })
            do throws(BusError) {
                _ = try await client.call(Self.ping)
                Issue.record("a dead bus answered")
            } catch {
                #expect(error.isDisconnected, "\(error)")
            }
            try await sleep(for: .milliseconds(30))
            #expect(closed.withLock { $0 } == 1)
            never.broadcast()
            withExtendedLifetime(slot) {}
        }
    }

    @Test func `a bus that is not there is an error, not a wait`() async throws {
        try await LoopThread.run {
            do {
                let bus = try Bus.open("unix:path=/nowhere/bus")
                _ = try await bus.call(Self.ping)
                Issue.record("connected to nothing")
            } catch let error as BusError {
                #expect(error.isDisconnected, "\(error)")
            }
        }
    }

    @Test func `signals reach the matches that ask for them, until the match ends`() async throws {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let (server, client) = (try Bus.open(bus.address), try Bus.open(bus.address))
            let seen = Locked<[BusMessage]>([])
            var slot: BusSlot? = try client.onSignal("interface='t.T',member='Wanted'") { message in
                seen.withLock { $0.append(message) }
            }
            _ = try await client.call(Self.ping)
            try server.emit("/a", "t.T", "Unwanted", "no")
            try server.emit("/a", "t.T", "Wanted", "yes", .bytes([1]))
            #expect(await eventually { seen.withLock { $0.count } == 1 })
            let message = seen.withLock { $0[0] }
            #expect(message.path == "/a" && message.member == "Wanted")
            #expect(message.body == ["yes", .bytes([1])])
            #expect(message.sender.hasPrefix(":"))
            slot = nil
            _ = slot
            try server.emit("/a", "t.T", "Wanted", "again")
            _ = try await client.call(Self.ping)
            try await sleep(for: .milliseconds(30))
            #expect(seen.withLock { $0.count } == 1)
        }
    }

    @Test func `an exported tree answers for every path below it, an object only for its own`()
        async throws
    {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let (server, client) = (try Bus.open(bus.address), try Bus.open(bus.address))
            let slots = [
                try server.export("/tree", includingChildren: true) { call throws(BusError) in
                    [.string(call.path)]
                },
                try server.export("/one") { call throws(BusError) in [.string(call.path)] },
            ]
            try await server.requestName("test.tree")
            for path in ["/tree", "/tree/a", "/tree/a/b", "/one"] {
                let answer = try await client.call(BusCall("test.tree", path, "t.T", "Where"))
                #expect(answer == [.string(path)])
            }
            do throws(BusError) {
                _ = try await client.call(BusCall("test.tree", "/one/below", "t.T", "Where"))
                Issue.record("nothing is there")
            } catch {
                #expect(error.isUnknownObject, "\(error)")
            }
            withExtendedLifetime(slots) {}
        }
    }

    @Test func `a hundred calls at once are each answered with their own answer`() async throws {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let (server, client) = (try Bus.open(bus.address), try Bus.open(bus.address))
            let slot = try server.export("/") { call throws(BusError) in
                let wait = (call.body.first?.integer ?? 0) % 7
                try? await sleep(for: .milliseconds(wait))
                return call.body
            }
            try await server.requestName("test.many")
            let tasks = (0..<100).map { number in
                spawn {
                    try await client.call(
                        BusCall("test.many", "/", "t.T", "Echo", .int32(Int32(number))))
                }
            }
            for (number, task) in tasks.enumerated() {
                #expect(try await task.value == [.int32(Int32(number))])
            }
            withExtendedLifetime(slot) {}
        }
    }
}
