import DeviceProfile
import Measurement

/// Shows a scale the consent of its users, one after the other, so that it gives their records.
///
/// ```
/// 02 index code-low code-high   consent
/// 20 02 result                  1 good, 3 no such user, 4 failed, 5 another code
/// ```
/// It registers nobody, deletes nobody and asks for no list. Between two users it waits until the
/// scale is silent, so that the records of one are not those of the next.
struct UserConsent: SessionProcedure {
    enum State: Equatable {
        case subscribing
        case asking(DeviceOwner.Consent)
        /// The records of a user come.
        case listening
        case over
    }

    private let plan: UserConsentPlan
    private(set) var state = State.over
    private var left: [DeviceOwner.Consent] = []
    private var refusals: [String] = []
    private var granted = 0

    init(_ plan: UserConsentPlan) { self.plan = plan }

    func listens(to uuid: BluetoothUUID) -> Bool { uuid == plan.controlPoint }

    mutating func start(_ situation: ProcedureSituation) -> [ProcedureAction] {
        left = situation.owner.consents
        guard !left.isEmpty else {
            return over(.finished, note: "no consent code in the configuration")
        }
        guard situation.characteristics.contains(plan.controlPoint) else {
            return over(.finished, note: "the device has no \(plan.controlPoint)")
        }
        state = .subscribing
        return [.subscribe(plan.controlPoint)]
    }

    mutating func handle(
        _ event: ProcedureEvent, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        switch event {
        case .subscribed: return state == .subscribing ? nextUser() : []
        case .written: return []
        case .refused(_, let error):
            if case .asking(let consent) = state { return refused(consent, error.summary) }
            return over(.failed("the consent was not taken: \(error.summary)"))
        case .value(_, let bytes): return answered(bytes)
        case .elsewhere: return state == .listening ? [.pause(plan.pause)] : []
        case .timeout:
            switch state {
            case .asking(let consent): return refused(consent, "no answer")
            case .listening: return nextUser()
            default: return []
            }
        }
    }

    private mutating func nextUser() -> [ProcedureAction] {
        guard !left.isEmpty else { return allAsked() }
        let consent = left.removeFirst()
        state = .asking(consent)
        let bytes = [
            0x02, consent.index, UInt8(consent.code & 0xFF), UInt8(consent.code >> 8),
        ]
        return [.write(plan.controlPoint, bytes), .await(plan.timeout)]
    }

    private mutating func answered(_ bytes: [UInt8]) -> [ProcedureAction] {
        guard case .asking(let consent) = state, bytes.starts(with: [0x20, 0x02]),
            bytes.count >= 3
        else { return [] }
        guard bytes[2] == 0x01 else { return refused(consent, Self.text(bytes[2])) }
        granted += 1
        state = .listening
        return [.stopWaiting, .user(Int(consent.index)), .pause(plan.pause)]
    }

    private mutating func refused(
        _ consent: DeviceOwner.Consent, _ why: String
    ) -> [ProcedureAction] {
        let text = "user \(consent.index): \(why)"
        refusals.append(text)
        return [.stopWaiting, .note(.refused(step: "user-consent", text))] + nextUser()
    }

    private static func text(_ result: UInt8) -> String {
        switch result {
        case 0x02: "the scale knows no consent"
        case 0x03: "the scale has no such user"
        case 0x05: "the scale has another code for this user"
        default: "the scale refused, result \(result)"
        }
    }

    private mutating func allAsked() -> [ProcedureAction] {
        guard granted == 0, let first = refusals.first else { return over(.finished) }
        return over(.needsPerson("consent refused: \(first)"))
    }

    private mutating func over(_ end: ProcedureAction, note: String? = nil) -> [ProcedureAction] {
        state = .over
        let notes = note.map { [ProcedureAction.note(.refused(step: "user-consent", $0))] } ?? []
        return notes + [.stopWaiting, end]
    }
}
