import Measurement

/// Memory dump of a cuff behind the JPI bridge: `M1`, two digits of count, records of 20 digits, `M2` ….
enum JPIMemory {
    static func readings(_ bytes: [UInt8]) throws(DecodeError) -> [Reading] {
        var text = bytes[...]
        if text.first == 2 { text.removeFirst() }
        if text.last == 3 { text.removeLast() }
        var readings: [Reading] = []
        for user in 1...2 {
            guard text.starts(with: [77, 48 + UInt8(user)]) else {
                throw DecodeError("the block of user \(user) is due", offset: text.startIndex)
            }
            text = text.dropFirst(2)
            let count = try number(&text, 2)
            if count == 0 {
                // One digit that means nothing stands where a record would.
                _ = try number(&text, 1)
                continue
            }
            for _ in 0..<count { readings.append(try record(&text, user)) }
        }
        guard text.isEmpty else {
            throw DecodeError("bytes after the last record", offset: text.startIndex)
        }
        guard !readings.isEmpty else { return [.state(["count": "0"])] }
        return readings
    }

    private static func number(
        _ text: inout ArraySlice<UInt8>, _ width: Int
    ) throws(DecodeError) -> Int {
        let digits = text.prefix(width)
        guard digits.count == width, digits.allSatisfy({ (48...57).contains($0) }) else {
            throw DecodeError("\(width) digits are due", offset: text.startIndex)
        }
        text = text.dropFirst(width)
        return digits.reduce(0) { $0 * 10 + Int($1) - 48 }
    }

    /// yymmdd HHMM flag SYS3 DIA3 PUL3
    private static func record(
        _ text: inout ArraySlice<UInt8>, _ user: Int
    ) throws(DecodeError) -> Reading {
        var reading = Reading(.measurement, kind: .bloodPressure)
        reading.keyBytes = Array(text.prefix(20))
        let start = text.startIndex
        let year = 2_000 + (try number(&text, 2))
        let time = LocalDateTime(
            year: year, month: try number(&text, 2), day: try number(&text, 2),
            hour: try number(&text, 2), minute: try number(&text, 2))
        let flag = try number(&text, 1)
        let pressures = [try number(&text, 3), try number(&text, 3), try number(&text, 3)]
        guard let time else { throw DecodeError("an impossible date or time", offset: start) }
        reading.setTime(.known(time))
        // The clock begins here when its battery is changed.
        if (time.year, time.month, time.day) == (2_010, 1, 1) { reading.timeFault = true }
        reading.resolution = .minute
        reading.userSlot = user
        let names: [(QuantityName, MeasurementUnit)] = [
            (.systolic, .millimetreOfMercury), (.diastolic, .millimetreOfMercury),
            (.pulseRate, .perMinute),
        ]
        for (name, value) in zip(names, pressures) {
            reading.quantities.append(Quantity(name.0, ExactDecimal(Int64(value)), name.1))
        }
        reading.add(["flag": String(flag)])
        return reading
    }
}
