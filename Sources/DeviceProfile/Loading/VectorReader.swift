import Measurement
import YAML

/// Reads the `vectors` key of a profile.
enum VectorReader {
    static func vector(_ node: NodeReader, sources: [FrameSource]) -> ProfileVector? {
        node.mapping { keys in
            let source = keys.required("source").flatMap { frameSource($0, of: sources) }
            let bytes = keys.required("hex")?.hexBytes()
            let outcome = keys.required("outcome")?.choice(of: ReadingOutcome.self)
            let kind = keys.optional("kind")?.choice(of: MeasurementKind.self)
            let values = keys.optional("values").flatMap(quantities)
            let time = keys.optional("device-time").flatMap(localTime)
            let slot = keys.optional("user-slot")?.int(in: 0...255)
            let sequence = keys.optional("sequence-number")?.int(in: 0...Int(UInt32.max))
            let flags = keys.optional("flags")?.list()?.compactMap { $0.string() }
            let note = keys.optional("note")?.string()
            guard let source, let bytes, let outcome else { return nil }
            return ProfileVector(
                source: source, bytes: bytes, outcome: outcome, kind: kind, values: values,
                deviceTime: time, userSlot: slot, sequenceNumber: sequence, flags: flags,
                note: note)
        }
    }

    /// Reads a file name, or a mapping that says what playing the tape gives.
    static func tape(_ node: NodeReader) -> ProfileTape? {
        if case .scalar = node.node.content { return node.string().map { ProfileTape(file: $0) } }
        return node.mapping { keys in
            let file = keys.required("file")?.string()
            let after = keys.optional("after")?.string()
            let gives = keys.optional("gives").flatMap(results)
            let records = keys.optional("records")?.list()?.compactMap { $0.string() }
            return file.map {
                ProfileTape(file: $0, after: after, gives: gives, records: records)
            }
        }
    }

    /// Reads `{ measurement: 2, failed-measurement: 30 }`: the outcomes that `replay` prints.
    private static func results(_ node: NodeReader) -> [String: Int]? {
        let words = ReadingOutcome.allCases.map(\.rawValue) + ["quarantined", "duplicate"]
        var counts: [String: Int] = [:]
        for entry in node.entries() ?? [] {
            guard let word = entry.key.word(of: words) else { continue }
            counts[word] = entry.value.int(in: 1...100_000)
        }
        return counts
    }

    private static func frameSource(_ node: NodeReader, of sources: [FrameSource]) -> FrameSource? {
        node.string(accepted: sources.map(\.description).joined(separator: ", ")) { text in
            FrameSource(text).map { sources.contains($0) } ?? false
        }.flatMap { FrameSource($0) }
    }

    /// Reads `systolic: 125 mm[Hg]`; `none mm[Hg]` where the device says that it has no value.
    private static func quantities(_ node: NodeReader) -> [Quantity]? {
        node.entries()?.compactMap { entry in
            guard let name = entry.key.choice(of: QuantityName.self) else { return nil }
            let accepted = "a number or none, a space, and a unit, such as 36.0 Cel"
            guard let text = entry.value.string(accepted: accepted) else { return nil }
            let parts = text.split(separator: " ")
            guard parts.count == 2, let unit = MeasurementUnit(rawValue: String(parts[1])),
                parts[0] == "none" || ExactDecimal(parts[0]) != nil
            else {
                entry.value.report("is \"\(text)\"", accepted: accepted)
                return nil
            }
            return Quantity(name, ExactDecimal(parts[0]), unit)
        }
    }

    private static func localTime(_ node: NodeReader) -> LocalDateTime? {
        let accepted = "a time without a zone, such as 2026-03-01T08:15:00"
        return node.string(accepted: accepted) { LocalDateTime(iso8601: $0) != nil }
            .flatMap { LocalDateTime(iso8601: $0) }
    }
}

extension LocalDateTime {
    /// Reads `2026-03-01T08:15:00`; nil for anything else.
    package init?(iso8601 text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 19, bytes[4] == 45, bytes[7] == 45, bytes[10] == 84,
            bytes[13] == 58, bytes[16] == 58
        else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            bytes[range].reduce(0) { (sum: Int?, byte) in
                guard let sum, (48...57).contains(byte) else { return nil }
                return sum * 10 + Int(byte - 48)
            }
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19)
        else { return nil }
        self.init(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }
}
