import DeviceLink
import DeviceProfile
import JSON
import Measurement
import TapeLink

/// `hakaru decode`: one frame of a model, as the daemon would read it.
enum DecodeCommand {
    static let usage =
        "hakaru decode --model NAME --source SOURCE --hex HEX [--address MAC] [--key HEX] "
        + "[--display-unit UNIT] [--json]"

    static func run(_ options: [String: String]) throws(CommandError) -> [String] {
        let model = try required("model", options)
        let sourceText = try required("source", options)
        let hex = try required("hex", options)
        guard let source = FrameSource(sourceText) else {
            throw CommandError.usage(
                "--source is '\(sourceText)'; accepted: gatt:UUID, service-data:UUID, "
                    + "manufacturer-data:ID, advertisement, usb, serial, eeprom, number")
        }
        let frames = hex.split(separator: ",", omittingEmptySubsequences: false).map {
            hexBytes(String($0)) ?? []
        }
        guard !frames.contains(where: \.isEmpty) else {
            throw CommandError.usage("--hex is not pairs of hexadecimal digits")
        }
        let profiles = try loadedProfiles().index
        guard let profile = profiles.profile(model: model) else {
            throw CommandError.failed(
                "no profile knows a model '\(model)'; see: hakaru profile list")
        }
        let context = try context(options)
        return try readings(frames, source, profile, context).map { reading in
            var writer = JSONWriter()
            writer.object { ReadingJSON.write(reading, outcome: reading.outcome.rawValue, to: &$0) }
            return writer.text
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
        guard let layout = profile.layout(for: source) else {
            let known = profile.layouts.map(\.source.description).joined(separator: ", ")
            throw CommandError.failed(
                "\(profile.id) has no layout for \(source); it has: \(known)")
        }
        guard frames.count > 1 else { return layout.readings(captured: frames[0], context) }
        var sequence = FrameSequence(layout, context)
        return frames.flatMap { sequence.take($0) } + sequence.end()
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
