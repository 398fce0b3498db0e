/// Why a record's time is what it is.
package enum TimeBasis: String, Sendable, CaseIterable {
    /// The device's own clock, right within the tolerance.
    case deviceClock = "device-clock"
    /// The device's clock shifted by the offset that was measured against the gateway's.
    case corrected
    /// The moment of reception, because the device gave no usable time for a live reading.
    case received
    /// The device's clock is itself synchronised to a better source.
    case synchronised
    /// A person gave it.
    case person
}

/// 時刻補正コード `origin_of_time_code`.
package enum OriginOfTimeCode: String, Sendable {
    /// The device's time as it is.
    case device = "0"
    /// The device's time corrected by the gateway.
    case corrected = "1"
}

/// データ入力コード `data_input_code`.
package enum DataInputCode: String, Sendable {
    case device = "0"
    case typed = "1"
    case edited = "2"
}

/// How fine a device's time stamps are; parts below it are written `00`.
package enum TimeResolution: String, Sendable, CaseIterable {
    case subsecond
    case second
    case minute
    case hour
    case day
}

/// The time that a record got, with everything that justifies it.
package struct RecordTime: Sendable, Equatable {
    package var observed: Instant
    package var basis: TimeBasis
    package var origin: OriginOfTimeCode
    /// Gateway minus device at the clock check; nil when the device's clock was not read.
    package var clockOffset: Interval?
    /// How far `observed` may be off.
    package var uncertainty: Interval
    package var resolution: TimeResolution

    package init(
        observed: Instant, basis: TimeBasis, origin: OriginOfTimeCode, clockOffset: Interval? = nil,
        uncertainty: Interval = .zero, resolution: TimeResolution = .second
    ) {
        self.observed = observed
        self.basis = basis
        self.origin = origin
        self.clockOffset = clockOffset
        self.uncertainty = uncertainty
        self.resolution = resolution
    }
}

/// Why a reading waits for a person instead of going out.
package enum QuarantineReason: String, Sendable, CaseIterable, Error {
    case timeUnknown = "time-unknown"
    case timeFault = "time-fault"
    case notCurrentTimeline = "not-current-timeline"
    case future
    case tooOld = "too-old"
    case implausible
    /// One of two packets of a measurement; the other one did not come.
    case incomplete
    case noClockSync = "no-clock-sync"
    case valueDoesNotFit = "value-does-not-fit"
}
