/// The schema's step for who people are to the gateway: lists, sessions at stations, consent.
let registerSchema = """
    -- A row of one of the lists that are registered beforehand; its cells as a JSON array.
    CREATE TABLE list_row(
        id INTEGER PRIMARY KEY, list TEXT NOT NULL, cells TEXT NOT NULL) STRICT;
    CREATE INDEX list_row_list ON list_row(list, id);

    -- What people said, in the order in which they said it; the newest word counts.
    CREATE TABLE consent(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        participant TEXT NOT NULL, destination TEXT NOT NULL, kinds TEXT NOT NULL,
        granted INTEGER NOT NULL, until INTEGER, at INTEGER NOT NULL) STRICT;
    CREATE INDEX consent_participant ON consent(participant, id);

    -- A person's turn at a station; without a participant it is a guest's.
    CREATE TABLE station_session(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        station TEXT NOT NULL, participant TEXT,
        begun_at INTEGER NOT NULL, begun_monotonic INTEGER, begun_boot TEXT,
        ended_at INTEGER, ended_monotonic INTEGER, ended_boot TEXT, end_reason TEXT,
        length INTEGER NOT NULL, previous_gone INTEGER NOT NULL) STRICT;
    CREATE INDEX station_session_begun ON station_session(begun_at);

    -- Since when a device stands at a station; an empty name: at none.
    CREATE TABLE station_move(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        device TEXT NOT NULL, station TEXT NOT NULL,
        at INTEGER NOT NULL, monotonic INTEGER, boot TEXT) STRICT;

    -- Whose card it is: a keyed hash of its number, never the number.
    CREATE TABLE card(
        id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, participant TEXT NOT NULL) STRICT;

    -- Under what circumstances a record was measured.
    CREATE TABLE record_context(
        id INTEGER PRIMARY KEY,
        record_id INTEGER NOT NULL UNIQUE REFERENCES record(id) ON DELETE CASCADE,
        station TEXT, session_id INTEGER, setting TEXT NOT NULL, test_lab_id TEXT,
        measured_by TEXT NOT NULL, medical_device INTEGER NOT NULL, sensitivity TEXT NOT NULL)
        STRICT;
    CREATE INDEX record_context_session ON record_context(session_id)
        WHERE session_id IS NOT NULL;
    """
