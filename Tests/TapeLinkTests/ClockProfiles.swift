import DeviceProfile
import Measurement

@testable import TapeLink

/// Profiles of devices that exist only in these tests: each keeps its time in another way.
enum ClockProfiles {
    static let index: ProfileIndex = {
        let texts = [
            // A counter of 1/8 ms.
            text(
                "ticker", clock: "none", steps: "[{read-clock: fff1}, {subscribe: fff2}]",
                more: ", tick: { seconds: 0.000125 }",
                layouts: [
                    "fff1": "length: 4, outcome: device-state, time: { format: ticks, at: 0 }",
                    "fff2": weight(6, "time: { format: ticks, at: 2 }"),
                ]),
            // Elapsed Time, for the clock and in every record.
            text(
                "elapsed", steps: "[{read-clock: 2bf2}, {subscribe: [2bf2, fff2]}]",
                layouts: ["fff2": weight(11, "time: { format: elapsed-time, at: 2 }")],
                formats: ["2bf2": "elapsed-time"]),
            // A pedometer that knows only how many days ago it was.
            text(
                "walker", clock: "none", steps: "[{subscribe: fff2}]",
                layouts: [
                    "fff2": "kind: activity, length: 3, time: { format: day-index, at: 2 }, "
                        + "values: [{ name: steps, at: 0, type: u16le, "
                        + "units: [{ unit: '{steps}' }] }]"
                ]),
            // Current Time; notified, and set in answer to that.
            text(
                "notifier",
                steps: "[{subscribe: [2a2b, fff2]}, "
                    + "{set-clock: { characteristic: 2a2b, time: local, on: notification }}]",
                layouts: ["fff2": weight(9, "time-at: 2")], formats: ["2a2b": "current-time"]),
            // Current Time; read, never set.
            text(
                "reader", readings: "mixed",
                steps: "[{read-clock: 2a2b}, {subscribe: [2a2b, fff2]}]",
                layouts: ["fff2": weight(9, "time-at: 2")], formats: ["2a2b": "current-time"]),
            // Stamps of a date only, and of a minute.
            text(
                "dates", steps: "[{read-clock: 2a08}, {subscribe: fff2}]",
                layouts: [
                    "fff2": weight(
                        9,
                        "time: { format: parts, year: { at: 2, type: u16le }, "
                            + "month: { at: 4 }, day: { at: 5 } }")
                ]),
            text(
                "minutes", steps: "[{read-clock: 2a08}, {subscribe: fff2}]",
                layouts: [
                    "fff2": weight(
                        9,
                        "time: { format: parts, year: { at: 2, type: u16le }, "
                            + "month: { at: 4 }, day: { at: 5 }, hour: { at: 6 }, "
                            + "minute: { at: 7 } }")
                ]),
            // A base time and an offset in minutes; the person keeps the clock.
            text(
                "based", steps: "[{subscribe: fff2}]", more: ", unreadable-clock: unchanged",
                layouts: [
                    "fff2": weight(
                        11, "time: { format: date-time, at: 2, offset: { at: 9, type: s16le } }")
                ]),
            // Bits for what a person did, and a broadcast that says whether the clock is set.
            text(
                "keys", readings: "mixed", steps: "[{read-clock: 2a08}, {subscribe: fff2}]",
                layouts: [
                    "fff2": weight(
                        10,
                        "time-at: 2, bits: { typed: { byte: 9, bit: 0 }, "
                            + "changed: { byte: 9, bit: 1 } }, "
                            + "flags: [{ when: typed, flag: manual-entry }, "
                            + "{ when: changed, flag: edited }]")
                ],
                broadcast: "length: 1, bits: { unset: { byte: 0, bit: 2 } }, "
                    + "outcome: device-state, flags: [{ when: unset, flag: time-not-set }]"),
        ]
        let set = ProfileSet(
            texts.enumerated().map {
                ProfileSet.Source(
                    file: "\($0.offset).yaml", bytes: Array($0.element.utf8), isOwn: false)
            })
        precondition(set.problems.isEmpty, "\(set.problems)")
        return set.index
    }()

    /// A weight of tenths of a kilogram in the first two bytes.
    private static func weight(_ length: Int, _ time: String) -> String {
        "kind: weight, length: \(length), \(time), values: [{ name: weight, at: 0, type: u16le, "
            + "units: [{ unit: kg, scale: 0.1 }] }]"
    }

    private static func text(
        _ name: String, clock: String = "local", readings: String = "stored", steps: String,
        more: String = "", layouts: [String: String], formats: [String: String] = [:],
        broadcast: String? = nil
    ) -> String {
        var lines = [
            "profile: 1", "id: \(name)", "revision: 1", "title: \(name)", "class: scale",
            "manufacturer-code: Maker", "models: [{ name: \(name) }]", "transport: ble-gatt",
            "confidence: verified", "match: [{ name: \(name) }]",
            "session: { bond: none, steps: \(steps) }", "layouts:",
        ]
        for (uuid, fields) in layouts.sorted(by: { $0.key < $1.key }) {
            lines.append("  - { source: 'gatt:\(uuid)', fields: { \(fields) } }")
        }
        for (uuid, format) in formats.sorted(by: { $0.key < $1.key }) {
            lines.append("  - { source: 'gatt:\(uuid)', format: \(format) }")
        }
        if let broadcast {
            lines.append("  - { source: 'manufacturer-data:0001', fields: { \(broadcast) } }")
        }
        lines.append("time: { clock: \(clock), readings: \(readings)\(more) }")
        return lines.joined(separator: "\n") + "\n"
    }
}

extension TapeText {
    /// A device of `ClockProfiles` that is seen and connected.
    mutating func device(_ time: String, _ name: String, broadcast: String? = nil) {
        let structure = [0x09] + Array(name.utf8)
        let maker = broadcast.map { "04ff0100" + $0 } ?? ""
        at(
            time,
            #""advertisement":{"data":"\#(hex([UInt8(structure.count)]) + hex(structure) + maker)"}"#
        )
        at(time, #""connected":{}"#)
        let all = ["2a08", "2a2b", "2bf2", "fff1", "fff2"].map {
            #"{"uuid":"\#($0)","properties":["read","write","notify"]}"#
        }.joined(separator: ",")
        at(time, #""services":[{"uuid":"fff0","characteristics":[\#(all)]}]"#)
    }

    mutating func read(_ time: String, _ uuid: String, _ value: String) {
        at(time, #""read":{"uuid":"\#(uuid)","value":"\#(value)"}"#)
    }

    /// A weight in tenths of a kilogram with what follows it.
    mutating func weight(_ time: String, _ tenths: Int, _ rest: String) {
        notify(time, "fff2", hex([UInt8(tenths & 0xFF), UInt8(tenths >> 8)]) + rest)
    }

    mutating func notify(_ time: String, _ uuid: String, _ value: String) {
        at(time, #""notify":{"uuid":"\#(uuid)","value":"\#(value)"}"#)
    }
}

/// Date Time as hexadecimal digits.
func stamp(_ text: String) -> String { hex(DateTimeField.bytes(wall(text))) }

/// Elapsed Time of a moment of UTC or of a wall clock, in seconds.
func elapsed(
    _ flags: UInt8, _ text: String, source: UInt8 = 0, quarters: Int8 = 0
) -> String {
    let utc = Instant(iso8601: text + "Z") ?? Instant(seconds: 0)
    return elapsed(flags, count: UInt64(utc.seconds - 946_684_800), source, quarters)
}

func elapsed(
    _ flags: UInt8, count: UInt64, _ source: UInt8 = 0, _ quarters: Int8 = 0
) -> String {
    let time = (0..<6).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    return hex([flags] + time + [source, UInt8(bitPattern: quarters)])
}

/// A 32-bit counter, least significant byte first.
func ticks(_ count: UInt32) -> String {
    hex((0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) })
}
