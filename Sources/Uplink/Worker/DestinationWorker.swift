package import EventLoop
import Exchange
import Measurement

/// Sends one destination's records, one batch at a time, until it is told to stop.
///
/// It asks the schedule when, the store what, the registry whether, the encoder how, and writes the
/// receiver's word down before the next batch. Nothing is discarded for its age or number of tries.
@LoopActor package final class DestinationWorker {
    package let destination: Destination
    let store: any OutboxStore
    let client: HTTPClient
    let prepare: @LoopActor (OutboxBatch) async throws -> [Preparation]
    let chance: @LoopActor () -> Double
    let validator: Validator
    var encoder: Encoder
    var counters = DestinationCounters()
    var lastError: String?
    var lastDeliveredAt: Instant?
    /// What a 413 taught: no more records at once than this.
    var learnedMaximum: Int
    /// What was taken out of the last batch; the store must not bring the same again.
    var lastExcluded: [OutboxResult] = []
    /// The records of the document that was made last, in the order of its batch.
    var sentRecords: [ExchangeRecord] = []
    /// The receiver's words that the store could not take, by batch; they are written before that is sent
    /// again.
    var unwritten: [Int64: [OutboxResult]] = [:]
    /// What the store does beside the sending; gives a batch that it has formed.
    var following: Task<FormedBatch?, any Error>?
    /// Whether the last try was taken.
    var isFlowing = false
    /// The batch that leaves next, where that is known.
    var follower: OutboxBatch?
    /// Whether the receiver takes gzip; nil while it has not said so.
    var takesGzip: Bool?
    private var scheduler: DestinationScheduler
    private var failingSince: Instant?
    private var isFinishing = false
    private let bell = Doorbell()

    /// - Parameters:
    ///   - prepare: says at the moment of sending of each record of a batch, in its order, whether it
    ///     may still go (consent, period) and what is registered about its device. Nothing is sent
    ///     when it throws.
    ///   - chance: a random number from 0 up to but not including 1, for the jitter.
    package init(
        _ destination: Destination, store: any OutboxStore, client: HTTPClient,
        prepare: @escaping @LoopActor (OutboxBatch) async throws -> [Preparation],
        chance: @escaping @LoopActor () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.destination = destination
        self.store = store
        self.client = client
        self.prepare = prepare
        self.chance = chance
        encoder = Encoder(format: destination.format, options: destination.options)
        validator = Validator(
            format: destination.format, extensions: destination.options.extensions)
        learnedMaximum = destination.maximumRecords
        scheduler = DestinationScheduler(
            steps: destination.retry, rate: RequestRate(perSecond: destination.requestsPerSecond))
    }

    /// Says that a record may be waiting that was not before.
    package func wake() { ring(.workArrived) }

    /// Tries at once, whatever the schedule says: for a person, or for a changed configuration.
    package func kick() { ring(.kicked) }

    /// Lets the batch that is under way end and then leaves `run()`.
    package func finish() {
        isFinishing = true
        bell.ring()
    }

    private var pendingEvent: DestinationScheduler.Event?

    private func ring(_ event: DestinationScheduler.Event) {
        if pendingEvent != .kicked { pendingEvent = event }
        bell.ring()
    }

    /// Sends until the task is cancelled or `finish()` is called.
    ///
    /// Cancelling breaks off the exchange that is under way; its batch keeps its key and goes first
    /// the next time.
    package func run() async {
        // What waited before the daemon started is work too.
        var action = step(.workArrived)
        while !Task.isCancelled, !isFinishing {
            switch action {
            case .send:
                let outcome = await attempt()
                note(outcome)
                action = step(.attemptEnded(outcome))
                if let event = takeEvent(), action != .send { action = step(event) }
            case .wait(let until):
                let isRung = await bell.wait(for: max(.zero, until - Self.uptime()))
                action = step(isRung ? takeEvent() ?? .timerFired : .timerFired)
            case .sleep, .nothing:
                action = await bell.wait(for: nil) ? step(takeEvent() ?? .workArrived) : .nothing
            }
        }
        // An arrival that cannot be written down is asked for again at the next start.
        _ = try? await settled()
    }

    private func step(_ event: DestinationScheduler.Event) -> DestinationScheduler.Action {
        scheduler.handle(event, now: Self.uptime(), chance: chance())
    }

    private func takeEvent() -> DestinationScheduler.Event? {
        defer { pendingEvent = nil }
        return pendingEvent
    }

    private func note(_ outcome: DestinationScheduler.Outcome) {
        isFlowing = outcome == .delivered
        switch outcome {
        case .delivered, .nothingWaiting:
            lastError = nil
            failingSince = nil
        case .rearranged: break
        case .trouble, .notLetIn:
            failingSince = failingSince ?? Self.now()
            counters.failedAttempts += 1
            if outcome == .notLetIn { counters.notLetIn += 1 }
        }
    }

    /// How the destination is doing at this moment.
    package var snapshot: DestinationSnapshot {
        let next = scheduler.nextAttempt.map { until in
            let left = until - Self.uptime()
            return Self.now() + Interval(microseconds: Int64(clamping: left.wholeMicroseconds))
        }
        return DestinationSnapshot(
            name: destination.name, state: shownState, lastDeliveredAt: lastDeliveredAt,
            lastError: lastError, nextAttemptAt: next, failures: scheduler.failures,
            failingSince: failingSince, counters: counters)
    }

    private var shownState: DestinationSnapshot.State {
        switch scheduler.state {
        case .idle: .idle
        case .sending, .pacing: .sending
        case .retrying: .retrying
        case .held: .held
        }
    }

    static func uptime() -> Duration { .nanoseconds(GatewayClock.monotonicNanoseconds()) }
    static func now() -> Instant { Instant(microseconds: GatewayClock.now().utcMicroseconds) }
}
