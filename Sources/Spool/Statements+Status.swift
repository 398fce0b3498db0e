// What status and retention ask.

extension SQL {
    static let tallies = SQL("SELECT destination, name, number FROM tally")
    static let tallyOfState = SQL(
        "SELECT sum(number) FROM tally WHERE destination <> '' AND name = ?")
    /// By index: the first of those that wait.
    static let oldestWaiting = SQL(
        "SELECT min(waiting_since) FROM delivery WHERE state = 'waiting' AND destination = ?")
    static let lastDeliveries = SQL("SELECT name, last_delivered_at, delivered FROM destination")

    /// Records that went everywhere they were to go, the last time before a moment.
    static let expiredRecords = SQL(
        """
        SELECT d.record_id FROM delivery d WHERE d.state = 'delivered' AND d.delivered_at < ?1
        AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.record_id = d.record_id
            AND (e.state NOT IN ('delivered', 'no-table') OR e.delivered_at >= ?1
                OR (e.delivered_at, e.id) > (d.delivered_at, d.id)))
        ORDER BY d.delivered_at LIMIT ?2
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
