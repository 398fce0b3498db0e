package import Measurement

/// A named set of devices at which people measure one after the other.
package struct Station: Sendable, Equatable {
    package var name: String
    /// Addresses, serial numbers or ids of the devices that stand here from the beginning.
    package var devices: [String]
    /// What a person is to measure here; a session ends when all of it has come.
    package var expected: [MeasurementKind]
    /// How long a session lasts at most.
    package var length: Interval

    package init(
        name: String, devices: [String] = [], expected: [MeasurementKind] = [],
        length: Interval = .minutes(5)
    ) {
        self.name = name
        self.devices = devices
        self.expected = expected
        self.length = length
    }

    /// How many values of a kind a session is to bring; where nothing is named, one of each kind.
    func due(_ kind: MeasurementKind) -> Int {
        expected.isEmpty ? 1 : expected.count { $0 == kind }
    }
}

/// A moment on the gateway's clocks.
///
/// Within one run of the machine the monotonic clock tells how far apart two moments are, whatever
/// was done to the wall clock between them.
package struct StationMoment: Sendable, Equatable {
    package var utc: Instant
    package var monotonicNanoseconds: Int64?
    /// Names the run of the machine.
    package var boot: String?

    package init(utc: Instant, monotonicNanoseconds: Int64? = nil, boot: String? = nil) {
        self.utc = utc
        self.monotonicNanoseconds = monotonicNanoseconds
        self.boot = boot
    }

    package init(_ time: GatewayTime, boot: String) {
        self.init(
            utc: time.utc, monotonicNanoseconds: time.monotonicNanoseconds,
            boot: boot.isEmpty ? nil : boot)
    }

    /// When it was, on the wall clock as it stood when `other` was read.
    package func instant(seenFrom other: StationMoment) -> Instant {
        guard let boot, boot == other.boot, let own = monotonicNanoseconds,
            let theirs = other.monotonicNanoseconds
        else { return utc }
        return other.utc + Interval(microseconds: (own - theirs) / 1_000)
    }

    static func + (moment: StationMoment, interval: Interval) -> StationMoment {
        StationMoment(
            utc: moment.utc + interval,
            monotonicNanoseconds: moment.monotonicNanoseconds.map {
                $0 + interval.microseconds * 1_000
            }, boot: moment.boot)
    }
}

/// Who stands at a station.
package enum SessionPerson: Sendable, Hashable {
    case participant(String)
    case guest

    package var participant: String? {
        if case .participant(let code) = self { code } else { nil }
    }
}

/// Why a session ended.
package enum SessionEnd: String, Sendable {
    case nextCard = "next-card"
    case time
    case complete
    case ended
}

/// One person's turn at a station.
package struct StationSession: Sendable, Equatable {
    package var id: Int64
    package var station: String
    package var person: SessionPerson
    package var begun: StationMoment
    package var ended: StationMoment?
    package var end: SessionEnd?
    package var length: Interval
    /// Whoever was here before is gone: what they did not measure does not come any more.
    package var isPreviousGone: Bool

    package init(
        id: Int64, station: String, person: SessionPerson, begun: StationMoment,
        ended: StationMoment? = nil, end: SessionEnd? = nil, length: Interval = .minutes(5),
        isPreviousGone: Bool = false
    ) {
        self.id = id
        self.station = station
        self.person = person
        self.begun = begun
        self.ended = ended
        self.end = end
        self.length = length
        self.isPreviousGone = isPreviousGone
    }

    /// Begin and end on the wall clock as it stood at a moment.
    package func span(seenFrom moment: StationMoment) -> (
        from: Instant, to: Instant, end: SessionEnd?
    ) {
        let from = begun.instant(seenFrom: moment)
        let limit = from + length
        guard let ended else { return (from, limit, nil) }
        let to = ended.instant(seenFrom: moment)
        return limit < to ? (from, limit, .time) : (from, to, end)
    }

    /// Whether it goes on at a moment.
    package func isOpen(at moment: StationMoment) -> Bool {
        let span = span(seenFrom: moment)
        return ended == nil && span.from <= moment.utc && moment.utc < span.to
    }
}
