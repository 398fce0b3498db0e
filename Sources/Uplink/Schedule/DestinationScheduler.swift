/// When a destination is tried: a pure state machine; time and chance come in as parameters.
///
/// One batch is under way at a time. After trouble that very batch is the probe: nothing else is sent
/// before the receiver has taken it. Trouble never ends in giving up; only the pauses grow.
package struct DestinationScheduler: Sendable, Equatable {
    /// Times are counted since the machine started, so a stepped wall clock moves no retry.
    package enum State: Sendable, Equatable {
        case idle
        case sending(isProbe: Bool)
        /// More is to go, but not more requests at once than the receiver is to get.
        case pacing(until: Duration)
        case retrying(until: Duration)
        /// Not let in, or not what the configuration says: a person has to look.
        case held(until: Duration)
    }

    package enum Event: Sendable, Equatable {
        /// A record may be waiting that was not before.
        case workArrived
        case timerFired
        /// A person or a changed configuration wants a try now.
        case kicked
        case attemptEnded(Outcome)
    }

    package enum Outcome: Sendable, Equatable {
        case nothingWaiting
        /// Records left the queue.
        case delivered
        /// The batch changed before or after sending; the next try is another one.
        case rearranged
        case trouble(after: Duration?)
        case notLetIn
    }

    package enum Action: Sendable, Equatable {
        case send
        case wait(until: Duration)
        case sleep
        case nothing
    }

    package private(set) var state: State = .idle
    /// Failed tries since the last success.
    package private(set) var failures = 0
    private let steps: RetrySteps
    private var rate: RequestRate
    private var isWorkKnown = false

    package init(steps: RetrySteps, rate: RequestRate = RequestRate(perSecond: 20)) {
        self.steps = steps
        self.rate = rate
    }

    /// - Parameters:
    ///   - now: time since the machine started.
    ///   - chance: a random number from 0 up to but not including 1.
    package mutating func handle(_ event: Event, now: Duration, chance: Double) -> Action {
        switch (event, state) {
        case (.attemptEnded(let outcome), .sending):
            return ended(outcome, now, chance)
        case (.attemptEnded, _):
            return .nothing
        case (_, .sending):
            isWorkKnown = true
            return .nothing
        case (_, .pacing(let until)):
            return now >= until ? send(now) : .wait(until: until)
        case (.kicked, _), (.workArrived, .idle), (.timerFired, .idle):
            return send(now)
        case (_, .retrying(let until)), (_, .held(let until)):
            // New work is no reason to try earlier.
            return now >= until ? send(now) : .wait(until: until)
        }
    }

    /// When the next try is due; nil while one is under way or nothing is waiting.
    package var nextAttempt: Duration? {
        switch state {
        case .retrying(let until), .held(let until), .pacing(let until): until
        case .idle, .sending: nil
        }
    }

    private mutating func send(_ now: Duration) -> Action {
        if let until = rate.take(now: now) {
            state = .pacing(until: until)
            return .wait(until: until)
        }
        state = .sending(isProbe: failures > 0)
        isWorkKnown = false
        return .send
    }

    private mutating func ended(
        _ outcome: Outcome, _ now: Duration, _ chance: Double
    ) -> Action {
        switch outcome {
        case .nothingWaiting:
            rate.giveBack()
            if isWorkKnown { return send(now) }
            state = .idle
            return .sleep
        case .delivered:
            failures = 0
            return send(now)
        case .rearranged:
            return send(now)
        case .trouble(let after):
            let until = now + steps.pause(afterFailures: failures, asked: after, chance: chance)
            failures += 1
            state = .retrying(until: until)
            return .wait(until: until)
        case .notLetIn:
            let until = now + steps.pause(afterFailures: failures, asked: nil, chance: chance)
            failures += 1
            state = .held(until: until)
            return .wait(until: until)
        }
    }
}

/// The growing pauses between tries.
package struct RetrySteps: Sendable, Equatable {
    package var initial: Duration
    package var maximum: Duration

    package init(initial: Duration = .seconds(1), maximum: Duration = .seconds(900)) {
        self.initial = initial
        self.maximum = maximum
    }

    /// The pause after another failure: anything between nothing and the current step.
    ///
    /// Full jitter keeps a hundred gateways that lost the same receiver from coming back together. A
    /// pause that the receiver asked for is kept, with the first step's jitter on top.
    package func pause(
        afterFailures failures: Int, asked: Duration?, chance: Double
    ) -> Duration {
        let share = min(max(chance, 0), 1)
        if let asked { return asked + min(initial, maximum) * share }
        let step = self.step(failures)
        // The product is rounded and may come out a little larger.
        return min(step * share, step)
    }

    func step(_ failures: Int) -> Duration {
        var step = min(initial, maximum)
        for _ in 0..<max(0, failures) {
            if step >= maximum || step <= .zero { break }
            step = min(step * 2, maximum)
        }
        return step
    }
}
