import JSON
import Measurement
import Spool

extension Intake {
    /// Gives doubtful readings to their persons once the earlier readings that were missing are there.
    ///
    /// What cannot be looked at now stays unassigned and is shown; a person can assign it.
    func resolveDoubts(_ entries: [SpoolEntry], _ results: [AppendResult]) async {
        guard let people else { return }
        let late = zip(entries, results).compactMap { entry, result in
            guard result.isStored, let context = entry.context, let station = context.station,
                let session = context.session
            else { return nil as (kind: MeasurementKind, station: String, session: Int64)? }
            return (entry.record.kind, station, session)
        }
        do throws(SpoolError) {
            for found in try await people.doubtsResolved(by: late) {
                try await spool.assign(
                    found.row, to: found.participant, rule: "station-session",
                    destinations: destinations(of: found.record, found.participant),
                    at: people.clock().utc,
                    note: LedgerNote(.assigned, on: found.record.key.hex) { writer in
                        writer.member("participant", found.participant)
                        writer.member("because", "the reading of the person before has come")
                    })
                counters.count("doubts_resolved")
                onStored([found.record])
            }
        } catch {
            Log.warning("doubt-not-resolved", ["state": error.name, "reason": "\(error)"])
        }
    }
}
