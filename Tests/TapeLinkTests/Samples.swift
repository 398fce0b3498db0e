import DataFiles
import DeviceLink
import DeviceProfile
import Measurement

@testable import TapeLink

let tokyo = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)

/// A moment from ISO 8601 in Japan's time.
func moment(_ text: String) -> Instant {
    guard let instant = Instant(iso8601: text + "+09:00") else {
        preconditionFailure("\(text) is no moment")
    }
    return instant
}

func wall(_ text: String) -> LocalDateTime { tokyo.local(moment(text)) }

/// Bytes as a tape writes them.
func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The profiles that the project ships.
let shipped: ProfileIndex = {
    let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    do {
        return ProfileSet(
            try FileReader.list(root + "/device-profiles", suffix: ".yaml").map {
                ProfileSet.Source(file: $0, bytes: try FileReader.read($0), isOwn: false)
            }
        ).index
    } catch {
        preconditionFailure("the shipped profiles cannot be read: \(error)")
    }
}()

/// Writes tapes line by line, the way an outsider does by the contract.
struct TapeText {
    private(set) var lines: [String]
    private var now: String

    /// A Bluetooth tape; its day is 1 March 2026 where a line gives only the time.
    init(address: String = "00:09:1F:0A:1B:2C") {
        lines = [#"{"tape":1,"transport":"ble","address":"\#(address)","address-type":"public"}"#]
        now = "2026-03-01"
    }

    /// Lines of the following days carry this date.
    mutating func day(_ date: String) { now = date }

    /// One line: `08:15:00`, then the event as JSON.
    mutating func at(_ time: String, _ event: String) {
        lines.append(#"{"at":"\#(now)T\#(time)+09:00",\#(event)}"#)
    }

    /// The advertised name of an A&D device, with the service of cuffs or scales.
    mutating func advertise(_ time: String, name: String, service: String = "1018") {
        let structure = [0x09] + Array(name.utf8)
        let data =
            "0201050303" + service + hex([UInt8(structure.count)]) + hex(structure)
        at(time, #""advertisement":{"data":"\#(data)","rssi":-58}"#)
    }

    /// A cuff that is seen and connected, with a clock that can be read and set.
    mutating func cuff(_ time: String, clock: String? = "read write") {
        advertise(time, name: "A&D_UA-651BLE_0A1B2C")
        at(time, #""connected":{}"#)
        let properties = clock.map {
            ",{\"uuid\":\"2a08\",\"properties\":["
                + $0.split(separator: " ").map { "\"\($0)\"" }.joined(separator: ",") + "]}"
        }
        at(
            time,
            #""services":[{"uuid":"1810","characteristics":[{"uuid":"2a35","properties":["indicate"]}"#
                + (properties ?? "") + "]}]")
    }

    /// A glucose meter that is seen and connected.
    mutating func meter(_ time: String) {
        advertise(time, name: "meter+01234567", service: "0818")
        at(time, #""connected":{}"#)
        at(
            time,
            #""services":[{"uuid":"1808","characteristics":[{"uuid":"2a18","properties":["notify"]},"#
                + #"{"uuid":"2a34","properties":["notify"]},"#
                + #"{"uuid":"2a52","properties":["write","indicate"]}]}]"#)
    }

    mutating func readClock(_ time: String, _ device: String) {
        at(time, #""read":{"uuid":"2a08","value":"\#(dateTime(device))"}"#)
    }

    mutating func write(_ time: String, _ uuid: String = "2a08", _ value: String = "*") {
        at(time, #""write":{"uuid":"\#(uuid)","value":"\#(value)"}"#)
    }

    /// 2A35 with a systolic value and a stamp, or without one.
    mutating func pressure(_ time: String, _ systolic: Int, _ stamp: String?) {
        let head = stamp == nil ? "14" : "16"
        let value =
            "\(head) \(hex([UInt8(systolic)]))00 5000 6600 \(stamp.map { dateTime($0) } ?? "")"
            + " 4000 0000"
        at(time, #""indicate":{"uuid":"2a35","value":"\#(value)"}"#)
    }

    /// 2A18 with a number, a base time, 104 mg/dL and, where given, an offset and a sensor status.
    mutating func glucose(
        _ time: String, _ number: Int, _ base: String, offset: Int? = nil, status: Int? = nil
    ) {
        let flags = 0x02 | (offset == nil ? 0 : 1) | (status == nil ? 0 : 8)
        let minutes = offset.map { hex([UInt8($0 & 0xFF), UInt8($0 >> 8 & 0xFF)]) } ?? ""
        let state = status.map { hex([UInt8($0 & 0xFF), UInt8($0 >> 8 & 0xFF)]) } ?? ""
        let value =
            hex([UInt8(flags), UInt8(number & 0xFF), UInt8(number >> 8)]) + dateTime(base) + minutes
            + "68b0f8" + state
        at(time, #""notify":{"uuid":"2a18","value":"\#(value)"}"#)
    }

    mutating func answer(_ time: String, _ code: Int = 1) {
        at(time, #""indicate":{"uuid":"2a52","value":"060001\#(hex([UInt8(code)]))"}"#)
    }

    mutating func disconnected(_ time: String, by: String = "device") {
        at(time, #""disconnected":{"by":"\#(by)"}"#)
    }

    mutating func gatewayClock(_ time: String, _ synchronised: Bool) {
        at(time, #""gateway-clock":{"synchronised":\#(synchronised)}"#)
    }

    /// Date Time as hexadecimal digits: `2026-03-01T08:15:00`, or `unknown`.
    private func dateTime(_ text: String) -> String {
        text == "unknown" ? "00000000000000" : hex(DateTimeField.bytes(wall(text)))
    }

    var text: String { lines.joined(separator: "\n") + "\n" }
    var bytes: [UInt8] { Array(text.utf8) }
}

/// A tape written by a closure.
func tape(
    address: String = "00:09:1F:0A:1B:2C", _ write: (inout TapeText) -> Void
) -> TapeText {
    var text = TapeText(address: address)
    write(&text)
    return text
}

/// Plays tapes as sessions that remember each other; each reading as one line.
func replay(
    _ tapes: TapeText..., profiles: ProfileIndex = shipped, tolerance: Interval? = nil
) throws -> [String] {
    try results(tapes, profiles: profiles, tolerance: tolerance).map(\.shown)
}

func results(
    _ tapes: [TapeText], profiles: ProfileIndex = shipped, tolerance: Interval? = nil
) throws -> [ReplayResult] {
    var replay = TapeReplay(profiles: profiles, zone: tokyo, tolerance: tolerance)
    var results: [ReplayResult] = []
    for (number, text) in tapes.enumerated() {
        let file = "\(number + 1).tape"
        try replay.play(
            try TapeParser.parse(text.bytes, file: file), file: file,
            each: { results.append($0) }, note: { _ in })
    }
    return results
}

extension ReplayResult {
    /// `125 2026-03-01T08:15:00 code 1 corrected`, with the outcome where it is no measurement.
    var shown: String {
        let value = entry.reading.quantities.first?.number?.text ?? "none"
        switch outcome {
        case .reading(.measurement): return "\(value) \(time)"
        case .reading(let outcome): return "\(value) \(outcome.rawValue)"
        case .quarantined(let reason): return "\(value) quarantined \(reason.rawValue)"
        case .duplicate: return "\(value) duplicate \(time)"
        }
    }

    private var time: String {
        guard let time = entry.record?.time else { return "undated" }
        return
            "\(time.resolution.cut(tokyo.local(time.observed))) code \(time.origin.rawValue) "
            + time.basis.rawValue
    }
}
