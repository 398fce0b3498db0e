// What status and retention ask.

extension SQL {
    static let countRecords = SQL("SELECT COUNT(*) FROM record")
    static let countUnassigned = SQL(
        """
        SELECT COUNT(*) FROM record WHERE participant IS NULL AND quarantine IS NULL
        AND participant_rule IS NOT 'guest' AND discarded_at IS NULL
        """)
    static let countQuarantined = SQL(
        "SELECT COUNT(*) FROM record WHERE quarantine IS NOT NULL AND discarded_at IS NULL")
    static let countDiscarded = SQL(
        "SELECT COUNT(*) FROM record WHERE quarantine IS NOT NULL AND discarded_at IS NOT NULL")
    static let countByDelivery = SQL(
        "SELECT COUNT(DISTINCT record_id) FROM delivery WHERE state = ?")
    static let countsByDestination = SQL(
        """
        SELECT destination, state, COUNT(*), min(waiting_since) FROM delivery
        GROUP BY destination, state ORDER BY destination, state
        """)
    static let lastDeliveries = SQL("SELECT name, last_delivered_at, delivered FROM destination")

    /// Records that went everywhere they were to go, the last time before a moment.
    static let expiredRecords = SQL(
        """
        SELECT r.id FROM record r WHERE r.id IN
            (SELECT record_id FROM delivery WHERE state = 'delivered' AND delivered_at < ?1)
        AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.record_id = r.id
            AND (d.state NOT IN ('delivered', 'no-table') OR d.delivered_at >= ?1))
        ORDER BY r.id LIMIT ?2
        """)
    static let expiredDiscarded = SQL(
        """
        SELECT id FROM record WHERE discarded_at < ?1 AND NOT EXISTS (SELECT 1 FROM delivery d
            WHERE d.record_id = record.id AND (d.state = 'waiting' OR d.delivered_at >= ?1))
        ORDER BY id LIMIT ?2
        """)
    // The key stays: a device that sends its history again must not fill it in anew.
    static let spendKey = SQL(
        """
        INSERT INTO spent_key(record_key, record_id, at, participant, kind, observed_at)
        SELECT record_key, id, ?2, participant, kind, observed_at FROM record
        WHERE id = ?1 ON CONFLICT(record_key) DO NOTHING
        """)
    static let deleteRecord = SQL("DELETE FROM record WHERE id = ?")
    /// Frames of records that nothing is to be done with any more; quarantine needs its frames.
    static let expireFrames = SQL(
        """
        DELETE FROM raw_frame WHERE id IN (SELECT f.id FROM raw_frame f
        JOIN record r ON r.id = f.record_id
        WHERE r.stored_at < ?1 AND r.quarantine IS NULL AND r.participant IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.record_id = r.id
            AND d.state NOT IN ('delivered', 'no-table'))
        ORDER BY f.id LIMIT ?2)
        """)
}
