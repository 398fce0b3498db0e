import AllocationCounter
import DataFiles
import Exchange
import Glibc
import JSON
import Measurement
import YAML

/// Measures what a document costs: time beside a copy of its bytes, and requests for memory.
///
///     EncodeBench FORMAT ZONE
@main struct EncodeBench {
    static let rounds = 400

    static func main() throws {
        let arguments = CommandLine.arguments
        let problems = ProblemList()
        guard arguments.count == 3,
            let format = FormatDefinition.load(
                try FileReader.read(arguments[1]), file: arguments[1], problems: problems),
            let zone = TimeZoneRules(name: "local", tzif: try FileReader.read(arguments[2]))
        else {
            print("usage: EncodeBench FORMAT ZONE")
            exit(2)
        }
        let header = DocumentHeader(consortium: "C00001", sendTime: Samples.moment(0))
        var encoder = Encoder(format: format, options: EncoderOptions(zone: zone))
        let records = (0..<200).map(Samples.record)
        let hundred = Array(records.prefix(100))
        let document = try encoder.encode(records: hundred, header: header).bytes
        let validator = Validator(format: format)
        precondition(validator.problems(in: document, rowCount: 100).isEmpty, "a broken document")
        // Once more with all, so that the buffers have their size.
        _ = try encoder.encode(records: records, header: header)
        let few = try allocations { _ = try encoder.encode(records: hundred, header: header) }
        let many = try allocations { _ = try encoder.encode(records: records, header: header) }
        var copied = [UInt8](repeating: 0, count: document.count)
        let encode = try fastest { _ = try encoder.encode(records: hundred, header: header) }
        let copy = fastest {
            copied.withUnsafeMutableBytes { to in
                document.withUnsafeBytes { from in
                    if let to = to.baseAddress, let from = from.baseAddress {
                        memcpy(to, from, document.count)
                    }
                }
            }
        }
        precondition(copied == document, "the copy differs")
        let validate = fastest { _ = validator.problems(in: document, rowCount: 100) }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("bytes", document.count)
            writer.member("fields", document.count { $0 == UInt8(ascii: ":") })
            writer.member("encode_us", number: decimal(encode / 1_000))
            writer.member("copy_us", number: decimal(copy / 1_000))
            writer.member("validate_us", number: decimal(validate / 1_000))
            writer.member("allocations_of_100", Int(few))
            writer.member("allocations_of_200", Int(many))
        }
        print(String(decoding: writer.bytes, as: UTF8.self))
    }

    private static func decimal(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }

    private static func allocations(_ body: () throws -> Void) rethrows -> UInt64 {
        let before = allocation_count()
        try body()
        return allocation_count() - before
    }

    /// Nanoseconds of the fastest of many passes.
    private static func fastest(_ body: () throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<rounds {
            let start = now()
            try body()
            best = min(best, now() - start)
        }
        return best
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}

/// A family of four with a cuff, a scale and pedometers.
enum Samples {
    static func moment(_ number: Int) -> Instant {
        Instant(seconds: 1_772_334_000 + Int64(number) * 60)
    }

    static func record(_ number: Int) -> ExchangeRecord {
        let kinds: [(MeasurementKind, String, [Quantity])] = [
            (
                .bloodPressure, "UA-651BLE",
                [
                    Quantity(.systolic, ExactDecimal(125), .millimetreOfMercury),
                    Quantity(.diastolic, ExactDecimal(80), .millimetreOfMercury),
                    Quantity(.pulseRate, ExactDecimal(64), .perMinute),
                ]
            ),
            (
                .weight, "UC-352BLE",
                [
                    Quantity(.weight, ExactDecimal(6_255, exponent: -2), .kilogram),
                    Quantity(.bodyFat, ExactDecimal(221, exponent: -1), .percent),
                ]
            ),
            (
                .activity, "UW-302BT",
                [
                    Quantity(.steps, ExactDecimal(7_412), .steps),
                    Quantity(.calories, ExactDecimal(2_315, exponent: -1), .kilocalorie),
                    Quantity(.totalActiveDuration, ExactDecimal(1_440), .minute),
                ]
            ),
        ]
        let (kind, model, quantities) = kinds[number % kinds.count]
        let digits = String(number, radix: 16)
        let record = Record(
            key: RecordKey(hex: String(repeating: "0", count: 32 - digits.utf8.count) + digits),
            device: DeviceDescription(
                id: DeviceID("ble:A4:C1:38:00:00:01"), address: "A4:C1:38:00:00:01",
                manufacturer: "A&D", model: model, serial: "5180200001"),
            kind: kind, quantities: quantities,
            received: GatewayTime(
                utc: moment(number), monotonicNanoseconds: 1, synchronised: true),
            time: RecordTime(observed: moment(number), basis: .deviceClock, origin: .device),
            profile: "sample", profileRevision: 1)
        return ExchangeRecord(
            record: record, participant: "P000000\(number % 4)", stored: moment(number),
            wearingPosition: "31")
    }
}
