import BluetoothLink
import DeviceProfile
import EventLoop
import JSON
import Measurement
import Spool
import Uplink

/// The JSON documents of the socket, made from snapshots.
struct StatusDocuments {
    var zone: TimeZoneRules

    func time(_ instant: Instant) -> String { zone.iso8601(instant) }

    // MARK: records

    func record(_ stored: StoredRecord) -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.object { members(of: stored, &$0) }
        return writer.bytes
    }

    func members(of stored: StoredRecord, _ writer: inout JSONWriter) {
        let record = stored.record
        writer.member("id", Int(stored.rowID.number))
        writer.member("key", record.key.hex)
        writer.member("kind", record.kind.rawValue)
        values(record.quantities, &writer)
        writer.member("flags", strings: record.flags)
        writer.member("device", record.device.id.stable)
        writer.member("manufacturer", record.device.manufacturer)
        writer.member("model", record.device.model)
        writer.member("serial", record.device.serial)
        writer.member("participant", stored.participant)
        writer.member("participant_rule", stored.participantRule)
        recordTime(record, &writer)
        writer.member("received_at", time(record.received.utc))
        writer.member("data_input_code", record.dataInputCode.rawValue)
        writer.member("user_slot", record.userSlot)
        writer.member("sequence_number", record.sequenceNumber)
        writer.member("state", state(stored))
        writer.member("reason", record.quarantine?.rawValue)
        writer.member(
            "destinations",
            object: { writer in
                for delivery in stored.deliveries {
                    writer.member(delivery.destination, delivery.state.rawValue)
                }
            })
        writer.member("profile", record.profile)
        writer.member("profile_revision", record.profileRevision)
        writer.member("revision", stored.revision)
        writer.member("updated_at", stored.updatedAt.map(time))
        if let discarded = stored.discarded {
            writer.member("discarded_at", time(discarded.at))
            writer.member("discard_reason", discarded.reason)
        }
        writer.member("simulated", record.simulated)
        if let context = stored.context { members(of: context, &writer) }
    }

    private func members(of context: RecordContext, _ writer: inout JSONWriter) {
        writer.member("station", context.station)
        writer.member("setting", context.setting)
        writer.member("test_lab_id", context.testLabID)
        writer.member("measurement_method_code", context.methodCode)
        writer.member("measured_by", context.measuredBy)
        writer.member("medical_device", context.isMedicalDevice)
        writer.member("sensitivity", context.sensitivity)
    }

    func values(_ quantities: [Quantity], _ writer: inout JSONWriter) {
        writer.member(
            "values",
            object: { writer in
                for quantity in quantities {
                    writer.member(
                        quantity.name.rawValue,
                        object: { writer in
                            writer.member("value", number: quantity.number?.text)
                            writer.member("unit", quantity.unit.rawValue)
                        })
                }
            })
    }

    private func recordTime(_ record: Record, _ writer: inout JSONWriter) {
        writer.member("observation_time", record.time.map { time($0.observed) })
        writer.member("device_time", record.deviceTime?.description)
        writer.member("time_basis", record.time?.basis.rawValue)
        writer.member("clock_offset", number: record.time?.clockOffset?.secondsDecimal.text)
        writer.member("uncertainty", number: record.time?.uncertainty.secondsDecimal.text)
        writer.member("origin_of_time_code", record.time?.origin.rawValue)
    }

    private func state(_ stored: StoredRecord) -> String {
        if stored.discarded != nil {
            return stored.record.quarantine == nil ? "withdrawn" : "discarded"
        }
        if stored.record.quarantine != nil { return "quarantined" }
        if stored.participant == nil {
            return stored.participantRule == SpoolEntry.guestRule ? "guest" : "unassigned"
        }
        let states = stored.deliveries.map(\.state)
        if states.contains(.dead) { return "dead-letter" }
        if states.contains(.waiting) { return "waiting" }
        if states.contains(.held) { return "held" }
        if states.contains(.delivered) { return "delivered" }
        return "stored"
    }

    // MARK: devices

    func device(_ stored: StoredDevice, live: String, bonded: Bool, participant: String?)
        -> [UInt8]
    {
        var writer = JSONWriter()
        let memory = stored.memory
        writer.object { writer in
            writer.member("id", stored.description.id.stable)
            writer.member("address", stored.description.address)
            writer.member("profile", stored.profile)
            writer.member("manufacturer", stored.description.manufacturer)
            writer.member("model", stored.description.model)
            writer.member("serial", stored.description.serial)
            writer.member("firmware", stored.description.firmware)
            writer.member("participant", participant)
            writer.member("last_seen_at", time(stored.lastSeen))
            writer.member("last_record_at", stored.lastRecord.map(time))
            writer.member("records", stored.records)
            writer.member("failed_measurements", memory.failedMeasurements)
            writer.member(
                "clock",
                object: { writer in
                    writer.member(
                        "offset_seconds", number: memory.clockOffset?.secondsDecimal.text)
                    writer.member("measured_at", memory.clockCheckedAt.map(time))
                    writer.member(
                        "latency_seconds", number: memory.clockLatency?.secondsDecimal.text)
                    writer.member("set_at", memory.clockSetAt.map(time))
                })
            writer.member("battery_percent", memory.batteryPercent)
            if let abilities = memory.abilities { writer.member("abilities", strings: abilities) }
            writer.member("bonded", bonded)
            writer.member("state", live)
        }
        return writer.bytes
    }

    func sighting(_ entry: Strangers.Entry) -> [UInt8] {
        var writer = JSONWriter()
        let seen = entry.sighting
        writer.object { writer in
            writer.member("address", seen.address.description)
            writer.member("name", seen.advertisement.name)
            writer.member("rssi", seen.rssi)
            writer.member("services", strings: seen.advertisement.serviceUUIDs.map(\.description))
            writer.member("manufacturer_data", object: { companies(seen.advertisement, &$0) })
            writer.member("service_data", object: { serviceData(seen.advertisement, &$0) })
            writer.member("last_seen_at", time(seen.at.utc))
            writer.member("count", entry.count)
            writer.member("because", entry.because)
        }
        return writer.bytes
    }

    private func companies(_ shown: Advertisement, _ writer: inout JSONWriter) {
        for (company, data) in shown.manufacturerData.sorted(by: { $0.key < $1.key }) {
            writer.member(
                Self.digits([UInt8(company >> 8), UInt8(company & 0xFF)]), Self.digits(data))
        }
    }

    private static func digits(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func serviceData(_ shown: Advertisement, _ writer: inout JSONWriter) {
        for (uuid, data) in shown.serviceData.sorted(by: { $0.key.full < $1.key.full }) {
            writer.member(uuid.description, Self.digits(data))
        }
    }

    // MARK: the parts of /v1/status

    func adapters(_ states: [AdapterStatus], _ writer: inout JSONWriter) {
        writer.array { writer in
            for adapter in states {
                writer.object { writer in
                    writer.member("adapter", adapter.adapter)
                    writer.member("state", adapter.state.rawValue)
                    writer.member(
                        "last_advertisement_at", adapter.lastAdvertisement.map { time($0.utc) })
                    writer.member("advertisements", adapter.source.rawValue)
                    writer.member("advertisements_because", adapter.sourceProblem)
                    writer.member("problem", adapter.problem)
                    writer.member("discovery_restarts", adapter.discoveryRestarts)
                    writer.member("power_cycles", adapter.powerCycles)
                    counts("recoveries", adapter.recoveries, &writer)
                    counts("recoveries_not_permitted", adapter.refusedRecoveries, &writer)
                    counts("signs", adapter.signs, &writer)
                }
            }
        }
    }

    private func counts(_ name: String, _ values: [String: Int], _ writer: inout JSONWriter) {
        writer.member(
            name,
            object: { writer in
                for (name, value) in values.sorted(by: { $0.key < $1.key }) {
                    writer.member(name, value)
                }
            })
    }

    func destination(
        _ snapshot: DestinationSnapshot, _ counts: DestinationCounts?,
        _ writer: inout JSONWriter
    ) {
        writer.object { writer in
            snapshot.writeMembers(to: &writer, iso8601: time)
            writer.member("waiting", counts?.waiting ?? 0)
            writer.member("held_records", counts?.held ?? 0)
            writer.member("no_table", counts?.noTable ?? 0)
            writer.member("dead_letters", counts?.deadLetters ?? 0)
            writer.member("delivered", counts?.delivered ?? 0)
            writer.member("oldest_waiting_at", counts?.oldestWaitingAt.map(time))
        }
    }
}
