/// The schema's step for numbers that are asked often and for what a receiver refused.
let tallySchema = """
    -- How many rows there are of each sort, kept by triggers, so that nobody has to count them.
    -- With a destination: its deliveries by state. Without: records by what they are ('is-…'), and
    -- how often a record has one more delivery in a state than one ('more-…'), so that records
    -- can be told from deliveries. Made from the other tables: it is never salvaged.
    CREATE TABLE tally(
        destination TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL,
        PRIMARY KEY(destination, name)) STRICT, WITHOUT ROWID;

    INSERT INTO tally SELECT destination, state, COUNT(*) FROM delivery GROUP BY destination, state;
    INSERT INTO tally SELECT '', 'more-' || state, COUNT(*) - COUNT(DISTINCT record_id)
        FROM delivery GROUP BY state;
    INSERT INTO tally SELECT '', \(recordSort("record")), COUNT(*) FROM record GROUP BY 2;

    CREATE TRIGGER tally_record_added AFTER INSERT ON record BEGIN
        \(more("''", recordSort("NEW")));
    END;
    CREATE TRIGGER tally_record_changed
        AFTER UPDATE OF quarantine, discarded_at, participant, participant_rule ON record
        WHEN \(recordSort("OLD")) <> \(recordSort("NEW")) BEGIN
        \(fewer("''", recordSort("OLD")));
        \(more("''", recordSort("NEW")));
    END;
    CREATE TRIGGER tally_record_removed AFTER DELETE ON record BEGIN
        \(fewer("''", recordSort("OLD")));
    END;

    CREATE TRIGGER tally_delivery_added AFTER INSERT ON delivery BEGIN
        \(more("NEW.destination", "NEW.state"));
    END;
    CREATE TRIGGER tally_delivery_changed AFTER UPDATE OF state ON delivery
        WHEN OLD.state <> NEW.state BEGIN
        \(fewer("OLD.destination", "OLD.state"));
        \(more("NEW.destination", "NEW.state"));
    END;
    CREATE TRIGGER tally_delivery_removed AFTER DELETE ON delivery BEGIN
        \(fewer("OLD.destination", "OLD.state"));
    END;

    -- Only records with several destinations come here.
    CREATE TRIGGER tally_more_added AFTER INSERT ON delivery WHEN \(sibling("NEW")) BEGIN
        \(more("''", "'more-' || NEW.state", where: sibling("NEW", inSameState: true)));
    END;
    CREATE TRIGGER tally_more_changed AFTER UPDATE OF state ON delivery
        WHEN OLD.state <> NEW.state AND \(sibling("NEW")) BEGIN
        \(fewer("''", "'more-' || OLD.state", where: sibling("OLD", inSameState: true)));
        \(more("''", "'more-' || NEW.state", where: sibling("NEW", inSameState: true)));
    END;
    CREATE TRIGGER tally_more_removed AFTER DELETE ON delivery WHEN \(sibling("OLD")) BEGIN
        \(fewer("''", "'more-' || OLD.state", where: sibling("OLD", inSameState: true)));
    END;

    -- The document of the refused record alone, sealed where its answer is.
    ALTER TABLE dead_letter ADD COLUMN document TEXT;
    ALTER TABLE dead_letter ADD COLUMN document_sealed BLOB;
    """

/// The schema's step for batches whose records are all marked by one statement.
let batchTallySchema = """
    -- Position -1 says that whoever marks the records of a batch counts them at once, and that none
    -- of them has another delivery.
    DROP TRIGGER tally_delivery_changed;
    CREATE TRIGGER tally_delivery_changed AFTER UPDATE OF state ON delivery
        WHEN OLD.state <> NEW.state AND (OLD.batch_id IS NULL OR NEW.batch_position IS NOT -1) BEGIN
        \(fewer("OLD.destination", "OLD.state"));
        \(more("NEW.destination", "NEW.state"));
    END;
    DROP TRIGGER tally_more_changed;
    CREATE TRIGGER tally_more_changed AFTER UPDATE OF state ON delivery
        WHEN OLD.state <> NEW.state AND (OLD.batch_id IS NULL OR NEW.batch_position IS NOT -1)
        AND \(sibling("NEW")) BEGIN
        \(fewer("''", "'more-' || OLD.state", where: sibling("OLD", inSameState: true)));
        \(more("''", "'more-' || NEW.state", where: sibling("NEW", inSameState: true)));
    END;
    """

/// Which sort of record a row is, as SQL.
private func recordSort(_ row: String) -> String {
    """
    CASE WHEN \(row).quarantine IS NOT NULL
        THEN CASE WHEN \(row).discarded_at IS NULL THEN 'is-quarantined' ELSE 'is-discarded' END
        WHEN \(row).discarded_at IS NOT NULL THEN 'is-withdrawn'
        WHEN \(row).participant IS NULL AND \(row).participant_rule IS NOT 'guest'
        THEN 'is-unassigned' ELSE 'is-accepted' END
    """
}

/// Adds one to a number, which is made where there is none yet.
private func more(
    _ destination: String, _ name: String, where condition: String = "true"
) -> String {
    """
    INSERT INTO tally SELECT \(destination), \(name), 1 WHERE \(condition)
        ON CONFLICT(destination, name) DO UPDATE SET number = number + 1
    """
}

/// Takes one from a number, which is there: it was added to before.
private func fewer(
    _ destination: String, _ name: String, where condition: String = "true"
) -> String {
    """
    UPDATE tally SET number = number - 1
        WHERE destination = \(destination) AND name = \(name) AND \(condition)
    """
}

/// Whether the record of a delivery has another one.
///
/// The plus sign keeps SQLite from looking through all deliveries of a state.
private func sibling(_ row: String, inSameState: Bool = false) -> String {
    """
    EXISTS (SELECT 1 FROM delivery d WHERE d.record_id = \(row).record_id
        AND d.id <> \(row).id\(inSameState ? " AND +d.state = \(row).state" : ""))
    """
}
