import DeviceProfile
import EventLoop
import Measurement
import Spool

/// Waits for the gateway's clock to be synchronised and has dated then what was read before.
///
/// It looks at the clock only while something waits for it. A clock that has just been set is
/// looked at twice: a time service may mark it right before the step itself.
@LoopActor final class ClockWatch {
    private let intake: Intake
    private let boot: String
    private let clock: @LoopActor () -> GatewayTime
    private let period: Duration
    private let patience: Duration
    private let news = LoopCondition()
    private var mayWait = false
    private(set) var dated = 0

    init(
        intake: Intake, boot: String = Boot.current,
        clock: @escaping @LoopActor () -> GatewayTime = { GatewayTime.now() },
        period: Duration = .seconds(2), patience: Duration = .seconds(60)
    ) {
        self.intake = intake
        self.boot = boot
        self.clock = clock
        self.period = period
        self.patience = patience
    }

    /// Readings were stored that wait for the clock, or what kept them waiting has changed.
    func nudge() {
        mayWait = true
        news.broadcast()
    }

    /// Runs until the task is cancelled.
    func run() async {
        guard !boot.isEmpty else { return }
        do throws(CancellationError) {
            // What an earlier process of this run of the machine left waiting.
            if !mayWait { mayWait = await intake.waitsForClock(boot: boot) }
            while true {
                while !mayWait { _ = try await news.wait() }
                let sample = try await steadySample()
                mayWait = false
                guard
                    let result = try? await intake.dateUndated(by: ClockSample(sample, boot: boot))
                else {
                    mayWait = true
                    _ = try await news.wait(for: period)
                    continue
                }
                dated += result.dated
                // What cannot be dated now may be after a profile was loaded.
                if result.left > 0 { mayWait = try await !news.wait(for: patience) || mayWait }
            }
        } catch {}
    }

    /// The clocks, synchronised and without a step for a whole period.
    private func steadySample() async throws(CancellationError) -> GatewayTime {
        var before: GatewayTime?
        while true {
            let now = clock()
            guard now.synchronised else {
                before = nil
                try await sleep(for: period)
                continue
            }
            if let before, before.isSteady(until: now) { return now }
            before = now
            try await sleep(for: period)
        }
    }
}

extension GatewayTime {
    /// Both clocks have gone on by the same, but for what a time service slews.
    fileprivate func isSteady(until later: GatewayTime) -> Bool {
        let wall = (later.utc - utc).microseconds
        let monotonic = (later.monotonicNanoseconds - monotonicNanoseconds) / 1_000
        return abs(wall - monotonic) < 500_000
    }
}
