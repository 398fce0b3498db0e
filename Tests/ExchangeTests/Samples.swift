import Glibc
import Measurement
import Testing
import YAML

@testable import Exchange

/// Values that every test starts from and changes one thing of.
enum Sample {
    static let tokyo = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)
    /// 2025-12-31 23:59:58.987 in Tokyo.
    static let observed = Instant(microseconds: 1_767_193_198_987_654)
    /// 2025-12-31 23:59:59.100 in Tokyo.
    static let stored = Instant(microseconds: 1_767_193_199_100_999)
    /// 2025-12-31 23:59:59.123 in Tokyo.
    static let header = DocumentHeader(
        consortium: "C00001", sendTime: Instant(microseconds: 1_767_193_199_123_456))

    static func file(_ path: String) throws -> [UInt8] {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try #require(fopen("/\(root)/\(path)", "rb"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
        return bytes
    }

    static func format(_ name: String = "meti-1.0") throws -> FormatDefinition {
        let problems = ProblemList()
        let path = "exchange-formats/\(name).yaml"
        let format = FormatDefinition.load(try file(path), file: path, problems: problems)
        return try #require(format, "\(problems.sorted)")
    }

    static let device = DeviceDescription(
        id: DeviceID("ble:A4:C1:38:00:00:01"), address: "A4:C1:38:00:00:01", manufacturer: "A&D",
        model: "UC-352BLE", serial: "5130450123")

    static func record(
        _ kind: MeasurementKind, _ quantities: [Quantity], resolution: TimeResolution = .second,
        _ change: (inout ExchangeRecord) -> Void = { _ in }
    ) -> ExchangeRecord {
        let record = Record(
            key: RecordKey(hex: "00"), device: device, kind: kind, quantities: quantities,
            received: GatewayTime(utc: stored, monotonicNanoseconds: 0, synchronised: true),
            time: RecordTime(
                observed: observed, basis: .corrected, origin: .corrected, resolution: resolution),
            profile: "p", profileRevision: 1)
        var exchange = ExchangeRecord(record: record, participant: "P0000001", stored: stored)
        change(&exchange)
        return exchange
    }

    static func weight(
        _ number: String = "65.0", _ change: (inout ExchangeRecord) -> Void = { _ in }
    ) -> ExchangeRecord {
        record(.weight, [Quantity(.weight, ExactDecimal(number), .kilogram)], change)
    }

    static func pressure(
        _ change: (inout ExchangeRecord) -> Void = { _ in }
    ) -> ExchangeRecord {
        record(
            .bloodPressure,
            [
                Quantity(.systolic, ExactDecimal(125), .millimetreOfMercury),
                Quantity(.diastolic, ExactDecimal(80), .millimetreOfMercury),
                Quantity(.meanArterialPressure, ExactDecimal(102), .millimetreOfMercury),
                Quantity(.pulseRate, ExactDecimal(64), .perMinute),
            ], change)
    }

    static func activity(
        _ change: (inout ExchangeRecord) -> Void = { _ in }
    ) -> ExchangeRecord {
        record(
            .activity,
            [
                Quantity(.steps, ExactDecimal(10_000), .steps),
                Quantity(.walkTime, ExactDecimal(90), .minute),
                Quantity(.moderateIntensityActivity, ExactDecimal(30), .minute),
                Quantity(.calories, ExactDecimal(300), .kilocalorie),
                Quantity(.totalCalories, ExactDecimal(21_005, exponent: -1), .kilocalorie),
            ], resolution: .day
        ) {
            $0.record.duration = .minutes(1_440)
            $0.wearingPosition = "31"
            change(&$0)
        }
    }

    static func glucose(
        _ number: String? = "105", _ unit: MeasurementUnit = .milligramPerDecilitre,
        hba1c: String? = nil
    ) -> ExchangeRecord {
        var quantities = [Quantity(.glucose, number.flatMap { ExactDecimal($0) }, unit)]
        if let hba1c { quantities.append(Quantity(.hba1c, ExactDecimal(hba1c), .percent)) }
        return record(.glucose, quantities) { $0.record.mealCode = "1" }
    }

    static func options(
        _ setting: GatewaySetting = .home, extensions: Set<String> = [], lab: String? = nil
    ) -> EncoderOptions {
        EncoderOptions(
            zone: tokyo, setting: setting, extensions: extensions, testLabID: lab)
    }

    static func encode(
        _ records: [ExchangeRecord], _ options: EncoderOptions = Sample.options(),
        format: String = "meti-1.0"
    ) throws -> EncodedBatch {
        var encoder = Encoder(format: try Sample.format(format), options: options)
        return try encoder.encode(records: records, header: header)
    }

    static func text(_ batch: EncodedBatch) -> String {
        String(decoding: batch.bytes, as: UTF8.self)
    }
}
