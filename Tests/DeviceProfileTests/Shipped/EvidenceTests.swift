import DataFiles
import DeviceProfile
import GatewayTestKit
import Measurement
import TapeLink
import Testing

@Suite("The evidence of the shipped profiles") struct EvidenceTests {
    static let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)

    @Test("Every profile's frames, advertisements and tapes give what the profile says")
    func everyProfile() {
        let evidence = ProfileEvidence(
            among: Shipped.loaded.index, zone: Self.zone,
            tape: { _, name in try? FileReader.read(Shipped.directory + "/" + name) })
        for profile in Shipped.profiles {
            #expect(evidence.problems(of: profile) == [], "\(profile.id)")
        }
    }

    @Test("A model that is served has a tape; one without says why it is not connected")
    func tapes() {
        for profile in Shipped.profiles where profile.tapes.isEmpty {
            #expect(profile.decodeOnly != nil, "\(profile.id)")
        }
        let played = Shipped.profiles.filter { !$0.tapes.isEmpty }
        #expect(played.count >= 38)
    }

    @Test("A tape that gives records says which, so that a shifted time or digit is seen")
    func records() {
        for profile in Shipped.profiles {
            for tape in profile.tapes {
                let count = tape.gives?["measurement"] ?? 0
                #expect((tape.records ?? []).count == count, "\(tape.file)")
            }
        }
    }

    @Test("A layout with a checksum has a frame whose checksum is wrong among its vectors")
    func checksums() {
        for profile in Shipped.profiles {
            for layout in profile.layouts where hasChecksum(layout.format) {
                let own = profile.vectors.filter { $0.source == layout.source }
                let lengths = Set(own.filter { $0.outcome != .rejected }.map(\.bytes.count))
                let wrong = own.filter { $0.outcome == .rejected }
                // Of the length of a good one, so that not the length alone gives it away.
                #expect(
                    own.isEmpty || wrong.contains { lengths.contains($0.bytes.count) },
                    "\(profile.id) \(layout.source)")
            }
        }
    }

    private func hasChecksum(_ format: FrameLayout.Format) -> Bool {
        switch format {
        case .fields(let fields): !fields.checksums.isEmpty && fields.like == nil
        case .variants(let list): list.contains { !$0.checksums.isEmpty && $0.like == nil }
        default: false
        }
    }

    /// Where a special value cannot be shown: these frames are open only to the owner's key.
    private static let sealed = Set(["xiaomi-s400"])

    @Test("A layout that knows of absent values has a frame with one among its vectors")
    func specialValues() {
        for profile in Shipped.profiles where !Self.sealed.contains(profile.id) {
            for layout in profile.layouts where hasSpecialValue(layout.format) {
                let own = profile.vectors.filter { $0.source == layout.source }
                let shown = own.contains { vector in
                    vector.outcome == .failedMeasurement
                        || (vector.values ?? []).contains { $0.number == nil }
                        || (vector.flags ?? []).contains { $0.hasPrefix("result-too-") }
                }
                #expect(shown, "\(profile.id) \(layout.source)")
            }
        }
    }

    private func hasSpecialValue(_ format: FrameLayout.Format) -> Bool {
        switch format {
        case .fields(let fields): fields.values.contains { !$0.absent.isEmpty }
        case .variants(let list):
            list.contains { $0.like == nil && $0.values.contains { !$0.absent.isEmpty } }
        case .bloodPressureMeasurement, .weightMeasurement, .bodyCompositionMeasurement,
            .glucoseMeasurement, .temperatureMeasurement, .pulseOximeterSpotCheck:
            true
        default: false
        }
    }

    @Test("The generic profile is the last resort: no model's advertisement falls to it")
    func genericIsLast() throws {
        for profile in Shipped.profiles where !profile.isGeneric {
            for example in profile.examples {
                let shown = try Advertisement(adStructures: example.advertisement)
                let order = Shipped.loaded.index.candidates(shown).filter { $0.score > 0 }
                if let place = order.firstIndex(where: { $0.profile.isGeneric }) {
                    #expect(place == order.count - 1, "\(profile.id)")
                }
            }
        }
    }

    @Test("Constructed tapes are what the table of sessions and the vectors give")
    func constructed() throws {
        let child = try Child(
            Shipped.root + "/scripts/make-tapes", ["--check", "--hakaru", builtProgram("hakaru")],
            mergingErrors: true)
        let text = child.readAll()
        #expect(child.wait() == 0, "\(text)")
        #expect(text == "")
    }

    @Test("A tape that was not recorded says so in its note")
    func honesty() throws {
        for path in try FileReader.list(Shipped.directory, suffix: "session.tape")
        where path.hasSuffix("/session.tape") {
            let tape = try TapeParser.parse(try FileReader.read(path), file: path)
            #expect(tape.header.note?.hasPrefix("Constructed") == true, "\(path)")
        }
    }
}

@Suite("Evidence that does not hold") struct ProfileEvidenceTests {
    private static let advertisement = "02 01 06 08 09 45 78 61 6d 70 6c 65"
    private static let tape = """
        {"tape":1,"transport":"ble","address":"A4:C1:38:00:00:01"}
        {"at":"2026-03-01T08:00:00+09:00","advertisement":{"data":"\(advertisement)"}}
        {"at":"2026-03-01T08:00:01+09:00","connected":{}}
        {"at":"2026-03-01T08:00:02+09:00","notify":{"uuid":"2a9d","value":"00 8038"}}
        {"at":"2026-03-01T08:00:03+09:00","disconnected":{"by":"device"}}
        """
    private static let good = """
        tapes:
          - file: t.tape
            gives: { measurement: 1 }
            records: ["2026-03-01T08:00:02+09:00 weight 72.320 kg"]
        examples: [ { advertisement: \(advertisement) } ]
        vectors:
          - { source: "gatt:2a9d", hex: 00 8038, outcome: measurement, values: { weight: 72.320 kg } }
          - { source: "gatt:2a9d", hex: 00 80, outcome: rejected }
        """

    private func problems(_ more: String, beside others: [String] = []) throws -> [String] {
        let (read, lines) = ProfileText.problems(ProfileText.minimal(more: more))
        let profile = try #require(read, "\(lines)")
        let rest = others.compactMap { ProfileText.load($0) }
        return ProfileEvidence(
            among: ProfileIndex([profile] + rest), zone: EvidenceTests.zone,
            tape: { _, name in name == "t.tape" ? Array(Self.tape.utf8) : nil }
        ).problems(of: profile)
    }

    @Test("A whole profile has nothing to complain about")
    func whole() throws { #expect(try problems(Self.good) == []) }

    @Test(
        "Each thing that does not hold is named with what was expected and what came",
        arguments: [
            (
                "72.320 kg\"]", "72.325 kg\"]",
                "tapes[0]: t.tape: records: expected [2026-03-01T08:00:02+09:00 weight 72.325 kg], "
                    + "got [2026-03-01T08:00:02+09:00 weight 72.320 kg]"
            ),
            (
                "{ measurement: 1 }", "{ measurement: 2 }",
                "tapes[0]: t.tape: gives: expected measurement 2, got measurement 1"
            ),
            ("t.tape", "none.tape", "tapes[0]: none.tape: line 1: there is no such file"),
            (
                "{ weight: 72.320 kg }", "{ weight: 72.3 kg }",
                "vectors[0]: values: expected [\"weight 72.3 kg\"], got [\"weight 72.320 kg\"]"
            ),
            (
                "hex: 00 80, outcome: rejected", "hex: 00 8038, outcome: measurement",
                "vectors: no broken frame; put in a good one without its last byte, outcome: rejected"
            ),
            (
                "45 78 61 6d 70 6c 65 }", "46 78 61 6d 70 6c 65 }",
                "examples[0]: no rule under match fits it"
            ),
            (
                "45 78 61 6d 70 6c 65 }", "45 78 61 6d 70 6c }",
                "examples[0]: byte 3: an AD structure runs past the end"
            ),
        ])
    func wrong(_ old: String, _ new: String, _ says: String) throws {
        let changed = Self.good.replacing(old, with: new)
        try #require(changed != Self.good)
        let found = try problems(changed)
        #expect(
            found.contains { $0.hasPrefix(says) }, "\(found)")
    }

    @Test("What is missing is named with the way to get it")
    func missing() throws {
        let found = try problems("")
        #expect(
            found.map { String($0.prefix { $0 != ":" }) } == ["vectors", "examples", "tapes"])
        #expect(found.last == "tapes: there are none; record a session with: hakaru capture")
    }

    @Test("A profile that another one robs of its device is told which one")
    func stolen() throws {
        let equal = ProfileText.minimal(id: "other-scale")
        let better = ProfileText.minimal(
            id: "other-scale", match: "  - name: Example")
        for (other, says) in [(equal, "goes to nobody"), (better, "goes to other-scale")] {
            let found = try problems(Self.good, beside: [other])
            #expect(
                found.contains(
                    "examples[0]: \(says): other-scale fits as well; add a condition"), "\(found)")
        }
    }
}
