import EventLoop
import GatewayTestKit
import Testing

@testable import Uplink

@Suite("Doorbell", .timeLimit(.minutes(1))) struct DoorbellTests {
    @Test("a ring before the wait is not lost, and is used up by one wait")
    func kept() async throws {
        try await LoopThread.run {
            let bell = Doorbell()
            bell.ring()
            bell.ring()
            #expect(await bell.wait(for: nil))
            #expect(await !bell.wait(for: .milliseconds(10)))
        }
    }

    @Test("a ring ends a wait without a limit")
    func ring() async throws {
        try await LoopThread.run {
            let bell = Doorbell()
            let waiter = spawn { await bell.wait(for: nil) }
            try await sleep(for: .milliseconds(20))
            bell.ring()
            #expect(await waiter.value)
        }
    }

    @Test("a wait ends when its time is over, and can begin anew")
    func timeOver() async throws {
        try await LoopThread.run {
            let bell = Doorbell()
            for _ in 0..<3 { #expect(await !bell.wait(for: .milliseconds(5))) }
            bell.ring()
            #expect(await bell.wait(for: .seconds(60)))
        }
    }

    @Test("cancelling ends a wait, before or after it began")
    func cancelled() async throws {
        try await LoopThread.run {
            let bell = Doorbell()
            let late = spawn { await bell.wait(for: nil) }
            try await sleep(for: .milliseconds(20))
            late.cancel()
            #expect(await !late.value)
            let early = spawn { await bell.wait(for: .seconds(60)) }
            early.cancel()
            #expect(await !early.value)
        }
    }
}
