package import Measurement

extension Spool {
    /// Stores records with all that belongs to them, in one transaction, and returns after the fsync.
    ///
    /// A key that is known changes nothing of the first record, not even its time; it is counted.
    /// Only after this returned may the device forget. A lone call begins at once; those that come
    /// while the disk is busy share the next transaction.
    ///
    /// - Parameters:
    ///   - entries: in the order in which the device sent them.
    ///   - at: the gateway's time: `stored_at` of what is new (`update_time` in documents).
    ///   - failures: failed measurements of the same transfer; each is counted once.
    ///   - memory: where the device's next session begins; saved even when all are duplicates.
    /// - Returns: a result per entry, in the same order.
    package nonisolated func append(
        _ entries: [SpoolEntry], at now: Instant, failures: [FailedMeasurement] = [],
        memory: (DeviceID, DeviceMemory)? = nil
    ) async throws(SpoolError) -> [AppendResult] {
        for entry in entries { try entry.check() }
        let ticket = appends.add(
            AppendRequest(entries: entries, now: now, failures: failures, memory: memory))
        return try await append(ticket)
    }

    /// Stores what waits for storing, unless an earlier call has stored this one with its own.
    private func append(_ ticket: Int) throws(SpoolError) -> [AppendResult] {
        while appended[ticket] == nil, appendAll() {}
        guard let result = appended.removeValue(forKey: ticket) else {
            throw .refused("an append was lost on its way to the store")
        }
        return try result.get()
    }

    /// Stores the oldest calls that wait; false when none do.
    private func appendAll() -> Bool {
        let group = appends.take()
        guard !group.isEmpty else { return false }
        do throws(SpoolError) {
            let results = try append(group.map { $0.request })
            for (waiting, result) in zip(group, results) {
                appended[waiting.ticket] = .success(result)
            }
            transactions += 1
        } catch {
            // One call's trouble is not the others': each has its own answer.
            for waiting in group {
                appended[waiting.ticket] =
                    group.count == 1 ? .failure(error) : single(waiting.request)
            }
        }
        return true
    }

    private func single(_ request: AppendRequest) -> Result<[AppendResult], SpoolError> {
        do throws(SpoolError) {
            return .success(try append([request]).first ?? [])
        } catch {
            return .failure(error)
        }
    }

    private func append(
        _ requests: [AppendRequest]
    ) throws(SpoolError) -> [[AppendResult]] {
        let maximum = maximumBytes
        let entries = requests.reduce(0) { $0 + $1.entries.count }
        return try writing { connection throws(SpoolError) in
            var all: [[AppendResult]] = []
            for request in requests { all.append(try connection.append(request)) }
            // Far below the maximum nobody needs to count pages, and what is known already takes none.
            let isNear = entries > Self.fewEntries || seenBytes > maximum - Self.ample
            if isNear, all.contains(where: { $0.contains(where: \.isStored) }) {
                try connection.checkRoom(maximum)
            }
            return all
        }
    }

    /// Room for as many entries of 256 kB, which is far more than one takes.
    private static let ample: Int64 = 64 << 20
    private static let fewEntries = 256

    /// Counts a measurement that the device could not make; false when it was counted before.
    @discardableResult
    package func noteFailedMeasurement(
        _ device: DeviceID, key: String, at now: Instant
    ) throws(SpoolError) -> Bool {
        try writing { connection throws(SpoolError) in
            try Appender(connection: connection, now: now)
                .note(FailedMeasurement(device: device, key: key, at: now))
        }
    }
}

extension Connection {
    fileprivate func append(
        _ request: AppendRequest
    ) throws(SpoolError) -> [AppendResult] {
        var appender = Appender(connection: self, now: request.now)
        var results: [AppendResult] = []
        for entry in request.entries { results.append(try appender.append(entry)) }
        for failure in request.failures { _ = try appender.note(failure) }
        if let memory = request.memory { try appender.save(memory.1, of: memory.0) }
        let stored = results.count(where: \.isStored)
        let duplicates = results.count(where: \.isDuplicate)
        try count("records_stored", by: stored)
        try count("records_duplicate", by: duplicates)
        try count("records_grown", by: results.count - stored - duplicates)
        try appender.noteReceipt(request.entries, results)
        return results
    }

    /// Refuses the transaction when the pages in use exceed the maximum.
    func checkRoom(_ maximum: Int64) throws(SpoolError) {
        guard try bytesInUse() <= maximum else {
            throw .full(limit: maximum, path: database.path)
        }
    }

    /// Bytes of the pages that hold something.
    ///
    /// Asked by plain pragmas: as tables of a query SQLite would parse them anew each time.
    func bytesInUse() throws(SpoolError) -> Int64 {
        let pages = try integer(.pageCount) - (try integer(.freePageCount))
        return try pages * integer(.pageSize)
    }
}

extension SpoolEntry {
    /// Refuses what could not be found again or sent in order.
    fileprivate func check() throws(SpoolError) {
        let isKey =
            record.key.hex.utf8.count == 32
            && record.key.hex.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard isKey else {
            throw .refused("a record of \(record.device.id.shortened) without a key of 32 digits")
        }
        guard record.time != nil || record.quarantine != nil else {
            throw .refused("record \(record.key) has neither a time nor a reason for quarantine")
        }
        guard destinations.count < 2 || Set(destinations.map(\.name)).count == destinations.count
        else {
            throw .refused("record \(record.key) names a destination twice")
        }
        guard (fingerprint == nil) == (duplicateWindow == nil) else {
            throw .refused("record \(record.key) needs a fingerprint and a window, or neither")
        }
    }
}

/// Writes entries inside a transaction that is open.
struct Appender {
    var connection: Connection
    var now: Instant

    /// - Parameter isOfDevice: a device gave it, and is known from now on.
    mutating func append(
        _ entry: SpoolEntry, isOfDevice: Bool = true
    ) throws(SpoolError) -> AppendResult {
        if let known = try known(entry) { return .duplicate(known) }
        let sealed = try connection.seal(
            RecordColumns.secret(entry.record), for: entry.participant,
            at: RecordColumns.place(entry.record.key), now: now)
        var columns = RecordColumns.keyed(entry.record, isSealed: sealed != nil)
        columns += [
            .text(try connection.blinded(entry.fingerprint, at: now)),
            .text(entry.participant), .text(entry.participantRule), .instant(now),
        ]
        columns += SQLValue.sealed(sealed)
        guard try connection.run(.insertRecord, columns) == 1 else {
            let first = try connection.integer(.recordByKey, [.text(entry.record.key.hex)])
            return entry.grows ? try grow(RowID(first), entry) : .duplicate(RowID(first))
        }
        let row = RowID(connection.database.lastRowID)
        try insertFrames(entry.frames, row, of: entry.participant)
        try insertDeliveries(entry, row)
        try insertEvidence(entry, row)
        try connection.insertContext(entry.context, row)
        if isOfDevice { try noteDevice(entry.record) }
        return .stored(row)
    }

    /// The record that an entry repeats, where its key cannot tell or its record is gone already.
    private func known(_ entry: SpoolEntry) throws(SpoolError) -> RowID? {
        if let fingerprint = try connection.blinded(entry.fingerprint, at: now),
            let window = entry.duplicateWindow
        {
            let values: [SQLValue] = [
                .text(entry.record.device.id.stable), .text(fingerprint),
                .instant(entry.record.received.utc), .interval(window),
            ]
            let earlier = try connection.first(.recordByFingerprint, values) {
                row throws(SpoolError) in row.row()
            }
            if let earlier { return earlier }
        }
        return try connection.first(.spentKey, [.text(entry.record.key.hex)]) {
            row throws(SpoolError) in row.row()
        }
    }

    func insertFrames(
        _ frames: [RawFrame], _ row: RowID, of owner: String?
    ) throws(SpoolError) {
        for (position, frame) in frames.enumerated() {
            let sealed = try connection.seal(
                frame.bytes, for: owner, at: "frame \(row.number) \(position)", now: now)
            try connection.run(
                .insertFrame,
                [
                    .row(row), .integer(position), .text(frame.source),
                    .blob(sealed?.bytes ?? frame.bytes),
                    sealed.map { .integer($0.keyID) } ?? .null,
                ])
        }
    }

    func insertDeliveries(_ entry: SpoolEntry, _ row: RowID) throws(SpoolError) {
        try insertDeliveries(
            entry.destinations, row, observed: entry.record.time?.observed, since: now,
            obstacle: entry.obstacle)
    }

    /// - Parameter obstacle: why nothing of this record may wait for sending.
    func insertDeliveries(
        _ destinations: [EntryDestination], _ row: RowID, observed: Instant?, since: Instant,
        obstacle: String?
    ) throws(SpoolError) {
        for destination in destinations {
            let (state, reason): (DeliveryState, String?) =
                switch destination.state {
                case .waiting: obstacle == nil ? (.waiting, nil) : (.held, obstacle)
                case .held(let reason): (.held, reason)
                case .noTable: (.noTable, nil)
                }
            try connection.run(
                .insertDelivery,
                [
                    .row(row), .text(destination.name), .text(state.rawValue), .text(reason),
                    .instant(observed), .instant(since),
                ])
        }
    }

    private func noteDevice(_ record: Record) throws(SpoolError) {
        try connection.noteDevice(
            record.device, profile: record.profile, seenAt: record.received.utc, gaveRecord: true)
    }

    func note(_ failure: FailedMeasurement) throws(SpoolError) -> Bool {
        let device = SQLValue.text(failure.device.stable)
        let isNew =
            try connection.run(
                .insertFailure, [device, .text(failure.key), .instant(failure.at)]) == 1
        guard isNew else { return false }
        try connection.run(.ensureDevice, [device, .instant(failure.at)])
        try connection.run(.countFailure, [device])
        try connection.count("failed_measurements", by: 1)
        return true
    }

    func save(_ memory: DeviceMemory, of device: DeviceID) throws(SpoolError) {
        try connection.run(.ensureDevice, [.text(device.stable), .instant(now)])
        try connection.run(
            .saveMemory,
            [
                .text(device.stable), .integer(memory.nextSequence), .interval(memory.clockOffset),
                .instant(memory.clockCheckedAt), .instant(memory.clockSetAt),
                memory.newestDeviceTime.map { .integer($0.localMicroseconds) } ?? .null,
                .integer(memory.newestSequence), .instant(memory.lastSessionEndedAt),
                .integer(memory.batteryPercent), .text(ClockStepText.write(memory.clockSteps)),
                .interval(memory.clockLatency), .text(memory.abilities?.joined(separator: "; ")),
            ])
        try noteClock(memory, of: device)
    }
}

extension SpoolEntry {
    /// What keeps a record from being sent anywhere.
    fileprivate var obstacle: String? {
        if let reason = record.quarantine { return "quarantined: \(reason.rawValue)" }
        guard participant == nil else { return nil }
        return participantRule == SpoolEntry.guestRule ? SpoolEntry.guestRule : "unassigned"
    }
}
