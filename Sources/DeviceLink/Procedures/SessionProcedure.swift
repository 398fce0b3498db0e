package import DeviceProfile
package import Measurement

/// A device's own protocol as a pure state machine: events in, actions out.
///
/// It runs as one step of a session and has the link to itself until it ends. It never asks for a
/// further thing while a write or a subscription is under way. Frames that it hands out are stored by
/// the session; a cursor moves with the commit that holds the frames handed out before it.
package protocol SessionProcedure: Sendable {
    /// Begins; called once.
    mutating func start(_ situation: ProcedureSituation) -> [ProcedureAction]
    /// Takes one event.
    mutating func handle(
        _ event: ProcedureEvent, _ situation: ProcedureSituation
    ) -> [ProcedureAction]
    /// Whether values of this characteristic are answers to it and not readings of their own.
    func listens(to uuid: BluetoothUUID) -> Bool
}

/// What a procedure may know of the session that it runs in.
package struct ProcedureSituation: Sendable {
    package var now: GatewayTime
    package var zone: TimeZoneRules
    package var owner: DeviceOwner
    /// The model as the owner names it, or as the device does.
    package var model: String?
    /// Where an earlier session was broken off.
    package var cursor: Int?
    package var characteristics: Set<BluetoothUUID>
    /// Gateway minus device, where the clock was read.
    package var clockOffset: Interval?
}

package enum ProcedureEvent: Sendable {
    case subscribed(BluetoothUUID)
    case written(BluetoothUUID)
    /// The device refused a write or a subscription; the link still stands.
    case refused(BluetoothUUID, LinkError)
    case value(BluetoothUUID, [UInt8])
    /// The device sent a reading of its own, which the session takes.
    case elsewhere
    /// The time that was asked for by `.await` or `.pause` is over.
    case timeout
}

package enum ProcedureAction: Sendable {
    case subscribe(BluetoothUUID)
    case write(BluetoothUUID, [UInt8])
    /// Start to wait, or wait anew; every event but a value ends no wait.
    case await(Interval)
    /// A pause that is no wait for an answer: a recorded session keeps it.
    case pause(Interval)
    case stopWaiting
    /// The device's clock, as it was read; nil where it has no date.
    case clock(LocalDateTime?, latency: Interval)
    /// The clock shows the gateway's time from now on.
    case clockSet
    /// Decode with the layout of this source and store.
    case frame(FrameSource, [UInt8], userSlot: Int?)
    /// What was handed out before is never asked for again from before this place; nil: all is read.
    case cursor(Int?)
    /// The readings that follow are of this user, whose consent was taken.
    case user(Int)
    case note(SessionNote)
    case finished
    /// The device did not do what it has to do: the next session tries again.
    case failed(String)
    /// A person has to act first.
    case needsPerson(String)
}

/// Makes the procedure that a profile names.
enum Procedures {
    static func make(_ plan: ProcedurePlan) -> any SessionProcedure {
        switch plan {
        case .omronMemory(let plan): OmronMemory(plan)
        case .userConsent(let plan): UserConsent(plan)
        case .taidocRecords(let plan): TaidocRecords(plan)
        case .verioRecords(let plan): VerioRecords(plan)
        }
    }
}
