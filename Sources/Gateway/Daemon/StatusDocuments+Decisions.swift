import JSON
import Measurement
import Spool

/// The documents of quarantine, dead letters, the ledger and a device's clock.
extension StatusDocuments {
    func story(_ story: QuarantineStory) -> [UInt8] {
        var writer = JSONWriter(capacity: 1_024)
        let stored = story.kept.stored
        writer.object { writer in
            members(of: stored, &writer)
            writer.member("known", story.known)
            writer.member("releasing", story.releasing)
            writer.member("reason_text", story.reason)
            writer.member("last_try", story.kept.evidence?.note)
            writer.member(
                "measured_clock_offset", number: story.clockOffset?.secondsDecimal.text)
            writer.member("reception_time", story.receptionTime.map(time))
            for (name, neighbour) in [
                ("before", story.neighbours.before), ("after", story.neighbours.after),
            ] {
                guard let neighbour else { continue }
                writer.member(
                    name,
                    object: { writer in
                        writer.member("key", neighbour.record.key.hex)
                        writer.member(
                            "observation_time", neighbour.record.time.map { time($0.observed) })
                        writer.member("device_time", neighbour.record.deviceTime?.description)
                        writer.member("sequence_number", neighbour.record.sequenceNumber)
                    })
            }
            writer.member(
                "frames",
                array: { writer in
                    for frame in story.kept.frames {
                        writer.object { writer in
                            writer.member("source", frame.source)
                            writer.member("bytes", frame.bytes.count)
                        }
                    }
                })
        }
        return writer.bytes
    }

    func outcome(_ outcome: QuarantineDesk.Outcome) -> [UInt8] {
        var writer = JSONWriter(capacity: 768)
        writer.object { writer in
            writer.member("already", outcome.already)
            writer.key("record")
            writer.raw(bytes: record(outcome.stored))
        }
        return writer.bytes
    }

    /// A record with what it was before and where each version went.
    func record(_ stored: StoredRecord, versions: [RecordVersion]) -> [UInt8] {
        var writer = JSONWriter(capacity: 1_024)
        writer.object { writer in
            writer.key("record")
            writer.raw(bytes: record(stored))
            deliveries(stored, &writer)
            writer.key("versions")
            writer.array { writer in
                for version in versions {
                    writer.object { writer in
                        writer.member("revision", version.revision)
                        values(version.quantities, &writer)
                        writer.member("data_input_code", version.dataInputCode.rawValue)
                        writer.member("since", time(version.since))
                        writer.member("until", time(version.until))
                        writer.member("changed_by", version.actor)
                        writer.member("reason", version.reason)
                    }
                }
            }
        }
        return writer.bytes
    }

    /// What came of a withdrawal: who has the record already, and who may have it.
    func withdrawal(_ outcome: RecordDesk.Outcome) -> [UInt8] {
        var writer = JSONWriter(capacity: 768)
        writer.object { writer in
            writer.member("already", outcome.already)
            writer.member(
                "was_sent", outcome.stored.deliveries.contains { $0.deliveredAt != nil })
            writer.member(
                "may_have_been_sent", outcome.stored.deliveries.contains(where: \.isOnItsWay))
            deliveries(outcome.stored, &writer)
            writer.key("record")
            writer.raw(bytes: record(outcome.stored))
        }
        return writer.bytes
    }

    private func deliveries(_ stored: StoredRecord, _ writer: inout JSONWriter) {
        writer.key("deliveries")
        writer.array { writer in
            for delivery in stored.deliveries {
                writer.object { writer in
                    writer.member("destination", delivery.destination)
                    writer.member("state", delivery.state.rawValue)
                    writer.member("reason", delivery.reason)
                    writer.member("delivered_at", delivery.deliveredAt.map(time))
                    writer.member("on_its_way", delivery.isOnItsWay)
                }
            }
        }
    }

    func deadLetter(_ letter: DeadLetter) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("id", Int(letter.rowID.number))
            writer.member("key", letter.key.hex)
            writer.member("destination", letter.destination)
            writer.member("reason", letter.reason)
            writer.member("answer", letter.answer)
            writer.member("document", letter.document)
            writer.member("at", time(letter.at))
        }
        return writer.bytes
    }

    func ledgerEntry(_ entry: LedgerEntry) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("id", Int(entry.number))
            writer.member("at", time(entry.at))
            writer.member("actor", entry.actor)
            writer.member("event", entry.event)
            writer.member("subject", entry.subject)
            writer.key("details")
            writer.raw(entry.details)
            writer.member("previous", entry.previous)
            writer.member("hash", entry.hash)
        }
        return writer.bytes
    }

    /// The looks at a device's clock, oldest first.
    func clockHistory(_ history: [ClockHistoryEntry], _ writer: inout JSONWriter) {
        writer.array { writer in
            for entry in history {
                writer.object { writer in
                    writer.member("at", time(entry.at))
                    writer.member("offset_seconds", number: entry.offset.secondsDecimal.text)
                    writer.member(
                        "latency_seconds", number: entry.latency?.secondsDecimal.text)
                    writer.member("set", entry.wasSet)
                }
            }
        }
    }
}
