import EventLoop
import Measurement
import Register
import Spool

/// What was doubtful only because an earlier reading had not come yet.
extension People {
    /// A record that is somebody's after all.
    struct Resolved {
        var row: RowID
        var record: Record
        var participant: String
        var station: String
    }

    /// Looks again at doubtful readings of later sessions, now that readings of earlier ones have come.
    ///
    /// The order in which readings arrive then makes no difference: whose they are is what the same rule
    /// says of the same readings. What it still doubts stays as it is.
    func doubtsResolved(
        by late: [(kind: MeasurementKind, station: String, session: Int64)]
    ) async throws(SpoolError) -> [Resolved] {
        var found: [Resolved] = []
        for (kind, station, session) in late where book.last(station)?.id != session {
            let doubtful = try await spool.unassigned(
                because: StationBook.doubt, station: station, kind: kind, after: session)
            for stored in doubtful {
                // Another run of the machine may have received it: only the wall clock is common.
                guard stored.record.received.synchronised else { continue }
                let answer = book.answer(
                    StationBook.Question(
                        device: stored.record.device, kind: kind, taken: stored.record.taken,
                        received: StationMoment(utc: stored.record.received.utc)))
                guard case .person(let person, _, let place) = answer, place == station,
                    let code = person.participant
                else { continue }
                found.append(
                    Resolved(
                        row: stored.rowID, record: stored.record, participant: code,
                        station: station))
            }
        }
        return found
    }
}
