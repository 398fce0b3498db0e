import EventLoop
import GatewayTestKit
import Glibc
import Testing

@Suite struct SourceTests {
    init() { LoopThread.start() }

    @Test func `a descriptor is reported while it has data, and not after its source ended`()
        async throws
    {
        try await LoopThread.run {
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            let (reader, writer) = (ends[0], ends[1])
            defer {
                close(reader)
                close(writer)
            }
            let seen = Locked<[IOEvents]>([])
            let source = try EventLoop.shared.onReadable(reader) { events in
                var byte: UInt8 = 0
                read(reader, &byte, 1)
                seen.withLock { $0.append(events) }
            }
            write(writer, "ab", 2)
            #expect(await eventually { seen.withLock { $0.count } == 2 })
            source.cancel()
            write(writer, "c", 1)
            try await sleep(for: .milliseconds(20))
            #expect(seen.withLock { $0 } == [.readable, .readable])
        }
    }

    @Test func `the other end closing is reported as hang-up`() async throws {
        try await LoopThread.run {
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            let seen = Locked<IOEvents>([])
            let holder = SourceHolder()
            holder.source = try EventLoop.shared.onReadable(ends[0]) { events in
                seen.withLock { $0 = events }
                holder.source = nil
            }
            close(ends[1])
            #expect(await eventually { seen.withLock { $0.contains(.hangUp) } })
            close(ends[0])
        }
    }

    @Test func `what a descriptor is watched for can change`() async throws {
        try await LoopThread.run {
            var ends: [Int32] = [0, 0]
            #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            let seen = Locked<[IOEvents]>([])
            let holder = SourceHolder()
            holder.source = try EventLoop.shared.onReadable(ends[0], events: []) { events in
                seen.withLock { $0.append(events) }
                holder.source?.watch(for: [])
            }
            try await sleep(for: .milliseconds(10))
            #expect(seen.withLock { $0.isEmpty })
            holder.source?.watch(for: .writable)
            #expect(await eventually { seen.withLock { $0 } == [.writable] })
            holder.source = nil
            close(ends[0])
            close(ends[1])
        }
    }

    @Test func `a descriptor that cannot be waited for is refused with the call's name`()
        async throws
    {
        try await LoopThread.run {
            let file = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
            defer { close(file) }
            for (descriptor, code) in [(Int32(-1), EBADF), (file, EPERM)] {
                #expect(throws: EventLoopError(operation: "sd_event_add_io", code: code)) {
                    _ = try EventLoop.shared.onReadable(descriptor) { _ in }
                }
            }
        }
        #expect(
            EventLoopError(operation: "sd_event_add_io", code: EPERM).description
                == "sd_event_add_io: Operation not permitted")
    }

    @Test func `a signal reaches its handler on the loop`() async throws {
        try await LoopThread.run {
            let seen = Locked(0)
            let source = try EventLoop.shared.onSignal(SIGUSR2) { seen.withLock { $0 += 1 } }
            pthread_kill(pthread_self(), SIGUSR2)
            #expect(await eventually { seen.withLock { $0 } == 1 })
            source.cancel()
        }
    }
}

@LoopActor private final class SourceHolder {
    var source: EventSource?
}
