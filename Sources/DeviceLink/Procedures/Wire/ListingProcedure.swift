import DeviceProfile

/// Meters that answer each of the profile's commands with a listing: lines and a checksum.
///
/// The first command is lost on some meters that have just been woken, so each is tried again. A
/// listing whose checksum does not fit is none.
struct ListingProcedure: WireProcedure {
    private static let maximumTries = 4
    private static let maximumListing = 1 << 20

    private let plan: WirePlan
    private let listing: TextListing
    private var todo: [[UInt8]]
    private var current: [UInt8] = []
    private var buffer: [UInt8] = []
    private var tries = 0

    init(_ plan: WirePlan, _ listing: TextListing) {
        self.plan = plan
        self.listing = listing
        todo = plan.commands.filter { !$0.isForbidden }.map(\.bytes)
    }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return next()
        case .received(let bytes): return received(bytes)
        case .timedOut: return again("it does not answer")
        case .stored: return [.complete]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private mutating func next() -> [WireStep] {
        guard !todo.isEmpty else {
            current = []
            return [.store]
        }
        current = todo.removeFirst()
        tries = 0
        return sent()
    }

    private mutating func sent() -> [WireStep] {
        buffer = []
        return [.send(current), .expect(plan.replyTimeout)]
    }

    private mutating func again(_ why: String) -> [WireStep] {
        guard !current.isEmpty else { return [] }
        tries += 1
        guard tries < Self.maximumTries else { return [.broken("the meter: \(why)")] }
        return sent()
    }

    private mutating func received(_ bytes: [UInt8]) -> [WireStep] {
        guard !current.isEmpty else { return [] }
        buffer += bytes
        guard buffer.count < Self.maximumListing else {
            return [.broken("a listing without an end")]
        }
        guard listing.isWhole(buffer) else { return [.expect(plan.replyTimeout)] }
        do throws(DecodeError) {
            let lines = try listing.lines(buffer)
            return [.messages(lines, request: current)] + next()
        } catch {
            return again(error.reason)
        }
    }
}
