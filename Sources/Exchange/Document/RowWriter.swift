import Measurement

/// Writes the members of one record of one table.
struct RowWriter {
    let options: EncoderOptions
    let consortium: String
    let sendTime: Instant

    func write(
        _ table: borrowing TableDefinition, _ record: borrowing ExchangeRecord,
        to buffer: inout DocumentBuffer
    ) throws(FieldRefusal) {
        buffer.append("{")
        var isFirst = true
        // Looked at in place: a copy of a column costs more than writing its value.
        let columns = table.columns.span
        for index in columns.indices {
            let start = buffer.count
            if !isFirst { buffer.append(",") }
            buffer.append(columns[index].name)
            if try value(columns[index], record, &buffer) {
                isFirst = false
            } else if columns[index].isRequired {
                throw FieldRefusal(columns[index].name.text, .missing)
            } else {
                buffer.truncate(to: start)
            }
        }
        buffer.append("}")
    }

    /// Writes a value; false when it is not known.
    private func value(
        _ column: borrowing Column, _ record: borrowing ExchangeRecord,
        _ buffer: inout DocumentBuffer
    ) throws(FieldRefusal) -> Bool {
        switch column.rule {
        case .date(let width):
            guard let time = time(column.source, record) else { return false }
            buffer.quoted(time, width: width)
        case .number(let rule):
            guard let number = try number(column, rule, record) else { return false }
            buffer.decimal(number, decimals: -number.exponent)
        case .text(let rule):
            guard let text = text(column.source, record) else { return false }
            try rule.check(text, field: column.name)
            buffer.quoted(text)
        }
        return true
    }

    // MARK: Dates

    private func time(
        _ source: ColumnSource, _ record: borrowing ExchangeRecord
    ) -> LocalDateTime? {
        switch source {
        case .property(.observationTime):
            record.record.time.map { observed($0) }
        case .property(.updateTime):
            options.zone.local(record.heldUpdateTime ?? record.stored ?? sendTime)
        default: nil
        }
    }

    /// The local time with everything that the device did not measure written as zero.
    private func observed(_ time: RecordTime) -> LocalDateTime {
        var local = options.zone.local(time.observed)
        switch time.resolution {
        case .day: (local.hour, local.minute, local.second) = (0, 0, 0)
        case .hour: (local.minute, local.second) = (0, 0)
        case .minute: local.second = 0
        case .second, .subsecond: break
        }
        local.microsecond = 0
        return local
    }

    // MARK: Numbers

    /// The number rounded to what the column writes; nil when it is not known.
    private func number(
        _ column: borrowing Column, _ rule: NumberRule, _ record: borrowing ExchangeRecord
    ) throws(FieldRefusal) -> ExactDecimal? {
        let source: (number: ExactDecimal, unit: MeasurementUnit, wanted: MeasurementUnit)
        switch column.source {
        case .quantity(let name, let wanted):
            guard let quantity = record.record.quantity(name), let number = quantity.number
            else { return nil }
            source = (number, quantity.unit, wanted)
        case .property(.totalActiveDuration):
            guard let duration = activeDuration(record) else { return nil }
            source = (duration.number, duration.unit, .minute)
        default: return nil
        }
        guard source.number.mantissa >= 0 else { throw FieldRefusal(column.name.text, .negative) }
        // A number keeps the digits the device sent, up to what the column has room for.
        let isKept = source.unit == source.wanted && !rule.isExact
        let decimals = isKept ? min(rule.decimals, max(0, -source.number.exponent)) : rule.decimals
        guard
            let number = UnitConversion.convert(
                source.number, from: source.unit, to: source.wanted, decimals: decimals)
        else {
            throw FieldRefusal(
                column.name.text, .noConversion(from: source.unit, to: source.wanted))
        }
        let width = number.writtenWidth(decimals: decimals)
        guard width <= rule.width else {
            throw FieldRefusal(column.name.text, .tooWide(characters: width, width: rule.width))
        }
        guard !rule.isPositive || number.mantissa > 0 else {
            throw FieldRefusal(column.name.text, .zero)
        }
        return number
    }

    /// 活動量集計時間: from the device, else from the recording-time list.
    private func activeDuration(
        _ record: borrowing ExchangeRecord
    ) -> (number: ExactDecimal, unit: MeasurementUnit)? {
        if let quantity = record.record.quantity(.totalActiveDuration),
            let number = quantity.number
        {
            return (number, quantity.unit)
        }
        if let duration = record.record.duration { return (duration.secondsDecimal, .second) }
        return record.listedActiveMinutes.map { (ExactDecimal(Int64($0)), .minute) }
    }

    // MARK: Texts

    private func text(
        _ source: ColumnSource, _ record: borrowing ExchangeRecord
    ) -> String? {
        switch source {
        case .constant(let text): text
        case .property(let property): text(property, record)
        case .quantity: nil
        }
    }

    private func text(
        _ property: RecordProperty, _ record: borrowing ExchangeRecord
    ) -> String? {
        switch property {
        case .manufacturer:
            known(record.record.device.manufacturer) ?? known(record.listed.manufacturer)
        case .model: known(record.record.device.model) ?? known(record.listed.model)
        case .serial: serial(record)
        case .dataInputCode: record.record.dataInputCode.rawValue
        case .originOfTimeCode: record.record.time?.origin.rawValue
        case .measurementPositionCode:
            known(record.wearingPosition) ?? known(record.record.measurementPositionCode)
        case .measurementPosition: known(record.measurementPosition)
        case .mealCode: known(record.record.mealCode)
        case .testLabID: known(record.testLabID) ?? known(options.testLabID)
        case .measurementMethodCode:
            known(record.measurementMethodCode) ?? known(options.measurementMethodCode)
        case .valueCriteriaCode: known(options.valueCriteriaCode)
        case .observationTime, .updateTime, .totalActiveDuration: nil
        }
    }

    /// What the device reports, else the asset number in the ledger, else the Bluetooth address.
    private func serial(_ record: borrowing ExchangeRecord) -> String? {
        known(record.record.device.serial)
            ?? known(record.record.device.assetNumber).map { consortium + $0 }
            ?? known(record.record.device.address)
    }

    /// A device that sends blanks has said nothing.
    private func known(_ text: String?) -> String? {
        guard let text, text.utf8.contains(where: { $0 != 0x20 }) else { return nil }
        return text
    }
}

extension TextRule {
    /// Refuses a text that is empty, too wide, or made of what may not stand there.
    func check(_ text: String, field: borrowing FieldName) throws(FieldRefusal) {
        var count = 0
        let bytes = text.utf8.span
        for index in bytes.indices {
            // The first byte of each character; what is not ASCII is looked at below.
            if bytes[index] & 0xC0 != 0x80 { count += 1 }
            guard bytes[index] >= 0x80 || characters.allows(Unicode.Scalar(bytes[index])) else {
                throw FieldRefusal(field.text, .characters)
            }
        }
        guard count == bytes.count || text.unicodeScalars.allSatisfy(characters.allows) else {
            throw FieldRefusal(field.text, .characters)
        }
        guard count > 0 else { throw FieldRefusal(field.text, .missing) }
        guard count <= width else {
            throw FieldRefusal(field.text, .tooWide(characters: count, width: width))
        }
        guard allowed.isEmpty || allowed.contains(text) else {
            throw FieldRefusal(field.text, .notAllowed)
        }
    }
}
