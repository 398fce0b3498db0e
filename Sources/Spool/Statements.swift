/// A statement of the store; every one of them has its name here.
///
/// One is the same as another when it is the same object: its prepared form is found without
/// looking at the text.
final class SQL: Hashable, Sendable {
    let text: String
    init(_ text: String) { self.text = text }

    static func == (one: SQL, other: SQL) -> Bool { one === other }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    /// The beginning of the text, for error messages.
    var label: String {
        let line = text.split(separator: " ").prefix(4).joined(separator: " ")
        return String(line.prefix { !$0.isNewline && $0 != "(" })
    }
}

// MARK: Transactions and state of the file

extension SQL {
    // IMMEDIATE: a lock that cannot be had is reported before anything was read.
    static let begin = SQL("BEGIN IMMEDIATE")
    static let commit = SQL("COMMIT")
    static let rollback = SQL("ROLLBACK")
    static let schemaVersion = SQL("PRAGMA user_version")
    static let applicationID = SQL("PRAGMA application_id")
    static let tableCount = SQL("SELECT COUNT(*) FROM sqlite_schema")
    static let integrityCheck = SQL("PRAGMA integrity_check(10)")
    static let pageCount = SQL("PRAGMA page_count")
    static let pageSize = SQL("PRAGMA page_size")
    static let freePageCount = SQL("PRAGMA freelist_count")
    static let synchronous = SQL("PRAGMA synchronous")
    static let journalMode = SQL("PRAGMA journal_mode")
    static let appliedMigrations = SQL("SELECT version, checksum FROM migration ORDER BY version")
    static let noteMigration = SQL(
        "INSERT INTO migration(version, checksum, applied_at) VALUES(?, ?, ?)")
}

// MARK: Records

extension SQL {
    /// In the order in which `RecordColumns` writes and reads them.
    static let recordColumns = columnsBefore + "observed_at" + columnsAfter
    private static let columnsBefore = """
        record_key, device_id, device_address, device_manufacturer, device_model, device_serial,
        device_asset_number, device_firmware, kind, quantities, flags, user_slot, sequence_number,
        device_time, received_at, received_monotonic, received_synchronised,\u{20}
        """
    private static let columnsAfter = """
        , time_basis, time_origin, clock_offset, uncertainty, resolution, quarantine,
        data_input_code, position_code, duration, meal_code, profile, profile_revision, simulated
        """
    static let insertRecord = SQL(
        """
        INSERT INTO record(\(recordColumns), fingerprint, participant, participant_rule, stored_at,
        sealed_by, sealed)
        VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?, ?,?,?,?, ?,?)
        ON CONFLICT(record_key) DO NOTHING
        """)
    static let updateRecord = SQL(
        """
        UPDATE record SET (\(recordColumns), participant, participant_rule, sealed_by, sealed) =
        (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?, ?,?, ?,?),
        fingerprint = coalesce(?, fingerprint), revision = revision + 1 WHERE id = ?
        """)
    static let recordByKey = SQL("SELECT id FROM record WHERE record_key = ?")
    static let recordByFingerprint = SQL(
        """
        SELECT id FROM record WHERE device_id = ?1 AND fingerprint = ?2
        AND received_at BETWEEN ?3 - ?4 AND ?3 + ?4 ORDER BY received_at LIMIT 1
        """)
    static let quarantineOf = SQL(
        "SELECT record_key, quarantine, discarded_at FROM record WHERE id = ?")
    static let assignmentOf = SQL(
        "SELECT participant, quarantine, observed_at, participant_rule, discarded_at FROM record "
            + "WHERE id = ?")
    static let assignParticipant = SQL(
        "UPDATE record SET participant = ?, participant_rule = ? WHERE id = ?")
    static let spentKey = SQL("SELECT record_id FROM spent_key WHERE record_key = ?")
    static let insertFrame = SQL(
        "INSERT INTO raw_frame(record_id, position, source, bytes, sealed_by) VALUES(?,?,?,?,?)")
    static let deleteFrames = SQL("DELETE FROM raw_frame WHERE record_id = ?")
    static let framesOfRecord = SQL(
        "SELECT source, bytes, position, sealed_by FROM raw_frame WHERE record_id = ? "
            + "ORDER BY position")

    /// What `StoredRecord` reads; `observed_at` stands in other tables too.
    static let storedColumns =
        "record.id, participant, participant_rule, stored_at, revision, updated_at, discarded_at, "
        + "discard_reason, record.sealed_by, record.sealed, "
        + columnsBefore + "record.observed_at" + columnsAfter
    private static let stored = "SELECT \(storedColumns) FROM record "
    static let record = SQL(stored + "WHERE id = ?")
    static let recordsAfter = SQL(stored + "WHERE id > ? ORDER BY id LIMIT ?")
    static let recordsUnassigned = SQL(
        stored + "WHERE id > ? AND participant IS NULL AND quarantine IS NULL "
            + "AND participant_rule IS NOT 'guest' AND discarded_at IS NULL ORDER BY id LIMIT ?")
    static let recordsOfGuests = SQL(
        stored + "WHERE id > ? AND participant IS NULL AND quarantine IS NULL "
            + "AND participant_rule = 'guest' ORDER BY id LIMIT ?")
    static let recordsQuarantined = SQL(
        stored + "WHERE id > ? AND quarantine IS NOT NULL AND discarded_at IS NULL "
            + "ORDER BY id LIMIT ?")
    static let recordsDiscarded = SQL(
        stored + "WHERE id > ? AND quarantine IS NOT NULL AND discarded_at IS NOT NULL "
            + "ORDER BY id LIMIT ?")
    static let recordsOfPerson = SQL(
        stored + "WHERE participant = ? AND id > ? ORDER BY id LIMIT ?")
    static let recordsInDoubt = SQL(
        stored + """
            WHERE participant IS NULL AND quarantine IS NULL AND discarded_at IS NULL
            AND participant_rule = ? AND kind = ? AND id IN
            (SELECT record_id FROM record_context WHERE station = ? AND session_id > ?)
            ORDER BY id LIMIT 1000
            """)
    static let recordsWithdrawn = SQL(
        stored + "WHERE id > ? AND quarantine IS NULL AND discarded_at IS NOT NULL "
            + "ORDER BY id LIMIT ?")
    /// Accepted records of a device, the nearest to a row.
    static let recordBefore = SQL(
        stored + "WHERE device_id = ? AND id < ? AND quarantine IS NULL ORDER BY id DESC LIMIT 1")
    static let recordAfter = SQL(
        stored + "WHERE device_id = ? AND id > ? AND quarantine IS NULL ORDER BY id LIMIT 1")
    static let recordsUndated = SQL(
        stored + """
            WHERE id > ?2 AND quarantine = 'no-clock-sync' AND discarded_at IS NULL
            AND id IN (SELECT record_id FROM time_evidence WHERE boot = ?1) ORDER BY id LIMIT ?3
            """)
    static let historyWithout = SQL(
        stored + """
            WHERE id > ?1 AND id <= ?2 AND observed_at >= ?3 AND quarantine IS NULL
            AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.record_id = record.id
                AND d.destination = ?4) ORDER BY id
            """)
    static let recordsByDelivery = SQL(
        stored + """
            WHERE id > ?1 AND id IN (SELECT record_id FROM delivery WHERE state = ?3)
            ORDER BY id LIMIT ?2
            """)
    /// The same where there are so many that a list of all would be long.
    static let recordsByManyDeliveries = SQL(
        stored + """
            WHERE id > ?1 AND EXISTS (SELECT 1 FROM delivery d WHERE d.record_id = record.id
                AND +d.state = ?3) ORDER BY id LIMIT ?2
            """)
}

// MARK: Deliveries

extension SQL {
    static let insertDelivery = SQL(
        """
        INSERT INTO delivery(record_id, destination, state, reason, observed_at, waiting_since)
        VALUES(?,?,?,?,?,?)
        """)
    static let deliveriesOfRecord = SQL(
        """
        SELECT d.destination, d.state, coalesce(l.reason, d.reason), d.delivered_at,
        d.batch_id IS NOT NULL
        FROM delivery d LEFT JOIN dead_letter l
        ON l.record_id = d.record_id AND l.destination = d.destination
        WHERE d.record_id = ? ORDER BY d.destination
        """)
    static let deleteOpenDeliveries = SQL(
        "DELETE FROM delivery WHERE record_id = ? AND state IN ('waiting', 'held', 'no-table')")
    static let batchOfDelivery = SQL(
        """
        SELECT batch_id FROM delivery
        WHERE record_id = ? AND destination = ? AND batch_id IS NOT NULL
        """)
    static let holdDelivery = SQL(
        """
        UPDATE delivery SET state = 'held', reason = ?, batch_id = NULL, batch_position = NULL
        WHERE record_id = ? AND destination = ? AND state = 'waiting'
        """)
    static let releaseDelivery = SQL(
        """
        UPDATE delivery SET state = 'waiting', reason = NULL, waiting_since = ?
        WHERE record_id = ? AND destination = ? AND state IN ('held', 'dead')
        """)
    /// A version that was changed while it travelled is there; the one after it waits on.
    static let markDelivered = SQL(
        """
        UPDATE delivery SET state = CASE WHEN \(isSuperseded) THEN 'waiting' ELSE 'delivered' END,
        reason = ?, delivered_at = ?, batch_id = NULL, batch_position = NULL,
        held_update = coalesce(batch_update,
            (SELECT coalesce(updated_at, stored_at) FROM record r WHERE r.id = record_id))
        WHERE record_id = ? AND batch_id = ?
        """)
    /// The same for a whole batch at once.
    static let markBatchDelivered = SQL(
        """
        UPDATE delivery SET state = CASE WHEN \(isSuperseded) THEN 'waiting' ELSE 'delivered' END,
        reason = NULL, delivered_at = ?, batch_id = NULL, batch_position = NULL,
        held_update = coalesce(batch_update,
            (SELECT coalesce(updated_at, stored_at) FROM record r WHERE r.id = record_id))
        WHERE batch_id = ?
        """)
    /// The answer is about a version that is no longer the record's, or about one taken back.
    private static let isSuperseded = """
        EXISTS (SELECT 1 FROM record r WHERE r.id = record_id AND r.discarded_at IS NULL
            AND r.revision > batch_revision)
        """
    /// What was changed or taken back while it travelled and did not arrive: nobody's fault.
    static let leaveBatch = SQL(
        """
        UPDATE delivery SET batch_id = NULL, batch_position = NULL,
        state = CASE WHEN \(isSuperseded) THEN 'waiting' ELSE 'held' END,
        reason = CASE WHEN \(isSuperseded) THEN NULL ELSE 'withdrawn' END
        WHERE record_id = ? AND batch_id = ? AND (\(isSuperseded) OR EXISTS
            (SELECT 1 FROM record r WHERE r.id = record_id AND r.discarded_at IS NOT NULL))
        """)
    static let markDead = SQL(
        """
        UPDATE delivery SET state = 'dead', batch_id = NULL, batch_position = NULL
        WHERE record_id = ? AND batch_id = ?
        """)
    static let markHeld = SQL(
        """
        UPDATE delivery SET state = 'held', reason = ?, batch_id = NULL, batch_position = NULL
        WHERE record_id = ? AND batch_id = ?
        """)
    static let markNoTable = SQL(
        """
        UPDATE delivery SET state = 'no-table', batch_id = NULL, batch_position = NULL
        WHERE record_id = ? AND batch_id = ?
        """)
    static let insertDeadLetter = SQL(
        """
        INSERT INTO dead_letter(record_id, destination, reason, at, answer, sealed_by, sealed,
        document, document_sealed)
        VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(record_id, destination)
        DO UPDATE SET reason = excluded.reason, answer = excluded.answer, at = excluded.at,
        sealed_by = excluded.sealed_by, sealed = excluded.sealed, document = excluded.document,
        document_sealed = excluded.document_sealed
        """)
    static let deleteDeadLetter = SQL(
        "DELETE FROM dead_letter WHERE record_id = ? AND destination = ?")
    static let deadLetters = SQL(
        """
        SELECT l.record_id, l.destination, l.reason, l.answer, l.at, r.record_key, l.sealed_by,
        l.sealed, l.document, l.document_sealed FROM dead_letter l JOIN record r ON r.id = l.record_id WHERE l.record_id > ?
        ORDER BY l.record_id, l.destination LIMIT ?
        """)
}

// MARK: Batches

extension SQL {
    static let insertBatch = SQL(
        """
        INSERT INTO batch(destination, idempotency_key, first_position, formed_at) VALUES(?,?,?,?)
        """)
    static let openBatch = SQL(
        """
        SELECT id, idempotency_key, formed_at FROM batch WHERE destination = ? AND id <> ?
        ORDER BY first_position, id LIMIT 1
        """)
    static let batchesFrom = SQL(
        """
        SELECT other.id FROM batch JOIN batch other ON other.destination = batch.destination
            AND (other.first_position, other.id) >= (batch.first_position, batch.id)
        WHERE batch.id = ? ORDER BY other.first_position, other.id
        """)
    static let nextPosition = SQL(
        "SELECT MAX(batch_position) + 1 FROM delivery WHERE batch_id = ?")
    static let batchDestination = SQL("SELECT destination, formed_at FROM batch WHERE id = ?")
    static let batchMembers = SQL(
        "SELECT record_id, batch_position FROM delivery WHERE batch_id = ? ORDER BY batch_position")
    static let putIntoBatch = SQL(
        """
        UPDATE delivery SET batch_id = ?, batch_position = ?, batch_revision = ?, batch_update = ?
        WHERE id = ? AND state = 'waiting'
        """)
    static let emptyBatch = SQL(
        "UPDATE delivery SET batch_id = NULL, batch_position = NULL WHERE batch_id = ?")
    static let deleteBatch = SQL("DELETE FROM batch WHERE id = ?")
    static let noteDelivered = SQL(
        """
        INSERT INTO destination(name, last_delivered_at, delivered) VALUES(?1, ?2, ?3)
        ON CONFLICT(name) DO UPDATE SET last_delivered_at = max(last_delivered_at, ?2),
        delivered = delivered + ?3
        """)
}

// MARK: Devices and counters

extension SQL {
    /// A device that was heard; ?10 says whether it gave a record.
    static let noteDevice = SQL(
        """
        INSERT INTO device(device_id, address, manufacturer, model, serial, asset_number, firmware,
        profile, first_seen, last_seen, last_record, records)
        VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?9, iif(?10, ?9, NULL), ?10)
        ON CONFLICT(device_id) DO UPDATE SET
        address = coalesce(?2, address), manufacturer = coalesce(?3, manufacturer),
        model = coalesce(?4, model), serial = coalesce(?5, serial),
        asset_number = coalesce(?6, asset_number), firmware = coalesce(?7, firmware),
        profile = coalesce(?8, profile), last_seen = max(last_seen, ?9),
        last_record = iif(?10, max(coalesce(last_record, ?9), ?9), last_record),
        records = records + ?10
        """)
    static let ensureDevice = SQL(
        """
        INSERT INTO device(device_id, first_seen, last_seen) VALUES(?1, ?2, ?2)
        ON CONFLICT(device_id) DO NOTHING
        """)
    static let saveMemory = SQL(
        """
        UPDATE device SET next_sequence = ?2, clock_offset = ?3, clock_checked_at = ?4,
        clock_set_at = ?5, newest_device_time = ?6, newest_sequence = ?7, last_session_ended_at = ?8,
        battery = coalesce(?9, battery), clock_steps = ?10, clock_latency = ?11,
        abilities = coalesce(?12, abilities) WHERE device_id = ?1
        """)
    private static let memoryColumns = """
        next_sequence, clock_offset, clock_checked_at, clock_set_at, newest_device_time,
        newest_sequence, last_session_ended_at, battery, failed_measurements, clock_steps,
        clock_latency, abilities
        """
    static let memory = SQL("SELECT \(memoryColumns) FROM device WHERE device_id = ?")
    private static let deviceColumns = """
        device_id, address, manufacturer, model, serial, asset_number, firmware, profile,
        first_seen, last_seen, last_record, records, \(memoryColumns)
        """
    static let devices = SQL("SELECT \(deviceColumns) FROM device ORDER BY device_id")
    static let device = SQL("SELECT \(deviceColumns) FROM device WHERE device_id = ?")
    static let newestRow = SQL("SELECT coalesce(max(id), 0) FROM record")
    static let insertFailure = SQL(
        """
        INSERT INTO failed_measurement(device_id, failure_key, at) VALUES(?,?,?)
        ON CONFLICT(device_id, failure_key) DO NOTHING
        """)
    static let countFailure = SQL(
        "UPDATE device SET failed_measurements = failed_measurements + 1 WHERE device_id = ?")
    static let increment = SQL(
        """
        INSERT INTO counter(name, value) VALUES(?1, ?2)
        ON CONFLICT(name) DO UPDATE SET value = value + ?2
        """)
    static let counters = SQL("SELECT name, value FROM counter ORDER BY name")
}
