import Measurement

/// Frames that say something of the device and nothing of a person: clock, battery.
enum DeviceStateFrames {
    /// Date Time (2A08), seven bytes.
    static func dateTime(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        var reading = Reading(.deviceState)
        try reading.takeTime(&reader)
        try reader.end()
        return reading
    }

    /// Current Time (2A2B): Date Time, day of week uint8 (1 Monday … 7 Sunday, 0 unknown),
    /// fractions uint8 × 1/256 s, adjust reason uint8 (b0 manual, b1 external reference, b2 time
    /// zone, b3 daylight saving time). The fraction is cut, as everywhere. Some cuffs leave out all
    /// behind the Date Time.
    static func currentTime(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        var reading = Reading(.deviceState)
        try reading.takeTime(&reader)
        if reader.remaining == 0 { return reading }
        try dayOfWeek(&reader)
        _ = try reader.uint8("fractions of a second")
        let reason = try reader.uint8("adjust reason")
        guard reason & 0xF0 == 0 else {
            throw DecodeError("reserved bits are set in adjust reason", offset: 9)
        }
        try reader.end()
        let names = ["set-by-hand", "external-reference", "time-zone-change", "dst-change"]
        reading.flags = names.indices.filter { reason >> $0 & 1 == 1 }.map { names[$0] }
        return reading
    }

    /// Day Date Time (2A0A): Date Time, day of week.
    static func dayDateTime(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        var reading = Reading(.deviceState)
        try reading.takeTime(&reader)
        try dayOfWeek(&reader)
        try reader.end()
        return reading
    }

    private static func dayOfWeek(_ reader: inout ByteReader) throws(DecodeError) {
        guard try reader.uint8("day of week") <= 7 else {
            throw DecodeError("a day of the week above 7", offset: reader.offset - 1)
        }
    }

    /// Battery Level (2A19): uint8, 0 to 100 %.
    static func batteryLevel(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let level = try reader.uint8("battery level")
        try reader.end()
        guard level <= 100 else { throw DecodeError("a battery level above 100 %", offset: 0) }
        return Reading(.deviceState)
    }

    /// One IEEE 11073 number alone: two bytes are an SFLOAT, four a FLOAT; a special value is named.
    static func medicalFloat(
        _ bytes: [UInt8], quirks: LayoutQuirks
    ) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let value =
            bytes.count < 4
            ? MedicalFloat(sfloat: try reader.uint16LE("the number"))
            : MedicalFloat(float: try reader.uint32LE("the number"))
        if !quirks.ignoreTrailingBytes { try reader.end() }
        var reading = Reading(.deviceState)
        if let number = value.number {
            reading.details = [Reading.Detail(name: "value", value: number.text)]
        } else {
            reading.details = [Reading.Detail(name: "special", value: name(of: value))]
        }
        return reading
    }

    private static func name(of special: MedicalFloat) -> String {
        switch special {
        case .number, .notANumber: "NaN"
        case .notAtThisResolution: "NRes"
        case .positiveInfinity: "+Inf"
        case .negativeInfinity: "-Inf"
        case .reserved: "reserved"
        }
    }
}
