import Crypto
package import Measurement

/// Makes records out of readings: key, codes, and the time decision or the reason for quarantine.
package struct RecordBuilder: Sendable {
    package var profile: DeviceProfile
    package var engine: TimeEngine
    package var simulated: Bool

    package init(profile: DeviceProfile, zone: TimeZoneRules, simulated: Bool) {
        self.profile = profile
        self.engine = TimeEngine(rules: profile.time, zone: zone)
        self.simulated = simulated
    }

    /// The record of a measurement; nil for a reading that is none.
    package func record(
        _ reading: Reading, device: DeviceDescription, received: GatewayTime,
        evidence: TimeEvidence
    ) -> Record? {
        guard reading.outcome == .measurement, let kind = reading.kind else { return nil }
        let reading = coded(reading)
        var described = device
        described.manufacturer = device.manufacturer ?? profile.manufacturerCode
        described.model = device.model ?? profile.models.first?.name
        var record = Record(
            key: key(reading, device: device, received: received), device: described, kind: kind,
            quantities: reading.quantities, flags: reading.flags, userSlot: reading.userSlot,
            sequenceNumber: reading.sequenceNumber, deviceTime: reading.deviceTime,
            received: received, time: nil,
            dataInputCode: reading.inputCode,
            measurementPositionCode: profile.codes.measurementPosition,
            duration: reading.duration, mealCode: reading.mealCode, profile: profile.id,
            profileRevision: profile.revision, simulated: simulated)
        record.settle(engine.decide(reading, received: received, evidence: evidence))
        // What the scale itself takes for an object is nobody's weight until a person says so.
        if Plausibility.violation(reading.quantities, profile: profile.plausible) != nil
            || reading.flags.contains(Reading.objectModeFlag)
        {
            (record.time, record.quarantine) = (nil, .implausible)
        }
        // Half a record is nobody's until a person says that it will do.
        if reading.flags.contains(Reading.incompleteFlag) {
            (record.time, record.quarantine) = (nil, .incomplete)
        }
        return record
    }

    /// The key of a reading (T15): device, index or raw device time, kind and raw value bytes.
    ///
    /// A live reading that has neither index nor time can be told from the next one only by the
    /// moment it came; the device cannot send it again later.
    ///
    /// A day that is counted back has its date instead, and no values: it grows until it is over,
    /// and the later reading of it takes the place of the earlier one.
    package func key(_ reading: Reading, device: DeviceID, received: GatewayTime) -> RecordKey {
        if let index = reading.dayIndex, received.synchronised {
            return key(ofDay: index, reading, device, received)
        }
        var parts = [device.stable, reading.kind?.rawValue ?? "none"]
        if let sequence = reading.sequenceNumber {
            parts.append("sequence \(sequence)")
        }
        if let base = reading.baseTime {
            parts.append("base \(base) \(reading.timeOffsetMinutes ?? 0)")
        } else if let time = reading.deviceTime {
            parts.append("time \(time)")
        }
        if let index = reading.dayIndex {
            // Which day that is nobody knows before the gateway's clock is right.
            parts.append("\(index) days before \(received.utc.microseconds)")
        }
        if let tick = reading.tick { parts.append("tick \(tick)") }
        if let duration = reading.duration { parts.append("duration \(duration.microseconds)") }
        if !hasOwnIdentity(reading) {
            parts.append("received \(received.utc.microseconds)")
        }
        parts.append(hexadecimal(reading.keyBytes))
        return key(parts + occurrence(reading))
    }

    /// Equal records of one memory are records all the same; the first has the key of a lone one.
    private func occurrence(_ reading: Reading) -> [String] {
        reading.occurrence > 1 ? ["occurrence \(reading.occurrence)"] : []
    }

    /// The same, or one key for both links where the profile says that the device has two.
    ///
    /// It holds the serial number, the time as coarse as the coarser link gives it, and the values:
    /// numbers of records, and bytes, are other ones on each link.
    package func key(
        _ reading: Reading, device: DeviceDescription, received: GatewayTime
    ) -> RecordKey {
        guard let same = profile.codes.sameRecord, let serial = device.serial, !serial.isEmpty,
            reading.outcome == .measurement, let kind = reading.kind, let time = reading.deviceTime
        else { return key(reading, device: device.id, received: received) }
        let values = reading.quantities.compactMap { quantity in
            quantity.number.map {
                "\(quantity.name.rawValue) \($0.shortest) \(quantity.unit.rawValue)"
            }
        }
        return key(
            ["same \(same.family) \(serial)", kind.rawValue, "time \(same.resolution.cut(time))"]
                + values.sorted() + occurrence(reading))
    }

    private func key(
        ofDay index: Int, _ reading: Reading, _ device: DeviceID, _ received: GatewayTime
    ) -> RecordKey {
        let today = TimeResolution.day.cut(engine.zone.local(received.utc))
        let day = today.adding(.minutes(-1_440 * Int64(index)))
        let slot = reading.userSlot.map { ["slot \($0)"] } ?? []
        return key([device.stable, reading.kind?.rawValue ?? "none", "day \(day)"] + slot)
    }

    private func key(_ parts: [String]) -> RecordKey {
        let digest = SHA256.digest(Array(parts.joined(separator: "\n").utf8))
        return RecordKey(hex: hexadecimal(digest.prefix(16)))
    }

    /// The reading with what the profile says of its flags: who typed it, who changed it.
    package func coded(_ reading: Reading) -> Reading {
        var reading = reading
        reading.isTyped = reading.isTyped || reading.has(profile.codes.typedFlags)
        reading.isEdited = reading.isEdited || reading.has(profile.codes.editedFlags)
        return reading
    }

    /// The reading carries an index, a time or a counter, so that a second delivery can be recognised.
    package func hasOwnIdentity(_ reading: Reading) -> Bool {
        reading.sequenceNumber != nil || reading.deviceTime != nil || reading.tick != nil
            || reading.dayIndex != nil
    }
}

extension ExactDecimal {
    /// The number without the zeros that only say how exact it is.
    fileprivate var shortest: String {
        var text = self.text
        guard text.utf8.contains(UInt8(ascii: ".")) else { return text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}

extension Reading {
    fileprivate func has(_ flags: [String]) -> Bool {
        flags.contains { self.flags.contains($0) }
    }

    /// データ入力コード: 0 device, 1 typed by a person, 2 a device's value edited by a person.
    fileprivate var inputCode: DataInputCode {
        if isTyped { return .typed }
        return isEdited ? .edited : .device
    }
}
