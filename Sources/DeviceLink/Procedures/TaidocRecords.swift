import DeviceProfile
import Measurement

/// Asks a TaiDoc meter for its records one by one: the time and the value of each index.
///
/// ```
/// 51 command d0 d1 d2 d3 A3 sum   question; an answer has A5 in place of A3
/// 23 clock · 2B how many records · 25 time of record d0 d1 · 26 its value
/// time: d0 d1 little endian: day 0–4, month 5–8, year from 2000 9–15; d2 minute, d3 hour
/// ```
/// Index 0 is the newest record. Time and value are handed out as one frame of 16 bytes. The clock is
/// read and never set; nothing is erased.
struct TaidocRecords: SessionProcedure {
    enum State: Equatable {
        case subscribing
        case asking(UInt8)
        case over
    }

    private let plan: TaidocRecordsPlan
    private var state = State.over
    private var question: [UInt8] = []
    private var triesLeft = 0
    private var askedAt: Int64 = 0
    private var index = 0
    private var count = 0
    private var time: [UInt8] = []

    init(_ plan: TaidocRecordsPlan) { self.plan = plan }

    func listens(to uuid: BluetoothUUID) -> Bool { uuid == plan.characteristic }

    mutating func start(_ situation: ProcedureSituation) -> [ProcedureAction] {
        state = .subscribing
        return [.subscribe(plan.characteristic)]
    }

    mutating func handle(
        _ event: ProcedureEvent, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        switch event {
        case .subscribed: return state == .subscribing ? ask(0x23, 0, situation) : []
        case .written, .elsewhere: return []
        case .refused(_, let error): return over(.failed(error.summary))
        case .timeout: return again("it did not answer", situation)
        case .value(_, let bytes):
            guard case .asking(let command) = state else { return [] }
            guard bytes.count == 8, bytes[0] == 0x51, bytes[6] == 0xA5,
                bytes.dropLast().reduce(0, &+) == bytes[7]
            else { return again("a frame with a wrong checksum", situation) }
            // A late answer to the question before.
            guard bytes[1] == command else { return [] }
            return answered(command, bytes, situation)
        }
    }

    private mutating func answered(
        _ command: UInt8, _ bytes: [UInt8], _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        switch command {
        case 0x23:
            let latency = Interval(
                microseconds: max(0, situation.now.monotonicNanoseconds - askedAt) / 1_000)
            return [.clock(Self.time(Array(bytes[2..<6])), latency: latency)]
                + ask(0x2B, 0, situation)
        case 0x2B:
            count = Int(bytes[2]) | Int(bytes[3]) << 8
            return [.note(.recordAccess("the device holds \(count) records"))]
                + nextRecord(situation)
        case 0x25:
            time = bytes
            return ask(0x26, index, situation)
        default:
            index += 1
            return [.frame(.gatt(plan.characteristic), time + bytes, userSlot: nil)]
                + nextRecord(situation)
        }
    }

    private mutating func nextRecord(_ situation: ProcedureSituation) -> [ProcedureAction] {
        index < count ? ask(0x25, index, situation) : over(.finished)
    }

    static func time(_ bytes: [UInt8]) -> LocalDateTime? {
        let date = Int(bytes[0]) | Int(bytes[1]) << 8
        return LocalDateTime(
            year: 2000 + date >> 9, month: date >> 5 & 0x0F, day: date & 0x1F,
            hour: Int(bytes[3] & 0x1F), minute: Int(bytes[2] & 0x3F))
    }

    private mutating func ask(
        _ command: UInt8, _ index: Int, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        let body = [0x51, command, UInt8(index & 0xFF), UInt8(index >> 8 & 0xFF), 0, 0, 0xA3]
        question = body + [body.reduce(0, &+)]
        state = .asking(command)
        triesLeft = plan.tries - 1
        askedAt = situation.now.monotonicNanoseconds
        return [.write(plan.characteristic, question), .await(plan.timeout)]
    }

    private mutating func again(
        _ why: String, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        guard case .asking(let command) = state else { return [] }
        let name = "command 0x" + String(command, radix: 16)
        guard triesLeft > 0 else { return over(.failed("\(name): \(why)")) }
        triesLeft -= 1
        askedAt = situation.now.monotonicNanoseconds
        return [
            .note(.refused(step: "taidoc-records", "\(name): \(why); asked again")),
            .write(plan.characteristic, question), .await(plan.timeout),
        ]
    }

    private mutating func over(_ end: ProcedureAction) -> [ProcedureAction] {
        state = .over
        return [.stopWaiting, end]
    }
}
