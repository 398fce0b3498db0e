/// The key of a record: a hash of device, record index or raw device time, kind and raw values.
///
/// It never holds the receive time of stored data or a corrected time: a second read of the same
/// record gives the same key.
package struct RecordKey: Sendable, Hashable, CustomStringConvertible {
    /// 32 lower-case hexadecimal digits.
    package var hex: String
    package init(hex: String) { self.hex = hex }
    package var description: String { hex }
}

/// One measurement that is ready for the store: decoded, timed and coded.
package struct Record: Sendable, Equatable {
    package var key: RecordKey
    package var device: DeviceDescription
    package var kind: MeasurementKind
    package var quantities: [Quantity]
    package var flags: [String]
    /// The device's user slot or consent user, where it has one.
    package var userSlot: Int?
    /// The slot of a reading that a device with users takes for nobody's: no person owns it.
    package static let guestSlot = 255
    package var sequenceNumber: Int?
    /// The time stamp exactly as the device wrote it, before any correction.
    package var deviceTime: LocalDateTime?
    package var received: GatewayTime
    /// Nil while the record is in quarantine.
    package var time: RecordTime?
    package var quarantine: QuarantineReason?
    package var dataInputCode: DataInputCode
    /// 活動量計装着箇所コード or the profile's default position.
    package var measurementPositionCode: String?
    /// Length of the activity, where the device says it.
    package var duration: Interval?
    package var mealCode: String?
    package var profile: String
    package var profileRevision: Int
    package var simulated: Bool

    package init(
        key: RecordKey, device: DeviceDescription, kind: MeasurementKind, quantities: [Quantity],
        flags: [String] = [], userSlot: Int? = nil, sequenceNumber: Int? = nil,
        deviceTime: LocalDateTime? = nil, received: GatewayTime, time: RecordTime?,
        quarantine: QuarantineReason? = nil, dataInputCode: DataInputCode = .device,
        measurementPositionCode: String? = nil, duration: Interval? = nil, mealCode: String? = nil,
        profile: String, profileRevision: Int, simulated: Bool = false
    ) {
        self.key = key
        self.device = device
        self.kind = kind
        self.quantities = quantities
        self.flags = flags
        self.userSlot = userSlot
        self.sequenceNumber = sequenceNumber
        self.deviceTime = deviceTime
        self.received = received
        self.time = time
        self.quarantine = quarantine
        self.dataInputCode = dataInputCode
        self.measurementPositionCode = measurementPositionCode
        self.duration = duration
        self.mealCode = mealCode
        self.profile = profile
        self.profileRevision = profileRevision
        self.simulated = simulated
    }

    package func quantity(_ name: QuantityName) -> Quantity? {
        quantities.first { $0.name == name }
    }
}

/// The bytes a record was decoded from, kept beside it.
package struct RawFrame: Sendable, Hashable {
    /// Where they came from: `gatt:2a35`, `service-data:181b`.
    package var source: String
    package var bytes: [UInt8]
    package init(source: String, bytes: [UInt8]) {
        self.source = source
        self.bytes = bytes
    }
}

/// A moment at which the gateway set a device's clock; stamps from before it need the old offset.
package struct ClockStep: Sendable, Equatable {
    /// What the device's clock showed at the moment when it was set.
    package var deviceBefore: LocalDateTime
    /// Gateway minus device before the set.
    package var offset: Interval
    package var setAt: Instant
    /// The session that set the clock also took every record that waited on the device.
    package var drained: Bool

    package init(deviceBefore: LocalDateTime, offset: Interval, setAt: Instant, drained: Bool) {
        self.deviceBefore = deviceBefore
        self.offset = offset
        self.setAt = setAt
        self.drained = drained
    }
}

/// What the gateway remembers of one device between sessions.
package struct DeviceMemory: Sendable, Equatable {
    /// Next sequence number to ask for: everything below it is durably stored.
    package var nextSequence: Int?
    /// Gateway minus device at the last clock check, and when that was.
    package var clockOffset: Interval?
    package var clockCheckedAt: Instant?
    /// How long the read of that clock took: the offset is not better than half of it.
    package var clockLatency: Interval?
    package var clockSetAt: Instant?
    /// The last times the gateway set this clock, oldest first; at most `maximumClockSteps`.
    package var clockSteps: [ClockStep] = []
    package static let maximumClockSteps = 8
    /// The newest raw device time and sequence number seen, to notice a clock that jumped.
    package var newestDeviceTime: LocalDateTime?
    package var newestSequence: Int?
    /// End of the last session in which the device gave all that it had.
    package var lastSessionEndedAt: Instant?
    package var failedMeasurements: Int = 0
    package var batteryPercent: Int?
    /// What the device said that it can do, such as `multiple-bonds`; nil where it was never asked.
    package var abilities: [String]?
    package init() {}
}
