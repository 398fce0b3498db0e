/// The schema's step for what devices of IEEE 11073-20601 told of themselves.
let agentSchema = """
    -- A device's own configuration by its system id and number. A device that finds it gone tells it
    -- again: it is never salvaged.
    CREATE TABLE agent_configuration(
        system_id BLOB NOT NULL, number INTEGER NOT NULL, report BLOB NOT NULL, firmware TEXT,
        told_at INTEGER NOT NULL,
        PRIMARY KEY(system_id, number)) STRICT, WITHOUT ROWID;
    """
