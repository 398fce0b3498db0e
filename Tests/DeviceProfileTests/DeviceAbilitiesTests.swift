import Testing

@testable import DeviceProfile

/// Feature characteristics by the tables of the Bluetooth layouts.
@Suite struct DeviceAbilitiesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var uuid: BluetoothUUID
        var bytes: [UInt8]
        var expected: [String]
        var testDescription: String { "\(uuid) \(bytes)" }
    }

    @Test(arguments: [
        Case(
            uuid: .bloodPressureFeature, bytes: [0x3F, 0],
            expected: [
                "body-movement-detection", "cuff-fit-detection", "irregular-pulse-detection",
                "pulse-rate-range-detection", "measurement-position-detection", "multiple-bonds",
            ]),
        Case(uuid: .bloodPressureFeature, bytes: [0, 0], expected: ["one-bond-only"]),
        Case(
            uuid: .glucoseFeature, bytes: [0x00, 0x06],
            expected: ["time-fault-detection", "multiple-bonds"]),
        Case(
            uuid: .glucoseFeature, bytes: [0x01, 0x00],
            expected: ["battery-low-detection", "one-bond-only"]),
        Case(uuid: .weightScaleFeature, bytes: [0, 0, 0, 0], expected: []),
        Case(
            uuid: .weightScaleFeature, bytes: [0x3F, 0x01, 0, 0],
            expected: [
                "time-stamp", "multiple-users", "body-mass-index", "weight-resolution 0.005 kg",
                "height-resolution 0.005 m",
            ]),
        Case(
            uuid: .bodyCompositionFeature, bytes: [0x01, 0x18, 0x00, 0],
            expected: ["time-stamp", "mass-resolution 0.1 kg"]),
        Case(
            uuid: .physicalActivityFeatures, bytes: [0x05, 0, 0, 0, 0, 0, 0, 0x80],
            expected: ["feature-bits 0 2 63"]),
    ])
    func `what a device can do is said by name`(_ example: Case) throws {
        #expect(try DeviceAbilities.read(example.uuid, example.bytes) == example.expected)
    }

    @Test func `bits that are reserved change nothing`() throws {
        let names = try DeviceAbilities.read(.bloodPressureFeature, [0xE0, 0xFF])
        #expect(names == ["multiple-bonds"])
    }

    @Test func `other lengths, other characteristics and unknown steps are refused`() {
        for uuid in DeviceAbilities.characteristics {
            #expect(throws: DecodeError.self) { try DeviceAbilities.read(uuid, []) }
            #expect(throws: DecodeError.self) {
                try DeviceAbilities.read(uuid, Array(repeating: 0, count: 9))
            }
        }
        #expect(throws: DecodeError.self) { try DeviceAbilities.read(.batteryLevel, [80]) }
        // 8 is behind the table of weight resolutions.
        #expect(throws: DecodeError.self) {
            try DeviceAbilities.read(.weightScaleFeature, [0x40, 0, 0, 0])
        }
    }

    @Test func `no bytes of a device break it`() {
        var generator = Seeded(49)
        for _ in 0..<2_000 {
            let length = Int.random(in: 0...10, using: &generator)
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            for uuid in DeviceAbilities.characteristics {
                let names = try? DeviceAbilities.read(uuid, bytes)
                #expect(names.map { $0.allSatisfy { !$0.contains(";") } } ?? true)
            }
        }
    }
}
