import DeviceProfile
import GatewayTestKit

/// A seeded stream of advertisements as the management socket gives them: mostly foreign ones.
struct Air {
    struct Frame {
        /// The whole message of the management socket.
        var packet: [UInt8]
        var isForeign: Bool
    }
    private(set) var frames: [Frame] = []

    /// - Parameter foreign: how many of a hundred come from devices that are none of ours.
    init(count: Int, foreign: Int, seed: UInt64, _ examples: [[UInt8]]) {
        var random = SeededGenerator(seed: seed)
        frames.reserveCapacity(count)
        for _ in 0..<count {
            let isForeign = Int.random(in: 0..<100, using: &random) < foreign
            let data =
                isForeign
                ? Self.stranger(&random)
                : examples[Int.random(in: 0..<examples.count, using: &random)]
            frames.append(Frame(packet: Self.packet(data, &random), isForeign: isForeign))
        }
    }

    private static func packet(_ data: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        let payload =
            bytes(6, &random) + [2, UInt8.random(in: 0xA0...0xE0, using: &random), 0, 0, 0, 0]
            + [UInt8(data.count & 0xFF), UInt8(data.count >> 8)] + data
        return [0x12, 0, 0, 0, UInt8(payload.count & 0xFF), UInt8(payload.count >> 8)] + payload
    }

    private static func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// What phones, beacons, watches, lamps, sensors, locks and loudspeakers send.
    private static func stranger(_ random: inout SeededGenerator) -> [UInt8] {
        let kind = Int.random(in: 0..<14, using: &random)
        func noise(_ count: Int) -> [UInt8] { bytes(count, &random) }
        let flags: [UInt8] = [0x02, 0x01, 0x06]
        return switch kind {
        case 0: flags + [0x1A, 0xFF, 0x4C, 0x00, 0x02, 0x15] + noise(21)
        case 1: flags + [0x0B, 0xFF, 0x4C, 0x00, 0x10, 0x06] + noise(6)
        case 2: [0x0F, 0xFF, 0x4C, 0x00, 0x09, 0x0B] + noise(10)
        case 3: [0x1E, 0xFF, 0x06, 0x00, 0x01, 0x09] + noise(25)
        case 4: flags + [0x06, 0x16, 0x2C, 0xFE] + noise(3)
        case 5: flags + [0x03, 0x03, 0xAA, 0xFE, 0x15, 0x16, 0xAA, 0xFE, 0x00] + noise(17)
        case 6: flags + [0x03, 0x03, 0x6F, 0xFD, 0x17, 0x16, 0x6F, 0xFD] + noise(20)
        case 7: flags + named("[TV] Samsung 7 Series") + [0x06, 0xFF, 0x75, 0x00] + noise(3)
        case 8: flags + named("Govee_H5075_" + hex(noise(2))) + [0x05, 0xFF, 0x88, 0xEC] + noise(2)
        case 9: flags + [0x0F, 0x16, 0x95, 0xFE] + noise(12)
        case 10: flags + [0x11, 0x07] + noise(16) + named("LE-Bose QC35 II")
        case 11: [0x03, 0x02, 0xED, 0xFE, 0x0B, 0x16, 0xED, 0xFE] + noise(8)
        case 12: flags + named("Forerunner 255") + [0x05, 0xFF, 0x87, 0x00] + noise(2)
        default: flags + [0x02, 0x0A, 0x04] + [0x1B, 0xFF, 0x99, 0x04, 0x05] + noise(23)
        }
    }

    private static func named(_ name: String) -> [UInt8] {
        [UInt8(name.utf8.count + 1), 0x09] + Array(name.utf8)
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
