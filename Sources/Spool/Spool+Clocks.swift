package import Measurement

/// One look at a device's clock.
package struct ClockHistoryEntry: Sendable, Equatable {
    package var at: Instant
    /// Gateway minus device.
    package var offset: Interval
    /// How long the read took; nil where nobody measured it.
    package var latency: Interval?
    /// The gateway set the clock right after it.
    package var wasSet: Bool

    /// So many are kept of each device, the newest ones.
    package static let maximum = 200
}

extension Spool {
    /// The looks at a device's clock, oldest first.
    package func clockHistory(
        of device: DeviceID, limit: Int = ClockHistoryEntry.maximum
    ) throws(SpoolError) -> [ClockHistoryEntry] {
        let newestFirst = try reading { connection throws(SpoolError) in
            try connection.all(.clockHistory, [.text(device.stable), .integer(limit)]) {
                row throws(SpoolError) in
                ClockHistoryEntry(
                    at: row.instant(), offset: row.optionalInterval() ?? .zero,
                    latency: row.optionalInterval(), wasSet: row.flag())
            }
        }
        return newestFirst.reversed()
    }
}

extension SQL {
    static let clockHistory = SQL(
        """
        SELECT at, clock_offset, latency, was_set FROM clock_check WHERE device_id = ?
        ORDER BY at DESC, id DESC LIMIT ?
        """)
}
