/// The schema's third step: values, frames and answers may be sealed under a key of their owner.
let thirdSchema = """
    -- A key per participant ('' for what is nobody's), itself sealed under the master key of that name.
    CREATE TABLE data_key(
        id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL UNIQUE,
        master TEXT NOT NULL, wrapped BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT;

    -- sealed_by names the data key; where it is NULL the plain columns hold the text.
    ALTER TABLE record ADD COLUMN sealed_by INTEGER;
    ALTER TABLE record ADD COLUMN sealed BLOB;
    ALTER TABLE raw_frame ADD COLUMN sealed_by INTEGER;
    ALTER TABLE time_evidence ADD COLUMN sealed_by INTEGER;
    ALTER TABLE time_evidence ADD COLUMN sealed BLOB;
    ALTER TABLE dead_letter ADD COLUMN sealed_by INTEGER;
    ALTER TABLE dead_letter ADD COLUMN sealed BLOB;
    CREATE INDEX record_participant ON record(participant, id) WHERE participant IS NOT NULL;
    """
