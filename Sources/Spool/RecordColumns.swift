import JSON
import Measurement

/// A record as the columns of a row and back; the order is that of `SQL.recordColumns`.
enum RecordColumns {
    static func values(_ record: Record, isSealed: Bool) -> [SQLValue] {
        let (device, received, time) = (record.device, record.received, record.time)
        var columns: [SQLValue] = [
            .text(device.id.stable), .text(device.address), .text(device.manufacturer),
            .text(device.model), .text(device.serial), .text(device.assetNumber),
            .text(device.firmware),
        ]
        columns.reserveCapacity(32)
        columns += [
            .text(record.kind.rawValue), .text(isSealed ? "" : quantities(record.quantities)),
            .text(isSealed ? "" : strings(record.flags)), .integer(record.userSlot),
            .integer(record.sequenceNumber),
            record.deviceTime.map { .integer($0.localMicroseconds) } ?? .null,
            .instant(received.utc), .integer(received.monotonicNanoseconds),
            .flag(received.synchronised),
        ]
        columns += [
            .instant(time?.observed), .text(time?.basis.rawValue), .text(time?.origin.rawValue),
            .interval(time?.clockOffset), .interval(time?.uncertainty),
            .text(time?.resolution.rawValue),
        ]
        columns += [
            .text(record.quarantine?.rawValue), .text(record.dataInputCode.rawValue),
            .text(record.measurementPositionCode), .interval(record.duration),
            .text(record.mealCode), .text(record.profile), .integer(record.profileRevision),
            .flag(record.simulated),
        ]
        return columns
    }

    /// All columns, the key first.
    ///
    /// - Parameter isSealed: the values lie sealed beside them, not in them.
    static func keyed(_ record: Record, isSealed: Bool) -> [SQLValue] {
        [.text(record.key.hex)] + values(record, isSealed: isSealed)
    }

    /// What is sealed of a record, as text: its values and what the device said about them.
    static func secret(_ record: Record) -> [UInt8] {
        Array((quantities(record.quantities) + "\n" + strings(record.flags)).utf8)
    }

    /// Ties a record's sealed values to its row.
    static func place(_ key: RecordKey) -> String { "record \(key.hex)" }

    /// - Parameter opening: gives the text of sealed values by the record's key, nil where none are.
    static func read(
        _ row: inout RowReader,
        opening: (RecordKey) throws(UnreadableColumn) -> String?
    ) throws(UnreadableColumn) -> Record {
        let key = RecordKey(hex: row.text())
        let device = DeviceDescription(
            id: DeviceID(row.text()), address: row.optionalText(),
            manufacturer: row.optionalText(), model: row.optionalText(),
            serial: row.optionalText(), assetNumber: row.optionalText(),
            firmware: row.optionalText())
        let kind: MeasurementKind = try known(row.text(), "kind")
        let plain = [row.text(), row.text()]
        let opened = try opening(key)?.split(separator: "\n", omittingEmptySubsequences: false)
        let texts = opened?.map(String.init) ?? plain
        let quantities = try quantities(texts[0])
        guard texts.count == 2, let flags = strings(texts[1]) else {
            throw UnreadableColumn("flags")
        }
        let slot = row.optionalCount()
        let sequence = row.optionalCount()
        let deviceTime = row.optionalLocalTime()
        let received = GatewayTime(
            utc: row.instant(), monotonicNanoseconds: row.integer(), synchronised: row.flag())
        let time = try time(&row)
        let quarantine: QuarantineReason? = try row.optionalText().map {
            text throws(UnreadableColumn) in
            try known(text, "quarantine")
        }
        return Record(
            key: key, device: device, kind: kind, quantities: quantities, flags: flags,
            userSlot: slot, sequenceNumber: sequence, deviceTime: deviceTime, received: received,
            time: time, quarantine: quarantine,
            dataInputCode: try known(row.text(), "data_input_code"),
            measurementPositionCode: row.optionalText(), duration: row.optionalInterval(),
            mealCode: row.optionalText(), profile: row.text(), profileRevision: row.count(),
            simulated: row.flag())
    }

    private static func time(_ row: inout RowReader) throws(UnreadableColumn) -> RecordTime? {
        let observed = row.optionalInstant()
        let basis = row.optionalText()
        let origin = row.optionalText()
        let offset = row.optionalInterval()
        let uncertainty = row.optionalInterval()
        let resolution = row.optionalText()
        guard let observed else { return nil }
        return RecordTime(
            observed: observed, basis: try known(basis ?? "", "time_basis"),
            origin: try known(origin ?? "", "time_origin"), clockOffset: offset,
            uncertainty: uncertainty ?? .zero,
            resolution: try known(resolution ?? "", "resolution"))
    }

    private static func known<T: RawRepresentable>(
        _ text: String, _ column: String
    ) throws(UnreadableColumn) -> T where T.RawValue == String {
        guard let value = T(rawValue: text) else { throw UnreadableColumn(column) }
        return value
    }
}

/// A column whose text no version of this program writes.
struct UnreadableColumn: Error, Equatable {
    var column: String
    init(_ column: String) { self.column = column }
}

// MARK: JSON columns

extension RecordColumns {
    /// `[{"name":"weight","number":72.50,"unit":"kg"}]`: the digits as the device sent them.
    static func quantities(_ quantities: [Quantity]) -> String {
        var writer = JSONWriter()
        writer.array { writer in
            for quantity in quantities {
                writer.object {
                    $0.member("name", quantity.name.rawValue)
                    $0.member("number", number: quantity.number.map(exact))
                    $0.member("unit", quantity.unit.rawValue)
                }
            }
        }
        return writer.text
    }

    /// Plain digits where they give back the same mantissa and exponent, `2e1` otherwise.
    private static func exact(_ number: ExactDecimal) -> String {
        (-18...0).contains(number.exponent)
            ? number.text : "\(number.mantissa)e\(number.exponent)"
    }

    static func quantities(_ text: String) throws(UnreadableColumn) -> [Quantity] {
        if let plain = QuantityText.read(text) { return plain }
        return try quantities(asJSON: text)
    }

    /// The same for whatever JSON it may be.
    static func quantities(asJSON text: String) throws(UnreadableColumn) -> [Quantity] {
        guard let items = (try? JSONValue.parse(text.utf8))?.array else {
            throw UnreadableColumn("quantities")
        }
        var quantities: [Quantity] = []
        for item in items {
            let name = item["name"]?.string.flatMap { QuantityName(rawValue: $0) }
            let unit = item["unit"]?.string.flatMap { MeasurementUnit(rawValue: $0) }
            guard let name, let unit, let number = item["number"] else {
                throw UnreadableColumn("quantities")
            }
            let decimal = number.numberText.flatMap { ExactDecimal($0) }
            // A number that does not read back must not turn into "absent".
            guard decimal != nil || number.isNull else { throw UnreadableColumn("quantities") }
            quantities.append(Quantity(name, decimal, unit))
        }
        return quantities
    }

    static func strings(_ strings: [String]) -> String {
        if strings.isEmpty { return "[]" }
        var writer = JSONWriter()
        writer.array { writer in for string in strings { writer.string(string) } }
        return writer.text
    }

    static func strings(_ text: String) -> [String]? {
        if text == "[]" { return [] }
        guard let items = (try? JSONValue.parse(text.utf8))?.array else { return nil }
        let strings = items.compactMap(\.string)
        return strings.count == items.count ? strings : nil
    }
}
