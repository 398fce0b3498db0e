import DeviceProfile
import Measurement

/// Contour meters: ASTM frames, each acknowledged once its record is on disk.
///
/// On USB they stand in reports of 64 bytes; on a serial line they are the line's bytes.
struct AscensiaProcedure: WireProcedure {
    private let plan: WirePlan
    private var buffer: [UInt8] = []
    private var tries = 0
    /// The frame before was the last one.
    private var isOver = false
    static let maximumTries = 5

    init(_ plan: WirePlan) { self.plan = plan }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return send(0x58) + [.expect(plan.replyTimeout)]
        case .received(let report): return received(report)
        case .timedOut: return again()
        case .stored:
            if isOver { return send(0x06) + [.complete] }
            return send(0x06) + [.expect(plan.replyTimeout)]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private var isSerial: Bool { plan.line != nil }

    /// "ABC", length, then the bytes, in a report of 64.
    private func send(_ byte: UInt8) -> [WireStep] {
        if isSerial { return [.send([byte])] }
        return [.send([0x41, 0x42, 0x43, 1, byte] + [UInt8](repeating: 0, count: 59))]
    }

    private mutating func again() -> [WireStep] {
        tries += 1
        buffer = []
        guard tries < Self.maximumTries else { return [.broken("the meter does not answer")] }
        // NAK: the same frame again.
        return send(0x15) + [.expect(plan.replyTimeout)]
    }

    private mutating func received(_ report: [UInt8]) -> [WireStep] {
        if isSerial {
            buffer += report
        } else {
            guard report.count > 4, report.starts(with: [0x41, 0x42, 0x43]),
                4 + Int(report[3]) <= report.count
            else { return [.note(.refused(step: "report", "\(report.count) bytes that are none"))] }
            buffer += report[4..<4 + Int(report[3])]
        }
        if buffer == [5] {
            buffer = []
            return send(0x06) + [.expect(plan.replyTimeout)]
        }
        if let last = buffer.last, last == 4, !buffer.contains(2) {
            isOver = true
            return [.store]
        }
        guard let start = buffer.firstIndex(of: 2),
            let end = buffer[start...].firstIndex(where: { $0 == 0x17 || $0 == 3 }),
            end + 2 < buffer.count
        else {
            return buffer.count > 4_096 ? again() : [.expect(plan.replyTimeout)]
        }
        let frame = Array(buffer[start...(end + 2)])
        buffer = []
        return framed(frame)
    }

    private mutating func framed(_ frame: [UInt8]) -> [WireStep] {
        guard let text = try? Ascensia.open(frame) else { return again() }
        tries = 0
        switch text.first {
        case UInt8(ascii: "H"):
            let fields = text.split(separator: 124, omittingEmptySubsequences: false)
            var steps: [WireStep] = []
            if let clock = Ascensia.clock(frame) { steps.append(.clock(clock)) }
            if fields.count > 4 {
                let parts = String(decoding: fields[4], as: UTF8.self)
                    .split(separator: "^", omittingEmptySubsequences: false)
                if parts.count > 2 { steps.append(.serial(String(parts[2]))) }
            }
            return steps + [.store]
        case UInt8(ascii: "R"): return [.message(frame), .store]
        case UInt8(ascii: "L"):
            isOver = true
            return [.store]
        default: return [.store]
        }
    }
}
