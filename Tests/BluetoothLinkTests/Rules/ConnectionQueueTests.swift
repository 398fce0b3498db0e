import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

@Suite struct ConnectionQueueTests {
    init() { LoopThread.start() }

    @Test func `turns go by urgency, then by arrival`() async throws {
        try await LoopThread.run {
            let queue = ConnectionQueue()
            #expect(try await queue.enter(.normal, within: .seconds(1)))
            let order = Locked<[Int]>([])
            let wishes: [(Int, ConnectionPriority)] = [
                (1, .background), (2, .normal), (3, .shortWindow), (4, .normal), (5, .shortWindow),
            ]
            let tasks = wishes.map { number, priority in
                spawn { () async throws -> Void in
                    let isOurTurn = try await queue.enter(priority, within: .seconds(9))
                    #expect(isOurTurn)
                    order.withLock { $0.append(number) }
                    await Task.yield()
                    queue.leave()
                }
            }
            #expect(await eventually { queue.count == 5 })
            queue.leave()
            for task in tasks { try await task.value }
            #expect(order.withLock { $0 } == [3, 5, 2, 4, 1])
            #expect(queue.count == 0)
        }
    }

    @Test func `who gives up waiting blocks nobody behind`() async throws {
        try await LoopThread.run {
            let queue = ConnectionQueue()
            #expect(try await queue.enter(.normal, within: .seconds(1)))
            let late = try await queue.enter(.shortWindow, within: .milliseconds(10))
            #expect(!late)
            let cancelled = spawn { try await queue.enter(.shortWindow, within: .seconds(9)) }
            let patient = spawn { try await queue.enter(.background, within: .seconds(9)) }
            #expect(await eventually { queue.count == 2 })
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { _ = try await cancelled.value }
            queue.leave()
            #expect(try await patient.value)
        }
    }
}
