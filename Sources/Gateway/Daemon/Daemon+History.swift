import EventLoop
import Measurement
import Spool

extension Daemon {
    /// Lets what was stored before a destination was added wait for it, as far back as it wants.
    ///
    /// In small steps beside everything else; consent and format decide as for a new reading.
    func takeHistory() async {
        guard (try? await people.whenLoaded()) != nil else { return }
        for destination in configuration.destinations {
            guard let from = destination.historyFrom else { continue }
            do throws(SpoolError) {
                let count = try await takeHistory(of: destination.name, from: from)
                guard count > 0 else { continue }
                Log.notice(
                    "history-taken", ["destination": destination.name, "records": "\(count)"])
                uplink.wake()
            } catch {
                Log.error(
                    "history-not-taken",
                    ["destination": destination.name, "state": error.name, "reason": "\(error)"])
            }
        }
    }

    private func takeHistory(
        of name: String, from: LocalDateTime
    ) async throws(SpoolError) -> Int {
        let day = String(from.description.prefix { $0 != "T" })
        let since = configuration.gateway.timeZone.instant(from)
        var row = try await spool.historyTaken(name, since: day)
        var count = 0
        while !Task.isCancelled {
            let slice = try await spool.history(without: name, since: since, after: row)
            guard let next = slice.next else { break }
            var entries: [(row: RowID, state: EntryDestination.FirstState)] = []
            for stored in slice.records {
                let all = intake.destinations(of: stored.record, stored.participant)
                guard let own = all.first(where: { $0.name == name }) else { continue }
                entries.append((stored.rowID, own.state))
            }
            count += try await spool.addHistory(
                entries, to: name, since: day, through: next, at: GatewayTime.now().utc)
            row = next
        }
        return count
    }
}
