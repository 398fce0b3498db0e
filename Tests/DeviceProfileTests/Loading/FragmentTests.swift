import DeviceProfile
import Testing
import YAML

@Suite("Parts that several profiles share") struct FragmentTests {
    private func source(_ file: String, _ text: String, isOwn: Bool = false) -> ProfileSet.Source {
        ProfileSet.Source(file: file, bytes: Array(text.utf8), isOwn: isOwn)
    }

    private func profile(_ layouts: String, id: String = "first") -> String {
        ProfileText.minimal(id: id, layouts: layouts)
    }

    private static let variants = """
        # What the scales of one maker have in common.
        fragment: 1
        content:
          - { variant: weight, kind: weight, length: 2, values: [ { name: weight, at: 0, type: u16le, units: [ { unit: g } ] } ] }
          - { variant: other, length: 3, outcome: device-state }
        """

    private func sources(_ set: ProfileSet, _ id: String) -> [String] {
        set.index[id: id]?.layouts.map(\.source.description) ?? []
    }

    @Test("Two profiles read their frames by one list of variants")
    func variants() throws {
        let set = ProfileSet([
            source("p/a.yaml", profile("  - source: usb\n    variants: [ { include: v.yaml } ]")),
            source(
                "p/b.yaml",
                profile(
                    "  - source: serial\n    variants:\n"
                        + "      - { length: 4, outcome: not-final }\n      - { include: v.yaml }",
                    id: "second")),
            source("p/shared/v.yaml", Self.variants),
        ])
        #expect(set.problems.map(\.description) == [])
        #expect(set.index.profiles.map(\.id) == ["first", "second"])
        #expect(set.fragments.names == ["v.yaml"])
        let first = try #require(set.index[id: "first"]?.layouts.first)
        #expect(first.decode([100, 0]).line == "measurement; weight 100 g")
        let second = try #require(set.index[id: "second"]?.layouts.first)
        #expect(second.decode([1, 2, 3]).outcome == .deviceState)
        #expect(second.decode([1, 2, 3, 4]).outcome == .notFinal)
    }

    @Test("A part of a part comes along, and what stands in the profile itself counts first")
    func nested() {
        let set = ProfileSet([
            source(
                "a.yaml",
                profile("  - include: all.yaml\n  - source: serial\n    include: fields.yaml")),
            source(
                "all.yaml",
                "fragment: 1\ncontent:\n  - source: usb\n    variants: [ { include: v.yaml } ]\n"
                    + "  - include: weight.yaml\n"),
            source(
                "weight.yaml",
                "fragment: 1\ncontent: { source: \"gatt:2a9d\", format: weight-measurement }\n"),
            source(
                "fields.yaml",
                "fragment: 1\ncontent:\n  source: eeprom\n  fields: { length: 2, outcome: device-state }"
            ),
            source("v.yaml", Self.variants),
        ])
        #expect(set.problems.map(\.description) == [])
        #expect(sources(set, "first") == ["usb", "gatt:2a9d", "serial"])
    }

    @Test("Whole keys of a profile can be shared")
    func profileKeys() throws {
        let text = profile("  - source: usb\n    fields: { length: 2, outcome: device-state }")
            .replacing(
                "time:\n  clock: none\n  readings: live", with: "include: [time.yaml, n.yaml]")
        let set = ProfileSet([
            source("a.yaml", text),
            source(
                "time.yaml",
                "fragment: 1\ncontent: { time: { clock: utc, readings: stored }, title: Other }"),
            source("n.yaml", "fragment: 1\ncontent: { notes: [One, Two] }"),
        ])
        #expect(set.problems.map(\.description) == [])
        let profile = try #require(set.index[id: "first"])
        #expect(profile.time.clock == .utc)
        #expect(profile.title == "An example")
        #expect(profile.notes == ["One", "Two"])
    }

    @Test("The owner's fragment wins over the shipped one of its name, whatever the order")
    func own() {
        let own = Self.variants.replacing("unit: g", with: "unit: kg")
        for files in [("/etc/v.yaml", "/usr/v.yaml"), ("/z/v.yaml", "/a/v.yaml")] {
            let set = ProfileSet([
                source("a.yaml", profile("  - source: usb\n    variants: [ { include: v.yaml } ]")),
                source(files.0, own, isOwn: true), source(files.1, Self.variants),
            ])
            #expect(set.problems.isEmpty)
            let shown = set.index[id: "first"]?.layouts.first?.decode([100, 0]).line
            #expect(shown == "measurement; weight 100 kg")
        }
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var fragment: String
        /// `FILE:LINE:COLUMN: ` and what has to follow.
        var says: String
    }

    @Test(
        "A directory with something wrong in it names it by file, line and column and loads all else",
        arguments: [
            Broken(
                testDescription: "circular", fragment: "content: [ { include: b.yaml } ]",
                says: "b.yaml:2:23: include: the fragment includes itself: b.yaml → b.yaml"),
            Broken(
                testDescription: "missing", fragment: "content: [ { include: nowhere.yaml } ]",
                says: "b.yaml:2:23: include: there is no fragment nowhere.yaml; accepted: b.yaml"),
            Broken(
                testDescription: "no name", fragment: "content: [ { include: [x, y], length: 2 } ]",
                says: "include: there is no fragment x"),
            Broken(
                testDescription: "impossible offset",
                fragment: "content:\n  - length: 2\n    kind: weight\n    values:\n"
                    + "      - { name: weight, at: 7, type: u8, units: [ { unit: kg } ] }",
                says: "b.yaml:6:29: layouts[0].variants[0].values[0].at: is \"7\""),
            Broken(
                testDescription: "unknown key",
                fragment: "content:\n  - { length: 2, outcome: device-state, lenght: 3 }",
                says: "b.yaml:3:41: layouts[0].variants[0].lenght: is not a known key"),
            Broken(testDescription: "not YAML", fragment: "content: [", says: "b.yaml:3:1"),
            Broken(testDescription: "empty", fragment: "", says: "content: is missing"),
            Broken(
                testDescription: "a number", fragment: "content: 7",
                says: "b.yaml:2:10: include: is included where keys stand"),
            Broken(
                testDescription: "other version", fragment: "content: []\nfragment: 2",
                says: "fragment"),
        ])
    func broken(_ broken: Broken) {
        let set = ProfileSet([
            source("a.yaml", profile("  - source: usb\n    variants: [ { include: b.yaml } ]")),
            source("b.yaml", "fragment: 1\n" + broken.fragment),
            source("c.yaml", ProfileText.minimal(id: "other")),
        ])
        #expect(set.index.profiles.map(\.id) == ["other"])
        let lines = set.problems.map(\.description)
        #expect(lines.contains { $0.contains(broken.says) }, "\(lines)")
    }

    @Test("Fragments that include one another in a ring are named with the whole way")
    func ring() {
        let set = ProfileSet([
            source("a.yaml", profile("  - source: usb\n    variants: [ { include: b.yaml } ]")),
            source("b.yaml", "fragment: 1\ncontent: [ { include: c.yaml } ]"),
            source("c.yaml", "fragment: 1\ncontent: [ { include: b.yaml } ]"),
        ])
        let lines = set.problems.map(\.description)
        #expect(lines.contains { $0.contains("b.yaml → c.yaml → b.yaml") }, "\(lines)")
        #expect(set.index.profiles.isEmpty)
    }

    @Test("Two fragments of one name, and an include where none can be, are mistakes")
    func misplaced() {
        let set = ProfileSet([
            source(
                "a.yaml",
                profile("  - source: usb\n    variants: [ { include: v.yaml } ]")
                    .replacing("clock: none", with: "clock: none\n  include: v.yaml")),
            source("x/v.yaml", Self.variants), source("y/v.yaml", Self.variants),
        ])
        let lines = set.problems.map(\.description)
        #expect(lines.contains { $0.hasPrefix("y/v.yaml:2:1: fragment: has the name of x/v.yaml") })
        #expect(lines.contains { $0.contains("time.include: is not a known key") }, "\(lines)")
    }

    @Test("Parts of parts that double at every step end with a complaint, not with the memory")
    func doubling() {
        let files = (0..<20).map { number in
            source(
                "f\(number).yaml",
                "fragment: 1\ncontent: [ { include: f\(number + 1).yaml }, { include: f\(number + 1).yaml } ]"
            )
        }
        let end = source(
            "f20.yaml", "fragment: 1\ncontent: [ { length: 2, outcome: device-state } ]")
        let set = ProfileSet(
            files + [
                end,
                source(
                    "a.yaml", profile("  - source: usb\n    variants: [ { include: f0.yaml } ]")),
            ])
        let lines = set.problems.map(\.description)
        #expect(lines.contains { $0.contains("more parts are included than any profile needs") })
    }

    @Test("A fragment that has become bad leaves the profiles that it gave in place")
    func reload() {
        let good = [
            source("a.yaml", profile("  - source: usb\n    variants: [ { include: v.yaml } ]")),
            source("v.yaml", Self.variants),
        ]
        let old = ProfileSet(good)
        let set = ProfileSet([good[0], source("v.yaml", "fragment: 1\ncontent: [")], keeping: old)
        #expect(set.index.profiles.map(\.id) == ["first"])
        #expect(!set.problems.isEmpty)
    }

    @Test(
        "Which files are fragments shows in their first key",
        arguments: [
            ("fragment: 1", true), ("# a\n\n---\nfragment: 1\n", true), ("profile: 1", false),
            ("# fragment: 1\nprofile: 1", false), ("", false), ("#", false),
            ("profile: 1\nfragment: 1", false),
        ])
    func recognised(_ text: String, _ isFragment: Bool) {
        #expect(FragmentLibrary.isFragment(Array(text.utf8)) == isFragment)
    }
}
