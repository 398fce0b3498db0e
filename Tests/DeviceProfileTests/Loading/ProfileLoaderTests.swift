import DeviceProfile
import Measurement
import Testing
import YAML

@Suite("Reading a profile file") struct ProfileLoaderTests {
    @Test("The shortest file that is right is read with the documented defaults")
    func minimal() throws {
        let (read, problems) = ProfileText.problems(ProfileText.minimal())
        #expect(problems == [])
        let profile = try #require(read)
        #expect(profile.id == "example-scale")
        #expect(profile.isMedicalDevice == false)
        #expect(profile.isGeneric == false)
        #expect(profile.session?.bondLifetime == .keep)
        #expect(profile.session?.quiet == .seconds(20))
        #expect(profile.time.tolerance == .seconds(2))
        #expect(profile.time.unreadableClock == .quarantine)
        #expect(profile.file == "example.yaml")
    }

    @Test("Every step of a session is read in its order")
    func session() throws {
        let text = ProfileText.minimal(
            session: """
                  bond: passkey-entry
                  bond-lifetime: per-session
                  connect-timeout: 5s
                  services-timeout: 6s
                  settle: 100ms
                  quiet: 30s
                  advertising-window: 65s
                  steps:
                    - read-information: true
                    - read-clock: 2a08
                    - set-clock: { characteristic: 2a2b, time: utc }
                    - subscribe: [2a9d, 233bf001-5a34-1b6d-975c-000d5690abe4]
                    - record-access: { timeout: 12s, control-point: 2a52 }
                    - write: { characteristic: fff1, bytes: "02 01 03" }
                    - wait: 250ms
                """)
        let (read, problems) = ProfileText.problems(text)
        #expect(problems == [])
        let plan = try #require(read?.session)
        #expect(plan.bond == .passkeyEntry)
        #expect(plan.bondLifetime == .perSession)
        #expect(plan.connectTimeout == .seconds(5))
        #expect(plan.servicesTimeout == .seconds(6))
        #expect(plan.settle == .milliseconds(100))
        #expect(plan.quiet == .seconds(30))
        #expect(plan.advertisingWindow == .seconds(65))
        var access = RecordAccessPlan()
        access.timeout = .seconds(12)
        let vendor = try #require(BluetoothUUID("233bf001-5a34-1b6d-975c-000d5690abe4"))
        #expect(
            plan.steps == [
                .readInformation, .readClock(.dateTime), .setClock(.currentTime, .utc),
                .subscribe([.weightMeasurement, vendor]), .recordAccess(access),
                .write(BluetoothUUID(0xFFF1), [2, 1, 3]), .wait(.milliseconds(250)),
            ])
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        var text: String
        /// What stands at the place that the problem names.
        var at: String
        /// How the line goes on behind the place.
        var says: String

        var testDescription: String { at }

        /// `example.yaml:LINE:COLUMN: ` of `at`.
        var place: String {
            let before = text.split(separator: at, maxSplits: 1, omittingEmptySubsequences: false)[
                0]
            let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
            return "example.yaml:\(lines.count):\(lines[lines.count - 1].count + 1): "
        }
    }

    private static let mistakes: [Mistake] = [
        Mistake(
            text: ProfileText.minimal(id: "Example Scale"),
            at: "Example Scale",
            says: #"id: is "Example Scale"; accepted: lower-case letters, digits, hyphens"#),
        Mistake(
            text: ProfileText.minimal().replacing("revision: 1", with: "revision: 0"),
            at: "0\ntitle",
            says: #"revision: is "0"; accepted: a whole number, 1 to 1000000"#),
        Mistake(
            text: ProfileText.minimal().replacing("profile: 1", with: "profile: 2"),
            at: "2\nid",
            says: #"profile: is "2"; accepted: a whole number, 1"#),
        Mistake(
            text: ProfileText.minimal(more: "colour: red"),
            at: "colour",
            says: "colour: is not a known key; accepted: "),
        Mistake(
            text: ProfileText.minimal(more: "tape: [a.tape]"),
            at: "tape:",
            says: "tape: is not a known key, did you mean tapes?; accepted: "),
        Mistake(
            text: ProfileText.minimal(match: "  - address-prefix: \"A4:C1\""),
            at: "address-prefix",
            says: "match[0]: has no condition that can be looked up; accepted: "
                + "name, name-prefix, service, service-data or company"),
        Mistake(
            text: ProfileText.minimal(match: "  - { name: X, service-data-length: 13 }"),
            at: "service-data-length",
            says: "match[0].service-data-length: stands without service data; "
                + "accepted: service-data beside it"),
        Mistake(
            text: ProfileText.minimal(match: "  - { name: X, company-data-prefix: \"02\" }"),
            at: "company-data-prefix",
            says: "match[0].company-data-prefix: stands without a company; "
                + "accepted: company beside it"),
        Mistake(
            text: ProfileText.minimal(match: "  - service: 18zz"),
            at: "18zz",
            says: #"match[0].service: is "18zz"; accepted: a UUID such as "2a35" or "#
                + "233bf000-5a34-1b6d-975c-000d5690abe4"),
        Mistake(
            text: ProfileText.minimal(
                session: "  bond: sometimes\n  steps: [ { subscribe: 2a9d } ]"),
            at: "sometimes",
            says: #"session.bond: is "sometimes"; accepted: none, just-works, passkey-entry"#
        ),
        Mistake(
            text: ProfileText.minimal(
                session: "  bond: none\n  steps: [ { subscribe: 2a9d, wait: 1s } ]"),
            at: "wait: 1s",
            says: "session.steps[0].wait: stands beside subscribe; accepted: exactly one of "
                + "read-information, read-clock, set-clock, subscribe, record-access, write, wait"),
        Mistake(
            text: ProfileText.minimal(session: "  bond: none\n  steps: [ { wait: 2m } ]"),
            at: "2m",
            says: #"session.steps[0].wait: is "2m"; accepted: "#),
        Mistake(
            text: ProfileText.minimal(
                session: "  bond: none\n  steps: [ { read-information: false } ]"),
            at: "false",
            says: "session.steps[0].read-information: is false; accepted: true, or no such step"),
        Mistake(
            text: ProfileText.minimal(layouts: "  - source: gatt:2a9d\n    format: weight"),
            at: "weight\ntime",
            says: #"layouts[0].format: is "weight"; accepted: blood-pressure-measurement, "#),
        Mistake(
            text: ProfileText.minimal(layouts: "  - source: gat:2a9d\n    format: battery-level"),
            at: "gat:",
            says: #"layouts[0].source: is "gat:2a9d"; accepted: gatt:UUID, "#),
        Mistake(
            text: ProfileText.minimal(layouts: "  - source: gatt:2a9d"),
            at: "source: gatt",
            says: "layouts[0]: lacks a key; accepted: exactly one of format, fields"),
        Mistake(
            text: ProfileText.minimal(
                layouts:
                    "  - source: gatt:2a9d\n    format: battery-level\n    quirks: { weight-step: big }"
            ),
            at: "big",
            says: #"layouts[0].quirks.weight-step: is "big"; accepted: "#),
        Mistake(
            text: ProfileText.minimal(time: "  clock: sundial\n  readings: live"),
            at: "sundial",
            says: #"time.clock: is "sundial"; accepted: none, local, utc"#),
        Mistake(
            text: ProfileText.minimal(more: "codes: { measurement-position: \"99\" }"),
            at: "\"99\"",
            says: #"codes.measurement-position: is "99"; accepted: 10, 11, 20, "#),
        Mistake(
            text: ProfileText.minimal(
                more: "plausible:\n  weight: { unit: kg, minimum: 9, maximum: 3 }"),
            at: "minimum",
            says: "plausible.weight.minimum: lies above the maximum; accepted: "),
        Mistake(
            text: ProfileText.minimal(more: "collect: { until: impedance, at-most: 1h }"),
            at: "1h",
            says: #"collect.at-most: is "1h"; accepted: a duration"#),
        Mistake(
            text: ProfileText.minimal().replacing("verified", with: "unverified"),
            at: "confidence",
            says: "confidence: is unverified without a reason; accepted: "),
        Mistake(
            text: ProfileText.minimal().replacing("class: scale", with: "class: any"),
            at: "class",
            says: "class: is any in a profile of a model; accepted: "),
        Mistake(
            text: ProfileText.minimal(more: "examples:\n  - advertisement: 02 01 0"),
            at: "02 01 0",
            says: "examples[0].advertisement: is "),
    ]

    @Test(
        "Each mistake is named with its place, its key and what would be accepted",
        arguments: mistakes)
    func mistake(_ mistake: Mistake) {
        let (profile, lines) = ProfileText.problems(mistake.text)
        #expect(profile == nil)
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.hasPrefix(mistake.place + mistake.says) ?? false, "\(lines)")
    }

    @Test("A missing part is named, whichever it is")
    func missing() {
        let all = ProfileText.minimal()
        for key in [
            "profile", "id", "revision", "title", "class", "transport", "confidence",
            "manufacturer-code",
        ] {
            let without = all.split(separator: "\n").filter { !$0.hasPrefix(key + ":") }
                .joined(separator: "\n")
            let (profile, lines) = ProfileText.problems(without)
            #expect(profile == nil)
            #expect(lines.contains { $0.contains(": \(key): is missing") }, "\(key): \(lines)")
        }
    }

    @Test("A profile of a connected device needs a session")
    func sessionMissing() {
        let text = ProfileText.minimal().replacing(
            "session:\n  bond: none\n  steps: [ { subscribe: 2a9d } ]\n", with: "")
        #expect(ProfileText.problems(text).lines.contains { $0.contains("session: is missing") })
        let broadcast = text.replacing("ble-gatt", with: "ble-advertisement")
        #expect(ProfileText.problems(broadcast).lines == [])
    }

    @Test("All mistakes of a file are told at once, in the order of the file")
    func several() {
        let text = ProfileText.minimal(
            id: "Bad Id", match: "  - service: zz", time: "  clock: sundial\n  readings: live",
            more: "colour: red")
        let lines = ProfileText.problems(text).lines
        #expect(lines.count == 4)
        #expect(lines.first?.hasPrefix("example.yaml:2:") ?? false)
        #expect(lines.last?.contains(": colour: ") ?? false)
    }

    @Test(
        "A text that is no profile at all is one problem and no crash",
        arguments: [
            "", "profile", "- a\n- b", "a: [", "\u{0}", "profile: {", "&a [*a]", "--- !!binary x",
        ])
    func noProfile(_ text: String) {
        let (profile, lines) = ProfileText.problems(text)
        #expect(profile == nil)
        #expect(!lines.isEmpty)
    }

    @Test("A profile cut off at any byte is a problem or a profile, never a crash")
    func truncated() {
        let text = Array(ProfileText.minimal().utf8)
        for count in 0..<text.count {
            let list = ProblemList()
            let profile = ProfileLoader.load(
                Array(text.prefix(count)), file: "x.yaml", problems: list)
            #expect((profile == nil) == !list.isEmpty)
        }
    }
}

@Suite("Reading a layout that a profile spells out") struct LayoutReaderTests {
    private func problems(_ fields: String, source: String = "usb") -> [String] {
        let indented = fields.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n")
        return ProfileText.problems(
            ProfileText.minimal(layouts: "  - source: \(source)\n    fields:\n" + indented)
        ).lines
    }

    private static let value = "{ name: weight, at: 0, type: u16le, units: [ { unit: kg } ] }"

    @Test(
        "Fields outside the shortest frame are refused when the file is read, not when a frame comes",
        arguments: [
            (
                "length: 4",
                "values: [ { name: weight, at: 3, type: u16le, units: [ { unit: kg } ] } ]"
            ),
            (
                "length: 1",
                "values: [ { name: weight, at: 0, type: u16le, units: [ { unit: kg } ] } ]"
            ),
            (
                "length: { minimum: 2, maximum: 9 }",
                "values: [ { name: weight, at: 2, type: u8, units: [ { unit: kg } ] } ]"
            ),
            (
                "length: 4",
                "values: [ { name: weight, at: -5, type: u8, units: [ { unit: kg } ] } ]"
            ),
            ("length: 4", "bits: { stable: { byte: 4, bit: 0 } }\nvalues: [ \(value) ]"),
            ("length: 4", "bits: { stable: { byte: 0, bit: 8 } }\nvalues: [ \(value) ]"),
            ("length: 9", "time-at: 3\nvalues: [ \(value) ]"),
            ("length: 6", "time-at: 0\nvalues: [ \(value) ]"),
            ("length: 4", "constants: [ { at: 3, bytes: \"0102\" } ]\nvalues: [ \(value) ]"),
            ("length: { minimum: 9, maximum: 2 }", "values: [ \(value) ]"),
        ])
    func offsets(_ length: String, _ rest: String) {
        let lines = problems("kind: weight\n\(length)\n\(rest)")
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.contains("accepted: ") ?? false)
    }

    @Test("A condition on a bit that is not defined lists those that are")
    func unknownBit() {
        let lines = problems(
            """
            kind: weight
            length: 4
            bits: { stable: { byte: 0, bit: 5 } }
            values: [ \(Self.value) ]
            outcomes: [ { when: not stabel, outcome: not-final } ]
            """)
        #expect(lines.count == 1)
        #expect(
            lines.first?.contains("names neither a bit nor a value; accepted: stable, weight")
                ?? false)
    }

    @Test("A bit may not have the name of a value, which a condition could not tell apart")
    func bitNamedAsValue() {
        let lines = problems(
            "kind: weight\nlength: 4\nbits: { weight: { byte: 0, bit: 5 } }\nvalues: [ \(Self.value) ]"
        )
        #expect(lines.first?.contains("is the name of a value") ?? false)
    }

    @Test("Two layouts for one source are refused, because only one could ever be used")
    func twice() {
        let layouts = "  - source: gatt:2a9d\n    format: weight-measurement\n"
        let lines = ProfileText.problems(
            ProfileText.minimal(
                layouts: layouts + "  - source: gatt:2A9D\n    format: battery-level")
        ).lines
        #expect(lines.count == 1)
        #expect(lines.first?.contains("has two layouts for gatt:2a9d") ?? false)
    }

    @Test("Without kind or length the rest of the layout is not blamed")
    func incomplete() {
        #expect(problems("kind: weight\nvalues: [ \(Self.value) ]").count == 1)
        #expect(problems("length: 4\nvalues: [ \(Self.value) ]").count == 1)
    }
}

@Suite("Reading a profile's vectors and tapes") struct VectorReaderTests {
    @Test("A vector says what decode prints, and the differences are named")
    func vector() throws {
        let text = ProfileText.minimal(
            more: """
                vectors:
                  - source: gatt:2a9d
                    hex: 06 b036 e7070c190e1e2d 02
                    outcome: measurement
                    kind: weight
                    values:
                      weight: 70.000 kg
                    device-time: 2023-12-25T14:30:45
                    user-slot: 2
                    flags: []
                    note: an example
                """)
        let (read, problems) = ProfileText.problems(text)
        #expect(problems == [])
        let profile = try #require(read)
        let vector = try #require(profile.vectors.first)
        let layout = try #require(profile.layouts.first)
        #expect(vector.differences(from: layout.decode(vector.bytes)) == [])
        let other = layout.decode(bytes("02 B136 E7070C190E1E2D"))
        let lines = vector.differences(from: other)
        #expect(lines.count == 2)
        #expect(lines.contains { $0.contains("70.000") && $0.contains("70.005") })
        #expect(lines.contains { $0.hasPrefix("user-slot: expected 2, got none") })
    }

    @Test("A vector holds to the digits: 70 is not 70.000")
    func digits() throws {
        let text = ProfileText.minimal(
            more: """
                vectors:
                  - { source: "gatt:2a9d", hex: 00 b036, outcome: measurement, values: { weight: 70 kg } }
                """)
        let profile = try #require(ProfileText.load(text))
        let vector = try #require(profile.vectors.first)
        let reading = try #require(profile.layouts.first).decode(vector.bytes)
        #expect(vector.differences(from: reading).count == 1)
    }

    @Test(
        "A vector that cannot be checked is a mistake in the file",
        arguments: [
            "{ source: \"gatt:2a35\", hex: 00 b036, outcome: measurement }",
            "{ source: \"gatt:2a9d\", hex: 0, outcome: measurement }",
            "{ source: \"gatt:2a9d\", hex: 00 b036, outcome: good }",
            "{ source: \"gatt:2a9d\", hex: 00 b036, outcome: measurement, values: { weight: 70 } }",
            "{ source: \"gatt:2a9d\", hex: 00 b036, outcome: measurement, values: { weight: x kg } }",
            "{ source: \"gatt:2a9d\", hex: 00 b036, outcome: measurement, values: { wait: 70 kg } }",
            "{ source: \"gatt:2a9d\", hex: 00 b036, outcome: measurement, device-time: 2023-12-25 }",
            "{ source: \"gatt:2a9d\", hex: 00 b036, outcome: measurement, device-time: 2023-02-30T00:00:00 }",
            "{ source: \"gatt:2a9d\", hex: 00 b036, outcome: measurement, user-slot: 256 }",
            "{ source: \"gatt:2a9d\", hex: 00 b036, outcome: measurement, digits: 2 }",
        ])
    func mistakes(_ vector: String) {
        let (profile, lines) = ProfileText.problems(
            ProfileText.minimal(more: "vectors:\n  - " + vector))
        #expect(profile == nil)
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.contains("vectors[0]") ?? false)
    }

    @Test("A tape is named alone, or with what playing it gives")
    func tapes() throws {
        let profile = try #require(
            ProfileText.load(
                ProfileText.minimal(
                    more: """
                        tapes:
                          - example/one.tape
                          - { file: example/two.tape, after: example/one.tape, gives: { duplicate: 1 } }
                        """)))
        #expect(
            profile.tapes == [
                ProfileTape(file: "example/one.tape"),
                ProfileTape(
                    file: "example/two.tape", after: "example/one.tape", gives: ["duplicate": 1]),
            ])
        let wrong = ProfileText.problems(
            ProfileText.minimal(more: "tapes: [ { file: a.tape, gives: { duplicates: 1 } } ]"))
        #expect(wrong.profile == nil)
        #expect(wrong.lines.first?.contains("did you mean duplicate?") ?? false)
    }
}
