import EventLoop
import Measurement

/// How long things take, counted in buckets that a collector can add up.
@LoopActor final class Latencies {
    /// From the last byte of a reading to its transaction on the disk.
    var store = Histogram(bounds: [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 30])
    /// From a batch's leaving the store to its receiver's word being written down.
    var batch = Histogram(bounds: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 120])
    /// From a reading's reception to its receiver's word.
    var delivery = Histogram(bounds: [1, 2, 5, 15, 60, 300, 3_600, 21_600, 86_400, 604_800])
    /// The batches that each destination has under way, and since when: the one that travels and the one
    /// whose arrival is being written down, so it cannot grow.
    private var underWay: [String: [(batch: Int64, since: Instant)]] = [:]

    nonisolated init() {}

    /// A batch is on its way, for the first time or once more.
    func left(_ batch: Int64, for destination: String) {
        let others = (underWay[destination] ?? []).filter { $0.batch != batch }
        underWay[destination] = others.suffix(1) + [(batch, GatewayTime.now().steady)]
    }

    /// The receiver's word about a batch is on the disk.
    ///
    /// - Parameter received: when the readings came that it has accepted.
    func resolved(_ id: Int64, received: [Instant], at now: Instant) {
        for (destination, batches) in underWay {
            guard let sent = batches.first(where: { $0.batch == id }) else { continue }
            underWay[destination] = batches.filter { $0.batch != id }
            batch.add(Self.seconds(GatewayTime.now().steady - sent.since))
        }
        for instant in received { delivery.add(Self.seconds(now - instant)) }
    }

    static func seconds(_ interval: Interval) -> Double {
        Double(interval.microseconds) / 1_000_000
    }
}

/// Counts of durations below ascending bounds, in seconds, with their number and sum.
struct Histogram: Sendable, Equatable {
    let bounds: [Double]
    private(set) var counts: [Int]
    private(set) var sum = 0.0
    private(set) var count = 0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count)
    }

    /// Takes one duration; what lies below zero (a clock was put back) counts as zero.
    mutating func add(_ seconds: Double) {
        let seconds = seconds.isFinite ? max(0, seconds) : 0
        count += 1
        sum += seconds
        if let index = bounds.firstIndex(where: { seconds <= $0 }) { counts[index] += 1 }
    }

    /// The lines of the Prometheus text format.
    func lines(_ name: String) -> [String] {
        var below = 0
        var lines: [String] = []
        for (bound, count) in zip(bounds, counts) {
            below += count
            lines.append("\(name)_bucket{le=\"\(Self.text(bound))\"} \(below)")
        }
        lines.append("\(name)_bucket{le=\"+Inf\"} \(count)")
        return lines + ["\(name)_sum \(sum)", "\(name)_count \(count)"]
    }

    private static func text(_ bound: Double) -> String {
        bound == bound.rounded() ? "\(Int(bound))" : "\(bound)"
    }
}
