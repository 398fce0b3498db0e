import DeviceLink
import DeviceProfile
import Measurement

/// The draft as the YAML of a profile.
extension ProfileDraft {
    var text: String {
        (head + matchLines + sessionLines + layoutLines + timeLines + tapeLines + exampleLines
            + vectorLines).joined(separator: "\n") + "\n"
    }

    private var head: [String] {
        let fallback = model.split(separator: " ").first.map { String($0) } ?? model
        return [
            "profile: 1", "id: \(id)", "revision: 1", "title: \(quoted(model))",
            "class: \((deviceClass ?? .scale).rawValue)", "medical-device: false",
            "manufacturer-code: \(quoted(String((manufacturer ?? fallback).prefix(50))))",
            "models:", "  - name: \(quoted(model))",
            "transport: \(isBroadcast ? "ble-advertisement" : "ble-gatt")",
            "confidence: unverified",
            "confidence-note: Written from one observation of one device.",
        ]
    }

    // MARK: match

    private var matchLines: [String] {
        var conditions: [String] = []
        if let name = seen.shown.name {
            conditions.append("name-prefix: \(quoted(Self.withoutSerial(name)))")
        }
        let shown = seen.shown.serviceUUIDs
        let services = seen.advertisements.isEmpty ? ownServices : shown
        if !services.isEmpty {
            conditions.append(
                "service: [\(services.map { quoted("\($0)") }.joined(separator: ", "))]")
        }
        if let (uuid, data) = seen.shown.serviceData.min(by: { $0.key.full < $1.key.full }) {
            conditions += [
                "service-data: \(quoted("\(uuid)"))", "service-data-length: \(data.count)",
            ]
        }
        if let (company, data) = seen.shown.manufacturerData.min(by: { $0.key < $1.key }) {
            let digits = String(company, radix: 16)
            conditions.append(
                "company: 0x" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
            if seen.shown.name == nil { conditions.append("company-data-length: \(data.count)") }
        }
        if conditions.isEmpty { conditions = ["name: \(quoted(model))"] }
        return ["match:", "  - " + conditions[0]] + conditions.dropFirst().map { "    " + $0 }
    }

    /// What the device has beside the services that every device has.
    private var ownServices: [BluetoothUUID] {
        seen.services.map(\.uuid).filter { ![0x1800, 0x1801, 0x180A, 0x180F].contains($0.short) }
    }

    /// The name without the part that differs between two devices of one model.
    static func withoutSerial(_ name: String) -> String {
        let tail = name.reversed().prefix { $0.isHexDigit }.count
        let kept = name.dropLast(tail)
        guard tail >= 4, let last = kept.last, !last.isLetter, !last.isNumber, kept.count >= 3
        else { return name }
        return String(kept)
    }

    // MARK: session

    private var sessionLines: [String] {
        guard !isBroadcast else { return [] }
        let known = subscriptions
        guard !known.isEmpty else {
            return [
                "decode-only: Its characteristics are not known yet; record a session with hakaru capture."
            ]
        }
        let bond = BondMethod(rawValue: seen.bond ?? "none") ?? .none
        var lines = ["session:", "  bond: \(bond.rawValue)", "  steps:"]
        if [BluetoothUUID.manufacturerName, .modelNumber, .serialNumber, .batteryLevel]
            .contains(where: { seen.values[$0] != nil })
        {
            lines.append("    - read-information: true")
        }
        if let clock = readsClock {
            lines.append("    - read-clock: \(quoted("\(clock)"))")
            if seen.writes.contains(where: { $0.uuid == clock }) {
                lines.append(
                    "    - set-clock: { characteristic: \(quoted("\(clock)")), time: local }")
            }
        }
        lines.append(
            "    - subscribe: [\(known.map { quoted("\($0)") }.joined(separator: ", "))]")
        if known.contains(.recordAccessControlPoint) {
            lines.append("    - record-access: { timeout: 30s }")
        }
        for write in seen.writes where !isKnown(write.uuid) {
            guard let bytes = write.bytes, !bytes.isEmpty else { continue }
            lines.append(
                "    - write: { characteristic: \(quoted("\(write.uuid)")), "
                    + "bytes: \(quoted(hexadecimalText(bytes))) }")
        }
        return lines
    }

    // MARK: layouts and time

    private var layoutLines: [String] {
        var lines = ["layouts:"]
        for layout in layouts {
            lines.append("  - source: \(layout.source)")
            guard case .fields(let fields) = layout.format else {
                lines.append("    format: \(FrameLayout.name(of: layout.format))")
                continue
            }
            let range = fields.length
            let length =
                range.count == 1
                ? "\(range.lowerBound)"
                : "{ minimum: \(range.lowerBound), maximum: \(range.upperBound) }"
            lines += [
                "    fields:", "      length: \(length)", "      outcome: device-state",
                "      flags: [ { flag: not-decoded } ]",
            ]
        }
        return lines
    }

    private var timeLines: [String] {
        let isMeter = deviceClass == .glucose
        // Frames of the standard layouts carry the device's time wherever it keeps one.
        let mayTell = readsClock != nil || deviceClass != nil
        let isDated = readings.contains { $0.reading.deviceTime != nil }
        let isUndated = seen.frames.isEmpty ? !mayTell : !isDated && readsClock == nil
        var lines = ["time:", "  clock: \(isUndated ? "none" : "local")"]
        lines.append("  readings: \(isMeter ? "stored" : isUndated ? "live" : "mixed")")
        // A meter's clock is the person's to set, and cannot be read.
        if isMeter, readsClock == nil { lines.append("  unreadable-clock: unchanged") }
        return lines
    }

    // MARK: evidence

    private var tapeLines: [String] {
        guard let tape else { return [] }
        var lines = ["tapes:", "  - file: \(quoted(tape.file))"]
        let counts = (tape.gives ?? [:]).sorted { $0.key < $1.key }
        if !counts.isEmpty {
            lines.append(
                "    gives: { \(counts.map { "\($0.key): \($0.value)" }.joined(separator: ", ")) }")
        }
        if let records = tape.records, !records.isEmpty {
            lines.append("    records:")
            lines += records.map { "      - \(quoted($0))" }
        }
        return lines
    }

    private var exampleLines: [String] {
        guard let first = seen.advertisements.first else { return [] }
        var lines = ["examples:", "  - advertisement: \(quoted(hexadecimalText(first)))"]
        if seen.isComposed { lines.append("    note: composed from what the gateway saw") }
        return lines
    }

    private var readings: [(frame: ProfileObservation.Frame, reading: Reading)] {
        layouts.flatMap { layout in
            seen.frames.filter { $0.source == layout.source }.prefix(4).map {
                ($0, layout.decode($0.bytes))
            }
        }
    }

    private var vectorLines: [String] {
        let readings = readings
        guard !readings.isEmpty else { return [] }
        var lines = ["vectors:"]
        for (frame, reading) in readings { lines += vector(frame, reading) }
        let refused = layouts.compactMap { layout -> [String]? in
            guard let frame = readings.first(where: { $0.frame.source == layout.source })?.frame,
                frame.bytes.count > 1
            else { return nil }
            let short = ProfileObservation.Frame(
                source: frame.source, bytes: Array(frame.bytes.dropLast()))
            let reading = layout.decode(short.bytes)
            return reading.outcome == .rejected
                ? vector(short, reading) + ["    note: cut off"] : nil
        }
        return lines + refused.joined()
    }

    private func vector(_ frame: ProfileObservation.Frame, _ reading: Reading) -> [String] {
        var lines = [
            "  - source: \(frame.source)", "    hex: \(quoted(hexadecimalText(frame.bytes)))",
            "    outcome: \(reading.outcome.rawValue)",
        ]
        if reading.outcome != .rejected, !reading.quantities.isEmpty {
            if let kind = reading.kind { lines.append("    kind: \(kind.rawValue)") }
            lines.append("    values:")
            lines += reading.quantities.map {
                "      \($0.name.rawValue): \(quoted(($0.number?.text ?? "none") + " " + $0.unit.rawValue))"
            }
        }
        if let time = reading.deviceTime {
            lines.append("    device-time: \(time.description.prefix(19))")
        }
        if let slot = reading.userSlot { lines.append("    user-slot: \(slot)") }
        if let number = reading.sequenceNumber { lines.append("    sequence-number: \(number)") }
        if !reading.flags.isEmpty {
            lines.append("    flags: [\(reading.flags.joined(separator: ", "))]")
        }
        return lines
    }

    /// Text in double quotes, whatever stands in it.
    private func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                out += "\\x" + String(repeating: "0", count: 2 - digits.utf8.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
