package import Measurement

/// ASTM of Contour meters: frames `STX n text CR ETB|ETX c1 c2 CR LF`, records `H`, `P`, `R`, `L`.
package enum Ascensia {
    /// The text of a frame whose checksum fits: sum of all after STX up to ETB or ETX.
    package static func open(_ bytes: [UInt8]) throws(DecodeError) -> [UInt8] {
        guard let start = bytes.firstIndex(of: 2) else {
            throw DecodeError("a frame begins with STX", offset: 0)
        }
        guard let end = bytes[start...].firstIndex(where: { $0 == 0x17 || $0 == 3 }),
            end + 2 < bytes.count
        else { throw DecodeError("the frame has no end", offset: bytes.count) }
        let digits = bytes[(end + 1)...(end + 2)]
        let sum = bytes[(start + 1)...end].reduce(UInt8(0), &+)
        guard UInt8(String(decoding: digits, as: UTF8.self), radix: 16) == sum else {
            throw DecodeError("the checksum does not fit", offset: end + 1)
        }
        // The frame's number stands first.
        var text = bytes[(start + 1)..<end].dropFirst()
        while text.last == 13 || text.last == 10 { text.removeLast() }
        return Array(text)
    }

    /// The meter's clock, as the header of its records says it.
    package static func clock(_ frame: [UInt8]) -> LocalDateTime? {
        (try? readings(frame))?.first?.deviceTime
    }

    static func readings(_ bytes: [UInt8]) throws(DecodeError) -> [Reading] {
        let isFrame = bytes.contains(2)
        let text = isFrame ? try open(bytes) : bytes.filter { $0 != 13 && $0 != 10 }
        var reading = try record(text)
        if isFrame, let end = bytes.firstIndex(where: { $0 == 0x17 || $0 == 3 }) {
            let digits = String(decoding: bytes[(end + 1)...(end + 2)], as: UTF8.self)
            reading.add(["checksum": digits])
        }
        return [reading]
    }

    static func record(_ text: [UInt8]) throws(DecodeError) -> Reading {
        let fields = text.split(separator: 124, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        switch fields.first {
        case "H": return try header(fields)
        case "R": return try result(fields)
        case "P", "O", "L": return .state(["astm": fields[0]])
        default: throw DecodeError("another record than H, P, O, R or L", offset: 0)
        }
    }

    /// `H|\^&||password|product^versions^serial|A=1^…^U=0^V=10600^…|count||||||1|time`
    private static func header(_ fields: [String]) throws(DecodeError) -> Reading {
        guard fields.count >= 14 else {
            throw DecodeError("a header of \(fields.count) fields", offset: 0)
        }
        let product = fields[4].split(separator: "^", omittingEmptySubsequences: false)
        guard product.count >= 3 else {
            throw DecodeError("the header names no serial number", offset: 0)
        }
        var reading = Reading(.deviceState)
        reading.add([
            "product": String(product[0]), "serial": serial(String(product[2])),
            "units": settings(fields[5])["U"] == "1" ? "mmol/L" : "mg/dL",
        ])
        // V: two digits of the lower limit, three of the upper one.
        let limits = settings(fields[5])["V"].flatMap { $0.count == 5 ? $0 : nil } ?? "20600"
        if let low = Int(limits.prefix(2)), let high = Int(limits.suffix(3)) {
            reading.add(["lo": String(low), "hi": String(high)])
        }
        if let count = Int(fields[6]) { reading.add(["records": String(count)]) }
        reading.deviceTime = try time(fields[13])
        return reading
    }

    private static func settings(_ text: String) -> [String: String] {
        var found: [String: String] = [:]
        for part in text.split(separator: "^") {
            let pair = part.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { found[String(pair[0])] = String(pair[1]) }
        }
        return found
    }

    /// `7390-2336773^…` or `7390-2336773` without what follows a blank.
    private static func serial(_ text: String) -> String {
        String(text.prefix { $0 != "^" && $0 != " " })
    }

    /// `R|seq|^^^Glucose|value|unit^P||markers||time`
    private static func result(_ fields: [String]) throws(DecodeError) -> Reading {
        guard fields.count >= 9, let sequence = Int(fields[1]) else {
            throw DecodeError("a result of \(fields.count) fields", offset: 0)
        }
        guard fields[2].hasSuffix("Glucose") else {
            // Insulin, carbohydrates and notes are no measurement of this kind.
            return .state(["seq": fields[1], "astm": fields[2]])
        }
        let unitParts = fields[4].split(separator: "^", omittingEmptySubsequences: false)
        let unit: MeasurementUnit
        switch unitParts.first {
        case "mg/dL": unit = .milligramPerDecilitre
        case "mmol/L": unit = .millimolePerLitre
        default: throw DecodeError("a unit that this model has not", offset: 0)
        }
        var reading = Reading(.measurement, kind: .glucose)
        reading.keyBytes = Array(fields[1...].joined(separator: "|").utf8)
        reading.sequenceNumber = sequence
        guard let value = ExactDecimal(fields[3]) else {
            throw DecodeError("the value is no number", offset: 0)
        }
        reading.quantities = [Quantity(.glucose, value, unit)]
        reading.deviceTime = try time(fields[8])
        reading.resolution = fields[8].utf8.count >= 14 ? .second : .minute
        reading.add(["seq": fields[1]])
        if unitParts.count > 1 { mark(reference: String(unitParts[1]), &reading) }
        for marker in fields[6].split(separator: "/") { mark(String(marker), &reading) }
        return reading
    }

    private static func mark(reference: String, _ reading: inout Reading) {
        let names = ["P": "plasma", "B": "whole-blood"]
        if let name = names[reference] { reading.add(["reference": name]) }
    }

    private static func mark(_ marker: String, _ reading: inout Reading) {
        switch marker {
        case ">": limit("result-too-high", &reading)
        case "<": limit("result-too-low", &reading)
        case "C": reading.outcome = .controlSolution
        case "B":
            reading.flags.append("before-meal")
            reading.add(["meal": "before"])
        case "A":
            reading.flags.append("after-meal")
            reading.add(["meal": "after"])
        default: break
        }
    }

    /// Beyond the meter's range the number is the limit, not the glucose.
    private static func limit(_ flag: String, _ reading: inout Reading) {
        reading.flags.append(flag)
        reading.outcome = .failedMeasurement
        reading.quantities = reading.quantities.map { Quantity($0.name, nil, $0.unit) }
    }

    /// `yyyymmddHHMM[SS]`
    private static func time(_ text: String) throws(DecodeError) -> LocalDateTime {
        let digits = text.prefix { $0.isNumber }
        guard digits.utf8.count == 12 || digits.utf8.count == 14 else {
            throw DecodeError("a time of 12 or 14 digits is due", offset: 0)
        }
        let all = Array(digits.utf8).map { Int($0) - 48 }
        func number(_ from: Int, _ count: Int) -> Int {
            all[from..<from + count].reduce(0) { $0 * 10 + $1 }
        }
        let second = all.count >= 14 ? number(12, 2) : 0
        guard
            let time = LocalDateTime(
                year: number(0, 4), month: number(4, 2), day: number(6, 2), hour: number(8, 2),
                minute: number(10, 2), second: second)
        else { throw DecodeError("an impossible date or time", offset: 0) }
        return time
    }
}
