import DeviceProfile
import Measurement

/// TRUE METRIX meters on HID: woken, asked what they are and for their clock, then for all results at once.
///
/// An answer is a run of messages over several reports and is over when nothing has come for the
/// reply time. Of a download whose checksum does not fit nothing is used. Nothing is set or erased.
struct TrueMetrixProcedure: WireProcedure {
    private enum Question: String {
        case wake = "^"
        case model = "I"
        case serial = "Z1"
        case firmware = "V"
        case clock = "T"
        case results = "G"
        case off = "_"
    }
    private static let maximumTries = 3
    private static let maximumAnswer = 1 << 17
    private static let maximumReports = 1 << 12
    private static let last = Interval.milliseconds(300)

    private let plan: WirePlan
    private var question = Question.wake
    private var framer = WireFramer(TrueMetrix.framing)
    private var messages: [[UInt8]] = []
    /// Who the meter is; a later answer may begin with them again.
    private var earlier: Set<[UInt8]> = []
    private var bytes = 0
    private var reports = 0
    private var tries = 0
    private var clockIsRead = false
    private var isStoring = false
    private var end: WireStep?

    init(_ plan: WirePlan) { self.plan = plan }

    /// All results are on disk, and the meter is only told to sleep.
    var isAtRest: Bool { end == .complete }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return ask(.wake)
        case .received(let report): return received(report)
        case .paused where isStoring: return []
        case .paused: return end.map { [$0] } ?? answered()
        case .stored:
            isStoring = false
            return finish(.complete)
        case .refused(let why): return [end ?? .broken(why)]
        default: return []
        }
    }

    // MARK: questions

    private mutating func ask(_ next: Question) -> [WireStep] {
        question = next
        messages = []
        (bytes, reports) = (0, 0)
        return [.send(TrueMetrix.report(next.rawValue)), .pause(plan.replyTimeout)]
    }

    private mutating func go(_ next: Question) -> [WireStep] {
        tries = 0
        earlier.formUnion(messages)
        return ask(next)
    }

    /// The meter is told to sleep, as at the end of every session, whatever has happened.
    private mutating func finish(_ step: WireStep) -> [WireStep] {
        end = step
        return [.send(TrueMetrix.report(Question.off.rawValue)), .pause(Self.last)]
    }

    private mutating func again(_ why: String) -> [WireStep] {
        tries += 1
        let note = WireStep.note(.refused(step: "answer", "\(question): \(why)"))
        guard tries < Self.maximumTries else {
            return [note] + finish(.broken("the meter: " + why))
        }
        // One that does not say what it is may sleep still: it is told to, and woken once more.
        return [note] + ask(question == .model ? .off : question)
    }

    // MARK: answers

    private mutating func received(_ report: [UInt8]) -> [WireStep] {
        guard end == nil, !isStoring else {
            return [.note(.refused(step: "late-report", "\(report.count) bytes at the end"))]
        }
        reports += 1
        var steps: [WireStep] = []
        do throws(DecodeError) {
            let payload = try TrueMetrix.payload(report)
            bytes += payload.count
            for frame in framer.take(Array(payload)) { steps += framed(frame) }
        } catch {
            steps.append(
                .note(.refused(step: "report", "report \(reports) of \(question): \(error.reason)"))
            )
        }
        guard bytes < Self.maximumAnswer, reports < Self.maximumReports else {
            return steps + finish(.broken("the meter: an answer without an end"))
        }
        return steps + [.pause(plan.replyTimeout)]
    }

    private mutating func framed(_ frame: [UInt8]) -> [WireStep] {
        do throws(DecodeError) {
            let content = try TrueMetrix.open(frame)
            messages.append(frame)
            // At once: the answer is over only a while later.
            guard question == .clock, !clockIsRead, let time = TrueMetrix.time(content) else {
                return []
            }
            clockIsRead = true
            return [.clock(time)]
        } catch {
            let place = "message \(messages.count + 1) of \(question), byte \(bytes)"
            return [.note(.refused(step: "frame-checksum", "\(place): \(error.reason)"))]
        }
    }

    private mutating func answered() -> [WireStep] {
        framer.reset()
        var steps: [WireStep] = []
        if let dropped = framer.takeDropped() {
            let text = "\(dropped) bytes of \(question) that are in no message"
            steps.append(.note(.refused(step: "framing", text)))
        }
        switch question {
        case .off: return steps + ask(.wake)
        case .wake: return steps + ask(.model)
        case .model: return steps + model()
        case .serial: return steps + serial()
        case .firmware: return steps + firmware()
        case .clock: return steps + clock()
        case .results: return steps + results()
        }
    }

    /// What follows the beginning, of all messages that have it, each once.
    private func contents(_ beginning: [UInt8]) -> Set<String> {
        Set(
            messages.map { $0.dropFirst().dropLast(3) }.filter { $0.starts(with: beginning) }
                .map { String(decoding: $0.dropFirst(beginning.count), as: UTF8.self) })
    }

    private mutating func model() -> [WireStep] {
        let codes = contents(TrueMetrix.model)
        guard let code = codes.first else {
            return again("it does not answer; is it in its cradle, and awake?")
        }
        guard codes.count == 1, let name = TrueMetrix.models[code] else {
            let named = codes.sorted().joined(separator: ", ")
            return finish(.needsPerson("the meter calls itself '\(named)', which is not known"))
        }
        return [.model(manufacturer: nil, name: name)] + go(.serial)
    }

    private mutating func serial() -> [WireStep] {
        let numbers = contents(TrueMetrix.serial)
        guard numbers.count == 1, let number = numbers.first, !number.isEmpty else {
            return again("\(numbers.count) serial numbers")
        }
        return [.serial(number)] + go(.firmware)
    }

    /// In whatever form it comes; without it the meter is read all the same.
    private mutating func firmware() -> [WireStep] {
        let own = messages.first { !earlier.contains($0) }
        let text = own.map { String(decoding: $0.dropFirst().dropLast(3), as: UTF8.self) }
        return (text.map { [.firmware($0)] } ?? []) + go(.clock)
    }

    private mutating func clock() -> [WireStep] {
        guard !clockIsRead else { return go(.results) }
        guard tries + 1 < Self.maximumTries else {
            let why = messages.isEmpty ? "the meter does not tell it" : "an impossible time"
            return [.note(.clockUnreadable(why))] + go(.results)
        }
        return again("no time")
    }

    private mutating func results() -> [WireStep] {
        do throws(DecodeError) {
            let results = try TrueMetrix.download(messages)
            let known = [TrueMetrix.result, TrueMetrix.downloadSum]
            let others = messages.filter { message in
                !earlier.contains(message)
                    && !known.contains { message.dropFirst().starts(with: $0) }
            }
            var steps: [WireStep] = []
            if !others.isEmpty {
                let text = "\(others.count) messages of kinds that are not known"
                steps.append(.note(.refused(step: "message", text)))
            }
            isStoring = true
            return steps + [.messages(results), .store]
        } catch {
            return again(error.reason)
        }
    }
}
