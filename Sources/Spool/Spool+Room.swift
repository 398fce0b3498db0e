import Glibc
import JSON
package import Measurement

/// How much of a store is in use, and why nothing more may be taken where that is so.
package struct StoreRoom: Sendable, Equatable {
    /// Pages that hold something; the file may be longer.
    package var usedBytes: Int64
    /// Delivered records that went to make room.
    package var freedRecords = 0
    /// Nil while devices may give what they have.
    package var shortage: SpoolError?
}

extension Spool {
    /// Looks whether devices may go on giving, and lets delivered records go first when room is short.
    ///
    /// The reserve is what lies between this limit and `storage.maximum`: what is under way when the
    /// limit is met, deliveries and decisions still fit into it. Records that were not delivered
    /// everywhere are never removed for room.
    ///
    /// - Parameter steps: how many steps of 200 records one call makes at most.
    package func makeRoom(at now: Instant, steps: Int = 25) throws(SpoolError) -> StoreRoom {
        let limit = roomLimit
        var freed = 0
        var used = try bytesInUse()
        for _ in 0..<steps where used > limit {
            let records = try dropDelivered(200, at: now)
            if records == 0 { break }
            freed += records
            used = try bytesInUse()
        }
        return StoreRoom(
            usedBytes: used, freedRecords: freed, shortage: shortage(used: used, limit: limit))
    }

    /// Bytes of the pages that hold something.
    package func bytesInUse() throws(SpoolError) -> Int64 {
        try reading { connection throws(SpoolError) in try connection.bytesInUse() }
    }

    private func shortage(used: Int64, limit: Int64) -> SpoolError? {
        let path = storePath
        guard used <= limit else { return .full(limit: limit, path: path) }
        // Free pages of the file need no room of the disk.
        let spare = max(0, usedBytes - used)
        guard let free = freeDiskBytes(), free + spare < reserveBytes else { return nil }
        return .diskFull(
            SpoolFault(
                path: path,
                text: "\(free) bytes are free on its file system, less than the reserve of "
                    + "\(reserveBytes)"))
    }

    private func dropDelivered(_ limit: Int, at now: Instant) throws(SpoolError) -> Int {
        try writing { connection throws(SpoolError) in
            let delivered = try connection.tally(.delivered)
            guard delivered > 0 else { return 0 }
            let rows = try connection.all(
                delivered > Connection.manyDeliveries ? .oldestOfMany : .oldestDelivered,
                [.integer(limit)]
            ) { row throws(SpoolError) in row.row() }
            guard !rows.isEmpty else { return 0 }
            for row in rows {
                try connection.run(.spendKey, [.row(row), .instant(now)])
                try connection.run(.deleteRecord, [.row(row)])
            }
            try connection.count("records_dropped_for_room", by: rows.count)
            try connection.note(
                LedgerNote(.expired, on: "records") { writer in
                    writer.member("records", rows.count)
                    writer.member("because", "room")
                }, at: now)
            return rows.count
        }
    }
}

extension Spool {
    /// Bytes that may still be written on the file system of a path; nil where nobody knows.
    nonisolated static func freeBytes(at path: String) -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let (bytes, overflow) = Int64(clamping: status.f_bavail).multipliedReportingOverflow(
            by: Int64(clamping: status.f_frsize))
        return overflow ? .max : bytes
    }
}

extension SQL {
    /// Records that every destination has, the oldest first.
    static let oldestDelivered = SQL(
        """
        SELECT r.id FROM record r WHERE r.id IN
            (SELECT record_id FROM delivery WHERE state = 'delivered')
        AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.record_id = r.id
            AND d.state NOT IN ('delivered', 'no-table'))
        ORDER BY r.id LIMIT ?
        """)
    /// The same where most records are delivered: the first ones are found without a list of all.
    static let oldestOfMany = SQL(
        """
        SELECT r.id FROM record r WHERE
        EXISTS (SELECT 1 FROM delivery d WHERE d.record_id = r.id AND +d.state = 'delivered')
        AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.record_id = r.id
            AND d.state NOT IN ('delivered', 'no-table'))
        ORDER BY r.id LIMIT ?
        """)
}
