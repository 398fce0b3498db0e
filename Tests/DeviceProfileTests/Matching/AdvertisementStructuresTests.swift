import Testing

@testable import DeviceProfile

/// A captured advertisement has to be the one that the device sent, or a tape would match another profile.
@Suite struct AdvertisementStructuresTests {
    private func advertisement(_ change: (inout Advertisement) -> Void) -> Advertisement {
        var advertisement = Advertisement()
        change(&advertisement)
        return advertisement
    }

    private func uuid(_ text: String) throws -> BluetoothUUID {
        try #require(BluetoothUUID(text))
    }

    @Test func `everything that an advertisement says comes back`() throws {
        let vendor = try uuid("00000001-0000-3512-2118-0009af100700")
        let whole = advertisement {
            $0.flags = 0x05
            $0.name = "A&D_UA-651BLE 体重"
            $0.serviceUUIDs = [.bloodPressureService, BluetoothUUID(0x1234_5678), vendor]
            $0.appearance = 0x0381
            $0.serviceData = [.bodyCompositionService: [1, 2, 3], vendor: []]
            $0.manufacturerData = [0x0157: [0, 255], 0xFFFF: []]
        }
        #expect(try Advertisement(adStructures: whole.adStructures) == whole)
    }

    @Test func `an advertisement without anything has no bytes`() {
        #expect(Advertisement().adStructures.isEmpty)
    }

    @Test func `numbers stand least significant byte first`() {
        let bytes = advertisement { $0.serviceUUIDs = [.bloodPressureService] }.adStructures
        #expect(bytes == [3, 3, 0x10, 0x18])
        let company = advertisement { $0.manufacturerData = [0x020E: [9]] }.adStructures
        #expect(company == [4, 0xFF, 0x0E, 0x02, 9])
    }

    @Test func `a vendor UUID keeps all of its bytes`() throws {
        let vendor = try uuid("0000fff0-0000-1000-8000-00805f9b34fc")
        #expect(vendor.littleEndian.count == 16)
        #expect(vendor.littleEndian.first == 0xFC)
        let bytes = advertisement { $0.serviceUUIDs = [vendor] }.adStructures
        #expect(try Advertisement(adStructures: bytes).serviceUUIDs == [vendor])
    }

    @Test func `two hundred services are split over structures, none is lost`() throws {
        let many = (0..<200).map { BluetoothUUID(0x2000 + UInt32($0)) }
        let bytes = advertisement { $0.serviceUUIDs = many }.adStructures
        #expect(try Advertisement(adStructures: bytes).serviceUUIDs == many)
    }

    @Test func `a name longer than a structure is cut and the rest stays readable`() throws {
        let long = advertisement {
            $0.name = String(repeating: "n", count: 400)
            $0.manufacturerData = [1: [7]]
        }
        let read = try Advertisement(adStructures: long.adStructures)
        #expect(read.name == String(repeating: "n", count: 254))
        #expect(read.manufacturerData == [1: [7]])
    }

    @Test(arguments: 0..<40) func `random advertisements come back as they were`(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let one = advertisement { advertisement in
            if random.bool { advertisement.flags = random.byte }
            if random.bool { advertisement.name = "scale \(random.byte)" }
            for _ in 0..<random.below(4) {
                advertisement.serviceUUIDs.append(BluetoothUUID(UInt32(random.below(1 << 16))))
            }
            for _ in 0..<random.below(3) {
                advertisement.manufacturerData[UInt16(random.below(1 << 16))] = random.bytes(20)
            }
            for _ in 0..<random.below(3) {
                advertisement.serviceData[BluetoothUUID(UInt32(random.below(1 << 30)))] =
                    random.bytes(20)
            }
        }
        #expect(try Advertisement(adStructures: one.adStructures) == one)
    }
}

/// A seeded source of numbers, so that a failure comes again.
private struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
    var bool: Bool { mutating get { next() & 1 == 1 } }
    var byte: UInt8 { mutating get { UInt8(truncatingIfNeeded: next()) } }
    mutating func bytes(_ limit: Int) -> [UInt8] { (0..<below(limit)).map { _ in byte } }
}
