/// The schema's step for values that a person changed or took back.
let versionSchema = """
    -- What a record was before a person changed it; the newest version is the record itself.
    CREATE TABLE record_version(
        id INTEGER PRIMARY KEY,
        record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
        revision INTEGER NOT NULL, quantities TEXT NOT NULL, flags TEXT NOT NULL,
        data_input_code TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
        actor TEXT NOT NULL, reason TEXT NOT NULL, sealed_by INTEGER, sealed BLOB,
        UNIQUE(record_id, revision)) STRICT;

    -- Which version of its record a batch under way holds, and the 更新日時 that its receiver will hold.
    ALTER TABLE delivery ADD COLUMN batch_revision INTEGER;
    ALTER TABLE delivery ADD COLUMN batch_update INTEGER;

    -- 測定法コード of a HbA1c.
    ALTER TABLE record_context ADD COLUMN method_code TEXT;

    -- Whose it was and of which kind, so that a delivery can still be told of; never a value.
    ALTER TABLE spent_key ADD COLUMN participant TEXT;
    ALTER TABLE spent_key ADD COLUMN kind TEXT;
    ALTER TABLE spent_key ADD COLUMN observed_at INTEGER;
    CREATE INDEX spent_key_participant ON spent_key(participant, record_id)
        WHERE participant IS NOT NULL;
    """
