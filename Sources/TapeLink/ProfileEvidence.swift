import DeviceLink
package import DeviceProfile
package import Measurement

/// Whether a profile's own frames, advertisements and tapes show what the profile says.
package struct ProfileEvidence {
    private let index: ProfileIndex
    private let zone: TimeZoneRules
    private let tape: (_ profile: DeviceProfile, _ name: String) -> [UInt8]?

    /// Judges profiles among all others.
    ///
    /// - Parameter tape: the bytes of a tape that the profile names; nil where there is no such file.
    package init(
        among index: ProfileIndex, zone: TimeZoneRules,
        tape: @escaping (_ profile: DeviceProfile, _ name: String) -> [UInt8]?
    ) {
        self.index = index
        self.zone = zone
        self.tape = tape
    }

    /// What the evidence contradicts, and what is missing with the way to get it; one line each.
    package func problems(of profile: DeviceProfile) -> [String] {
        vectors(of: profile) + examples(of: profile) + tapes(of: profile)
    }

    // MARK: vectors

    private func vectors(of profile: DeviceProfile) -> [String] {
        var found: [String] = []
        for (number, vector) in profile.vectors.enumerated() {
            let layout = profile.layout(for: vector.source)
            let lines = layout.map { vector.differences(from: $0.decode(vector.bytes)) }
            found += (lines ?? ["no layout reads \(vector.source)"]).map {
                "vectors[\(number)]: \($0)"
            }
        }
        let outcomes = Set(profile.vectors.map(\.outcome))
        if profile.vectors.isEmpty {
            found.append(
                "vectors: there are none; put in one frame of each kind with what its display showed"
            )
        } else if !outcomes.contains(.rejected) {
            found.append(
                "vectors: no broken frame; put in a good one without its last byte, outcome: rejected"
            )
        }
        if profile.decodeOnly == nil, !profile.layouts.contains(where: givesValues) {
            found.append("layouts: none gives a value; spell the maker's frames out under fields")
        }
        return found
    }

    private func givesValues(_ layout: FrameLayout) -> Bool {
        switch layout.format {
        case .fields(let fields): !fields.values.isEmpty || !fields.sequence.isEmpty
        case .variants(let list): list.contains { !$0.values.isEmpty || !$0.sequence.isEmpty }
        case .state, .recordAccess: false
        default: true
        }
    }

    // MARK: examples

    private func examples(of profile: DeviceProfile) -> [String] {
        let isRadio = [.bluetoothGATT, .bluetoothAdvertisement].contains(profile.transport)
        guard !profile.examples.isEmpty || !isRadio else {
            return ["examples: there are none; put in an advertisement of the device"]
        }
        return profile.examples.enumerated().flatMap { number, example in
            judge(example, of: profile).map { "examples[\(number)]: \($0)" }
        }
    }

    private func judge(_ example: MatchExample, of profile: DeviceProfile) -> [String] {
        let shown: Advertisement
        do throws(DecodeError) {
            shown = try Advertisement(adStructures: example.advertisement)
        } catch {
            return ["\(error)"]
        }
        let fitting = index.candidates(shown).filter { $0.score > 0 }
        let others = fitting.filter { $0.profile.id != profile.id && !$0.profile.isGeneric }
        guard fitting.contains(where: { $0.profile.id == profile.id }) else {
            return ["no rule under match fits it"]
        }
        let winner = index.match(shown)?.id
        if winner != profile.id {
            let names = others.map(\.profile.id).joined(separator: ", ")
            return ["goes to \(winner ?? "nobody"): \(names) fits as well; add a condition"]
        }
        return others.isEmpty || profile.isGeneric
            ? [] : ["\(others[0].profile.id) fits it too; add a condition that tells them apart"]
    }

    // MARK: tapes

    private func tapes(of profile: DeviceProfile) -> [String] {
        if profile.tapes.isEmpty, profile.decodeOnly == nil {
            return ["tapes: there are none; record a session with: hakaru capture"]
        }
        return profile.tapes.enumerated().flatMap { number, tape in
            differences(of: tape, profile).map { "tapes[\(number)]: \(tape.file): \($0)" }
        }
    }

    private func differences(of tape: ProfileTape, _ profile: DeviceProfile) -> [String] {
        let lines: [TapeLine]
        do throws(TapeError) {
            lines = try play(tape, profile)
        } catch {
            let file = error.file == tape.file ? "" : error.file + ", "
            return ["\(file)line \(error.line): \(error.message)"]
        }
        var found: [String] = []
        let others = Set(lines.map(\.profile)).subtracting([profile.id]).sorted()
        if !others.isEmpty { found.append("plays as \(others.joined(separator: ", "))") }
        let counts = Dictionary(grouping: lines, by: \.outcome).mapValues(\.count)
        if let gives = tape.gives, gives != counts {
            found.append("gives: expected \(Self.text(gives)), got \(Self.text(counts))")
        }
        let records = lines.compactMap(\.record)
        if let expected = tape.records, expected != records {
            found.append(
                "records: expected [\(expected.joined(separator: "; "))], "
                    + "got [\(records.joined(separator: "; "))]")
        }
        return found
    }

    /// What one decision of a tape looks like beside its profile.
    package struct TapeLine: Sendable {
        package var profile: String
        /// The word that `hakaru replay` prints.
        package var outcome: String
        /// Time and values of a record; nil for everything else.
        package var record: String?
    }

    /// Plays a tape after the one that it goes on from, and returns what it gives.
    package func play(
        _ tape: ProfileTape, _ profile: DeviceProfile
    ) throws(TapeError) -> [TapeLine] {
        var replay = TapeReplay(profiles: index, zone: zone)
        var lines: [TapeLine] = []
        for name in [tape.after, tape.file].compactMap(\.self) {
            guard let bytes = self.tape(profile, name) else {
                throw TapeError(file: name, line: 1, message: "there is no such file")
            }
            lines = []
            try replay.play(
                try TapeParser.parse(bytes, file: name), file: name,
                each: { result in
                    lines.append(
                        TapeLine(
                            profile: result.profile, outcome: result.outcome.word,
                            record: result.record(in: zone)))
                }, note: { _ in })
        }
        return lines
    }

    private static func text(_ counts: [String: Int]) -> String {
        counts.isEmpty
            ? "nothing"
            : counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                .joined(separator: ", ")
    }
}

extension ReplayResult {
    /// `2026-03-01T08:15:00+09:00 weight 72.45 kg`, as profiles write it; nil for no record.
    package func record(in zone: TimeZoneRules) -> String? {
        guard outcome == .reading(.measurement), let time = entry.record?.time else { return nil }
        let observed = zone.iso8601(zone.instant(time.resolution.cut(zone.local(time.observed))))
        let values = entry.reading.quantities.compactMap { quantity in
            quantity.number.map {
                "\(quantity.name.rawValue) \($0.text) \(quantity.unit.rawValue)"
            }
        }
        return observed + " " + values.joined(separator: ", ")
    }
}

extension ReplayResult.Outcome {
    /// The word that `hakaru replay` prints and profiles count.
    package var word: String {
        switch self {
        case .reading(let outcome): outcome.rawValue
        case .quarantined: "quarantined"
        case .duplicate: "duplicate"
        }
    }
}
