import DeviceProfile
import Measurement

@testable import DeviceLink

/// A procedure that is talked to without a session around it.
struct Talk {
    var procedure: any WireProcedure
    var sent: [[UInt8]] = []
    var messages: [[UInt8]] = []
    var clocks: [LocalDateTime] = []
    var serial: String?
    var firmware: String?
    var model: String?
    var notes: [SessionNote] = []
    var end: WireStep?
    var isStoring = false
    var isPausing = false

    init(procedure: any WireProcedure) { self.procedure = procedure }

    mutating func say(_ input: WireInput) {
        for step in procedure.take(input) {
            switch step {
            case .send(let bytes), .setOutput(_, let bytes): sent.append(bytes)
            case .message(let bytes, _, _): messages.append(bytes)
            case .messages(let list, _): messages += list
            case .clock(let time, _): clocks.append(time)
            case .serial(let text): serial = text
            case .firmware(let text): firmware = text
            case .model(_, let name): model = name
            case .note(let note): notes.append(note)
            case .store: isStoring = true
            case .pause: isPausing = true
            case .complete, .broken, .needsPerson: end = step
            default: break
            }
        }
    }

    mutating func say(_ bytes: [UInt8]) { say(.received(bytes)) }
    mutating func say(_ text: String) { say(.received(Array(text.utf8))) }

    /// Says it in parts of so many bytes, as a line may.
    mutating func say(_ bytes: [UInt8], in size: Int) {
        for start in stride(from: 0, to: bytes.count, by: size) {
            say(Array(bytes[start..<min(start + size, bytes.count)]))
        }
    }

    var isBroken: Bool { if case .broken? = end { true } else { false } }
}

/// Numbers that come again for the same seed.
struct Dice {
    private var state: UInt64
    init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func roll(_ sides: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % sides
    }

    mutating func bytes(_ most: Int) -> [UInt8] {
        (0..<roll(most + 1)).map { _ in UInt8(roll(256)) }
    }
}
