/// The schema's step for what devices say that they can do; names, divided by "; ".
let abilitiesSchema = """
    ALTER TABLE device ADD COLUMN abilities TEXT;
    """
