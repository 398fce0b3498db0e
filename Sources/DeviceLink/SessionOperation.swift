import DeviceProfile
import Measurement

/// One thing to do with the device; the profile's steps are expanded into these.
enum SessionOperation: Sendable, Equatable {
    case readInformation(BluetoothUUID)
    case readFeature(BluetoothUUID)
    case readClock(BluetoothUUID)
    case setClock(BluetoothUUID, ClockSetting)
    case subscribe(BluetoothUUID)
    case recordAccess(RecordAccessPlan)
    case write(BluetoothUUID, [UInt8])
    case compose(BluetoothUUID, [WritePart])
    case expect(ExpectPlan)
    case answer(AnswerRule)
    case procedure(ProcedurePlan)
    case wait(Interval)
    case leave

    /// For "the device left while …".
    var summary: String {
        switch self {
        case .readInformation: "its information was read"
        case .readFeature: "its features were read"
        case .readClock: "its clock was read"
        case .setClock: "its clock was set"
        case .subscribe: "a subscription was made"
        case .recordAccess: "its records were read"
        case .write, .compose: "a command was written"
        case .expect: "its answer was waited for"
        case .answer: "its answers were prepared"
        case .procedure(let plan): "its \(plan.name) ran"
        case .leave: "the link was ended"
        case .wait: "a pause was kept"
        }
    }

    static let information: [BluetoothUUID] = [
        .manufacturerName, .modelNumber, .serialNumber, .firmwareRevision, .batteryLevel,
    ]

    /// The operations that this device can take; what it lacks is noted.
    static func expand(
        _ plan: SessionPlan,
        _ characteristics: [BluetoothUUID: Set<GATTCharacteristic.Property>],
        note: (SessionNote) -> Void
    ) -> [SessionOperation] {
        func can(_ uuid: BluetoothUUID, _ property: GATTCharacteristic.Property) -> Bool {
            characteristics[uuid]?.contains(property) ?? false
        }
        func writable(_ uuid: BluetoothUUID) -> Bool {
            if can(uuid, .write) || can(uuid, .writeWithoutResponse) { return true }
            note(.refused(step: "write", "the device has no writable \(uuid)"))
            return false
        }
        return plan.steps.flatMap { step -> [SessionOperation] in
            switch step {
            case .readInformation:
                return information.filter { can($0, .read) }.map { .readInformation($0) }
                    + DeviceAbilities.characteristics.filter { can($0, .read) }
                    .map { .readFeature($0) }
            case .readClock(let uuid):
                if can(uuid, .read) { return [.readClock(uuid)] }
                note(.clockUnreadable("the device has no readable \(uuid)"))
                return []
            case .setClock(let uuid, let setting):
                // What waits for the device's own time is no operation yet.
                if setting.occasion == .notification { return [] }
                if can(uuid, .write) { return [.setClock(uuid, setting)] }
                note(.clockNotSet(because: "the device has no writable \(uuid)"))
                return []
            case .subscribe(let uuids):
                let found = uuids.filter { can($0, .notify) || can($0, .indicate) }
                if found.isEmpty {
                    let names = uuids.map(\.description).joined(separator: ", ")
                    note(.refused(step: "subscribe", "the device has none of \(names)"))
                }
                return found.map { .subscribe($0) }
            case .recordAccess(let plan):
                if can(plan.controlPoint, .write) { return [.recordAccess(plan)] }
                note(.refused(step: "record-access", "the device has no \(plan.controlPoint)"))
                return []
            case .write(let uuid, let bytes):
                return writable(uuid) ? [.write(uuid, bytes)] : []
            case .compose(let uuid, let parts):
                return writable(uuid) ? [.compose(uuid, parts)] : []
            case .expect(let plan): return [.expect(plan)]
            case .answer(let rule):
                // Boards of a family differ: what never speaks needs no answer.
                guard characteristics[rule.characteristic] != nil else { return [] }
                return writable(rule.target) ? [.answer(rule)] : []
            case .procedure(let plan): return [.procedure(plan)]
            case .leave: return [.leave]
            case .wait(let time): return [.wait(time)]
            }
        }
    }
}
