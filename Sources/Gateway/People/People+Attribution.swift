import DeviceProfile
import Measurement
import Register
import Registry
import Spool

/// Whose a new record is, by the first rule that knows something about its device.
extension People {
    struct Attribution {
        var participant: String?
        /// The rule that said so, or why there is none.
        var rule: String
        var wearingPosition: String?
        var context: RecordContext
    }

    /// - Parameter boot: whose monotonic clock the record's stamps are of.
    func attribution(of record: Record, boot: String) -> Attribution {
        let moment = StationMoment(record.received, boot: boot)
        let answer = book.answer(
            StationBook.Question(
                device: record.device, kind: record.kind, taken: record.taken, received: moment))
        switch answer {
        case .noStation: return byDevice(record)
        case .nobody(let why, let session, let station):
            note(record, in: session, at: moment)
            return Attribution(
                rule: why, context: context(record, station: station, session: session))
        case .person(let person, let session, let station):
            note(record, in: session, at: moment)
            return Attribution(
                participant: person.participant,
                rule: person == .guest ? SpoolEntry.guestRule : "station-session",
                wearingPosition: person.participant.flatMap { position($0, record) },
                context: context(record, station: station, session: session))
        }
    }

    private func byDevice(_ record: Record) -> Attribution {
        let models = profiles()[id: record.profile]?.modelNames ?? []
        let context = context(record, station: nil, session: nil)
        guard record.userSlot != Record.guestSlot else {
            return Attribution(rule: SpoolEntry.guestRule, context: context)
        }
        switch roster.assignment(of: record.device, slot: record.userSlot, models: models) {
        case .unassigned(let why): return Attribution(rule: why, context: context)
        case .participant(let owner, let rule, let ownership):
            return Attribution(
                participant: owner, rule: rule,
                wearingPosition: ownership.wearingPosition ?? position(owner, record),
                context: context)
        }
    }

    /// 機器装着箇所情報 of the person's period, where it was registered.
    func position(_ participant: String, _ record: Record) -> String? {
        record.time.flatMap {
            participations.period(of: participant, on: zone.local($0.observed))?.wearingPosition
        }
    }

    private func note(_ record: Record, in session: Int64?, at moment: StationMoment) {
        guard let session else { return }
        if let ended = book.note(record.key, record.kind, in: session, at: moment) {
            unwrittenEnds.append(ended)
            onSession(ended)
        }
    }

    func context(_ record: Record, station name: String?, session: Int64?) -> RecordContext {
        let station = configuration.stations.first { $0.name == name }
        let setting = station?.setting ?? configuration.gateway.setting
        return RecordContext(
            station: name, session: session, setting: setting.rawValue,
            testLabID: setting == .checkup
                ? station?.testLabID ?? configuration.gateway.testLabID : nil,
            measuredBy: (station?.measuredBy ?? .person).rawValue,
            isMedicalDevice: profiles()[id: record.profile]?.isMedicalDevice ?? false,
            sensitivity: record.kind.isSensitive ? "sensitive" : "ordinary")
    }

    /// Writes down which sessions ended by what was measured in them.
    func writeEnds() async {
        while let ended = unwrittenEnds.first {
            do throws(SpoolError) {
                try await spool.endSession(
                    StoredSession(ended), notes: [ended.endNote(by: .gateway)], at: clock().utc)
            } catch {
                // It is tried with the next reading; after a restart the session is over by its time.
                return Log.warning("session-end-not-written", ["reason": "\(error)"])
            }
            if unwrittenEnds.first?.id == ended.id { unwrittenEnds.removeFirst() }
        }
    }
}

extension Record {
    /// Between which moments it was taken, as far as its time can be trusted.
    var taken: (earliest: Instant, latest: Instant)? {
        guard let time else { return nil }
        let width: Interval =
            switch time.resolution {
            case .subsecond: .zero
            case .second: .milliseconds(999)
            case .minute: .seconds(59)
            case .hour: .seconds(3_599)
            case .day: .seconds(86_399)
            }
        // A received time stands for the moment of sending, which ends the measurement.
        return (time.observed - time.uncertainty, time.observed + time.uncertainty + width)
    }
}

extension MeasurementKind {
    /// 要配慮: handled as sensitive unless somebody says otherwise.
    var isSensitive: Bool {
        switch self {
        case .bloodPressure, .glucose, .hba1c: true
        case .weight, .bodyComposition, .activity, .heartRate, .temperature, .oxygenSaturation:
            false
        }
    }
}
