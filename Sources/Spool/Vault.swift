import Crypto
import Measurement

/// Seals and opens values of one open store; without master keys everything stays plain.
///
/// A data key per participant is kept in the store, sealed under the first master key. Purging
/// a participant drops that key: nothing that was sealed under it can be read again.
final class Vault {
    private(set) var masters: MasterKeys?
    var seals: Bool
    /// Opened data keys by their sealed form, which no rolled-back transaction can give to another.
    private var opened: [[UInt8]: [UInt8]] = [:]

    init(masters: MasterKeys? = nil, seals: Bool = false) {
        self.masters = masters
        self.seals = seals
    }

    func replaceMasters(_ masters: MasterKeys) { self.masters = masters }

    fileprivate func dataKey(
        wrapped: [UInt8], master: String, owner: String, path: String
    ) throws(SpoolError) -> [UInt8] {
        if let key = opened[wrapped] { return key }
        guard let master = masters?.key(master) else {
            throw .keyMissing(
                SpoolFault(path: path, text: "values are sealed under master key \(master)"))
        }
        let place = Array("data key \(owner)".utf8)
        guard let key = AESGCM.open(wrapped, key: master.bytes, associatedData: place) else {
            throw .keyMissing(
                SpoolFault(path: path, text: "a data key does not open under \(master.id)"))
        }
        if opened.count >= 1_000 { opened = [:] }
        opened[wrapped] = key
        return key
    }

    fileprivate func wrap(_ key: [UInt8], owner: String) -> (master: String, wrapped: [UInt8])? {
        guard let master = masters?.first,
            let wrapped = AESGCM.seal(
                key, key: master.bytes, associatedData: Array("data key \(owner)".utf8))
        else { return nil }
        return (master.id, wrapped)
    }
}

/// A value as it lies in the store.
struct Sealed {
    var keyID: Int64
    var bytes: [UInt8]
}

extension Connection {
    /// Checks at the opening that every data key can be opened.
    func checkKeys() throws(SpoolError) {
        let sealed = try all(.dataKeys) { row throws(SpoolError) in
            (owner: row.text(), master: row.text(), wrapped: row.blob())
        }
        guard vault.masters != nil || sealed.isEmpty else {
            throw .keyMissing(
                SpoolFault(
                    path: database.path,
                    text: "its values are sealed, and storage.encryption names no key"))
        }
        for key in sealed {
            _ = try vault.dataKey(
                wrapped: key.wrapped, master: key.master, owner: key.owner, path: database.path)
        }
    }

    /// The data key of an owner, made where there is none.
    private func dataKey(
        of owner: String, at now: Instant
    ) throws(SpoolError) -> (id: Int64, key: [UInt8]) {
        let found = try first(.dataKeyOf, [.text(owner)]) { row throws(SpoolError) in
            (id: row.integer(), master: row.text(), wrapped: row.blob())
        }
        if let found {
            let key = try vault.dataKey(
                wrapped: found.wrapped, master: found.master, owner: owner, path: database.path)
            return (found.id, key)
        }
        guard let key = RandomBytes.make(AESGCM.keySize),
            let (master, wrapped) = vault.wrap(key, owner: owner)
        else { throw .refused("no data key could be made") }
        try run(
            .insertDataKey,
            [.text(owner), .text(master), .blob(wrapped), .instant(now)])
        return (database.lastRowID, key)
    }

    /// Seals a value for its owner; nil where this store keeps values plain.
    ///
    /// - Parameter place: ties it to its row, so that it opens nowhere else.
    func seal(
        _ plain: @autoclosure () -> [UInt8], for owner: String?,
        at place: @autoclosure () -> String, now: Instant
    ) throws(SpoolError) -> Sealed? {
        guard vault.seals else { return nil }
        let (id, key) = try dataKey(of: owner ?? "", at: now)
        let data = Array(place().utf8)
        guard let bytes = AESGCM.seal(plain(), key: key, associatedData: data) else {
            throw .refused("a value could not be sealed")
        }
        return Sealed(keyID: id, bytes: bytes)
    }

    /// Opens a sealed value; nil where it was changed, moved, or its owner's key is gone.
    func open(_ bytes: [UInt8], by keyID: Int64, at place: String) throws(SpoolError) -> [UInt8]? {
        let found = try first(.dataKeyByID, [.integer(keyID)]) { row throws(SpoolError) in
            (owner: row.text(), master: row.text(), wrapped: row.blob())
        }
        guard let found else { return nil }
        let key = try vault.dataKey(
            wrapped: found.wrapped, master: found.master, owner: found.owner,
            path: database.path)
        return AESGCM.open(bytes, key: key, associatedData: Array(place.utf8))
    }

    func dropKey(of owner: String) throws(SpoolError) {
        try run(.deleteDataKey, [.text(owner)])
    }

    /// What two readings of the same bytes have in common, without telling the bytes.
    func blinded(_ fingerprint: String?, at now: Instant) throws(SpoolError) -> String? {
        guard let fingerprint, vault.seals else { return fingerprint }
        let (_, key) = try dataKey(of: "", at: now)
        return hexadecimal(HMAC.sha256(Array(fingerprint.utf8), key: key))
    }

    /// Seals every data key under the first master key; returns how many were under another.
    func rewrapKeys() throws(SpoolError) -> Int {
        guard let first = vault.masters?.first else { return 0 }
        let sealed = try all(.dataKeys) { row throws(SpoolError) in
            (owner: row.text(), master: row.text(), wrapped: row.blob())
        }
        var changed = 0
        for old in sealed where old.master != first.id {
            let key = try vault.dataKey(
                wrapped: old.wrapped, master: old.master, owner: old.owner, path: database.path)
            guard let (master, wrapped) = vault.wrap(key, owner: old.owner) else {
                throw .refused("a data key could not be sealed")
            }
            try run(.rewrapDataKey, [.text(master), .blob(wrapped), .text(old.owner)])
            changed += 1
        }
        return changed
    }
}

extension SQL {
    static let dataKeys = SQL("SELECT owner, master, wrapped FROM data_key ORDER BY id")
    static let dataKeyOf = SQL("SELECT id, master, wrapped FROM data_key WHERE owner = ?")
    static let dataKeyByID = SQL("SELECT owner, master, wrapped FROM data_key WHERE id = ?")
    static let insertDataKey = SQL(
        "INSERT INTO data_key(owner, master, wrapped, created_at) VALUES(?,?,?,?)")
    static let rewrapDataKey = SQL(
        "UPDATE data_key SET master = ?, wrapped = ? WHERE owner = ?")
    static let deleteDataKey = SQL("DELETE FROM data_key WHERE owner = ?")
}
