import DataFiles
import DeviceLink
import DeviceProfile
import JSON
import TapeLink

/// `hakaru explain`: which profile a device gets, and why or why not.
enum ExplainCommand {
    static let usage =
        "hakaru explain --advertisement HEX | --usb VID:PID [--product NAME] [--bound-to MODEL] | --tape FILE | --clock-changes FILE [--json]"

    static func run(_ options: [String: String]) throws(CommandError) -> String {
        if let device = try cable(options) { return try explain(device, options) }
        let advertisement: Advertisement
        var address: BluetoothAddress?
        if let hex = options["advertisement"] {
            guard let bytes = hexBytes(hex) else {
                throw CommandError.usage("--advertisement is not pairs of hexadecimal digits")
            }
            advertisement = try parse(bytes)
        } else if let file = options["tape"] {
            (advertisement, address) = try shown(by: file)
        } else {
            throw CommandError.usage("nothing to explain; usage: \(usage)")
        }
        let profiles = try DecodeCommand.loadedProfiles().index
        let candidates = profiles.candidates(advertisement, address: address)
        let winner = profiles.match(advertisement, address: address)
        return json(winner.map { [$0] } ?? [], candidates) { _ in }
    }

    static func json(
        _ winners: [DeviceProfile], _ candidates: [MatchCandidate],
        _ more: (inout JSONWriter) -> Void
    ) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("profile", winners.count == 1 ? winners[0].id : nil)
            if winners.count > 1 {
                // Only what the device answers tells which of them it is.
                writer.member("one_of", strings: winners.map(\.id))
            }
            writer.member(
                "candidates",
                array: { writer in
                    for candidate in candidates {
                        writer.object { writer in
                            writer.member("profile", candidate.profile.id)
                            writer.member("score", candidate.score)
                            writer.member("because", strings: candidate.because)
                            writer.member("against", strings: candidate.against)
                        }
                    }
                })
            more(&writer)
        }
        return writer.text
    }

    private static func parse(_ bytes: [UInt8]) throws(CommandError) -> Advertisement {
        do throws(DecodeError) {
            return try Advertisement(adStructures: bytes)
        } catch {
            throw CommandError.failed("the advertisement is broken: \(error)")
        }
    }

    /// The first advertisement of a tape, or the services that it shows.
    private static func shown(
        by file: String
    ) throws(CommandError) -> (Advertisement, BluetoothAddress?) {
        do {
            let tape = try TapeParser.parse(try FileReader.read(file), file: file)
            var seen = Advertisement()
            for line in tape.lines {
                switch line.entry {
                case .advertisement(let bytes, _):
                    return (try Advertisement(adStructures: bytes), tape.header.address)
                case .services(let services): seen.serviceUUIDs += services.map(\.uuid)
                default: break
                }
            }
            return (seen, tape.header.address)
        } catch {
            throw CommandError.failed("\(error)")
        }
    }
}
