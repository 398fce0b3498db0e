package import Measurement

/// How and when a profile has a device's clock set.
package struct ClockSetting: Sendable, Equatable {
    package enum Form: String, Sendable, CaseIterable {
        /// Date Time (2A08): seven bytes, whole seconds.
        case dateTime = "date-time"
        /// Current Time (2A2B): ten bytes, with the day of the week, 1/256 s and the reason.
        case currentTime = "current-time"
    }
    package enum Occasion: String, Sendable, CaseIterable {
        /// As a step, in its place.
        case step
        /// As soon as the device has sent its own time.
        case notification
    }
    /// Adjust Reason of Current Time, bit by bit.
    package enum Reason: String, Sendable, CaseIterable {
        case manual
        case externalReference = "external-reference"
        case timeZone = "time-zone"
        case summerTime = "summer-time"

        var bit: UInt8 {
            switch self {
            case .manual: 1
            case .externalReference: 2
            case .timeZone: 4
            case .summerTime: 8
            }
        }
    }
    package var zone: SessionPlan.ClockZone
    package var form: Form
    package var occasion: Occasion
    package var reasons: [Reason]

    package init(
        _ zone: SessionPlan.ClockZone, form: Form = .dateTime, occasion: Occasion = .step,
        reasons: [Reason] = [.externalReference]
    ) {
        self.zone = zone
        self.form = form
        self.occasion = occasion
        self.reasons = reasons
    }

    /// The bytes that say this moment to the device.
    package func bytes(_ moment: Instant, local: TimeZoneRules) -> [UInt8] {
        switch form {
        case .dateTime:
            return DateTimeField.bytes(Self.wholeSecond(moment, zone, local: local))
        case .currentTime:
            let time = (zone == .utc ? TimeZoneRules.utc : local).local(moment)
            let fraction = UInt8(time.microsecond * 256 / 1_000_000)
            let reason = reasons.reduce(0) { $0 | $1.bit }
            return DateTimeField.bytes(time) + [time.dayOfWeek, fraction, reason]
        }
    }

    /// The wall clock at a moment, to the nearest second, for devices that take no fraction.
    package static func wholeSecond(
        _ moment: Instant, _ zone: SessionPlan.ClockZone, local: TimeZoneRules
    ) -> LocalDateTime {
        var time = (zone == .utc ? TimeZoneRules.utc : local).local(moment + .milliseconds(500))
        time.microsecond = 0
        return time
    }
}

extension LocalDateTime {
    /// 1 Monday … 7 Sunday; 1 January 1970 was a Thursday.
    package var dayOfWeek: UInt8 {
        let perDay: Int64 = 86_400_000_000
        let days = (localMicroseconds - (localMicroseconds % perDay + perDay) % perDay) / perDay
        return UInt8((days % 7 + 7 + 3) % 7) + 1
    }
}
