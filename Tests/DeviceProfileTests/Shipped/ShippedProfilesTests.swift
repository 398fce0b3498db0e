import DataFiles
import DeviceLink
import DeviceProfile
import Measurement
import TapeLink
import Testing
import YAML

@Suite("The profiles that the project ships") struct ShippedProfilesTests {
    /// Meters that send their records as lines of one checked list.
    private static let listed: Set = [
        "freestyle-libre", "freestyle-precision-neo", "glucomen-areo", "precision-xtra",
    ]

    @Test("Every file is read without a problem")
    func load() {
        #expect(Shipped.loaded.problems.map(\.description) == [])
        #expect(Shipped.profiles.count >= 12)
    }

    @Test("Every file is named after its profile")
    func fileNames() {
        for profile in Shipped.profiles {
            #expect(profile.file == "\(Shipped.directory)/\(profile.id).yaml")
        }
    }

    @Test("Every profile has its own frames, one of them broken, and each decodes as it says")
    func vectors() throws {
        for profile in Shipped.profiles {
            #expect(profile.vectors.count >= 3, "\(profile.id)")
            #expect(profile.vectors.contains { $0.outcome == .rejected }, "\(profile.id)")
            for vector in profile.vectors {
                let layout = try #require(profile.layout(for: vector.source))
                let lines = vector.differences(from: layout.decode(vector.bytes))
                #expect(lines == [], "\(profile.id): \(vector.source) \(vector.bytes)")
            }
        }
    }

    @Test("Every truncation of a profile's good frame is refused by that profile")
    func truncations() throws {
        for profile in Shipped.profiles {
            for vector in profile.vectors where vector.outcome != .rejected {
                let layout = try #require(profile.layout(for: vector.source))
                if case .heartRateMeasurement = layout.format { continue }
                for count in 0..<vector.bytes.count {
                    let reading = layout.decode(Array(vector.bytes.prefix(count)))
                    if layout.allows(byteCount: count) { continue }
                    if layout.isWhole(vector.bytes, cutTo: count) { continue }
                    // Lines of a list: its count and sum are checked before a line is read.
                    if Self.listed.contains(profile.id), reading.outcome != .rejected,
                        reading.quantities.isEmpty
                            || reading.quantities == layout.decode(vector.bytes).quantities
                    {
                        continue
                    }
                    // Whole APDUs before the report: understood, and no measurement.
                    if case .wire(.personalHealth) = layout.format,
                        reading.outcome == .deviceState, reading.quantities.isEmpty
                    {
                        continue
                    }
                    #expect(reading.outcome == .rejected, "\(profile.id) \(vector.source) \(count)")
                }
            }
        }
    }

    @Test("Each profile's own advertisement is won by that profile and by no other")
    func registry() throws {
        for profile in Shipped.profiles where !profile.transport.isCable {
            #expect(!profile.examples.isEmpty, "\(profile.id)")
            for example in profile.examples {
                let shown = try Advertisement(adStructures: example.advertisement)
                let candidates = Shipped.loaded.index.candidates(shown).filter { $0.score > 0 }
                #expect(Shipped.loaded.index.match(shown)?.id == profile.id)
                #expect(candidates.first?.profile.id == profile.id)
                let models = candidates.filter { !$0.profile.isGeneric }
                #expect(models.count == (profile.isGeneric ? 0 : 1), "\(profile.id)")
            }
        }
    }

    @Test("No name of a model belongs to two profiles")
    func names() {
        var owners: [String: String] = [:]
        for profile in Shipped.profiles {
            for name in profile.modelNames {
                let folded = name.lowercased().filter { !$0.isWhitespace }
                let other = owners[folded] ?? profile.id
                #expect(other == profile.id, "\(name): \(profile.id), \(other)")
                owners[folded] = profile.id
                #expect(Shipped.loaded.index.profile(model: name)?.id == profile.id)
            }
        }
    }

    @Test("Every characteristic that a session subscribes to or reads can be decoded")
    func sessionsAndLayouts() {
        for profile in Shipped.profiles {
            for step in profile.session?.steps ?? [] {
                let uuids: [BluetoothUUID] =
                    switch step {
                    case .subscribe(let uuids): uuids
                    case .readClock(let uuid), .setClock(let uuid, _): [uuid]
                    case .recordAccess(let plan): [plan.controlPoint]
                    default: []
                    }
                for uuid in uuids {
                    #expect(profile.layout(for: .gatt(uuid)) != nil, "\(profile.id): \(uuid)")
                }
            }
        }
    }

    @Test("A clock that is set was read before, so that stored records keep their old offset")
    func clockOrder() {
        for profile in Shipped.profiles {
            let steps = profile.session?.steps ?? []
            for case (let place, .setClock(let uuid, let setting)) in steps.enumerated() {
                // The device tells its time itself before that.
                if setting.occasion == .notification { continue }
                #expect(steps[..<place].contains(.readClock(uuid)), "\(profile.id)")
            }
        }
    }

    @Test(
        "Only the generic profiles say nothing of a model, and they never set a clock or pair by themselves"
    )
    func generic() throws {
        let generic = Shipped.profiles.filter(\.isGeneric)
        #expect(generic.map(\.id).sorted() == ["personal-health", "sig"])
        #expect(generic.allSatisfy { $0.wire?.setsClock != true })
        let session = try #require(generic.compactMap(\.session).first)
        #expect(session.bond == .none)
        #expect(!session.steps.contains { if case .setClock = $0 { true } else { false } })
    }
}

@Suite("The tapes of the shipped profiles") struct ShippedTapesTests {
    private static let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)

    private struct Line {
        var outcome: String
        var result: ReplayResult
        var time: String? {
            result.entry.record?.time.map { ShippedTapesTests.zone.iso8601($0.observed) }
        }
        var shown: [String] { result.entry.reading.shown }
    }

    /// Plays tapes in order as sessions that remember each other; returns the results of the last one.
    private func play(_ files: [String]) throws -> [Line] {
        var replay = TapeReplay(profiles: Shipped.loaded.index, zone: Self.zone)
        var lines: [Line] = []
        for file in files {
            lines = []
            let path = Shipped.directory + "/" + file
            let tape = try TapeParser.parse(try FileReader.read(path), file: file)
            try replay.play(
                tape, file: file,
                each: { result in
                    let outcome =
                        switch result.outcome {
                        case .reading(let outcome): outcome.rawValue
                        case .quarantined: "quarantined"
                        case .duplicate: "duplicate"
                        }
                    lines.append(Line(outcome: outcome, result: result))
                }, note: { _ in })
        }
        return lines
    }

    @Test("Every tape plays to the end, with its own profile, and gives what the profile says")
    func everyTape() throws {
        for profile in Shipped.profiles {
            for tape in profile.tapes {
                let lines = try play([tape.after, tape.file].compactMap(\.self))
                let counts = Dictionary(grouping: lines, by: \.outcome).mapValues(\.count)
                #expect(counts == tape.gives, "\(tape.file)")
                #expect(lines.allSatisfy { $0.result.profile == profile.id })
            }
        }
    }

    @Test("Every tape that lies beside the profiles belongs to one")
    func noStrays() throws {
        let listed = Set(
            Shipped.profiles.flatMap { $0.tapes.map { "\(Shipped.directory)/\($0.file)" } })
        #expect(Set(try FileReader.list(Shipped.directory, suffix: ".tape")) == listed)
    }

    @Test("The cuff's backlog gives its two good records six minutes later, and 30 failures")
    func backlog() throws {
        let lines = try play(["and-ua-651ble/backlog.tape"])
        let good = lines.filter { $0.outcome == "measurement" }
        #expect(good.map(\.time) == ["2017-01-16T12:45:54+09:00", "2017-01-16T13:06:24+09:00"])
        #expect(good.allSatisfy { $0.result.entry.record?.time?.origin == .corrected })
        #expect(good.allSatisfy { $0.result.entry.record?.time?.clockOffset == .seconds(360) })
        #expect(lines.filter { $0.outcome == "failed-measurement" }.count == 30)
    }

    @Test(
        "A record that the cuff sends again is no second record, and the new one is on the new clock"
    )
    func resend() throws {
        let lines = try play(["and-ua-651ble/backlog.tape", "and-ua-651ble/resend.tape"])
        #expect(lines.map(\.outcome) == ["duplicate", "measurement"])
        #expect(lines.last?.time == "2017-01-16T19:11:48+09:00")
        #expect(lines.last?.result.entry.record?.time?.origin == .device)
    }

    @Test("The scale's two weighings keep their own units and lose its 40 seconds")
    func scale() throws {
        let lines = try play(["and-uc-352ble/weighing.tape"])
        #expect(lines.map(\.shown) == [["weight 63.350 kg"], ["weight 139.38 [lb_av]"]])
        #expect(lines.map(\.time) == ["2026-02-28T21:12:07+09:00", "2026-03-01T07:30:04+09:00"])
    }

    @Test(
        "The meter gives base time plus offset, keeps control solution out, and later only what is new"
    )
    func meter() throws {
        let first = try play(["roche-accu-chek/first-session.tape"])
        #expect(
            first.map(\.outcome) == [
                "measurement", "failed-measurement", "control-solution", "measurement",
            ])
        #expect(first.last?.time == "2020-05-14T18:23:29+09:00")
        let later = try play([
            "roche-accu-chek/first-session.tape", "roche-accu-chek/later-session.tape",
        ])
        #expect(later.map(\.shown) == [["glucose 119 mg/dL"]])
        #expect(later.first?.time == "2020-07-14T21:08:05+09:00")
        #expect(later.first?.result.entry.record?.mealCode == "2")
        #expect(later.first?.result.entry.record?.flags == ["after-meal"])
    }

    @Test(
        "One weighing on the broadcasting scale is one record, with the impedance, at its reception"
    )
    func broadcast() throws {
        let lines = try play(["xiaomi-mi-body-composition-scale-2/weighing.tape"])
        let good = lines.filter { $0.outcome == "measurement" }
        #expect(good.map(\.shown) == [["weight 72.450 kg", "impedance 503 Ohm"]])
        #expect(good.first?.time == "2026-03-01T06:50:04.93+09:00")
        #expect(good.first?.result.entry.record?.time?.basis == .received)
    }
}
