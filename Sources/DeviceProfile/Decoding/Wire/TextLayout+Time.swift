import Measurement

/// The time stamp of a message of text, out of the places named year, month, day, hour, minute, second.
extension TextLayout {
    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    func takeTime(_ match: TextMatch, _ reading: inout Reading) throws(DecodeError) {
        guard let year = match.captures["year"] else { return }
        let texts = ["month", "day", "hour", "minute", "second"].map { match[$0] }
        // A device that has no date writes blanks or zeros.
        if year.text.isEmpty {
            reading.setTime(.unknown)
            return
        }
        var parts: [Int] = []
        for (index, text) in texts.enumerated() {
            guard let text, !text.isEmpty else {
                parts.append(0)
                continue
            }
            let month = index == 0 ? Self.months.firstIndex(of: text.lowercased()) : nil
            guard let number = month.map({ $0 + 1 }) ?? Int(text) else {
                throw DecodeError("an impossible date or time", offset: year.offset)
            }
            parts.append(number)
        }
        guard var number = Int(year.text) else {
            throw DecodeError("an impossible date or time", offset: year.offset)
        }
        if year.bytes.count <= 2 { number += 2_000 }
        if parts[0] == 0, parts[1] == 0 {
            reading.setTime(.unknown)
            return
        }
        guard
            let time = LocalDateTime(
                year: number, month: parts[0], day: parts[1], hour: parts[2], minute: parts[3],
                second: parts[4])
        else { throw DecodeError("an impossible date or time", offset: year.offset) }
        reading.setTime(.known(time))
        reading.resolution = match.captures["second"] == nil ? .minute : .second
        if match.captures["hour"] == nil { reading.resolution = .day }
        if unsetDates.contains(String(time.description.prefix(10))) { reading.timeFault = true }
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
