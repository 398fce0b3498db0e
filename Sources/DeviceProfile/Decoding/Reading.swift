package import Measurement

/// What one frame turned out to be.
package enum ReadingOutcome: String, Sendable, CaseIterable {
    case measurement
    /// The device says that it could not measure: NaN, "unsuccessful", an error code.
    case failedMeasurement = "failed-measurement"
    /// Still moving, intermediate cuff pressure, weight removed.
    case notFinal = "not-final"
    case controlSolution = "control-solution"
    /// Clock, battery, record count and the like.
    case deviceState = "device-state"
    /// Bytes that no layout of the model allows.
    case rejected
}

/// One decoded frame: the fields exactly as the device sent them, without a zone and without a person.
package struct Reading: Sendable, Equatable {
    package var outcome: ReadingOutcome
    package var kind: MeasurementKind?
    package var quantities: [Quantity] = []
    /// The time the device shows its user (base time plus offset for glucose).
    package var deviceTime: LocalDateTime?
    /// The frame has a time field and the device wrote "unknown" or an impossible date into it.
    package var deviceTimeUnusable = false
    /// The device itself says that its clock is faulty.
    package var timeFault = false
    /// The device wrote down that its clock was changed, and how.
    package var clockChange: RecordedClockChange?
    package var resolution: TimeResolution = .second
    /// A counter instead of a date: what the clock counted when this was measured.
    package var tick: UInt64?
    /// Days before the day of reception, for a device that has no date (0: the running day, whose
    /// record is replaced as it grows).
    package var dayIndex: Int?
    /// A person typed the value into the device.
    package var isTyped = false
    /// A person changed the value on the device.
    package var isEdited = false
    /// What the frame says of the clock behind its stamp, where it says anything.
    package var clockState = ClockState()
    /// Length of the period that was measured, where it is not a moment.
    package var duration: Interval?
    package var baseTime: LocalDateTime?
    package var timeOffsetMinutes: Int?
    package var userSlot: Int?
    /// The device says that it does not know who this was.
    package var isGuest = false
    package var sequenceNumber: Int?
    /// Which one this is of several records of a memory that are equal in every bit.
    package var occurrence = 1
    package var flags: [String] = []
    /// What else the frame says: numbers that are no measurement, under the profile's own names.
    package var details: [Detail] = []
    package var mealCode: String?
    /// A second frame with the same sequence number belongs to this one.
    package var contextFollows = false
    /// The frame is one of two of the same measurement.
    package var part: FramePart?
    /// Numbers that the layouts of later frames may use, by the profile's own names.
    package var remembered: [String: ExactDecimal] = [:]
    /// The bytes that make the record's key together with index or time; the whole frame by default.
    package var keyBytes: [UInt8] = []
    package var reason: String?
    package var offset: Int?

    /// A number beside the values, as text with the digits the device sent.
    package struct Detail: Sendable, Equatable {
        package var name: String
        package var value: String
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The flag of a reading that the device says is out of its memory.
    package static let storedFlag = "stored"

    /// The flag of a record whose time rests on a clock that jumped, or that the device doubts.
    package static let timeFaultFlag = "time-fault"

    /// The flag of a device that says that nobody has set its clock.
    package static let timeNotSetFlag = "time-not-set"

    /// The flag of a reading that the device took in its mode for objects.
    package static let objectModeFlag = "object-mode"

    package init(_ outcome: ReadingOutcome, kind: MeasurementKind? = nil) {
        self.outcome = outcome
        self.kind = kind
    }

    package static func rejected(_ error: DecodeError) -> Reading {
        var reading = Reading(.rejected)
        reading.reason = error.reason
        reading.offset = error.offset
        return reading
    }

    package func quantity(_ name: QuantityName) -> Quantity? {
        quantities.first { $0.name == name }
    }
}
