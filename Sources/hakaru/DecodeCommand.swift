import DeviceLink
import DeviceProfile
import JSON
import TapeLink

/// `hakaru decode`: one frame of a model, as the daemon would read it.
enum DecodeCommand {
    static let usage =
        "hakaru decode --model NAME --source SOURCE --hex HEX [--address MAC] [--key HEX] [--json]"

    static func run(_ options: [String: String]) throws(CommandError) -> [String] {
        let model = try required("model", options)
        let sourceText = try required("source", options)
        let hex = try required("hex", options)
        guard let source = FrameSource(sourceText) else {
            throw CommandError.usage(
                "--source is '\(sourceText)'; accepted: gatt:UUID, service-data:UUID, "
                    + "manufacturer-data:ID, advertisement, usb, serial, eeprom")
        }
        guard let bytes = hexBytes(hex), !bytes.isEmpty else {
            throw CommandError.usage("--hex is not pairs of hexadecimal digits")
        }
        let profiles = try loadedProfiles().index
        guard let profile = profiles.profile(model: model) else {
            throw CommandError.failed(
                "no profile knows a model '\(model)'; see: hakaru profile list")
        }
        return try readings(bytes, source, profile).map { reading in
            var writer = JSONWriter()
            writer.object { ReadingJSON.write(reading, outcome: reading.outcome.rawValue, to: &$0) }
            return writer.text
        }
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

    /// The readings of a frame; an advertisement gives one for each layout that finds its data.
    private static func readings(
        _ bytes: [UInt8], _ source: FrameSource, _ profile: DeviceProfile
    ) throws(CommandError) -> [Reading] {
        if source == .advertisement, profile.layout(for: .advertisement) == nil {
            let advertisement: Advertisement
            do throws(DecodeError) {
                advertisement = try Advertisement(adStructures: bytes)
            } catch {
                return [.rejected(error)]
            }
            let found = profile.layouts.compactMap { layout in
                advertisement.payload(for: layout.source).map { layout.decode($0) }
            }
            return found.isEmpty
                ? [.rejected(DecodeError("no data that \(profile.id) reads", offset: 0))] : found
        }
        guard let layout = profile.layout(for: source) else {
            let known = profile.layouts.map(\.source.description).joined(separator: ", ")
            throw CommandError.failed(
                "\(profile.id) has no layout for \(source); it has: \(known)")
        }
        return [layout.decode(captured: bytes)]
    }
}
