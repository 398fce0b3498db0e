/// A set of hashed conditions with open addressing, made once and then only asked.
///
/// A hash that collides costs a look by the full matcher, never a wrong answer. A quarter of the slots
/// are taken at most, so that asking for what is not there ends at the first slot nearly always.
struct AnchorTable: Sendable {
    /// What a condition is about; part of its hash.
    enum Kind: UInt64 {
        case service = 1
        case serviceData, company, companyLowByte, name, address
    }

    private var hashes: [UInt64]
    /// For each slot the conditions on the payload, any of which has to hold; none: none needed.
    private var payloads: [[PayloadCondition]]
    private let mask: Int

    init(_ anchors: [UInt64: [PayloadCondition]]) {
        var capacity = 16
        while capacity < anchors.count * 4 { capacity *= 2 }
        mask = capacity - 1
        hashes = Array(repeating: 0, count: capacity)
        payloads = Array(repeating: [], count: capacity)
        for (hash, conditions) in anchors {
            var slot = Int(truncatingIfNeeded: hash) & mask
            while hashes[slot] != 0 { slot = (slot + 1) & mask }
            hashes[slot] = hash
            // One that needs nothing of the payload makes the others superfluous.
            payloads[slot] = conditions.contains(PayloadCondition()) ? [] : conditions
        }
    }

    /// The slot of a hash; nil where the hash is not in the set.
    func slot(_ hash: UInt64) -> Int? {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let found = hashes[slot]
            if found == hash { return slot }
            if found == 0 { return nil }
            slot = (slot + 1) & mask
        }
    }

    /// Whether the hash is in the set and a payload fits what stands with it.
    func holds(_ hash: UInt64, _ bytes: Span<UInt8>, from start: Int, count: Int) -> Bool {
        guard let slot = slot(hash) else { return false }
        if payloads[slot].isEmpty { return true }
        for condition in payloads[slot] where condition.holds(bytes, from: start, count: count) {
            return true
        }
        return false
    }

    /// The hash of a condition; never 0, which marks an empty slot.
    static func hash(_ kind: Kind, _ first: UInt64, _ second: UInt64 = 0) -> UInt64 {
        var mixed = first ^ kind.rawValue &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 32)) &* 0xD6E8_FEB8_6659_FD93
        mixed = (mixed ^ second ^ (mixed >> 29)) &* 0xBF58_476D_1CE4_E5B9
        mixed ^= mixed >> 32
        return mixed == 0 ? 1 : mixed
    }

    static func hash(_ kind: Kind, _ uuid: BluetoothUUID) -> UInt64 {
        hash(kind, uuid.high, uuid.low)
    }

    /// The first step and each further one of the hash of a name (FNV-1a).
    static let emptyName: UInt64 = 0xCBF2_9CE4_8422_2325
    static func append(_ byte: UInt8, to name: UInt64) -> UInt64 {
        (name ^ UInt64(byte)) &* 0x100_0000_01B3
    }
}

/// What a match rule asks of the bytes behind a company id or a service UUID.
struct PayloadCondition: Sendable, Equatable {
    var length: Int?
    var prefix: [UInt8] = []
    var constant: FieldLayout.Constant?

    func holds(_ bytes: Span<UInt8>, from start: Int, count: Int) -> Bool {
        if let length, length != count { return false }
        guard prefix.count <= count else { return false }
        for index in prefix.indices where bytes[start + index] != prefix[index] { return false }
        return constant?.holds(bytes, from: start, count: count) ?? true
    }
}

extension FieldLayout.Constant {
    /// The same as for an array, on a part of the bytes.
    func holds(_ bytes: Span<UInt8>, from start: Int, count: Int) -> Bool {
        let offset = at < 0 ? count + at : at
        guard offset >= 0, offset <= count else { return false }
        for wanted in alternatives where offset + wanted.count <= count {
            var fits = true
            for index in wanted.indices {
                let bits = index < mask.count ? mask[index] : 0xFF
                if (bytes[start + offset + index] ^ wanted[index]) & bits != 0 { fits = false }
            }
            if fits { return true }
        }
        return false
    }
}
