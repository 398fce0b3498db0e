import DataFiles
import DeviceLink
import DeviceProfile
import JSON
import Measurement
import TapeLink

/// `hakaru decode`: one frame of a model, as the daemon would read it.
enum DecodeCommand {
    static let usage =
        "hakaru decode --model NAME (--source SOURCE --hex HEX | --exchange TAPE) [--address MAC] "
        + "[--key HEX] [--display-unit UNIT] [--today DATE] [--next-record NUMBER] [--json]"

    static func run(_ options: [String: String]) throws(CommandError) -> [String] {
        let model = try required("model", options)
        let context = try context(options)
        let readings: [Reading]
        if let file = options["exchange"] {
            readings = try exchange(file, try profile(model), context)
        } else {
            let (source, frames) = try self.frames(options)
            readings = try Self.readings(
                frames, source, try profile(model, withStandard: source), context)
        }
        return readings.map { reading in
            var writer = JSONWriter()
            writer.object { ReadingJSON.write(reading, outcome: reading.outcome.rawValue, to: &$0) }
            return writer.text
        }
    }

    private static func frames(
        _ options: [String: String]
    ) throws(CommandError) -> (FrameSource, [[UInt8]]) {
        let sourceText = try required("source", options)
        let hex = try required("hex", options)
        guard let source = FrameSource(sourceText.lowercased()) else {
            throw CommandError.usage(
                "--source is '\(sourceText)'; accepted: gatt:UUID, service-data:UUID, "
                    + "manufacturer-data:ID, advertisement, usb, serial, eeprom, number, stamp, "
                    + "checksum")
        }
        var frames: [[UInt8]] = []
        for part in hex.split(separator: ",", omittingEmptySubsequences: false) {
            // A device may send a frame without a byte; it is looked at like any other.
            guard let bytes = part.allSatisfy({ $0 == " " }) ? [] : hexBytes(String(part)) else {
                throw CommandError.usage("--hex is not pairs of hexadecimal digits")
            }
            frames.append(bytes)
        }
        return (source, frames)
    }

    /// The profile of a model, an alias or an id.
    static func profile(
        _ model: String, withStandard source: FrameSource? = nil
    ) throws(CommandError) -> DeviceProfile {
        let index = try loadedProfiles().index
        guard var profile = index.profile(model: model) else {
            throw CommandError.failed(
                "no profile knows a model '\(model)'; see: hakaru profile list")
        }
        if let source, profile.layout(for: source) == nil,
            var other = substitute(for: source, of: profile, index)
        {
            other.source = source
            profile.layouts.append(other)
        }
        return profile
    }

    /// What reads a source that the profile does not name, where there is no doubt how.
    private static func substitute(
        for source: FrameSource, of profile: DeviceProfile, _ index: ProfileIndex
    ) -> FrameLayout? {
        switch source {
        // A serial line over USB: the same bytes, whichever end they were taken at.
        case .usb: return profile.layout(for: .serial)
        case .serial: return profile.layout(for: .usb)
        // Battery, clock, features and the like are the standard's, whoever made the device.
        case .gatt where profile.transport == .bluetoothGATT:
            let standard = index.profile(model: "sig")?.layout(for: source)
            return standard.flatMap { isOfDevice($0.format) ? $0 : nil }
        default: return nil
        }
    }

    private static func isOfDevice(_ format: FrameLayout.Format) -> Bool {
        switch format {
        case .state, .recordAccess: true
        default: false
        }
    }

    /// What came and went over a cable, as the lines of a tape hold it.
    private static func exchange(
        _ file: String, _ profile: DeviceProfile, _ context: FrameContext
    ) throws(CommandError) -> [Reading] {
        do {
            let tape = try TapeParser.parse(try FileReader.read(file), file: file)
            let steps = tape.lines.compactMap { line -> Exchange.Step? in
                switch line.entry {
                case .input(_, let bytes): Exchange.Step(isOutput: false, bytes: bytes)
                case .output(_, let bytes?): Exchange.Step(isOutput: true, bytes: bytes)
                default: nil
                }
            }
            return Exchange.readings(steps, profile: profile, context)
        } catch {
            throw CommandError.failed("\(error)")
        }
    }

    /// What the owner knows of the device and its frames do not say.
    private static func context(_ options: [String: String]) throws(CommandError) -> FrameContext {
        var context = FrameContext()
        if let text = options["address"] {
            context.address = BluetoothAddress(text)
            if context.address == nil {
                throw CommandError.usage("--address is not an address such as A4:C1:38:00:00:01")
            }
        }
        if let text = options["key"] {
            context.key = hexBytes(text)
            // Refused without repeating it: a key does not belong into a terminal's history twice.
            if context.key?.count != 16 {
                throw CommandError.usage("--key is not 16 bytes in hexadecimal digits")
            }
        }
        if let text = options["today"] {
            context.today = LocalDateTime(iso8601: text + "T00:00:00")
            if context.today == nil {
                throw CommandError.usage("--today is not a date such as 2026-03-01")
            }
        }
        if let text = options["next-record"] {
            context.nextRecord = UInt64(text)
            if context.nextRecord == nil {
                throw CommandError.usage("--next-record is not a number")
            }
        }
        if let text = options["display-unit"] {
            context.displayUnit = MeasurementUnit(rawValue: text)
            if context.displayUnit == nil {
                let known = MeasurementUnit.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandError.usage("--display-unit is '\(text)'; accepted: \(known)")
            }
        }
        return context
    }

    private static func required(
        _ name: String, _ options: [String: String]
    ) throws(CommandError) -> String {
        guard let value = options[name] else {
            throw CommandError.usage("--\(name) is missing; usage: \(usage)")
        }
        return value
    }

    static func loadedProfiles() throws(CommandError) -> ProfileSet {
        do {
            return try ProfileFiles.load()
        } catch {
            throw CommandError.failed("the profiles cannot be read: \(error)")
        }
    }

    /// The readings of a frame, or of several as one session brings them.
    private static func readings(
        _ frames: [[UInt8]], _ source: FrameSource, _ profile: DeviceProfile,
        _ context: FrameContext
    ) throws(CommandError) -> [Reading] {
        if source == .advertisement, profile.layout(for: .advertisement) == nil {
            return frames.flatMap { broadcast($0, profile, context) }
        }
        if frames.count == 1, var command = command(frames[0], source, profile) {
            let framed = profile.layout(for: source)?.decode(frames[0])
            command.details += framed?.details ?? []
            return [command]
        }
        guard let layout = profile.layout(for: source) else {
            let known = profile.layouts.map(\.source.description).joined(separator: ", ")
            throw CommandError.failed(
                "\(profile.id) has no layout for \(source); it has: \(known)")
        }
        guard frames.count > 1 else { return single(frames[0], layout, profile, context) }
        var sequence = FrameSequence(layout, context)
        return frames.flatMap { sequence.take($0) } + sequence.end()
    }

    private static func single(
        _ bytes: [UInt8], _ layout: FrameLayout, _ profile: DeviceProfile, _ context: FrameContext
    ) -> [Reading] {
        let found = layout.readings(captured: bytes, context)
        guard case .checksum(let rule) = layout.format, let frame = rule.frame(bytes),
            let whole = profile.layout(for: .usb) ?? profile.layout(for: .serial)
        else { return found }
        // With its checksum the frame is whole, and says what it holds.
        return found + whole.readings(frame, context).filter { $0.outcome != .rejected }
    }

    /// Bytes that the host sends, not the device, by the profile's own list.
    private static func command(
        _ bytes: [UInt8], _ source: FrameSource, _ profile: DeviceProfile
    ) -> Reading? {
        guard source == .usb || source == .serial, profile.layout(for: source) != nil,
            let command = profile.wire?.commands.first(where: { $0.bytes == bytes })
        else { return nil }
        var reading = Reading(.deviceState)
        reading.details =
            [Reading.Detail(name: "command", value: command.name)] + command.facts
        if command.isForbidden {
            reading.details.append(Reading.Detail(name: "daemon-default", value: "never send"))
        }
        return reading
    }

    /// An advertisement gives a reading for each layout that finds its data.
    private static func broadcast(
        _ bytes: [UInt8], _ profile: DeviceProfile, _ context: FrameContext
    ) -> [Reading] {
        let advertisement: Advertisement
        do throws(DecodeError) {
            advertisement = try Advertisement(adStructures: bytes)
        } catch {
            return [.rejected(error)]
        }
        let found = profile.layouts.flatMap { layout in
            advertisement.payload(for: layout.source).map { layout.readings($0, context) } ?? []
        }
        return found.isEmpty
            ? [.rejected(DecodeError("no data that \(profile.id) reads", offset: 0))] : found
    }
}
