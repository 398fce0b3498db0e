import Crypto
import Measurement

/// Replies over Omron's cable 0590:0028: `4F 4B` ("OK"), status, payload, XOR of all after "OK".
enum OmronHHX {
    static func reading(_ bytes: [UInt8], _ context: FrameContext) throws(DecodeError) -> Reading {
        if bytes == [0x4E, 0x4F] { return .state(["reply": "busy"]) }
        if bytes == [0x4F, 0x4B] { return .state(["state": "awake"]) }
        guard bytes.starts(with: [0x4F, 0x4B]) else {
            throw DecodeError("a reply begins with OK or is NO", offset: 0)
        }
        guard bytes.count >= 4, bytes[2...].reduce(0, ^) == 0 else {
            throw DecodeError("the XOR of the reply is not 0", offset: bytes.count)
        }
        var reading = try body(bytes, context)
        reading.add(["payload-hex": hexadecimal(bytes), "xor-ok": "true"])
        return reading
    }

    private static func body(
        _ bytes: [UInt8], _ context: FrameContext
    ) throws(DecodeError) -> Reading {
        let request = String(decoding: context.request.prefix(3), as: UTF8.self)
        let payload = Array(bytes[3..<bytes.count - 1])
        switch (request, bytes.count) {
        case ("VER", _): return .state(["version-text": text(payload)])
        case ("SRL", _): return try serial(bytes)
        case ("GDC", 8): return .state(["records": String(Int(bytes[5]) << 8 | Int(bytes[6]))])
        case ("CNT", 8):
            return .state([
                "daily-records": String(bytes[4]), "hourly-days": String(bytes[6]),
            ])
        case ("GTD", 25), ("", 25): return try day(bytes, context)
        case ("GTD", 37), ("", 37): return hours(bytes, context)
        case ("GME", 15), ("GME", 17), ("", 15), ("", 17): return try pressure(payload)
        case ("", 8...): return .state([:])
        default:
            throw DecodeError("a reply of \(bytes.count) bytes to \(request)", offset: bytes.count)
        }
    }

    static func text(_ payload: [UInt8]) -> String {
        String(decoding: payload.filter { (32..<127).contains($0) }, as: UTF8.self)
    }

    /// The serial number; six zero bytes mean that the cuff has none.
    private static func serial(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let count = Int(bytes[3])
        guard bytes.count == count + 5 else {
            throw DecodeError("a serial number of \(count) characters is due", offset: bytes.count)
        }
        let serial = Array(bytes[4..<4 + count])
        let isUnique = serial.contains { $0 != 0 }
        var reading = Reading.state([
            "length": String(count), "serial-hex": hexadecimal(serial),
            "xor": hexadecimal([bytes[4 + count]]), "usable-as-unique-id": String(isUnique),
        ])
        if isUnique { reading.add(["serial": text(serial)]) }
        return reading
    }

    /// year, month, day, hour, minute, second, unit, SYS (16 bits), DIA, PUL, flags (16 bits).
    static func pressure(_ record: [UInt8]) throws(DecodeError) -> Reading {
        let places = try Places(record, atLeast: 11)
        guard record[6] == 0 else {
            throw DecodeError("a unit that is not known for this cuff", offset: 9)
        }
        var reading = Reading(.measurement, kind: .bloodPressure)
        reading.keyBytes = record
        if record[..<6].allSatisfy({ $0 == 0 }) {
            reading.setTime(.unknown)
        } else if let time = LocalDateTime(
            year: 2_000 + Int(record[0]), month: Int(record[1]), day: Int(record[2]),
            hour: Int(record[3]), minute: Int(record[4]), second: Int(record[5]))
        {
            reading.setTime(.known(time))
        } else {
            throw DecodeError("an impossible date or time", offset: 3)
        }
        let flags = record.count >= 13 ? places.be16(11) : 0
        guard places.be16(7) > 0, record[9] > 0, record[10] > 0 else {
            throw DecodeError("a pressure or a pulse of 0", offset: 10)
        }
        reading.quantities = [
            Quantity(.systolic, ExactDecimal(Int64(places.be16(7))), .millimetreOfMercury),
            Quantity(.diastolic, ExactDecimal(Int64(record[9])), .millimetreOfMercury),
            Quantity(.pulseRate, ExactDecimal(Int64(record[10])), .perMinute),
        ]
        if flags & 1 != 0 { reading.flags.append("irregular-pulse") }
        if flags & 2 != 0 { reading.flags.append("body-movement") }
        reading.add([
            "unit-no": String(record[6]), "irregular": String(flags & 1 != 0),
            "movement": String(flags & 2 != 0), "truread-index": String(flags >> 4 & 3),
        ])
        return reading
    }

    // MARK: pedometer

    /// Decimal digits: steps 5, aerobic 5, minutes 4, kcal 5, 1/100 mile 5, fat in 1/10 g 4, flag 1,
    /// day counter 3, weight in 1/10 lb 4, stride in 1/10 in 4.
    private static func day(
        _ bytes: [UInt8], _ context: FrameContext
    ) throws(DecodeError) -> Reading {
        let nibbles = bytes[4..<24].flatMap { [$0 >> 4, $0 & 15] }
        var at = 0
        func number(_ width: Int) throws(DecodeError) -> Int64 {
            defer { at += width }
            var value: Int64 = 0
            for digit in nibbles[at..<at + width] {
                guard digit < 10 else {
                    throw DecodeError("a digit that is none", offset: 4 + at / 2)
                }
                value = value * 10 + Int64(digit)
            }
            return value
        }
        var reading = Reading(.measurement, kind: .activity)
        // The day is the key: what it counted so far grows.
        reading.keyBytes = [0]
        reading.resolution = .day
        let steps = try number(5)
        let aerobic = try number(5)
        let minutes = try number(4)
        let kcal = try number(5)
        let distance = ExactDecimal(try number(5), exponent: -2)
        let fat = ExactDecimal(try number(4), exponent: -1)
        at += 4
        let weight = ExactDecimal(try number(4), exponent: -1)
        reading.quantities = [
            Quantity(.steps, ExactDecimal(steps), .steps),
            Quantity(.calories, ExactDecimal(kcal), .kilocalorie),
            Quantity(.distance, distance, .mile),
        ]
        let index = context.request.count == 8 ? Int(context.request[5]) : nil
        reading.dayIndex = index
        reading.deviceTime = index.flatMap { context.today?.adding(.seconds(-86_400 * Int64($0))) }
        if let index { reading.add(["days-before-host-today": String(index)]) }
        reading.add([
            "aerobic-steps": String(aerobic), "aerobic-minutes": String(minutes),
            "fat-g": fat.text, "weight-lb": weight.text,
        ])
        return reading
    }

    /// Eight hours: a word of steps (bit 14: worn), a word of aerobic steps (bit 14: event).
    private static func hours(_ bytes: [UInt8], _ context: FrameContext) -> Reading {
        var reading = Reading(.deviceState, kind: .activity)
        let part = context.request.count == 8 ? Int(context.request[6]) : 1
        for hour in 0..<8 {
            let at = 4 + hour * 4
            let steps = Int(bytes[at]) << 8 | Int(bytes[at + 1])
            let aerobic = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
            let name = "hours-\((max(1, part) - 1) * 8 + hour)-"
            reading.add([
                name + "attached": String(steps >> 14 & 1 == 1),
                name + "steps": String(steps & 0x3FFF),
                name + "event": String(aerobic >> 14 & 1 == 1),
                name + "aerobic": String(aerobic & 0x3FFF),
            ])
        }
        return reading
    }
}
