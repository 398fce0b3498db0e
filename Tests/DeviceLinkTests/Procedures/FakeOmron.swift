import DeviceProfile
import Measurement

@testable import DeviceLink

/// An Omron device: a lock, a memory, and everything that can go wrong with its answers.
final class FakeOmron {
    enum Fault: Equatable {
        /// The answer to the read with this number (from 0) has a wrong checksum.
        case wrongChecksum(at: Int)
        case everyChecksumWrong
        case silentFrom(Int)
        /// The device refuses what lies at this address, as a plain refusal or by an end frame.
        case refuses(Int, byEnd: Bool)
        case shortData(at: Int)
        case otherToken
    }

    var memory: [Int: UInt8] = [:]
    var key: [UInt8]?
    var isInPairingMode = false
    var faults: [Fault] = []
    let channels: Int
    private(set) var reads: [Int] = []
    private(set) var kinds: Set<UInt16> = []
    private(set) var programmed: [UInt8]?
    private(set) var writes: [(address: Int, data: [UInt8])] = []
    private var pieces: [UInt8] = []

    init(channels: Int = 4) { self.channels = channels }

    func put(_ bytes: [UInt8], at address: Int) {
        for (index, byte) in bytes.enumerated() { memory[address + index] = byte }
    }

    /// A clock block of 16 bytes, the time in its bytes 8 to 13.
    func putClock(_ time: String, at address: Int) {
        let local = wall(time)
        let six = [
            local.year - 2000, local.month, local.day, local.hour, local.minute, local.second,
        ]
        put([UInt8](repeating: 0, count: 8) + six.map { UInt8($0) } + [0, 0], at: address)
    }

    func says(_ uuid: BluetoothUUID, _ bytes: [UInt8]) -> [(BluetoothUUID, [UInt8])] {
        if uuid == OmronChannels.unlock { return unlock(bytes).map { [(uuid, $0)] } ?? [] }
        guard let channel = OmronChannels.transmit.firstIndex(of: uuid) else { return [] }
        pieces = channel == 0 ? bytes : pieces + bytes
        guard let length = pieces.first, pieces.count >= Int(length) else { return [] }
        return answer(pieces).map(split) ?? []
    }

    private func unlock(_ bytes: [UInt8]) -> [UInt8]? {
        switch bytes[0] {
        case 0x11:
            return [0x91, 0x00]
                + (faults.contains(.otherToken) ? [1, 2, 3, 4] : Array(bytes[1...4]))
        case 0x01: return Array(bytes.dropFirst()) == key ? [0x81, 0x00] : [0x81, 0x01]
        case 0x02: return isInPairingMode ? [0x82, 0x00] : [0x82 - 1, 0x0F]
        case 0x00:
            programmed = Array(bytes.dropFirst())
            key = programmed
            return [0x80, 0x00]
        default: return nil
        }
    }

    private func answer(_ bytes: [UInt8]) -> [UInt8]? {
        let kind = UInt16(bytes[1]) << 8 | UInt16(bytes[2])
        kinds.insert(kind)
        let address = Int(bytes[3]) << 8 | Int(bytes[4])
        switch kind {
        case 0x0000: return frame(0x8000, 0, [UInt8](repeating: 0, count: 16))
        case 0x0100: return read(address, Int(bytes[5]))
        case 0x01C0:
            let data = Array(bytes[6..<6 + Int(bytes[5])])
            writes.append((address, data))
            return frame(0x81C0, address, [])
        case 0x0F00: return frame(0x8F00, 0, [])
        default: return nil
        }
    }

    private func read(_ address: Int, _ count: Int) -> [UInt8]? {
        let number = reads.count
        reads.append(address)
        for fault in faults {
            switch fault {
            case .silentFrom(let first) where number >= first: return nil
            case .refuses(address, let byEnd):
                return byEnd
                    ? frame(0x8F00, 0, [], result: 4) : frame(0x8100, address, [], result: 3)
            case .shortData(at: number): return frame(0x8100, address, [0xFF])
            default: break
            }
        }
        var answer = frame(0x8100, address, (0..<count).map { memory[address + $0] ?? 0xFF })
        if faults.contains(.everyChecksumWrong) || faults.contains(.wrongChecksum(at: number)) {
            answer[answer.count - 1] ^= 0x55
        }
        return answer
    }

    private func frame(
        _ kind: UInt16, _ address: Int, _ data: [UInt8], result: UInt8 = 0
    ) -> [UInt8] {
        OmronFrame.sealed(
            [
                UInt8(8 + data.count), UInt8(kind >> 8), UInt8(kind & 0xFF),
                UInt8(address >> 8), UInt8(address & 0xFF), UInt8(data.count),
            ] + data + [result])
    }

    private func split(_ frame: [UInt8]) -> [(BluetoothUUID, [UInt8])] {
        guard channels > 1 else { return [(OmronChannels.receive[0], frame)] }
        return stride(from: 0, to: frame.count, by: 16).map {
            (OmronChannels.receive[$0 / 16], Array(frame[$0..<min($0 + 16, frame.count)]))
        }
    }
}

/// A record of 14 bytes as most cuffs keep it.
func vital(_ systolic: Int, minute: Int, day: Int = 1) -> [UInt8] {
    let first = 8 | day << 5 | 3 << 10
    let second = minute << 6
    return [
        UInt8(systolic - 25), 80, 60, 26, UInt8(first & 0xFF), UInt8(first >> 8),
        UInt8(second & 0xFF), UInt8(second >> 8), 0, 0, 0, 0, UInt8(minute), 0,
    ]
}

/// A cuff of the family with two users, ten records each, whose memory begins at 0x100 and 0x200.
func omronCuff(
    channels: Int = 4, unlock: String = "key", set: String = "", memories: String? = nil
) -> DeviceProfile {
    let one = """
        - record-size: 14
          users: [{ address: 0x100, records: 10 }, { address: 0x200, records: 10 }]
          clock: { address: 0x40, length: 16, time-at: 8, sum-at: 14\(set) }
        """
    let table = (memories ?? one).split(separator: "\n").map { "            " + $0 }
    return profile(
        """
        class: blood-pressure
        session:
          bond: none
          quiet: 2s
          steps:
            - procedure: omron-memory
              with:
                channels: \(channels)
                unlock: \(unlock)
                memories:
        \(table.joined(separator: "\n"))
        layouts:
          - source: eeprom
            fields:
              kind: blood-pressure
              length: { minimum: 14, maximum: 4096 }
              records: { from: 0, size: 14 }
              empty: { bytes: "00ff" }
              time:
                format: parts
                year: { at: 3, bits: 0-5, base: 2000 }
                month: { at: 4, type: u16le, bits: 10-13 }
                day: { at: 4, type: u16le, bits: 5-9 }
                hour: { at: 4, type: u16le, bits: 0-4 }
                minute: { at: 6, type: u16le, bits: 6-11 }
                second: { at: 6, type: u16le, bits: 0-5 }
              stored: true
              values:
                - { name: systolic, at: 0, type: u8, units: [{ unit: "mm[Hg]", offset: 25 }] }
                - { name: diastolic, at: 1, type: u8, units: [{ unit: "mm[Hg]" }] }
        time: { clock: local, readings: stored, unreadable-clock: quarantine }
        """)
}

extension ScriptedPeer {
    static let ownersKey = [UInt8](0x10...0x1F)

    /// The cuff with its owner's key in the configuration, at a quarter past eight.
    static func omron(_ device: FakeOmron, _ profile: DeviceProfile = omronCuff()) -> ScriptedPeer {
        var properties: [String: String] = [OmronChannels.unlock.description: "write notify"]
        for uuid in OmronChannels.receive { properties[uuid.description] = "notify" }
        for uuid in OmronChannels.transmit { properties[uuid.description] = "write" }
        var peer = ScriptedPeer(profile, at: "2026-03-02T08:15:00", properties)
        peer.owner.key = ownersKey
        peer.says = { device.says($0, $1) }
        return peer
    }
}
