import Glibc
import Testing

@testable import EventLoop

@Suite struct WorkMeterTests {
    private actor Worker {
        let executor = ThreadExecutor(name: "worker")
        nonisolated var unownedExecutor: UnownedSerialExecutor {
            executor.asUnownedSerialExecutor()
        }
        func work() {}
        func work(for microseconds: UInt32) { usleep(microseconds) }
    }

    @Test func `a thread that has done all that it was given is not busy`() async {
        let worker = Worker()
        let before = worker.executor.work.reading
        #expect(!before.isBusy)
        for _ in 0..<10 { await worker.work() }
        // The job counts as done a moment after its caller goes on.
        for _ in 0..<100 where worker.executor.work.reading.isBusy { usleep(1_000) }
        let after = worker.executor.work.reading
        #expect(!after.isBusy)
        #expect(after.done - before.done == 10)
        #expect(!after.isStuck(since: before))
        worker.executor.stop()
    }

    @Test func `a thread in a long job is seen as stuck, and as well once it has ended`() async {
        let worker = Worker()
        async let long: Void = worker.work(for: 200_000)
        for _ in 0..<1_000 where !worker.executor.work.reading.isBusy { usleep(100) }
        let first = worker.executor.work.reading
        usleep(50_000)
        let second = worker.executor.work.reading
        #expect(first.isBusy && second.isStuck(since: first))
        await long
        for _ in 0..<100 where worker.executor.work.reading.isBusy { usleep(1_000) }
        #expect(!worker.executor.work.reading.isStuck(since: second))
        worker.executor.stop()
    }

    @Test(arguments: [
        (WorkMeter.Reading(done: 3, steps: 0, isBusy: true), true),
        (WorkMeter.Reading(done: 4, steps: 0, isBusy: true), false),
        (WorkMeter.Reading(done: 3, steps: 1, isBusy: true), false),
        (WorkMeter.Reading(done: 3, steps: 0, isBusy: false), false),
    ])
    func `stuck is only who had work at both looks and moved in nothing`(
        later: WorkMeter.Reading, isStuck: Bool
    ) {
        let earlier = WorkMeter.Reading(done: 3, steps: 0, isBusy: true)
        #expect(later.isStuck(since: earlier) == isStuck)
        #expect(!later.isStuck(since: WorkMeter.Reading(done: 3, steps: 0, isBusy: false)))
    }
}
