import Measurement

/// Recognises a document that keeps every rule in the plain shape in which it is usually written.
///
/// It says yes only where `Validator` would find nothing, and no wherever it is in doubt: another
/// order, an escape, a letter that is not ASCII. Nothing is built, so nothing is allocated.
struct Recogniser {
    private let format: FormatDefinition
    private let extensions: Set<String>

    /// How far a document was read.
    private struct Place {
        var position = 0
        var rows = 0
    }

    init(format: FormatDefinition, extensions: Set<String>) {
        self.format = format
        self.extensions = extensions
    }

    /// Whether the bytes are a good document with so many records.
    func recognises(_ bytes: Span<UInt8>, rowCount: Int) -> Bool {
        var at = Place()
        return document(bytes, &at) && at.position == bytes.count && at.rows == rowCount
    }

    // MARK: the shape

    private func document(_ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        guard take("{", bytes, &at), name(format.envelope.versionName, bytes, &at),
            quoted(format.envelope.version, bytes, &at), take(",", bytes, &at),
            name(format.envelope.sendTimeName, bytes, &at),
            date(format.envelope.sendTimeWidth, bytes, &at), take(",", bytes, &at),
            name(format.envelope.consortiumName, bytes, &at),
            text(format.envelope.consortium, bytes, &at),
            take(",", bytes, &at), name(format.envelope.peopleName, bytes, &at),
            take("[", bytes, &at)
        else { return false }
        repeat {
            guard person(bytes, &at) else { return false }
        } while take(",", bytes, &at)
        return take("]", bytes, &at) && take("}", bytes, &at)
    }

    private func person(_ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        guard take("{", bytes, &at), name(format.envelope.personName, bytes, &at),
            text(format.envelope.person, bytes, &at), take(",", bytes, &at)
        else { return false }
        // In the order of the format, so that none can stand twice.
        var next = 0
        repeat {
            guard let after = group(from: next, bytes, &at) else { return false }
            next = after
        } while take(",", bytes, &at)
        return take("}", bytes, &at)
    }

    /// Reads one group of tables; returns the first table that may follow it.
    private func group(from first: Int, _ bytes: Span<UInt8>, _ at: inout Place) -> Int? {
        let tables = format.tables
        var number = first
        while number < tables.count, !stands(tables[number].group, bytes, &at) { number += 1 }
        guard number < tables.count, name(tables[number].group, bytes, &at), take("{", bytes, &at)
        else {
            return nil
        }
        let group = number
        repeat {
            while number < tables.count, tables[number].group.text == tables[group].group.text,
                !stands(tables[number].name, bytes, &at)
            { number += 1 }
            guard number < tables.count, tables[number].group.text == tables[group].group.text,
                tables[number].extensionName.map(extensions.contains) ?? true,
                table(number, bytes, &at)
            else { return nil }
            number += 1
        } while take(",", bytes, &at)
        guard take("}", bytes, &at) else { return nil }
        // Where a group's tables do not stand together, the rest would be the same member again.
        for later in number..<tables.count
        where tables[later].group.text == tables[group].group.text {
            if stands(tables[later].group, after: 1, bytes, &at) { return nil }
        }
        return number
    }

    private func table(_ number: Int, _ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        guard name(format.tables[number].name, bytes, &at), take("[", bytes, &at) else {
            return false
        }
        repeat {
            guard row(format.tables[number], bytes, &at) else { return false }
            at.rows += 1
        } while take(",", bytes, &at)
        return take("]", bytes, &at)
    }

    private func row(
        _ table: borrowing TableDefinition, _ bytes: Span<UInt8>, _ at: inout Place
    ) -> Bool {
        guard take("{", bytes, &at) else { return false }
        let columns = table.columns.span
        var isFirst = true
        for index in columns.indices {
            let start = at.position
            guard isFirst || take(",", bytes, &at), name(columns[index].name, bytes, &at) else {
                at.position = start
                if columns[index].isRequired { return false }
                continue
            }
            guard value(columns[index].rule, bytes, &at) else { return false }
            isFirst = false
        }
        return !isFirst && take("}", bytes, &at)
    }

    // MARK: values

    private func value(_ rule: ValueRule, _ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        switch rule {
        case .date(let width): date(width, bytes, &at)
        case .number(let rule): number(rule, bytes, &at)
        case .text(let rule): text(rule, bytes, &at)
        }
    }

    private func date(_ width: Int, _ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        guard take("\"", bytes, &at), at.position + width <= bytes.count else { return false }
        let start = at.position
        for index in start..<start + width where !Self.isDigit(bytes[index]) { return false }
        func part(_ offset: Int, _ count: Int, _ bytes: Span<UInt8>) -> Int {
            Self.number(bytes, start + offset, count)
        }
        let time = LocalDateTime(
            year: part(0, 4, bytes), month: part(4, 2, bytes), day: part(6, 2, bytes),
            hour: part(8, 2, bytes), minute: part(10, 2, bytes), second: part(12, 2, bytes))
        at.position += width
        return time != nil && take("\"", bytes, &at)
    }

    private func number(_ rule: NumberRule, _ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        let start = at.position
        var point: Int?
        var isZero = true
        while at.position < bytes.count {
            if bytes[at.position] == UInt8(ascii: "."), point == nil, at.position > start {
                point = at.position
            } else if Self.isDigit(bytes[at.position]) {
                isZero = isZero && bytes[at.position] == 48
            } else {
                break
            }
            at.position += 1
        }
        let written = point.map { at.position - $0 - 1 } ?? 0
        // JSON knows no zero before another digit, and a digit after each point.
        let isLed = at.position - start > 1 && bytes[start] == 48 && point != start + 1
        return at.position > start && !isLed && (point == nil || written > 0)
            && at.position - start <= rule.width
            && (rule.isExact ? written == rule.decimals : written <= rule.decimals)
            && !(rule.isPositive && isZero)
    }

    private func text(_ rule: TextRule, _ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        guard take("\"", bytes, &at) else { return false }
        let start = at.position
        while at.position < bytes.count, bytes[at.position] != UInt8(ascii: "\"") {
            guard bytes[at.position] < 0x80, bytes[at.position] != UInt8(ascii: "\\"),
                rule.characters.allows(Unicode.Scalar(bytes[at.position]))
            else { return false }
            at.position += 1
        }
        let count = at.position - start
        guard count > 0, count <= rule.width, isAllowed(rule.allowed, start, count, bytes) else {
            return false
        }
        return take("\"", bytes, &at)
    }

    private func isAllowed(
        _ allowed: [String], _ start: Int, _ count: Int, _ bytes: Span<UInt8>
    ) -> Bool {
        guard !allowed.isEmpty else { return true }
        for index in allowed.indices where equals(allowed[index], start, count, bytes) {
            return true
        }
        return false
    }

    private func equals(
        _ word: String, _ start: Int, _ count: Int, _ bytes: Span<UInt8>
    ) -> Bool {
        let letters = word.utf8.span
        guard letters.count == count else { return false }
        for index in letters.indices where letters[index] != bytes[start + index] { return false }
        return true
    }

    // MARK: pieces

    private func quoted(_ word: String, _ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        let count = word.utf8.count
        guard take("\"", bytes, &at), at.position + count <= bytes.count,
            equals(word, at.position, count, bytes)
        else { return false }
        at.position += count
        return take("\"", bytes, &at)
    }

    private func take(_ scalar: Unicode.Scalar, _ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        guard at.position < bytes.count, bytes[at.position] == UInt8(ascii: scalar) else {
            return false
        }
        at.position += 1
        return true
    }

    private func name(_ name: FieldName, _ bytes: Span<UInt8>, _ at: inout Place) -> Bool {
        guard stands(name, bytes, &at) else { return false }
        at.position += name.bytes.count
        return true
    }

    /// Whether the quoted name and its colon stand here, or so many bytes further on.
    private func stands(
        _ name: FieldName, after gap: Int = 0, _ bytes: Span<UInt8>, _ at: inout Place
    ) -> Bool {
        let letters = name.bytes.span
        guard at.position + gap + letters.count <= bytes.count else { return false }
        for index in letters.indices where letters[index] != bytes[at.position + gap + index] {
            return false
        }
        return true
    }

    private static func number(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> Int {
        var value = 0
        for index in start..<start + count { value = value * 10 + Int(bytes[index] - 48) }
        return value
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
}
