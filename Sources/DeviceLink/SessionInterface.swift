package import DeviceProfile
package import Measurement

/// What happened on the link; fed into a `SessionMachine`.
package enum SessionEvent: Sendable {
    /// The connection stands; the second value tells whether the stack holds a bond for the device.
    case connected(bonded: Bool, at: GatewayTime)
    case connectFailed(LinkError)
    case bonded(at: GatewayTime)
    case bondFailed(LinkError)
    case services([GATTService], at: GatewayTime)
    case servicesFailed(LinkError)
    /// An answer to `.read`: `at` is the middle between request and answer, `latency` its length.
    case value(BluetoothUUID, [UInt8], at: GatewayTime, latency: Interval)
    case readFailed(BluetoothUUID, LinkError, at: GatewayTime)
    case written(BluetoothUUID, at: GatewayTime)
    case writeFailed(BluetoothUUID, LinkError, at: GatewayTime)
    case subscribed(BluetoothUUID, at: GatewayTime)
    case subscribeFailed(BluetoothUUID, LinkError, at: GatewayTime)
    /// A notification or an indication.
    case notification(BluetoothUUID, [UInt8], at: GatewayTime)
    /// A value that came when no session ran: the last one before the gateway was killed, for example.
    case leftOver(BluetoothUUID, [UInt8], at: GatewayTime)
    /// The entries of the commit with this number are on disk.
    case committed(Int, at: GatewayTime)
    /// The store cannot take them now. Whoever runs the session keeps them and tries again, in the
    /// order of the commits; the session takes nothing more from the device.
    case commitFailed(Int, at: GatewayTime)
    case timer(SessionTimer, at: GatewayTime)
    case disconnected(byDevice: Bool, at: GatewayTime)
}

/// What a `SessionMachine` wants done; each is answered by one event of the same name.
package enum SessionAction: Sendable {
    case connect(timeout: Interval)
    case bond(BondMethod)
    case discoverServices(timeout: Interval)
    case read(BluetoothUUID)
    case write(BluetoothUUID, [UInt8])
    /// Write the time of the moment of writing (see `SessionMachine.clockBytes`); answered as a write.
    case setClock(BluetoothUUID, ClockSetting)
    case subscribe(BluetoothUUID)
    /// Store all entries and the memory in one transaction, then answer with `.committed`.
    case commit(SessionCommit)
    /// Start (or start again) a timer; `.cancelTimer` stops it.
    case startTimer(SessionTimer, Interval)
    case cancelTimer(SessionTimer)
    case disconnect
    /// Something a person may want to know; no answer.
    case note(SessionNote)
    /// The session is over; no event will be taken any more.
    case finished(SessionEnd)
}

package enum SessionTimer: Sendable, Hashable {
    /// A pause that the profile asks for between two steps.
    case settle
    /// Nothing came from the device for so long.
    case quiet
    /// An answer to a control point is due.
    case response
    /// The join of two frames is given up.
    case join
}

/// Entries that belong together in one transaction.
package struct SessionCommit: Sendable {
    package var number: Int
    package var entries: [SessionEntry]
    package var memory: DeviceMemory
    package var device: DeviceDescription

    package init(
        number: Int, entries: [SessionEntry], memory: DeviceMemory, device: DeviceDescription
    ) {
        self.number = number
        self.entries = entries
        self.memory = memory
        self.device = device
    }
}

/// One decoded frame with what became of it.
package struct SessionEntry: Sendable {
    package var reading: Reading
    package var frames: [RawFrame]
    package var received: GatewayTime
    /// Set where the reading is a measurement: accepted, or with a reason for quarantine.
    package var record: Record?
    /// Key of a reading, failed ones included, so that one sent again is counted once.
    package var key: RecordKey
    /// Set for a live reading without time or index: the same bytes within this time are the same reading.
    package var duplicateWindow: Interval?
    /// What the time of the record was decided from, so that it can be decided again (rule T0).
    package var evidence: TimeEvidence?
    /// A later reading of the same key takes this one's place: a running day that grows.
    package var replaces: Bool { reading.dayIndex != nil }

    package init(
        reading: Reading, frames: [RawFrame], received: GatewayTime, record: Record?,
        key: RecordKey, duplicateWindow: Interval? = nil, evidence: TimeEvidence? = nil
    ) {
        self.reading = reading
        self.frames = frames
        self.received = received
        self.record = record
        self.key = key
        self.duplicateWindow = duplicateWindow
        self.evidence = evidence
    }
}

/// Facts of a session for status, log and metrics.
package enum SessionNote: Sendable, Equatable {
    case clockRead(offset: Interval)
    case clockUnreadable(String)
    case clockSet(at: Instant)
    case clockSetFailed(String)
    case clockNotSet(because: String)
    case information(DeviceDescription)
    case battery(percent: Int)
    /// What the device says that it can do, by name.
    case abilities([String])
    /// A configuration that the device told is worth keeping, or that one kept does not hold any more.
    case configuration(KnownConfiguration, isKept: Bool)
    case ignored(BluetoothUUID, byteCount: Int)
    case recordAccess(String)
    case refused(step: String, String)
}

/// How a session ended.
package enum SessionEnd: Sendable, Equatable {
    /// Every step of the profile ran.
    case complete
    /// The link was lost or an operation failed; the next session resumes.
    case interrupted(String)
    /// A person has to act: pairing, passkey, bond.
    case needsPerson(String)
}
