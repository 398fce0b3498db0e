import DeviceProfile
import EventLoop
import Exchange
import Measurement
import Register
import Registry
import Spool
import Uplink

/// The last look at a record before it is encoded: consent, period, lists, where it was measured.
extension People {
    /// One word for each record of a batch, in its order.
    ///
    /// - Throws: the store cannot be asked what was withdrawn; nothing of the batch may go then.
    func preparations(
        of batch: Uplink.OutboxBatch, to destination: String
    ) async throws -> [Preparation] {
        let withdrawn = try await spool.withdrawn(fromBatch: batch.id)
        let now = clock().utc
        return batch.items.map { item in
            let isWithdrawn = withdrawn.contains(RowID(item.id))
            return preparation(of: item, to: destination, isWithdrawn: isWithdrawn, at: now)
        }
    }

    private func preparation(
        of item: Uplink.OutboxItem, to destination: String, isWithdrawn: Bool, at now: Instant
    ) -> Preparation {
        if let why = obstacle(item.record, item.participant, to: destination, at: now) {
            return .held(reason: why)
        }
        guard !isWithdrawn else { return .held(reason: "withdrawn") }
        // What somebody typed has the time that a person gave, whatever a device's clock is like.
        if item.record.profile != TypedValue.profile, item.record.time?.origin == .corrected,
            let row = listed(item.record), deviceList.value(row, "time_correction") == "0"
        {
            return .held(reason: "the device list says that this model's time is not corrected")
        }
        return .ready(prepared(item))
    }

    /// A record with what the lists, its person and its circumstances add.
    func prepared(_ item: Uplink.OutboxItem) -> ExchangeRecord {
        var record = item.exchangeRecord
        if let row = listed(item.record) {
            record.listed = ListedDevice(
                manufacturer: deviceList.value(row, "model_manufacturer_code"),
                model: deviceList.value(row, "model_number"))
        }
        if item.record.kind == .activity {
            record.listedActiveMinutes = activityMinutes(item.record)
            record.wearingPosition = wearingPosition(item.record, item.participant)
        }
        if let setting = item.setting {
            record.setting = GatewaySetting(rawValue: setting)
            record.testLabID = item.testLabID
            record.measurementMethodCode = item.methodCode
        }
        return record
    }

    private func wearingPosition(_ record: Record, _ participant: String) -> String? {
        let owner = roster.assignment(of: record.device, slot: record.userSlot, models: [])
        if case .participant(let who, rule: _, let ownership) = owner, who == participant,
            let position = ownership.wearingPosition
        {
            return position
        }
        return record.time.flatMap {
            participations.period(of: participant, on: zone.local($0.observed))?.wearingPosition
        }
    }

    private func names(_ record: Record) -> [String] {
        ([record.device.model].compactMap { $0 }
            + (profiles()[id: record.profile]?.modelNames ?? []))
            .map { $0.lowercased() }
    }

    /// The row of 機器リスト about the model of a record.
    private func listed(_ record: Record) -> [String]? {
        guard !deviceList.rows.isEmpty else { return nil }
        let names = names(record)
        return deviceList.rows.first { row in
            deviceList.value(row, "model_number").map { names.contains($0.lowercased()) } ?? false
        }
    }

    private func activityMinutes(_ record: Record) -> Int? {
        guard !activityTimes.rows.isEmpty else { return nil }
        let names = names(record)
        let row = activityTimes.rows.first { row in
            activityTimes.value(row, "model_number").map { names.contains($0.lowercased()) }
                ?? false
        }
        return row.flatMap { activityTimes.value($0, "total_active_duration") }.flatMap { Int($0) }
    }
}
