import Measurement

extension FieldLayout {
    /// All readings of a frame: one, or one for each record that is not empty.
    func readings(
        _ frame: [UInt8], _ context: FrameContext
    ) throws(DecodeError) -> [Reading] {
        try checkShape(frame)
        for checksum in checksums { try checksum.check(frame) }
        var bytes = frame
        if let mask { bytes = mask.applied(to: bytes) }
        if let encryption {
            guard let plain = try encryption.open(bytes, context) else { return [Self.locked()] }
            bytes = plain
        }
        guard let records else {
            return [try record(bytes, context) ?? Self.emptySlot()]
        }
        var found: [Reading] = []
        var start = records.from
        let end = bytes.count - records.trailing
        while start + records.size <= end {
            let slice = Array(bytes[start..<start + records.size])
            do throws(DecodeError) {
                if let reading = try record(slice, context) { found.append(reading) }
            } catch {
                // One broken record does not cost the others.
                found.append(.rejected(DecodeError(error.reason, offset: start + error.offset)))
            }
            start += records.size
        }
        guard start == end else {
            throw DecodeError("the frame ends inside a record", offset: bytes.count)
        }
        return found.isEmpty ? [Self.emptySlot()] : found
    }

    /// A frame that nobody can read without the owner's key.
    private static func locked() -> Reading {
        var reading = Reading(.deviceState)
        reading.flags = ["encrypted"]
        reading.reason = "the frame is encrypted; it needs the owner's key and the device's address"
        reading.offset = 0
        return reading
    }

    private static func emptySlot() -> Reading {
        var reading = Reading(.deviceState)
        reading.flags = ["empty-slot"]
        return reading
    }

    /// One record; nil where its slot is empty.
    private func record(
        _ bytes: [UInt8], _ context: FrameContext
    ) throws(DecodeError) -> Reading? {
        if emptyBytes.contains(where: { byte in bytes.allSatisfy { $0 == byte } }) { return nil }
        var names = FieldNames()
        for (name, number) in numbers {
            var cursor = 0
            names.set(name, try number.read(bytes, cursor: &cursor, name: name).number)
        }
        for name in recall { names.set(name, context.remembered[name]) }
        if emptyWhen.contains(where: { $0.holds(names) }) { return nil }
        var pass = FieldPass(layout: self, bytes: bytes, context: context, names: names)
        try pass.run()
        return pass.reading
    }
}

extension FieldLayout.Mask {
    func applied(to bytes: [UInt8]) -> [UInt8] {
        var out = bytes
        let first = from < 0 ? bytes.count + from : from
        let last = to < 0 ? bytes.count + to : to
        guard first >= 0, first <= last, last < bytes.count, !key.isEmpty else { return bytes }
        for index in first...last { out[index] ^= key[(index - first) % key.count] }
        return out
    }
}

/// One pass of a layout over the bytes of one record.
private struct FieldPass {
    let layout: FieldLayout
    let bytes: [UInt8]
    let context: FrameContext
    var names: FieldNames
    var reading: Reading
    var cursor = 0

    init(layout: FieldLayout, bytes: [UInt8], context: FrameContext, names: FieldNames) {
        self.layout = layout
        self.bytes = bytes
        self.context = context
        self.names = names
        reading = Reading(layout.outcome, kind: layout.kind)
    }

    mutating func run() throws(DecodeError) {
        if let time = layout.time { try take(time) }
        if let slot = layout.userSlot { reading.userSlot = try integer(slot, "the user slot") }
        if let number = layout.sequenceNumber {
            reading.sequenceNumber = try integer(number, "the sequence number")
        }
        for field in layout.values where field.onlyWhen.holds(names) { try take(field) }
        try takeSequence()
        for quantity in reading.quantities { names.take(quantity) }
        for rule in layout.flags where rule.when.holds(names) {
            if !reading.flags.contains(rule.flag) { reading.flags.append(rule.flag) }
        }
        for name in layout.details {
            guard let number = names[name] else { continue }
            reading.details.append(Reading.Detail(name: name, value: number.text))
        }
        if reading.keyBytes.isEmpty { reading.keyBytes = bytes }
        decide()
        guard reading.outcome != .rejected else { return }
        for name in layout.remember { reading.remembered[name] = names[name] }
        if let join = layout.join { reading.part = part(join) }
    }

    /// What the frame has in common with its companion; nil where it lacks it.
    private func part(_ join: FieldLayout.Join) -> FramePart? {
        var key: [String] = []
        for common in join.common {
            let found: String?
            switch common {
            case .time: found = reading.deviceTime?.description
            case .sequenceNumber: found = reading.sequenceNumber.map { "\($0)" }
            case .userSlot: found = reading.userSlot.map { "\($0)" }
            case .number(let name): found = names[name]?.text
            }
            guard let found else { return nil }
            key.append("\(common) \(found)")
        }
        return FramePart(
            key: key.joined(separator: ", "), within: join.within, isHalf: join.isHalf)
    }

    private mutating func decide() {
        let hasNumber = reading.quantities.contains { $0.number != nil }
        if let rule = layout.outcomes.first(where: { $0.when.holds(names) }) {
            reading.outcome = rule.outcome
            reading.reason = rule.reason
            // Bytes that no device means carry no number out.
            if rule.outcome == .rejected { reading.quantities = [] }
            if rule.reason != nil || rule.outcome == .rejected { reading.offset = 0 }
        } else if reading.outcome == .measurement, !hasNumber {
            reading.outcome = .failedMeasurement
        }
    }

    private mutating func takeSequence() throws(DecodeError) {
        guard !layout.sequence.isEmpty else { return }
        cursor = layout.sequenceFrom
        for item in layout.sequence where item.when.holds(names) {
            switch item.content {
            case .value(let field): try take(field)
            case .time(let time): try take(time)
            case .userSlot(let number): reading.userSlot = try integer(number, "the user slot")
            case .sequenceNumber(let number):
                reading.sequenceNumber = try integer(number, "the sequence number")
            case .skip(let count): cursor += count
            }
        }
        guard cursor <= bytes.count else {
            throw DecodeError("the frame ends inside its last field", offset: bytes.count)
        }
        guard layout.allowsTrailingBytes || cursor == bytes.count else {
            throw DecodeError(
                "\(bytes.count - cursor) byte(s) after the last field", offset: cursor)
        }
    }

    private mutating func take(_ time: FieldTime) throws(DecodeError) {
        guard time.when.holds(names) else { return }
        try time.take(bytes, cursor: &cursor, into: &reading)
    }

    private mutating func integer(
        _ number: FieldNumber, _ name: String
    ) throws(DecodeError) -> Int? {
        try number.read(bytes, cursor: &cursor, name: name).integer.map { Int($0) }
    }

    private mutating func take(_ field: FieldLayout.ValueField) throws(DecodeError) {
        let name = field.name.rawValue
        let start = cursor
        let raw = try field.number.read(bytes, cursor: &cursor, name: name)
        if layout.keyValues.contains(field.name) { addKey(field.number, raw, at: start) }
        let rule = field.units.first { rule in
            rule.when.holds(names) && (rule.display == nil || rule.display == context.displayUnit)
        }
        guard let rule else {
            let display = field.units.contains { $0.display != nil }
            throw DecodeError(
                display
                    ? "the unit of \(name) is the one on the display, which is not known"
                    : "no unit is defined for \(name)", offset: offset(of: field.number, start))
        }
        var quantity = Quantity(field.name, nil, rule.unit)
        if field.when.holds(names), !special(field, raw), let number = raw.number {
            var value = number.adding(rule.offset)?.multiplied(by: rule.scale)
            if let decimals = rule.decimals { value = value?.rounded(toDecimals: decimals) }
            guard let value else {
                throw DecodeError("\(name) does not fit", offset: offset(of: field.number, start))
            }
            quantity.number = value
        }
        reading.quantities.append(quantity)
    }

    /// Whether the raw number stands for something that is not a number.
    private mutating func special(_ field: FieldLayout.ValueField, _ raw: FieldNumber.Raw) -> Bool {
        var flag: String?
        switch raw {
        case .medical(.positiveInfinity): flag = "result-too-high"
        case .medical(.negativeInfinity): flag = "result-too-low"
        case .medical: break
        case .integer(let value):
            if field.tooHigh.contains(where: { $0.contains(value) }) { flag = "result-too-high" }
            if field.tooLow.contains(where: { $0.contains(value) }) { flag = "result-too-low" }
        }
        if let flag {
            if !reading.flags.contains(flag) { reading.flags.append(flag) }
            return true
        }
        guard let value = raw.integer else { return false }
        return field.absent.contains { $0.contains(value) }
    }

    private func offset(of number: FieldNumber, _ start: Int) -> Int {
        switch number.place {
        case .byte(let at): at < 0 ? bytes.count + at : at
        case .following: start
        case .packed(let from, _, _): from / 8
        }
    }

    private mutating func addKey(_ number: FieldNumber, _ raw: FieldNumber.Raw, at start: Int) {
        if case .packed = number.place {
            reading.keyBytes += Array((raw.number?.text ?? "").utf8)
        } else {
            let from = offset(of: number, start)
            reading.keyBytes += bytes[from..<from + number.type.width]
        }
    }
}
