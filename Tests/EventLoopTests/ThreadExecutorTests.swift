import EventLoop
import GatewayTestKit
import Glibc
import Testing

private actor Store {
    nonisolated let executor: ThreadExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }
    private(set) var log: [Int] = []

    init(_ executor: ThreadExecutor) { self.executor = executor }

    func append(_ number: Int, blockingFor microseconds: UInt32 = 0) -> UInt {
        if microseconds > 0 { usleep(microseconds) }
        log.append(number)
        return UInt(pthread_self())
    }
    func blockedSignals() -> Bool {
        var set = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &set)
        return sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGINT) == 1
    }
    func threadName() -> String {
        let file = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 32)
        return String(decoding: buffer[..<max(0, read(file, &buffer, 32) - 1)], as: UTF8.self)
    }
}

@Suite struct ThreadExecutorTests {
    init() { LoopThread.start() }

    @Test func `an actor's work runs on its own thread, in order, and ends with stop`() async throws
    {
        let executor = ThreadExecutor(name: "store")
        let store = Store(executor)
        var threads: Set<UInt> = []
        for number in 0..<100 { threads.insert(await store.append(number)) }
        #expect(await store.log == Array(0..<100))
        #expect(threads.count == 1 && !threads.contains(UInt(pthread_self())))
        executor.stop()
    }

    @Test func `a blocking write does not hold up the loop`() async throws {
        let executor = ThreadExecutor(name: "slow")
        let store = Store(executor)
        let ticks = try await LoopThread.run { () -> Int in
            let write = spawn { await store.append(1, blockingFor: 800_000) }
            var ticks = 0
            let done = Locked(false)
            let watcher = spawn {
                _ = await write.value
                done.withLock { $0 = true }
            }
            while !done.withLock({ $0 }) {
                try await sleep(for: .milliseconds(5))
                ticks += 1
            }
            await watcher.value
            return ticks
        }
        executor.stop()
        #expect(ticks >= 3, "\(ticks)")
    }

    @Test func `what is queued still runs when the thread is told to stop`() async {
        let executor = ThreadExecutor(name: "drain")
        let store = Store(executor)
        let first = spawn { await store.append(0, blockingFor: 50_000) }
        let rest = (1..<20).map { number in spawn { await store.append(number) } }
        // Enqueued for certain before the stop: the loop has run past the spawns above.
        await spawn {}.value
        executor.stop()
        _ = await first.value
        for task in rest { _ = await task.value }
    }

    @Test func `no signal lands on the thread, and its name shows in the process list`() async {
        let executor = ThreadExecutor(name: "a-name-that-is-too-long")
        let store = Store(executor)
        #expect(await store.blockedSignals())
        #expect(await store.threadName() == "a-name-that-is-")
        executor.stop()
    }

    @Test func `Locked keeps every increment of many threads`() async {
        let total = Locked(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { @concurrent in
                    for _ in 0..<10_000 { total.withLock { $0 += 1 } }
                }
            }
        }
        #expect(total.withLock { $0 } == 40_000)
    }

    @Test func `a lock is free again after its closure has thrown`() {
        struct Refused: Error {}
        let value = Locked(1)
        #expect(throws: Refused.self) {
            try value.withLock { _ throws(Refused) in throw Refused() }
        }
        #expect(value.withLock { $0 } == 1)
    }
}
