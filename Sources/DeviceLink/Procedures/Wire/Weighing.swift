import DeviceProfile
import Measurement

/// One record per weighing out of a stream of lines: the first value that stands still, then none
/// until the scale has been empty again.
struct Weighing: Sendable {
    enum Verdict: Equatable {
        /// A new value stands; it counts if it still does after this time.
        case began(Interval)
        /// The value moved away before it counted.
        case ended
        /// Not a weight: goes on as it is.
        case report
        case same
    }

    let plateau: Interval
    private var standing: (reading: Reading, frame: RawFrame)?
    /// A weight was taken and the scale has not been empty since.
    private var isTaken = false

    init(plateau: Interval) { self.plateau = plateau }

    mutating func take(_ reading: Reading, _ frame: RawFrame) -> Verdict {
        switch reading.outcome {
        case .measurement: break
        case .notFinal: return moved()
        default: return .report
        }
        guard let weight = reading.quantity(.weight)?.number else { return .report }
        // An empty scale shows zero, or a little below it.
        guard weight > ExactDecimal(0) else {
            isTaken = false
            return moved()
        }
        if isTaken { return .same }
        if let standing, standing.reading.quantity(.weight)?.number == weight { return .same }
        standing = (reading, frame)
        return .began(plateau)
    }

    /// The value that stood still, once.
    mutating func settled() -> (Reading, RawFrame)? {
        guard let found = standing else { return nil }
        standing = nil
        isTaken = true
        return (found.reading, found.frame)
    }

    private mutating func moved() -> Verdict {
        guard standing != nil else { return .same }
        standing = nil
        return .ended
    }
}
