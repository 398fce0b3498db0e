extension Instant {
    /// Reads `2026-03-01T08:15:00.000+09:00` or `…Z`; a zone is required.
    package init?(iso8601 text: some StringProtocol) {
        let characters = Array(text.utf8)
        guard characters.count >= 20 else { return nil }
        func number(_ start: Int, _ count: Int) -> Int? {
            guard start + count <= characters.count else { return nil }
            var value = 0
            for byte in characters[start..<start + count] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            return value
        }
        func has(_ scalar: Unicode.Scalar, at place: Int) -> Bool {
            place < characters.count && characters[place] == UInt8(ascii: scalar)
        }
        guard has("-", at: 4), has("-", at: 7), has("T", at: 10) || has(" ", at: 10),
            has(":", at: 13), has(":", at: 16), let year = number(0, 4), let month = number(5, 2),
            let day = number(8, 2), let hour = number(11, 2), let minute = number(14, 2),
            let second = number(17, 2)
        else { return nil }
        var place = 19
        var microsecond = 0
        if has(".", at: place) {
            place += 1
            var scale = 100_000
            while let digit = number(place, 1) {
                microsecond += digit * scale
                scale /= 10
                place += 1
            }
        }
        var offset = 0
        if has("Z", at: place) {
            guard place + 1 == characters.count else { return nil }
        } else {
            guard has("+", at: place) || has("-", at: place), has(":", at: place + 3),
                place + 6 == characters.count, let hours = number(place + 1, 2),
                let minutes = number(place + 4, 2), hours <= 15, minutes <= 59
            else { return nil }
            offset = (hours * 60 + minutes) * (has("-", at: place) ? -60 : 60)
        }
        guard
            let local = LocalDateTime(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second,
                microsecond: microsecond)
        else { return nil }
        self.init(microseconds: local.localMicroseconds - Int64(offset) * 1_000_000)
    }
}
