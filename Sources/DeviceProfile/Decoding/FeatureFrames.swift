import Measurement

/// Feature characteristics: what a device says that it can do.
///
/// Each ability is a flag; resolutions are details. Reserved bits are passed over: a newer device has
/// more abilities than this program knows, and none of them changes how its frames are read.
enum FeatureFrames {
    /// Blood Pressure Feature (2A49), 16 bits.
    static func bloodPressure(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        try abilities(
            bytes, width: 2,
            [
                "body-movement-detection", "cuff-fit-detection", "irregular-pulse-detection",
                "pulse-rate-range-detection", "measurement-position-detection", "multiple-bonds",
            ]
        ).reading
    }

    /// Glucose Feature (2A51), 16 bits.
    static func glucose(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        try abilities(
            bytes, width: 2,
            [
                "battery-low-detection", "sensor-malfunction-detection", "sample-size-detection",
                "strip-insertion-detection", "strip-type-detection", "result-range-detection",
                "temperature-range-detection", "read-interrupt-detection",
                "general-fault-detection",
                "time-fault-detection", "multiple-bonds",
            ]
        ).reading
    }

    /// Weight Scale Feature (2A9E), 32 bits: b3–6 resolution of the weight, b7–9 of the height.
    static func weightScale(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var (reading, bits) = try abilities(
            bytes, width: 4, ["time-stamp", "multiple-users", "body-mass-index"])
        reading.details += try resolution("weight", bits >> 3 & 15, massSteps, at: 0)
        reading.details += try resolution("height", bits >> 7 & 7, heightSteps, at: 0)
        return reading
    }

    /// Body Composition Feature (2A9B), 32 bits: b11–14 resolution of masses, b15–17 of the height.
    static func bodyComposition(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var (reading, bits) = try abilities(
            bytes, width: 4,
            [
                "time-stamp", "multiple-users", "basal-metabolism", "muscle", "muscle-mass",
                "fat-free-mass", "soft-lean-mass", "body-water-mass", "impedance", "weight",
                "height",
            ])
        reading.details += try resolution("mass", bits >> 11 & 15, massSteps, at: 1)
        reading.details += try resolution("height", bits >> 15 & 7, heightSteps, at: 1)
        return reading
    }

    /// Physical Activity Monitor Features (2B3B), 64 bits, whose names no source at hand settles.
    static func physicalActivity(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let all = try reader.take(8, "features")
        try reader.end()
        let set = (0..<64).filter { all[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
        return DeviceInformationFrames.state([
            ("feature_bits", set.map { "\($0)" }.joined(separator: " "))
        ])
    }

    private static let massSteps = [
        ("0.5 kg", "1 lb"), ("0.2 kg", "0.5 lb"), ("0.1 kg", "0.2 lb"), ("0.05 kg", "0.1 lb"),
        ("0.02 kg", "0.05 lb"), ("0.01 kg", "0.02 lb"), ("0.005 kg", "0.01 lb"),
    ]
    private static let heightSteps = [
        ("0.01 m", "1 in"), ("0.005 m", "0.5 in"), ("0.001 m", "0.1 in"),
    ]

    private static func abilities(
        _ bytes: [UInt8], width: Int, _ names: [String]
    ) throws(DecodeError) -> (reading: Reading, bits: Int) {
        var reader = ByteReader(bytes)
        let taken = try reader.take(width, "features")
        try reader.end()
        let bits = taken.reversed().reduce(0) { $0 << 8 | Int($1) }
        var reading = Reading(.deviceState)
        reading.flags = names.indices.filter { bits >> $0 & 1 == 1 }.map { names[$0] }
        return (reading, bits)
    }

    /// 0 says that the device does not tell; numbers behind the table are reserved.
    private static func resolution(
        _ what: String, _ code: Int, _ steps: [(String, String)], at offset: Int
    ) throws(DecodeError) -> [Reading.Detail] {
        guard code > 0 else { return [] }
        guard code <= steps.count else {
            throw DecodeError("\(what) resolution \(code) is reserved", offset: offset)
        }
        return [
            .init(name: "\(what)_resolution", value: steps[code - 1].0),
            .init(name: "\(what)_resolution_imperial", value: steps[code - 1].1),
        ]
    }
}
