package import Measurement

/// One period in which a person takes part (参加開始日 to 参加終了日), with what holds in it.
package struct Participation: Sendable, Equatable {
    package var participant: String
    /// The first and the last day, `20260401`; nil where it is open.
    package var start: String?
    package var end: String?
    /// 機器装着箇所情報.
    package var wearingPosition: String?
    /// 服薬情報: takes medicine.
    package var takesMedicine: Bool?

    package init(
        participant: String, start: String? = nil, end: String? = nil,
        wearingPosition: String? = nil, takesMedicine: Bool? = nil
    ) {
        self.participant = participant
        self.start = start
        self.end = end
        self.wearingPosition = wearingPosition
        self.takesMedicine = takesMedicine
    }

    /// Both days are included.
    package func includes(_ day: String) -> Bool {
        (start.map { $0 <= day } ?? true) && (end.map { day <= $0 } ?? true)
    }

    func overlaps(_ other: Participation) -> Bool {
        (start ?? "00000000") <= (other.end ?? "99999999")
            && (other.start ?? "00000000") <= (end ?? "99999999")
    }
}

/// All periods of all participants.
package struct ParticipationBook: Sendable, Equatable {
    private var periods: [String: [Participation]] = [:]

    package init(_ periods: [Participation] = []) {
        self.periods = Dictionary(grouping: periods, by: \.participant)
    }

    package var participants: [String] { Array(periods.keys) }

    /// The person's period of a day; nil outside of all of them.
    package func period(of participant: String, on time: LocalDateTime) -> Participation? {
        let day = String(time.digits14.prefix(8))
        return periods[participant]?.first { $0.includes(day) }
    }

    /// Whether a measurement of this moment may be sent; who has no period takes part always.
    package func includes(_ participant: String, at time: LocalDateTime) -> Bool {
        periods[participant] == nil || period(of: participant, on: time) != nil
    }
}
