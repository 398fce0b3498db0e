import Crypto
import Measurement
import PersonalHealth

/// A part of a talk with a device on a cable, as somebody recorded it, and what it says.
package struct Exchange: Sendable {
    package struct Step: Sendable, Equatable {
        package var isOutput: Bool
        package var bytes: [UInt8]
        package init(isOutput: Bool, bytes: [UInt8]) {
            self.isOutput = isOutput
            self.bytes = bytes
        }
    }

    private let profile: DeviceProfile
    private let layout: FrameLayout
    private var framer: WireFramer
    private var context: FrameContext
    private var readings: [Reading] = []
    private var ignored = 0
    private var records: Set<[UInt8]> = []
    private var duplicates = 0
    /// What came since the last thing that was sent.
    private var answer: [[UInt8]] = []
    private var request: [UInt8] = []
    private var wasSending = false
    /// All that came, where a message is read together with those before it.
    private var whole: [UInt8] = []

    /// The readings of all messages, and last a summary of what else came.
    package static func readings(
        _ steps: [Step], profile: DeviceProfile, _ context: FrameContext = FrameContext()
    ) -> [Reading] {
        guard let layout = profile.layout(for: .usb) ?? profile.layout(for: .serial) else {
            return []
        }
        var exchange = Exchange(
            profile: profile, layout: layout,
            framer: WireFramer(profile.wire?.framing ?? .transfer), context: context)
        for step in steps { exchange.take(step) }
        exchange.closeAnswer()
        exchange.closeWhole()
        return exchange.readings + [exchange.summary]
    }

    private init(
        profile: DeviceProfile, layout: FrameLayout, framer: WireFramer, context: FrameContext
    ) {
        self.profile = profile
        self.layout = layout
        self.framer = framer
        self.context = context
    }

    private var summary: Reading {
        Reading.state([
            "records-delivered": String(records.count), "duplicates": String(duplicates),
            "busy-reports": String(framer.busyReports), "ignored-frames": String(ignored),
        ])
    }

    private mutating func take(_ step: Step) {
        if step.isOutput {
            if !wasSending {
                closeAnswer()
                request = []
            }
            var cutter = WireFramer(profile.wire?.framing ?? .transfer)
            request += cutter.take(step.bytes).flatMap { $0 }
        } else {
            answer += framer.take(step.bytes)
        }
        wasSending = step.isOutput
    }

    private mutating func closeAnswer() {
        guard !answer.isEmpty else { return }
        defer { answer = [] }
        switch profile.wire?.procedure {
        case .omronHHX?: decode(answer.flatMap { $0 }, request)
        case .abbott?: abbott()
        case .abbottSerial?: listing(.abbott)
        case .glucomen?: listing(.areo)
        case .trueMetrix?: trueMetrix()
        case .personalHealth?: whole += answer.flatMap { $0 }
        default: for message in answer { decode(message, request) }
        }
    }

    private mutating func closeWhole() {
        var framer = APDUFramer()
        let cut = framer.take(whole)
        var earlier: [UInt8] = []
        for apdu in cut.apdus {
            decode(apdu, earlier)
            earlier += apdu
        }
        guard earlier.count < whole.count else { return }
        decode(Array(whole.dropFirst(earlier.count)), earlier)
    }

    private mutating func decode(_ message: [UInt8], _ request: [UInt8]) {
        context.request = request
        for reading in layout.readings(message, context) {
            let place = "\(reading.sequenceNumber ?? -1) \(reading.deviceTime?.description ?? "")"
            if reading.outcome == .measurement,
                !records.insert(Array(place.utf8) + reading.keyBytes).inserted
            {
                duplicates += 1
            }
            readings.append(reading)
        }
    }

    /// The lines of a listing that came whole; without its frame each message is a line.
    private mutating func listing(_ kind: TextListing) {
        let bytes = answer.flatMap { $0 }
        guard kind.isWhole(bytes) else {
            for message in answer { decode(message, request) }
            return
        }
        do throws(DecodeError) {
            for line in try kind.lines(bytes) { decode(line, request) }
        } catch {
            readings.append(.rejected(error))
        }
    }

    /// Typed reports: text in 60, the answers to the greeting in others, 22 says nothing.
    private mutating func abbott() {
        var text: [UInt8] = []
        var greeting = Reading(.deviceState)
        var types: [String] = []
        for report in answer {
            guard let type = report.first else { continue }
            let data = Array(report.dropFirst())
            switch type {
            case 0x60: text += data
            case 0x22: ignored += 1
            default:
                types.append("0x" + hexadecimal([type]))
                let shown = OmronHHX.text(data)
                if type == 0x06 { greeting.add(["serial": shown]) }
                if type == 0x35 { greeting.add(["firmware": shown]) }
            }
        }
        if !types.isEmpty {
            greeting.add(["replies": types.joined(separator: ",")])
            readings.append(greeting)
        }
        guard !text.isEmpty else { return }
        do throws(DecodeError) {
            let body = try AbbottText.body(text)
            decode(text, request)
            // Of a list, each row as well.
            for row in (try? AbbottText.list(body)) ?? [] { decode(row, request) }
        } catch {
            // No row of a broken reply is used: what its templates would take for one may be half of it.
            readings.append(.rejected(error))
        }
        let command = OmronHHX.text(Array(request.dropFirst()))
        var sent = Reading.state(["command": command])
        if command.hasPrefix("$time,") {
            let set = command.dropFirst(6).split(separator: ",").joined(separator: ":")
            sent.add(["set-to": set])
        }
        readings.append(sent)
    }

    /// Messages over several reports; of a download whose checksum does not fit no result is used.
    private mutating func trueMetrix() {
        var cutter = WireFramer(TrueMetrix.framing)
        var whole: [[UInt8]] = []
        for report in answer {
            do throws(DecodeError) {
                for frame in cutter.take(Array(try TrueMetrix.payload(report))) {
                    _ = try TrueMetrix.open(frame)
                    whole.append(frame)
                }
            } catch {
                readings.append(.rejected(error))
            }
        }
        func isPart(_ frame: [UInt8]) -> Bool {
            [TrueMetrix.result, TrueMetrix.downloadSum].contains {
                frame.dropFirst().starts(with: $0)
            }
        }
        for message in whole where !isPart(message) { decode(message, request) }
        guard whole.contains(where: isPart) else { return }
        do throws(DecodeError) {
            for message in try TrueMetrix.download(whole) { decode(message, request) }
        } catch {
            readings.append(.rejected(error))
        }
    }
}
