import DeviceProfile
import Measurement

/// Asks a OneTouch Verio meter for its records by their number, from the last stored one on.
///
/// ```
/// 01 02 length 00 03 payload 03 crc-low crc-high   crc: CRC-16/CCITT-FALSE from 02 on
/// 81                                               an acknowledgement, by both sides
/// 0A 02 06 the newest number · 27 00 how many · B3 low high a record; answers begin with 06
/// ```
struct VerioRecords: SessionProcedure {
    enum Question: Equatable {
        case newest
        case count
        case record(Int)

        var payload: [UInt8] {
            switch self {
            case .newest: [0x0A, 0x02, 0x06]
            case .count: [0x27, 0x00]
            case .record(let number): [0xB3, UInt8(number & 0xFF), UInt8(number >> 8 & 0xFF)]
            }
        }
    }
    enum State: Equatable {
        case subscribing
        case asking(Question)
        /// The answer is here; ours that we have it is on its way.
        case acknowledging(Question, [UInt8])
        case over
    }

    private let plan: VerioRecordsPlan
    private var state = State.over
    private var triesLeft = 0
    private var newest = 0

    init(_ plan: VerioRecordsPlan) { self.plan = plan }

    func listens(to uuid: BluetoothUUID) -> Bool { uuid == plan.notify }

    mutating func start(_ situation: ProcedureSituation) -> [ProcedureAction] {
        state = .subscribing
        return [.subscribe(plan.notify)]
    }

    mutating func handle(
        _ event: ProcedureEvent, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        switch event {
        case .subscribed: return state == .subscribing ? ask(.newest) : []
        case .elsewhere: return []
        case .refused(_, let error): return over(.failed(error.summary))
        case .timeout: return again("it did not answer")
        case .written:
            guard case .acknowledging(let question, let frame) = state else { return [] }
            return answered(question, frame, situation)
        case .value(_, let bytes):
            guard case .asking(let question) = state, bytes != [0x81] else { return [] }
            guard Self.isWhole(bytes) else { return again("a frame with a wrong checksum") }
            state = .acknowledging(question, bytes)
            return [.stopWaiting, .write(plan.write, [0x81])]
        }
    }

    private mutating func answered(
        _ question: Question, _ frame: [UInt8], _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        let payload = Array(frame[5..<frame.count - 3])
        guard payload.first == 0x06 else {
            return over(.failed("the meter answers with status \(payload.first ?? 0)"))
        }
        switch question {
        case .newest:
            guard payload.count >= 3 else { return over(.failed("the meter tells no number")) }
            newest = Int(payload[1]) | Int(payload[2]) << 8
            return ask(.count)
        case .count:
            guard payload.count >= 3 else { return over(.failed("the meter tells no count")) }
            let count = Int(payload[1]) | Int(payload[2]) << 8
            let oldest = max(1, newest - count + 1)
            // A number behind the newest one is of another meter, or of one that was reset.
            let first = situation.cursor.map { $0 <= newest + 1 ? max($0, oldest) : oldest }
            return [.note(.recordAccess("the device holds \(count) records"))]
                + record(first ?? oldest, count)
        case .record(let number):
            return [.frame(.gatt(plan.notify), frame, userSlot: nil), .cursor(number + 1)]
                + record(number + 1, 1)
        }
    }

    private mutating func record(_ number: Int, _ count: Int) -> [ProcedureAction] {
        count > 0 && number <= newest ? ask(.record(number)) : over(.finished)
    }

    private mutating func ask(_ question: Question) -> [ProcedureAction] {
        state = .asking(question)
        triesLeft = plan.tries - 1
        return [.write(plan.write, Self.frame(question.payload)), .await(plan.timeout)]
    }

    private mutating func again(_ why: String) -> [ProcedureAction] {
        guard case .asking(let question) = state else { return [] }
        guard triesLeft > 0 else { return over(.failed("the meter: \(why)")) }
        triesLeft -= 1
        return [
            .note(.refused(step: "verio-records", "\(why); asked again")),
            .write(plan.write, Self.frame(question.payload)), .await(plan.timeout),
        ]
    }

    private mutating func over(_ end: ProcedureAction) -> [ProcedureAction] {
        state = .over
        return [.stopWaiting, end]
    }

    // MARK: frames

    static func frame(_ payload: [UInt8]) -> [UInt8] {
        let body = [0x02, UInt8(payload.count + 7), 0x00, 0x03] + payload + [0x03]
        let sum = crc(body)
        return [0x01] + body + [UInt8(sum & 0xFF), UInt8(sum >> 8)]
    }

    static func isWhole(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 9, bytes[0] == 0x01, bytes[1] == 0x02,
            Int(bytes[2]) == bytes.count - 1, bytes[bytes.count - 3] == 0x03
        else { return false }
        let sum = crc(Array(bytes[1..<bytes.count - 2]))
        return bytes[bytes.count - 2] == UInt8(sum & 0xFF)
            && bytes[bytes.count - 1] == UInt8(sum >> 8)
    }

    /// CRC-16/CCITT-FALSE; 0x29B1 for "123456789".
    static func crc(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt16 = 0xFFFF
        for byte in bytes {
            sum ^= UInt16(byte) << 8
            for _ in 0..<8 { sum = sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1 }
        }
        return sum
    }
}
