package import Measurement

/// A change of its clock that a device wrote into its own memory.
package struct RecordedClockChange: Sendable, Equatable {
    /// Where the change stands among the device's records; they count up.
    package var index: Int
    package var from: LocalDateTime
    package var to: LocalDateTime

    package init(index: Int, from: LocalDateTime, to: LocalDateTime) {
        self.index = index
        self.from = from
        self.to = to
    }

    /// Changes with those put together that are one: date and time are set by two commands, which
    /// leave two records close to each other, the second of which begins where the first one ended.
    package static func joined(_ changes: [RecordedClockChange]) -> [RecordedClockChange] {
        var out: [RecordedClockChange] = []
        for change in changes.sorted(by: { $0.index < $1.index }) {
            guard let last = out.last, change.index - last.index <= nearIndices,
                Interval(microseconds: change.from.localMicroseconds - last.to.localMicroseconds)
                    .magnitude <= nearTime
            else {
                out.append(change)
                continue
            }
            out[out.count - 1].to = change.to
            out[out.count - 1].index = change.index
        }
        return out
    }

    private static let nearIndices = 50
    private static let nearTime = Interval.minutes(5)

    /// What a change of the clock was for.
    package struct Split: Sendable, Equatable {
        /// Half hours of a time zone or of summer time.
        package var zone: Interval
        /// A correction of a clock that went wrong by itself.
        package var drift: Interval
        /// A wrong year or month that was put right.
        package var conversion: Interval
    }

    /// Below a quarter of an hour it was drift, up to 26 hours a zone and drift, beyond it a date.
    package var split: Split {
        let difference = Interval(
            microseconds: from.localMicroseconds - to.localMicroseconds)
        let zone = Self.rounded(difference)
        guard zone.magnitude <= Self.widest else {
            return Split(zone: .zero, drift: .zero, conversion: difference)
        }
        return Split(zone: zone, drift: difference - zone, conversion: .zero)
    }

    /// From UTC−12 to UTC+14.
    private static let widest = Interval.minutes(1_560)

    /// To the nearest half hour; exactly between two counts as the larger change.
    private static func rounded(_ length: Interval) -> Interval {
        let step = Interval.minutes(30).microseconds
        let (whole, rest) = length.magnitude.microseconds.quotientAndRemainder(dividingBy: step)
        let magnitude = (rest * 2 >= step ? whole + 1 : whole) * step
        return Interval(microseconds: length < .zero ? -magnitude : magnitude)
    }
}

/// A device's clock through its recorded changes: what a stamp meant when it was written (rule T7).
///
/// It goes back from the newest record, whose zone is known, change by change. Drift is told and
/// never taken off; what fits no part of the history has no time.
package struct ClockHistory: Sendable, Equatable {
    /// What a stamp was found to mean.
    package struct Found: Sendable, Equatable {
        package var utc: Instant
        package var zoneOffset: Interval
        package var drift: Interval
        package var conversion: Interval
        /// The record had no index: only its date told between which changes it lies.
        package var isUncertain: Bool
    }
    /// The time between two changes, or before the first, or after the last.
    private struct Part: Sendable, Equatable {
        /// Where it begins; nil: with the device.
        var index: Int?
        var start: Instant?
        var zone: Interval
        var drift: Interval
        var conversion: Interval

        func utc(_ time: LocalDateTime) -> Instant {
            TimeZoneRules.utc.instant(time) - zone - conversion
        }
    }

    private let zone: TimeZoneRules
    private let newest: Instant
    /// The newest first; empty where nothing was changed.
    private var parts: [Part] = []

    /// - Parameter newest: the moment of the newest record.
    package init(_ changes: [RecordedClockChange], newest: Instant, zone: TimeZoneRules) {
        self.zone = zone
        self.newest = newest
        let sorted = changes.sorted { ($0.index, $0.from) > ($1.index, $1.from) }
        guard !sorted.isEmpty else { return }
        var part = Part(
            zone: .seconds(Int64(zone.offsetSeconds(at: newest))), drift: .zero, conversion: .zero)
        for change in sorted {
            part.index = change.index
            part.start = part.utc(change.to)
            parts.append(part)
            part = Self.before(change.split, part)
        }
        parts.append(part)
    }

    private static func before(_ split: RecordedClockChange.Split, _ after: Part) -> Part {
        var part = Part(
            zone: after.zone + split.zone, drift: after.drift + split.drift,
            conversion: after.conversion + split.conversion)
        // No zone lies outside of these: a whole day was wrong.
        let day = Interval.minutes(1_440)
        while part.zone > .minutes(840) {
            part.zone = part.zone - day
            part.conversion = part.conversion + day
        }
        while part.zone < .minutes(-720) {
            part.zone = part.zone + day
            part.conversion = part.conversion - day
        }
        return part
    }

    /// The moment that a stamp means; nil where no part of the history holds it.
    package func lookup(_ time: LocalDateTime, index: Int?) -> Found? {
        guard !parts.isEmpty else {
            let utc = zone.instant(time)
            return Found(
                utc: utc, zoneOffset: .seconds(Int64(zone.offsetSeconds(at: utc))), drift: .zero,
                conversion: .zero, isUncertain: index == nil)
        }
        let part = index.map(part(at:)) ?? part(of: time)
        return part.map {
            Found(
                utc: $0.utc(time), zoneOffset: $0.zone, drift: $0.drift,
                conversion: $0.conversion, isUncertain: index == nil)
        }
    }

    private func part(at index: Int) -> Part? {
        parts.first { part in part.index.map { $0 <= index } ?? true }
    }

    /// A date alone tells nothing while the clock had a wrong date.
    private func part(of time: LocalDateTime) -> Part? {
        var end = newest
        for part in parts {
            let utc = part.utc(time)
            let begins = part.start.map { $0 <= utc } ?? true
            if begins, utc <= end, part.conversion == .zero { return part }
            end = part.start ?? end
        }
        return nil
    }
}

/// Rule T7 for devices that write down the changes of their own clock.
extension TimeQuestion {
    func byRecordedChanges(_ stamp: LocalDateTime, _ offset: Interval) -> TimeDecision {
        let history = ClockHistory(evidence.clock.changes, newest: received.utc, zone: zone)
        guard let found = history.lookup(stamp, index: reading.sequenceNumber) else {
            return .quarantined(.notCurrentTimeline)
        }
        // What the clock is off by now it was off by all the time, beside what was changed.
        let observed = offset.magnitude <= tolerance ? found.utc : found.utc + offset
        let isKept = zone.local(observed) == stamp
        let decided = time(
            observed, isKept ? .deviceClock : .corrected, isKept ? .device : .corrected,
            offset: observed - zone.instant(stamp), doubt: found.drift.magnitude)
        return plausible(observed, .accepted(decided))
    }
}
