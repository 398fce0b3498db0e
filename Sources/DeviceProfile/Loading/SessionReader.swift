import Measurement
import YAML

/// Reads the `session` key of a profile.
enum SessionReader {
    static func plan(_ node: NodeReader) -> SessionPlan? {
        node.mapping { keys in
            var plan = SessionPlan()
            plan.bond = keys.required("bond")?.choice(of: BondMethod.self) ?? .none
            if let lifetime = keys.optional("bond-lifetime")?.choice(
                of: SessionPlan.BondLifetime.self)
            {
                plan.bondLifetime = lifetime
            }
            set(&plan.connectTimeout, keys.optional("connect-timeout"))
            set(&plan.servicesTimeout, keys.optional("services-timeout"))
            set(&plan.settle, keys.optional("settle"))
            set(&plan.quiet, keys.optional("quiet"))
            if let window = keys.optional("advertising-window")?.duration() {
                plan.advertisingWindow = Interval(window)
            }
            plan.steps = keys.required("steps")?.list(count: 1...50)?.compactMap(step) ?? []
            return plan
        }
    }

    static func set(_ interval: inout Interval, _ node: NodeReader?) {
        guard let duration = node?.duration(in: .zero ... .seconds(600)) else { return }
        interval = Interval(duration)
    }

    private static let stepNames = [
        "read-information", "read-clock", "set-clock", "subscribe", "record-access", "write",
        "expect", "answer", "procedure", "wait", "leave",
    ]

    private static func step(_ node: NodeReader) -> SessionPlan.Step? {
        node.mapping { keys -> SessionPlan.Step? in
            guard let (name, value) = keys.exactlyOne(of: stepNames) else { return nil }
            if keys.has("with"), name != "procedure" {
                keys.problem(
                    about: "with", "stands beside \(name)", accepted: "with beside a procedure")
            }
            switch name {
            case "read-information": return only(value) ? .readInformation : nil
            case "read-clock": return ProfileLoader.uuid(value).map { .readClock($0) }
            case "set-clock": return value.mapping(setClock)
            case "subscribe":
                return value.oneOrMore().map {
                    .subscribe($0.compactMap { ProfileLoader.uuid($0) })
                }
            case "record-access": return value.mapping(recordAccess)
            case "write": return value.mapping(write)
            case "expect": return value.mapping(expect)
            case "answer": return value.mapping(answer)
            case "procedure": return ProcedureReader.step(value, keys)
            case "leave": return only(value) ? .leave : nil
            default:
                return value.duration(in: .zero ... .seconds(60)).map { .wait(Interval($0)) }
            }
        }
    }

    /// A step that has nothing to say is `true`, or is not there.
    private static func only(_ node: NodeReader) -> Bool {
        guard let wanted = node.bool() else { return false }
        if !wanted { node.report("is false", accepted: "true, or no such step") }
        return wanted
    }

    private static func setClock(_ keys: MappingReader) -> SessionPlan.Step? {
        let uuid = keys.required("characteristic").flatMap { ProfileLoader.uuid($0) }
        let setting = TimeRulesReader.clockSetting(keys, uuid)
        guard let uuid, let setting else { return nil }
        return .setClock(uuid, setting)
    }

    private static func recordAccess(_ keys: MappingReader) -> SessionPlan.Step? {
        var plan = RecordAccessPlan()
        if let uuid = keys.optional("control-point").flatMap({ ProfileLoader.uuid($0) }) {
            plan.controlPoint = uuid
        }
        set(&plan.timeout, keys.optional("timeout"))
        return .recordAccess(plan)
    }

    private static func write(_ keys: MappingReader) -> SessionPlan.Step? {
        let uuid = keys.required("characteristic").flatMap { ProfileLoader.uuid($0) }
        let parts = WritePartReader.content(keys, answering: false)
        guard let uuid, let parts else { return nil }
        if parts.count == 1, case .bytes(let bytes) = parts[0] { return .write(uuid, bytes) }
        return .compose(uuid, parts)
    }

    private static func expect(_ keys: MappingReader) -> SessionPlan.Step? {
        let uuid = keys.required("characteristic").flatMap { ProfileLoader.uuid($0) }
        var plan = ExpectPlan(
            characteristic: uuid ?? BluetoothUUID(0),
            begins: keys.optional("begins")?.hexBytes(count: 1...20) ?? [],
            timeout: .seconds(10), isOptional: keys.optional("optional")?.bool() ?? false)
        set(&plan.timeout, keys.optional("timeout"))
        return uuid == nil ? nil : .expect(plan)
    }

    private static func answer(_ keys: MappingReader) -> SessionPlan.Step? {
        let uuid = keys.required("characteristic").flatMap { ProfileLoader.uuid($0) }
        let begins = keys.required("begins")?.hexBytes(count: 1...20)
        let target = keys.required("write").flatMap { ProfileLoader.uuid($0) }
        let parts = WritePartReader.content(keys, answering: true)
        guard let uuid, let begins, let target, let parts else { return nil }
        return .answer(
            AnswerRule(characteristic: uuid, begins: begins, target: target, parts: parts))
    }
}
