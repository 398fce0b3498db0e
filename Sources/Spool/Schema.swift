/// The schema's first step. Never changed: what comes later is a step of its own.
///
/// Every table has a row id, so that a damaged file can be read row by row.
let firstSchema = """
    CREATE TABLE migration(
        version INTEGER PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;

    -- One measurement. Times are microseconds: of UTC, or of the device's wall clock (device_time).
    CREATE TABLE record(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        record_key TEXT NOT NULL UNIQUE,
        device_id TEXT NOT NULL, device_address TEXT, device_manufacturer TEXT,
        device_model TEXT, device_serial TEXT, device_asset_number TEXT, device_firmware TEXT,
        kind TEXT NOT NULL, quantities TEXT NOT NULL, flags TEXT NOT NULL,
        user_slot INTEGER, sequence_number INTEGER, device_time INTEGER,
        received_at INTEGER NOT NULL, received_monotonic INTEGER NOT NULL,
        received_synchronised INTEGER NOT NULL,
        observed_at INTEGER, time_basis TEXT, time_origin TEXT, clock_offset INTEGER,
        uncertainty INTEGER, resolution TEXT,
        quarantine TEXT,
        data_input_code TEXT NOT NULL, position_code TEXT, duration INTEGER, meal_code TEXT,
        profile TEXT NOT NULL, profile_revision INTEGER NOT NULL, simulated INTEGER NOT NULL,
        fingerprint TEXT, participant TEXT, participant_rule TEXT, stored_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX record_fingerprint ON record(device_id, fingerprint, received_at)
        WHERE fingerprint IS NOT NULL;
    CREATE INDEX record_unassigned ON record(id)
        WHERE participant IS NULL AND quarantine IS NULL;
    CREATE INDEX record_quarantined ON record(id) WHERE quarantine IS NOT NULL;

    CREATE TABLE raw_frame(
        id INTEGER PRIMARY KEY,
        record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
        position INTEGER NOT NULL, source TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
    CREATE INDEX raw_frame_record ON raw_frame(record_id, position);

    -- Keys of records that retention removed.
    CREATE TABLE spent_key(
        record_key TEXT NOT NULL UNIQUE, record_id INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;

    CREATE TABLE batch(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        destination TEXT NOT NULL, idempotency_key TEXT NOT NULL,
        first_position INTEGER NOT NULL, formed_at INTEGER NOT NULL) STRICT;
    CREATE INDEX batch_open ON batch(destination, first_position);

    -- Where a record stands at one destination. observed_at repeats the record's, for the order.
    CREATE TABLE delivery(
        id INTEGER PRIMARY KEY,
        record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
        destination TEXT NOT NULL,
        state TEXT NOT NULL
            CHECK(state IN ('waiting', 'held', 'no-table', 'delivered', 'dead')),
        reason TEXT, observed_at INTEGER, waiting_since INTEGER NOT NULL, delivered_at INTEGER,
        batch_id INTEGER REFERENCES batch(id), batch_position INTEGER,
        UNIQUE(record_id, destination)) STRICT;
    CREATE INDEX delivery_due ON delivery(destination, observed_at, record_id)
        WHERE state = 'waiting';
    CREATE INDEX delivery_state ON delivery(state, destination, waiting_since, record_id);
    CREATE INDEX delivery_batch ON delivery(batch_id, batch_position)
        WHERE batch_id IS NOT NULL;
    CREATE INDEX delivery_delivered ON delivery(delivered_at) WHERE state = 'delivered';

    CREATE TABLE dead_letter(
        id INTEGER PRIMARY KEY,
        record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
        destination TEXT NOT NULL, reason TEXT NOT NULL, answer TEXT NOT NULL,
        at INTEGER NOT NULL, UNIQUE(record_id, destination)) STRICT;

    CREATE TABLE destination(
        name TEXT NOT NULL UNIQUE, last_delivered_at INTEGER NOT NULL,
        delivered INTEGER NOT NULL) STRICT;

    CREATE TABLE device(
        device_id TEXT NOT NULL UNIQUE, address TEXT, manufacturer TEXT, model TEXT, serial TEXT,
        asset_number TEXT, firmware TEXT, profile TEXT,
        first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, last_record INTEGER,
        records INTEGER NOT NULL DEFAULT 0,
        next_sequence INTEGER, clock_offset INTEGER, clock_checked_at INTEGER,
        clock_set_at INTEGER, newest_device_time INTEGER, newest_sequence INTEGER,
        last_session_ended_at INTEGER, battery INTEGER, clock_steps TEXT,
        failed_measurements INTEGER NOT NULL DEFAULT 0) STRICT;

    CREATE TABLE failed_measurement(
        device_id TEXT NOT NULL, failure_key TEXT NOT NULL, at INTEGER NOT NULL,
        UNIQUE(device_id, failure_key)) STRICT;

    CREATE TABLE counter(name TEXT NOT NULL UNIQUE, value INTEGER NOT NULL) STRICT;
    """
