import Measurement

/// CGM Measurement (2AA7): one or more records of a sensor that measures all the time.
///
/// A record, little-endian: size uint8, itself counted; flags uint8 (b0 trend, b1 quality, b5 b6 b7 an
/// octet each of sensor status); concentration SFLOAT mg/dL; time offset uint16 minutes since the
/// session began; [status octets]; [trend SFLOAT mg/dL/min]; [quality SFLOAT %]; [checksum uint16,
/// where the sensor has it; it is not checked]. When the session began stands elsewhere, so the
/// offset counts as a tick. Source: public descriptions of the Continuous Glucose Monitoring Service.
enum ContinuousGlucose {
    static func readings(
        _ bytes: [UInt8], quirks: LayoutQuirks
    ) throws(DecodeError) -> [Reading] {
        var found: [Reading] = []
        var start = 0
        repeat {
            guard start < bytes.count else {
                throw DecodeError("the frame ends inside size", offset: bytes.count)
            }
            let size = Int(bytes[start])
            guard size >= 6 else {
                throw DecodeError("a record of \(size) bytes, fewer than any has", offset: start)
            }
            guard start + size <= bytes.count else {
                throw DecodeError(
                    "the frame ends inside a record of \(size) bytes", offset: bytes.count)
            }
            do throws(DecodeError) {
                found.append(try record(Array(bytes[start..<start + size]), quirks))
            } catch {
                throw DecodeError(error.reason, offset: start + error.offset)
            }
            start += size
        } while start < bytes.count
        return found
    }

    private static func record(
        _ bytes: [UInt8], _ quirks: LayoutQuirks
    ) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        _ = try reader.uint8("size")
        let flags = Int(try reader.uint8("flags"))
        try checkReserved(flags, allowed: 0xE3, quirks: quirks, field: "flags", offset: 1)
        var reading = Reading(.measurement, kind: .glucose)
        let value = MedicalFloat(sfloat: try reader.uint16LE("concentration"))
        let minutes = try reader.uint16LE("time offset")
        reading.timeOffsetMinutes = Int(minutes)
        reading.tick = UInt64(minutes)
        _ = try reader.take((5...7).count { flags >> $0 & 1 == 1 }, "sensor status")
        if flags & 1 != 0 { _ = try reader.uint16LE("trend") }
        if flags & 2 != 0 { _ = try reader.uint16LE("quality") }
        if reader.remaining == 2 { _ = try reader.uint16LE("checksum") }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        if value == .positiveInfinity { reading.flags.append("result-too-high") }
        if value == .negativeInfinity { reading.flags.append("result-too-low") }
        let number = value.number.flatMap { $0 > ExactDecimal(0) ? $0 : nil }
        if let number, !(number < ExactDecimal(100_000)) {
            throw DecodeError("glucose is out of any device's range", offset: 2)
        }
        if number == nil { reading.outcome = .failedMeasurement }
        reading.quantities = [Quantity(.glucose, number, .milligramPerDecilitre)]
        reading.keyBytes = bytes
        return reading
    }
}
