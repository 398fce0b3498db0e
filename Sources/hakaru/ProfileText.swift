import DataFiles
import DeviceProfile
import JSON
import Measurement

/// A profile for people and for scripts.
enum ProfileText {
    /// Whether it is shipped or the owner's own, and whether it takes a shipped one's place.
    static func origin(_ profile: DeviceProfile, _ set: ProfileSet) -> String {
        guard isOwn(profile) else { return "shipped" }
        return set.overridden.contains(profile.id) ? "own, overrides shipped" : "own"
    }

    private static func isOwn(_ profile: DeviceProfile) -> Bool {
        profile.file.hasPrefix(DataDirectory.ownProfiles + "/")
    }

    // MARK: JSON

    /// One object; `whole` adds the evidence that a list has no room for.
    static func json(
        _ profile: DeviceProfile, _ set: ProfileSet, whole: Bool = false
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            head(profile, set, &writer)
            writer.member("sources", strings: profile.layouts.map(\.source.description))
            writer.member("bond", profile.session?.bond.rawValue)
            writer.member("decode_only", profile.decodeOnly)
            writer.member("clock", profile.time.clock.rawValue)
            writer.member("readings", profile.time.readings.rawValue)
            if whole {
                evidence(profile, &writer)
            } else {
                writer.member("vectors", profile.vectors.count)
                writer.member("examples", profile.examples.count)
                writer.member("tapes", profile.tapes.count)
            }
            if let hint = profile.pairing {
                writer.member(
                    "pairing",
                    object: {
                        $0.member("hint", hint.english)
                        $0.member("hint_ja", hint.japanese)
                    })
            }
            writer.member("notes", strings: profile.notes)
        }
        return writer.bytes
    }

    private static func head(
        _ profile: DeviceProfile, _ set: ProfileSet, _ writer: inout JSONWriter
    ) {
        writer.member("id", profile.id)
        writer.member("revision", profile.revision)
        writer.member("title", profile.title)
        writer.member("class", profile.deviceClass.rawValue)
        writer.member("medical_device", profile.isMedicalDevice)
        writer.member("transport", profile.transport.rawValue)
        writer.member("confidence", profile.confidence.rawValue)
        writer.member("confidence_note", profile.confidenceNote)
        writer.member("generic", profile.isGeneric)
        writer.member("origin", isOwn(profile) ? "own" : "shipped")
        writer.member(
            "overrides_shipped", isOwn(profile) && set.overridden.contains(profile.id))
        writer.member("file", profile.file)
        writer.member("models", strings: profile.models.map(\.name))
        writer.member("aliases", strings: profile.models.flatMap(\.aliases))
    }

    private static func evidence(_ profile: DeviceProfile, _ writer: inout JSONWriter) {
        writer.member(
            "examples", strings: profile.examples.map { hexadecimalText($0.advertisement) })
        writer.member(
            "vectors",
            array: { writer in
                for vector in profile.vectors {
                    writer.object { writer in
                        writer.member("source", vector.source.description)
                        writer.member("hex", hexadecimalText(vector.bytes))
                        writer.member("outcome", vector.outcome.rawValue)
                        writer.member("note", vector.note)
                    }
                }
            })
        writer.member(
            "tapes",
            array: { writer in
                for tape in profile.tapes {
                    writer.object { writer in
                        writer.member("file", tape.file)
                        writer.member("after", tape.after)
                        writer.member("records", strings: tape.records ?? [])
                    }
                }
            })
    }

    // MARK: text

    static func lines(_ profile: DeviceProfile, _ set: ProfileSet) -> [String] {
        var lines = [
            "\(profile.title)", "  profile     \(profile.id), revision \(profile.revision)",
            "  file        \(profile.file) (\(origin(profile, set)))",
            "  models      \(profile.modelNames.joined(separator: ", "))",
            "  confidence  \(profile.confidence.rawValue)",
        ]
        if let note = profile.confidenceNote { lines.append("              \(note)") }
        lines.append(
            "  reads       \(profile.layouts.map(\.source.description).joined(separator: ", "))")
        if let why = profile.decodeOnly { lines.append("  not connected  \(why)") }
        if let session = profile.session {
            lines.append("  bond        \(session.bond.rawValue), \(session.bondLifetime.rawValue)")
        }
        lines.append(
            "  clock       \(profile.time.clock.rawValue); "
                + "readings are \(profile.time.readings.rawValue)")
        lines.append(
            "  evidence    \(profile.examples.count) advertisement(s), "
                + "\(profile.vectors.count) frame(s), \(profile.tapes.count) tape(s)")
        if let hint = profile.pairing {
            let japanese = hint.japanese
            lines.append(
                "  pairing     \(Language.current.pick(hint.english, japanese ?? hint.english))")
        }
        for note in profile.notes { lines.append("  note        \(note)") }
        return lines
    }
}

/// Pairs of hexadecimal digits with a space between bytes.
func hexadecimalText(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
