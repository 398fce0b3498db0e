import EventLoop
import GatewayTestKit
import Testing

@Suite struct LoopConditionTests {
    init() { LoopThread.start() }

    @Test func `one broadcast wakes all who wait, and none who come later`() async throws {
        try await LoopThread.run {
            let condition = LoopCondition()
            let early = (0..<3).map { _ in spawn { try await condition.wait(for: .seconds(30)) } }
            try await sleep(for: .milliseconds(5))
            condition.broadcast()
            for task in early { #expect(try await task.value) }
            #expect(try await !condition.wait(for: .milliseconds(10)))
        }
    }

    @Test func `a predicate that already holds does not wait`() async throws {
        try await LoopThread.run {
            let held = try await LoopCondition().wait(for: .zero) { true }
            #expect(held)
        }
    }

    @Test func `a wait goes on over broadcasts until its predicate holds`() async throws {
        try await LoopThread.run {
            let condition = LoopCondition()
            let count = Locked(0)
            let waiter = spawn {
                try await condition.wait(for: .seconds(30)) { count.withLock { $0 } >= 3 }
            }
            for _ in 0..<3 {
                try await sleep(for: .milliseconds(3))
                count.withLock { $0 += 1 }
                condition.broadcast()
            }
            #expect(try await waiter.value)
        }
    }

    @Test func `broadcasts do not lengthen the limit of a wait`() async throws {
        try await LoopThread.run {
            let condition = LoopCondition()
            let noise = EventLoop.shared.every(.milliseconds(3)) { condition.broadcast() }
            let start = ContinuousClock.now
            let held = try await condition.wait(for: .milliseconds(40)) { false }
            #expect(!held)
            #expect(ContinuousClock.now - start < .seconds(5))
            withExtendedLifetime(noise) {}
        }
    }

    @Test func `a cancelled wait throws at once, with and without a limit`() async throws {
        try await LoopThread.run {
            let condition = LoopCondition()
            for limit in [nil, Duration.seconds(60)] {
                let waiter = spawn { try await condition.wait(for: limit) }
                try await sleep(for: .milliseconds(3))
                waiter.cancel()
                await #expect(throws: CancellationError.self) { try await waiter.value }
            }
        }
    }
}
