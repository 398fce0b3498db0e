import Measurement

/// The time stamp of a message of text, out of the places named year, month, day, hour, minute, second.
extension TextLayout {
    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    /// Some meters write June and July in full.
    private static func month(_ text: String) -> Int? {
        months.firstIndex(of: text == "june" ? "jun" : text == "july" ? "jul" : text)
    }

    func takeTime(_ match: TextMatch, _ reading: inout Reading) throws(DecodeError) {
        guard let field = try Self.time(match, prefix: "") else { return }
        reading.setTime(field)
        reading.resolution = match.captures["second"] == nil ? .minute : .second
        if match.captures["hour"] == nil { reading.resolution = .day }
        guard case .known(let time) = field else { return }
        if unsetDates.contains(String(time.description.prefix(10))) { reading.timeFault = true }
        // A clock that was changed: what it showed then, and before.
        guard case .known(let before)? = try Self.time(match, prefix: "before-") else { return }
        reading.clockChange = RecordedClockChange(index: 0, from: before, to: time)
        let change = Interval(microseconds: time.localMicroseconds - before.localMicroseconds)
        reading.add([
            "clock-after": time.description, "clock-before": before.description,
            "delta-s": change.secondsDecimal.text,
        ])
    }

    /// The time in the places of these names; nil where the template has none of them.
    private static func time(
        _ match: TextMatch, prefix: String
    ) throws(DecodeError) -> DateTimeField? {
        guard let year = match.captures[prefix + "year"] else { return nil }
        // A device that has no date writes blanks, zeros or 255.
        guard !year.text.isEmpty else { return .unknown }
        let impossible = DecodeError("an impossible date or time", offset: year.offset)
        guard var number = Int(year.text) else { throw impossible }
        var parts: [Int] = []
        for (index, name) in ["month", "day", "hour", "minute", "second"].enumerated() {
            let text = match[prefix + name] ?? ""
            let month = index == 0 ? Self.month(text.lowercased()) : nil
            guard let part = month.map({ $0 + 1 }) ?? (text.isEmpty ? 0 : Int(text)) else {
                throw impossible
            }
            parts.append(part)
        }
        if year.bytes.count <= 2 { number += 2_000 }
        if parts[0] == 0, parts[1] == 0 { return .unknown }
        if parts[0] == 255 || parts[1] == 255 { return .unknown }
        guard
            let time = LocalDateTime(
                year: number, month: parts[0], day: parts[1], hour: parts[2], minute: parts[3],
                second: parts[4])
        else { throw impossible }
        return .known(time)
    }
}

extension [TextLayout] {
    /// The reading by the first layout that the message fits.
    ///
    /// - Throws: why the layout that came furthest does not fit.
    func reading(_ message: [UInt8]) throws(DecodeError) -> Reading {
        var furthest = DecodeError("the message fits none of this model's", offset: 0)
        for layout in self {
            do throws(DecodeError) {
                return try layout.reading(message)
            } catch {
                if error.offset >= furthest.offset { furthest = error }
            }
        }
        throw furthest
    }
}
