import Measurement
import YAML

/// Reads a `procedure` step: a name that the program knows, and `with` its parameters.
enum ProcedureReader {
    static func step(_ name: NodeReader, _ keys: MappingReader) -> SessionPlan.Step? {
        guard let word = name.word(of: ProcedurePlan.names) else {
            keys.ignore(["with"])
            return nil
        }
        switch word {
        case "omron-memory":
            return keys.required("with", accepted: "the memory of the models")?
                .mapping(OmronMemoryReader.plan).map { .procedure(.omronMemory($0)) }
        case "user-consent":
            guard let with = keys.optional("with") else {
                return .procedure(.userConsent(UserConsentPlan()))
            }
            return with.mapping(consent).map { .procedure(.userConsent($0)) }
        case "taidoc-records":
            return keys.required("with", accepted: "the characteristic of the meter")?
                .mapping(taidoc).map { .procedure(.taidocRecords($0)) }
        default:
            return keys.required("with", accepted: "the characteristics of the meter")?
                .mapping(verio).map { .procedure(.verioRecords($0)) }
        }
    }

    private static func consent(_ keys: MappingReader) -> UserConsentPlan? {
        var plan = UserConsentPlan()
        if let uuid = keys.optional("control-point").flatMap({ ProfileLoader.uuid($0) }) {
            plan.controlPoint = uuid
        }
        SessionReader.set(&plan.timeout, keys.optional("timeout"))
        SessionReader.set(&plan.pause, keys.optional("pause"))
        return plan
    }

    private static func taidoc(_ keys: MappingReader) -> TaidocRecordsPlan? {
        let uuid = keys.required("characteristic").flatMap { ProfileLoader.uuid($0) }
        guard let uuid else { return nil }
        var plan = TaidocRecordsPlan(characteristic: uuid)
        SessionReader.set(&plan.timeout, keys.optional("timeout"))
        return plan
    }

    private static func verio(_ keys: MappingReader) -> VerioRecordsPlan? {
        let write = keys.required("write").flatMap { ProfileLoader.uuid($0) }
        let notify = keys.required("notify").flatMap { ProfileLoader.uuid($0) }
        guard let write, let notify else { return nil }
        var plan = VerioRecordsPlan(write: write, notify: notify)
        SessionReader.set(&plan.timeout, keys.optional("timeout"))
        return plan
    }
}

/// Reads the parameters of `omron-memory`.
enum OmronMemoryReader {
    private static let memorySize = 0x1_0000

    static func plan(_ keys: MappingReader) -> OmronMemoryPlan? {
        var plan = OmronMemoryPlan()
        if let node = keys.optional("channels"), let count = node.int(in: 1...4) {
            if count == 1 || count == 4 {
                plan.channels = count
            } else {
                node.report("is \(count)", accepted: "1 or 4")
            }
        }
        plan.unlock =
            keys.required("unlock")?.choice(of: OmronMemoryPlan.Unlock.self) ?? .none
        // A frame has eight bytes beside those of the memory, and four channels carry 64.
        plan.block = keys.optional("block")?.int(in: 8...56) ?? plan.block
        SessionReader.set(&plan.timeout, keys.optional("timeout"))
        let memories = keys.required("memories")?.list(count: 1...50) ?? []
        plan.memories = memories.compactMap { $0.mapping(memory) }
        for (index, found) in plan.memories.enumerated() where found.models.isEmpty {
            if plan.memories.count > 1, index < memories.count {
                memories[index].report(
                    "names no models beside others", accepted: "models, in each of several")
            }
        }
        return plan
    }

    private static func memory(_ keys: MappingReader) -> OmronMemoryPlan.Memory? {
        let models = keys.optional("models")?.list(count: 1...100)?.compactMap { $0.string() }
        let size = keys.required("record-size")?.int(in: 8...64)
        let clock = keys.optional("clock")?.mapping(clockBlock)
        let unlock = keys.optional("unlock")?.choice(of: OmronMemoryPlan.Unlock.self)
        let areas = keys.required("users")?.list(count: 1...8)
        let users = areas?.compactMap { area($0, recordSize: size ?? 8) }
        guard let size, let users, users.count == areas?.count else { return nil }
        var memory = OmronMemoryPlan.Memory(
            models: models ?? [], users: users, recordSize: size, clock: clock)
        memory.unlock = unlock
        return memory
    }

    private static func area(_ node: NodeReader, recordSize: Int) -> OmronMemoryPlan.Area? {
        node.mapping { keys in
            let address = keys.required("address")?.int(in: 0...memorySize - 1)
            let count = keys.required("records")?.int(in: 1...2_000)
            guard let address, let count else { return nil }
            guard address + count * recordSize <= memorySize else {
                keys.problem(
                    about: "records", "reach beyond the memory",
                    accepted: "an end at or below 0x10000")
                return nil
            }
            return OmronMemoryPlan.Area(address: address, count: count)
        }
    }

    private static func clockBlock(_ keys: MappingReader) -> OmronMemoryPlan.Clock? {
        let address = keys.required("address")?.int(in: 0...memorySize - 64)
        let length = keys.required("length")?.int(in: 6...56)
        let timeAt = keys.required("time-at")?.int(in: 0...50)
        let order = keys.optional("order")?.choice(of: OmronMemoryPlan.Clock.Order.self)
        let sumAt = keys.optional("sum-at")?.int(in: 6...55)
        let setAddress = keys.optional("set-address")?.int(in: 0...memorySize - 64)
        guard let address, let length, let timeAt else { return nil }
        guard timeAt + 6 <= length, (sumAt ?? 0) < length else {
            keys.problem(
                about: timeAt + 6 <= length ? "sum-at" : "time-at", "lies beyond the block",
                accepted: "a place in its \(length) bytes")
            return nil
        }
        var clock = OmronMemoryPlan.Clock(
            address: address, length: length, timeAt: timeAt, order: order ?? .plain,
            sumAt: sumAt ?? length - 1)
        if keys.has("set-address"), sumAt == nil {
            keys.problem(
                about: "set-address", "stands without sum-at",
                accepted: "sum-at: where the sum of the block is")
        }
        clock.setAddress = setAddress
        return clock
    }
}
