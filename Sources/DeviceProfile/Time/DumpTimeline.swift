package import Measurement

/// Clock changes inside a dump of stored records (rule T7).
package enum DumpTimeline {
    /// Tells for each reading whether it is on the timeline of the newest ones.
    ///
    /// Where the sequence goes up and the time goes down, the clock was put back in between: all
    /// before the last such place are on a former timeline. Nil where nothing can be told: there
    /// is no such place, or a reading has no sequence number or no stamp.
    package static func isCurrent(_ readings: [Reading], tolerance: Interval) -> [Bool?] {
        let stamps = readings.indices.compactMap { index -> Stamp? in
            guard let sequence = readings[index].sequenceNumber,
                // The user's offset of a glucose meter changes without a change of its clock.
                let time = readings[index].baseTime ?? readings[index].deviceTime
            else { return nil }
            return Stamp(index: index, sequence: sequence, time: time)
        }.sorted { ($0.sequence, $0.index) < ($1.sequence, $1.index) }
        let boundary = stamps.indices.dropFirst().last { index in
            stamps[index].sequence > stamps[index - 1].sequence
                && stamps[index].time.adding(tolerance) < stamps[index - 1].time
        }.map { stamps[$0].sequence }
        var result = [Bool?](repeating: nil, count: readings.count)
        guard let boundary else { return result }
        for stamp in stamps { result[stamp.index] = stamp.sequence >= boundary }
        return result
    }

    private struct Stamp {
        var index: Int
        var sequence: Int
        var time: LocalDateTime
    }
}

extension LocalDateTime {
    /// Seconds since 2000-01-01 00:00 on the same clock, as identifiers of observations hold them.
    package var secondsSince2000: Int64 { localMicroseconds / 1_000_000 - 946_684_800 }
}
