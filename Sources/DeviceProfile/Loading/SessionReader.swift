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

    private static func set(_ interval: inout Interval, _ node: NodeReader?) {
        guard let duration = node?.duration(in: .zero ... .seconds(600)) else { return }
        interval = Interval(duration)
    }

    private static let stepNames = [
        "read-information", "read-clock", "set-clock", "subscribe", "record-access", "write",
        "wait",
    ]

    private static func step(_ node: NodeReader) -> SessionPlan.Step? {
        node.mapping { keys -> SessionPlan.Step? in
            guard let (name, value) = keys.exactlyOne(of: stepNames) else { return nil }
            switch name {
            case "read-information":
                guard let wanted = value.bool() else { return nil }
                if !wanted { value.report("is false", accepted: "true, or no such step") }
                return .readInformation
            case "read-clock": return ProfileLoader.uuid(value).map { .readClock($0) }
            case "set-clock": return value.mapping(setClock)
            case "subscribe":
                return value.oneOrMore().map {
                    .subscribe($0.compactMap { ProfileLoader.uuid($0) })
                }
            case "record-access": return value.mapping(recordAccess)
            case "write": return value.mapping(write)
            default:
                return value.duration(in: .zero ... .seconds(60)).map { .wait(Interval($0)) }
            }
        }
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
        let bytes = keys.required("bytes")?.hexBytes()
        guard let uuid, let bytes else { return nil }
        return .write(uuid, bytes)
    }
}
