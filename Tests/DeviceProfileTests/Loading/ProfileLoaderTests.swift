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
                .readInformation, .readClock(.dateTime),
                .setClock(.currentTime, ClockSetting(.utc, form: .currentTime)),
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
                + "name, name-prefix, service, service-data, company or usb"),
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
                + "read-information, read-clock, set-clock, subscribe, record-access, write, "
                + "expect, answer, procedure, wait, leave"),
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
            text: ProfileText.minimal(
                time: "  clock: none\n  readings: live\n  tick: { seconds: 0.0000001 }"),
            at: "seconds",
            says: "time.tick.seconds: is 0.0000001; accepted: whole microseconds"),
        Mistake(
            text: ProfileText.minimal(
                time: "  clock: none\n  readings: live\n  tick: { seconds: 1, bits: 64 }"),
            at: "64",
            says: #"time.tick.bits: is "64"; accepted: "#),
        Mistake(
            text: ProfileText.minimal(
                time: "  clock: local\n  readings: live\n  faulty-clock: ignore"),
            at: "ignore",
            says: #"time.faulty-clock: is "ignore"; accepted: quarantine, unchanged"#),
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
