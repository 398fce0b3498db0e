import DeviceProfile
import Measurement

/// LifeScan meters as mass storage: packets in block 3; nothing is written before the identity fits.
struct StorageProcedure: WireProcedure {
    private let plan: WirePlan
    private var isKnown = false
    private var request: [UInt8] = []
    private var tries = 0
    private var count = 0
    private var index = 0

    init(_ plan: WirePlan) { self.plan = plan }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return [.inquire, .expect(plan.replyTimeout)]
        case .identity(let identity): return identified(identity)
        case .done: return isKnown ? [.readBlock(3), .expect(plan.replyTimeout)] : []
        case .block(let bytes): return answered(bytes)
        case .timedOut: return again("the meter does not answer")
        case .refused(let why): return [.broken(why)]
        case .stored: return [.complete]
        default: return []
        }
    }

    /// A look-alike stick is somebody's data: it is never written to.
    private mutating func identified(_ identity: StorageIdentity) -> [WireStep] {
        guard !isKnown else { return [] }
        guard identity.vendor == "LifeScan", identity.interface == "LifeScan MSC" else {
            return [
                .needsPerson(
                    "its storage is '\(identity.vendor)' and its interface '\(identity.interface)', "
                        + "not a LifeScan meter's: nothing was written")
            ]
        }
        isKnown = true
        return ask([3, 0x20, 2])
    }

    private mutating func ask(_ body: [UInt8]) -> [WireStep] {
        request = body
        tries = 0
        return sent()
    }

    private func sent() -> [WireStep] {
        let packet = LifeScan.packet(request)
        let block = packet + [UInt8](repeating: 0, count: 512 - packet.count)
        return [.writeBlock(3, block), .expect(plan.replyTimeout)]
    }

    private mutating func again(_ why: String) -> [WireStep] {
        tries += 1
        guard isKnown, tries < 3 else { return [.broken(why)] }
        return sent()
    }

    private mutating func answered(_ block: [UInt8]) -> [WireStep] {
        guard isKnown, let packet = try? LifeScan.open(block), packet.body.count >= 2,
            packet.body[1] == 6
        else { return again("an answer that is none") }
        let data = Array(packet.body[2...])
        switch request[1] {
        case 0x20:
            var steps: [WireStep] = []
            if data.count == 4, case .known(let now) = LifeScan.clock(data) {
                steps = [.clock(now)]
            }
            return steps + ask([3, 0x27, 0])
        case 0x27:
            guard data.count >= 2 else { return again("a count that is none") }
            count = min(Int(data[0]) | Int(data[1]) << 8, 2_000)
            return next()
        default:
            index += 1
            return [.message(block)] + next()
        }
    }

    private mutating func next() -> [WireStep] {
        guard index < count else { return [.store] }
        return ask([3, 0x31, 2, UInt8(index & 0xFF), UInt8(index >> 8), 0])
    }
}
