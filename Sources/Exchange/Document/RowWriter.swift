import Measurement

/// Writes the members of one record of one table.
struct RowWriter {
    let plan: EncodingPlan
    let options: EncoderOptions
    let consortium: String
    let sendTime: Instant

    /// - Throws: the column by its number in the plan, and why it cannot be written; the buffer then holds what it held.
    func write(
        _ table: Int, _ records: [ExchangeRecord], _ index: Int, to buffer: inout RowBuffer
    ) throws(ColumnFault) {
        buffer.reserve(plan.tables[table].most)
        var day = buffer.day
        var place = buffer.count
        let start = buffer.count
        var out = buffer.bytes.mutableSpan
        let columns = plan.columns.span
        for column in plan.tables[table].columns {
            do throws(FieldRefusal.Reason) {
                let wroteOne = try write(
                    columns[column], records, index, to: &out, at: &place, &day)
                if !wroteOne, columns[column].isRequired { throw FieldRefusal.Reason.missing }
            } catch {
                throw ColumnFault(column: column, reason: error)
            }
        }
        // The comma before the first member is the bracket's place.
        if place == start { place += 1 }
        out[start] = UInt8(ascii: "{")
        out.byte(UInt8(ascii: "}"), at: &place)
        buffer.count = place
        buffer.day = day
    }

    /// Writes name and value; false, and nothing, when the value is not known.
    private func write(
        _ column: PlannedColumn, _ records: [ExchangeRecord], _ index: Int,
        to out: inout MutableSpan<UInt8>, at place: inout Int, _ day: inout WrittenDay
    ) throws(FieldRefusal.Reason) -> Bool {
        switch column.value {
        case .observed(let width):
            guard let time = records[index].record.time else { return false }
            out.words(plan.words.span, column.name, at: &place)
            out.date(observed(time), width: width, day: &day, at: &place)
        case .updated(let width):
            let moment = records[index].heldUpdateTime ?? records[index].stored ?? sendTime
            out.words(plan.words.span, column.name, at: &place)
            out.date(
                options.zone.localMicroseconds(moment), width: width, day: &day, at: &place)
        case .quantity(let name, let wanted, let rule):
            guard let quantity = records[index].record.quantities[name],
                let number = quantity.number
            else { return false }
            let written = try rule.written(number, from: quantity.unit, to: wanted)
            out.words(plan.words.span, column.name, at: &place)
            out.decimal(written, at: &place)
        case .activeDuration(let rule):
            guard let duration = activeDuration(records, index) else { return false }
            let written = try rule.written(duration.number, from: duration.unit, to: .minute)
            out.words(plan.words.span, column.name, at: &place)
            out.decimal(written, at: &place)
        case .constant(let rule, let text):
            let needsEscape = try plan.rules[rule].check(plan.constants[text])
            out.words(plan.words.span, column.name, at: &place)
            out.text(plan.constants[text], needsEscape: needsEscape, at: &place)
        case .text(let rule, let property):
            guard let text = text(property, records, index) else { return false }
            let needsEscape = try plan.rules[rule].check(text)
            out.words(plan.words.span, column.name, at: &place)
            out.text(text, needsEscape: needsEscape, at: &place)
        case .unknown: return false
        }
        return true
    }

    // MARK: Dates and numbers

    /// The local time with everything that the device did not measure written as zero.
    private func observed(_ time: RecordTime) -> Int64 {
        let local = options.zone.localMicroseconds(time.observed)
        let step: Int64 =
            switch time.resolution {
            case .day: 86_400_000_000
            case .hour: 3_600_000_000
            case .minute: 60_000_000
            case .second, .subsecond: 1_000_000
            }
        return local.down(to: step)
    }

    /// 活動量集計時間: from the device, else from the recording-time list.
    private func activeDuration(
        _ records: [ExchangeRecord], _ index: Int
    ) -> (number: ExactDecimal, unit: MeasurementUnit)? {
        if let quantity = records[index].record.quantities[.totalActiveDuration],
            let number = quantity.number
        {
            return (number, quantity.unit)
        }
        if let duration = records[index].record.duration {
            return (duration.secondsDecimal, .second)
        }
        return records[index].listedActiveMinutes.map { (ExactDecimal(Int64($0)), .minute) }
    }

    // MARK: Texts

    private func text(
        _ property: RecordProperty, _ records: [ExchangeRecord], _ index: Int
    ) -> String? {
        switch property {
        case .manufacturer:
            known(records[index].record.device.manufacturer)
                ?? known(records[index].listed.manufacturer)
        case .model: known(records[index].record.device.model) ?? known(records[index].listed.model)
        case .serial: serial(records, index)
        case .dataInputCode: records[index].record.dataInputCode.rawValue
        case .originOfTimeCode: records[index].record.time?.origin.rawValue
        case .measurementPositionCode:
            known(records[index].wearingPosition)
                ?? known(records[index].record.measurementPositionCode)
        case .measurementPosition: known(records[index].measurementPosition)
        case .mealCode: known(records[index].record.mealCode)
        case .testLabID: known(records[index].testLabID) ?? known(options.testLabID)
        case .measurementMethodCode:
            known(records[index].measurementMethodCode) ?? known(options.measurementMethodCode)
        case .valueCriteriaCode: known(options.valueCriteriaCode)
        case .observationTime, .updateTime, .totalActiveDuration: nil
        }
    }

    /// What the device reports, else the asset number in the ledger, else the Bluetooth address.
    private func serial(_ records: [ExchangeRecord], _ index: Int) -> String? {
        known(records[index].record.device.serial)
            ?? known(records[index].record.device.assetNumber).map { consortium + $0 }
            ?? known(records[index].record.device.address)
    }

    /// A device that sends blanks has said nothing.
    private func known(_ text: String?) -> String? {
        guard let text, text.utf8.contains(where: { $0 != 0x20 }) else { return nil }
        return text
    }
}

/// A column of the plan that a record does not fit into.
struct ColumnFault: Error {
    var column: Int
    var reason: FieldRefusal.Reason
}

extension NumberRule {
    /// The number rounded to what the column writes.
    func written(
        _ number: ExactDecimal, from unit: MeasurementUnit, to wanted: MeasurementUnit
    ) throws(FieldRefusal.Reason) -> WrittenDecimal {
        guard number.mantissa >= 0 else { throw FieldRefusal.Reason.negative }
        // A number keeps the digits the device sent, up to what the column has room for.
        let isKept = unit == wanted && !isExact
        let decimals = isKept ? min(decimals, max(0, -number.exponent)) : decimals
        guard
            let rounded = UnitConversion.convert(
                number, from: unit, to: wanted, decimals: decimals)
        else { throw FieldRefusal.Reason.noConversion(from: unit, to: wanted) }
        let written = WrittenDecimal(rounded.mantissa, decimals: decimals)
        guard written.width <= width else {
            throw FieldRefusal.Reason.tooWide(characters: written.width, width: width)
        }
        guard !isPositive || rounded.mantissa > 0 else { throw FieldRefusal.Reason.zero }
        return written
    }
}

extension TextRule {
    /// Refuses a text that is empty, too wide, or made of what may not stand there; tells whether it has to be escaped.
    @discardableResult
    func check(_ text: String) throws(FieldRefusal.Reason) -> Bool {
        var count = 0
        var needsEscape = false
        let bytes = text.utf8.span
        let isAny = characters == .any
        for index in bytes.indices {
            let byte = bytes[index]
            if byte >= 0x80 {
                guard isAny else { throw FieldRefusal.Reason.characters }
                // Only the first byte of a character counts.
                if byte & 0xC0 != 0x80 { count += 1 }
            } else {
                guard characters.allows(Unicode.Scalar(byte)) else {
                    throw FieldRefusal.Reason.characters
                }
                if byte.needsEscape { needsEscape = true }
                count += 1
            }
        }
        guard count > 0 else { throw FieldRefusal.Reason.missing }
        guard count <= width else {
            throw FieldRefusal.Reason.tooWide(characters: count, width: width)
        }
        guard allowed.isEmpty || allowed.contains(text) else {
            throw FieldRefusal.Reason.notAllowed
        }
        return needsEscape
    }
}
