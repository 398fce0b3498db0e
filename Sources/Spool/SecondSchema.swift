/// The schema's second step: the ledger, revisions, what times were decided from, clocks over time.
let secondSchema = """
    -- What was done with records, by whom and when. No value stands in it. Each row holds the hash
    -- of the one before it; the newest hash also stands in remembered as ledger-head.
    CREATE TABLE ledger(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL, actor TEXT NOT NULL, event TEXT NOT NULL, subject TEXT NOT NULL,
        details TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
    CREATE TRIGGER ledger_stays BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;
    CREATE TRIGGER ledger_is_fixed BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;

    CREATE TABLE remembered(name TEXT NOT NULL UNIQUE, value TEXT NOT NULL) STRICT;

    -- Counts what a record has been since it was stored: released, decoded again, grown.
    ALTER TABLE record ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
    -- When its values changed last; NULL while they are the first.
    ALTER TABLE record ADD COLUMN updated_at INTEGER;
    ALTER TABLE record ADD COLUMN discarded_at INTEGER;
    ALTER TABLE record ADD COLUMN discard_reason TEXT;
    CREATE INDEX record_device ON record(device_id);

    -- How often a person sent it here again, and the update time that the receiver holds.
    ALTER TABLE delivery ADD COLUMN round INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE delivery ADD COLUMN held_update INTEGER;
    UPDATE delivery SET held_update = (SELECT stored_at FROM record r WHERE r.id = record_id)
        WHERE state = 'delivered';

    -- What the time of a quarantined record was decided from. boot names the run of the machine
    -- whose monotonic clock the stamps are of.
    CREATE TABLE time_evidence(
        id INTEGER PRIMARY KEY,
        record_id INTEGER NOT NULL UNIQUE REFERENCES record(id) ON DELETE CASCADE,
        boot TEXT NOT NULL, evidence TEXT NOT NULL, note TEXT) STRICT;
    CREATE INDEX time_evidence_boot ON time_evidence(boot, record_id);

    ALTER TABLE device ADD COLUMN clock_latency INTEGER;
    CREATE TABLE clock_check(
        id INTEGER PRIMARY KEY,
        device_id TEXT NOT NULL, at INTEGER NOT NULL, clock_offset INTEGER NOT NULL,
        latency INTEGER, was_set INTEGER NOT NULL) STRICT;
    CREATE INDEX clock_check_device ON clock_check(device_id, at);
    """
