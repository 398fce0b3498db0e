import Measurement
import Testing

@testable import PersonalHealth

/// An agent of a device specialisation at the other end of the cable: bytes in, bytes out.
///
/// It does what the standard asks of an agent and notes what the manager may not do; its coding is
/// that of `Wire`, not the package's.
struct SimulatedAgent {
    struct Event {
        var type: Int
        var information: [UInt8]
        var isConfirmed = true
        var handle = 0
        var time = 0xFFFF_FFFF
    }
    struct Segment {
        var instance: Int
        var attributes: [[UInt8]]
        /// Parts of the transfer, in order.
        var parts: [[UInt8]]
        var result = 0
    }

    var configuration: Int
    var systemID = hex("0022090000000001")
    var objects: [[UInt8]] = []
    var attributes: [[UInt8]] = []
    var events: [Event] = []
    var store: (handle: Int, segments: [Segment])?
    var releases = true
    /// What the manager is not answered at all: the n-th message that it would be.
    var isSilent = false
    var units = 0

    private(set) var answers: [String] = []
    private(set) var confirmed = 0
    private(set) var clockSetTo: String?
    private(set) var ended: String?
    private var framer: [UInt8] = []
    private var sentConfiguration = false
    private var nextID = 100
    private var pending: [[UInt8]] = []
    private var isAssociated = false
    private var waitsForAnswer = false

    init(configuration: Int) { self.configuration = configuration }

    mutating func start() -> [UInt8] {
        Wire.association(configuration: configuration, systemID: systemID, units: units)
    }

    /// Takes what the manager sends and answers.
    mutating func receive(_ bytes: [UInt8]) -> [UInt8] {
        framer += bytes
        var out: [UInt8] = []
        while framer.count >= 4 {
            let length = Int(framer[2]) << 8 | Int(framer[3])
            guard framer.count >= 4 + length else { break }
            let apdu = Array(framer.prefix(4 + length))
            framer.removeFirst(4 + length)
            if !isSilent { out += answer(apdu) }
        }
        return out
    }

    private func word(_ bytes: [UInt8], _ at: Int) -> Int {
        Int(bytes[at]) << 8 | Int(bytes[at + 1])
    }

    private mutating func answer(_ apdu: [UInt8]) -> [UInt8] {
        switch word(apdu, 0) {
        case 0xE300: return associated(word(apdu, 4))
        case 0xE400:
            ended = "released by the manager"
            return hex("e50000020000")
        case 0xE500:
            ended = "released"
            return []
        case 0xE600:
            ended = "aborted \(word(apdu, 4))"
            return []
        default: return message(apdu)
        }
    }

    private mutating func associated(_ result: Int) -> [UInt8] {
        answers.append("association \(result)")
        guard result == 0 || result == 3 else {
            ended = "rejected \(result)"
            return []
        }
        isAssociated = true
        guard result == 3 else { return [] }
        sentConfiguration = true
        return send(Event(type: 0x0D1C, information: Wire.configuration(configuration, objects)))
    }

    private mutating func send(_ event: Event) -> [UInt8] {
        defer { nextID += 1 }
        waitsForAnswer = event.isConfirmed
        return Wire.event(
            nextID, event.type, event.information, handle: event.handle, time: event.time,
            isConfirmed: event.isConfirmed)
    }

    private mutating func message(_ apdu: [UInt8]) -> [UInt8] {
        let id = word(apdu, 6)
        switch word(apdu, 8) {
        case 0x0201:
            answers.append("answer \(String(word(apdu, 18), radix: 16))")
            #expect(id == nextID - 1, "an answer to another report")
            return answered(apdu)
        case 0x0103:
            #expect(shown(Array(apdu[12...])) == "000000000000", "all attributes of the system")
            return Wire.message(id, 0x0203, Wire.u16(0) + Wire.list(attributes)) + next()
        case 0x0107: return action(id, apdu)
        case 0x0400:
            answers.append("reject \(word(apdu, 12))")
            return []
        default:
            Issue.record("the manager sent \(shown(apdu))")
            return []
        }
    }

    private mutating func answered(_ apdu: [UInt8]) -> [UInt8] {
        waitsForAnswer = false
        let type = word(apdu, 18)
        if type == 0x0D1C {
            #expect(word(apdu, 24) == 0, "the configuration is accepted")
            return []
        }
        confirmed += 1
        if type == 0x0D21 {
            #expect(word(apdu, 32) == 0x0080, "a part of a segment is confirmed")
            return nextPart()
        }
        return next()
    }

    /// The next report, or the release behind the last one.
    private mutating func next() -> [UInt8] {
        guard store == nil else { return [] }
        var out: [UInt8] = []
        while !waitsForAnswer, !events.isEmpty { out += send(events.removeFirst()) }
        if !waitsForAnswer, events.isEmpty, releases { out += hex("e40000020000") }
        return out
    }

    // MARK: the store

    private mutating func action(_ id: Int, _ apdu: [UInt8]) -> [UInt8] {
        let handle = word(apdu, 12)
        let action = word(apdu, 14)
        func result(_ information: [UInt8]) -> [UInt8] {
            Wire.message(id, 0x0207, Wire.u16(handle) + Wire.u16(action) + Wire.octets(information))
        }
        switch action {
        case 0x0C0D:
            #expect(handle == store?.handle)
            let list = store?.segments.map { Wire.u16($0.instance) + Wire.list($0.attributes) }
            return result(Wire.list(list ?? []))
        case 0x0C1C:
            let instance = word(apdu, 18)
            guard let segment = store?.segments.first(where: { $0.instance == instance }) else {
                return result(Wire.u16(instance) + Wire.u16(1))
            }
            let begins = result(Wire.u16(instance) + Wire.u16(segment.result))
            guard segment.result == 0 else { return begins }
            pending = segment.parts
            return begins + nextPart()
        case 0x0C17, 0x0C1D:
            clockSetTo = shown(Array(apdu[18..<26]))
            return result([])
        default:
            Issue.record("the manager asked for action \(action)")
            return []
        }
    }

    private mutating func nextPart() -> [UInt8] {
        guard !pending.isEmpty else { return [] }
        return send(
            Event(
                type: 0x0D21, information: pending.removeFirst(), handle: store?.handle ?? 0,
                time: 0x0001_C613))
    }
}

/// A cable between a manager and a simulated agent; it stores what is reported before it says so.
struct Cable {
    var manager: Manager
    var agent: SimulatedAgent
    /// Cuts what the agent sends into transfers.
    var cut: ([UInt8]) -> [[UInt8]] = { [$0] }
    var stored: [Sample] = []
    var reported: [Sample] = []
    var notes: [ManagerNote] = []
    var system: MedicalSystem?
    var remembered: [KnownConfiguration] = []
    var forgotten: [KnownConfiguration] = []
    var relativeNow: [UInt32] = []
    var drained = 0
    var isOverAtEnd = false
    var broken: String?
    var sent: [[UInt8]] = []
    var clockWasSet = false
    var expects: [Interval] = []
    var clock: LocalDateTime? = LocalDateTime(
        year: 2026, month: 11, day: 21, hour: 14, minute: 5, second: 6)

    init(_ agent: SimulatedAgent, _ options: ManagerOptions = ManagerOptions()) {
        manager = Manager(options)
        self.agent = agent
    }

    /// Lets both talk until nobody has anything to say.
    mutating func run() { talk(agent.start()) }

    mutating func talk(_ bytes: [UInt8]) {
        var incoming = cut(bytes)
        while !incoming.isEmpty {
            let actions = manager.take(.received(incoming.removeFirst()))
            incoming += perform(actions)
        }
    }

    /// Nothing comes until the manager's time is over.
    mutating func silence() {
        for bytes in perform(manager.take(.timedOut)) { talk(bytes) }
    }

    mutating func perform(_ actions: [ManagerAction]) -> [[UInt8]] {
        var answers: [[UInt8]] = []
        var inputs: [ManagerInput] = []
        for action in actions {
            switch action {
            case .send(let bytes):
                sent.append(bytes)
                let confirmedBefore = agent.confirmed
                let answer = agent.receive(bytes)
                if agent.confirmed > confirmedBefore {
                    #expect(stored.count == reported.count, "confirmed before it was on disk")
                }
                if !answer.isEmpty { answers += cut(answer) }
            case .expect(let time): expects.append(time)
            case .associated: break
            case .system(let told): system = told
            case .remember(let known): remembered.append(known)
            case .forget(let known): forgotten.append(known)
            case .report(let report):
                reported += report.samples
                if let now = report.relativeNow { relativeNow.append(now) }
            case .store:
                stored = reported
                inputs.append(.stored)
            case .askTime:
                inputs.append(clock.map { .time($0, utcOffsetMinutes: 540) } ?? .timeUnknown)
            case .clockSet: clockWasSet = true
            case .note(let note): notes.append(note)
            case .drained(let isOver):
                drained += 1
                isOverAtEnd = isOver
            case .broken(let why): broken = why
            }
        }
        for input in inputs { answers += perform(manager.take(input)) }
        return answers
    }

    var lines: [String] { reported.map(\.line) }
}
