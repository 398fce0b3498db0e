import EventLoop
import GatewayTestKit
import Glibc
import Testing

@Suite struct TimerTests {
    init() { LoopThread.start() }

    @Test(arguments: [0, 1, 20, 60])
    func `a sleep lasts as long as asked`(milliseconds: Int) async throws {
        let elapsed = try await LoopThread.run {
            let start = ContinuousClock.now
            try await sleep(for: .milliseconds(milliseconds))
            return ContinuousClock.now - start
        }
        #expect(elapsed >= .milliseconds(milliseconds))
        #expect(elapsed < .seconds(10))
    }

    @Test func `a cancelled sleep throws at once, not at its end`() async throws {
        let elapsed = try await LoopThread.run {
            let start = ContinuousClock.now
            let sleeper = spawn { try await sleep(for: .seconds(60)) }
            try await sleep(for: .milliseconds(5))
            sleeper.cancel()
            let result = await sleeper.result
            #expect(throws: CancellationError.self) { try result.get() }
            return ContinuousClock.now - start
        }
        #expect(elapsed < .seconds(5))
    }

    @Test func `a sleep in an already cancelled task does not begin`() async throws {
        let start = ContinuousClock.now
        let task = spawn { () async throws -> Void in
            withUnsafeCurrentTask { $0?.cancel() }
            try await sleep(for: .seconds(60))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test func `cancellation from another thread ends each of many sleeps`() async throws {
        let tasks = (0..<200).map { _ in spawn { try await sleep(for: .seconds(60)) } }
        let start = ContinuousClock.now
        for task in tasks { task.cancel() }
        for task in tasks {
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test func `a sleep after long work on the loop is not cut short by that work`() async throws {
        let elapsed = try await LoopThread.run {
            usleep(40_000)
            let start = ContinuousClock.now
            try await sleep(for: .milliseconds(20))
            return ContinuousClock.now - start
        }
        #expect(elapsed >= .milliseconds(20))
    }

    @Test func `a one-shot timer fires once`() async throws {
        let count = try await LoopThread.run {
            let count = Locked(0)
            let timer = EventLoop.shared.after(.milliseconds(5)) { count.withLock { $0 += 1 } }
            #expect(await eventually { count.withLock { $0 } == 1 })
            try await sleep(for: .milliseconds(30))
            withExtendedLifetime(timer) {}
            return count.withLock { $0 }
        }
        #expect(count == 1)
    }

    @Test func `a timer whose owner let go of it never fires`() async throws {
        let count = try await LoopThread.run {
            let count = Locked(0)
            var timer = EventLoop.shared.after(.milliseconds(10)) { count.withLock { $0 += 1 } }
            #expect(timer != nil)
            timer = nil
            try await sleep(for: .milliseconds(60))
            return count.withLock { $0 }
        }
        #expect(count == 0)
    }

    @Test func `a timer may end itself from its own handler`() async throws {
        let count = try await LoopThread.run { () -> Int in
            let owner = Owner()
            owner.timer = EventLoop.shared.every(.milliseconds(5)) {
                owner.count += 1
                if owner.count == 3 { owner.timer = nil }
            }
            #expect(await eventually { owner.timer == nil })
            try await sleep(for: .milliseconds(30))
            return owner.count
        }
        #expect(count == 3)
    }

    @Test func `a repeating timer leaves out what it missed instead of catching up`() async throws {
        let count = try await LoopThread.run { () -> Int in
            let owner = Owner()
            owner.timer = EventLoop.shared.every(.milliseconds(20), tolerance: .milliseconds(1)) {
                owner.count += 1
                if owner.count == 1 { usleep(110_000) }
            }
            // 20 ms, then blocked to 130 ms: five intervals are gone, and the next are on the grid.
            #expect(await eventually { owner.count >= 1 })
            try await sleep(for: .milliseconds(25))
            let soonAfter = owner.count
            #expect(await eventually { owner.count > soonAfter })
            owner.timer = nil
            return soonAfter
        }
        // Catching up would have run the handler six times by then.
        #expect(count <= 4, "\(count)")
    }

    @Test func `a timer can be armed anew`() async throws {
        let count = try await LoopThread.run { () -> Int in
            let owner = Owner()
            owner.timer = EventLoop.shared.after(.milliseconds(1)) { owner.count += 1 }
            #expect(await eventually { owner.count == 1 })
            owner.timer?.rearm(after: .milliseconds(1))
            #expect(await eventually { owner.count == 2 })
            try await sleep(for: .milliseconds(30))
            return owner.count
        }
        #expect(count == 2)
    }

    @Test(arguments: [
        (Duration.zero, UInt64(0)), (.nanoseconds(1), 1), (.microseconds(5), 5),
        (.milliseconds(-3), 0), (.seconds(2), 2_000_000), (.nanoseconds(1_500_001), 1501),
        (.seconds(Int64.max), .max),
    ])
    func `durations become microseconds without a trap`(duration: Duration, expected: UInt64) {
        #expect(duration.wholeMicroseconds == expected)
    }
}

@LoopActor private final class Owner {
    var timer: EventSource?
    var count = 0
}
