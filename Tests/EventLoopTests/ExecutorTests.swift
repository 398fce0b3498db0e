import EventLoop
import GatewayTestKit
import Glibc
import Testing

@Suite struct ExecutorTests {
    init() { LoopThread.start() }

    @Test func `work stays on the one loop thread, also after waiting`() async throws {
        let threads = try await LoopThread.run { () -> Set<UInt> in
            var seen: Set<UInt> = [UInt(pthread_self())]
            try await sleep(for: .milliseconds(2))
            seen.insert(UInt(pthread_self()))
            await withCheckedContinuation { $0.resume() }
            seen.insert(UInt(pthread_self()))
            await nothing()
            seen.insert(UInt(pthread_self()))
            await Task.yield()
            seen.insert(UInt(pthread_self()))
            return seen
        }
        #expect(threads.count == 1)
    }

    @Test @LoopActor func `isolation to the loop can be checked`() {
        LoopActor.assertIsolated()
        #expect(EventLoop.shared.isOnLoop)
    }

    @Test func `another thread is told apart from the loop`() async {
        #expect(await notOnLoop())
    }

    @Test func `jobs from many threads all run, each thread's in its order`() async throws {
        let log = Locked<[[Int]]>(Array(repeating: [], count: 4))
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask { @concurrent in
                    for number in 0..<500 {
                        await spawn { log.withLock { $0[worker].append(number) } }.value
                    }
                }
            }
        }
        #expect(log.withLock { $0 } == Array(repeating: Array(0..<500), count: 4))
    }

    @Test func `a job that always makes another job does not starve a descriptor`() async throws {
        let fired = try await LoopThread.run { () -> Bool in
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            let (reader, writer) = (ends[0], ends[1])
            defer {
                close(reader)
                close(writer)
            }
            let flag = Locked(false)
            let source = try EventLoop.shared.onReadable(reader) { _ in
                var byte: UInt8 = 0
                read(reader, &byte, 1)
                flag.withLock { $0 = true }
            }
            write(writer, "x", 1)
            var rounds = 0
            while !flag.withLock({ $0 }) && rounds < 100_000 {
                await Task.yield()
                rounds += 1
            }
            source.cancel()
            return flag.withLock { $0 }
        }
        #expect(fired)
    }

    @Test func `an error from spawned work reaches its owner`() async {
        struct Broken: Error {}
        await #expect(throws: Broken.self) {
            try await spawn { () async throws -> Void in throw Broken() }.value
        }
    }
}

/// Nonisolated on purpose: the task's executor preference decides where it runs.
@concurrent private func nothing() async {}

@concurrent private func notOnLoop() async -> Bool { !EventLoop.shared.isOnLoop }
