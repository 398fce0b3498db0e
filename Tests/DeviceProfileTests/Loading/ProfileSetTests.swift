import DeviceProfile
import Testing
import YAML

@Suite("The profiles of several directories together") struct ProfileSetTests {
    private func source(_ file: String, _ text: String, isOwn: Bool = false) -> ProfileSet.Source {
        ProfileSet.Source(file: file, bytes: Array(text.utf8), isOwn: isOwn)
    }

    @Test("Bad files are all named, and every other profile is loaded")
    func brokenDirectory() {
        let set = ProfileSet([
            source("a.yaml", ProfileText.minimal(id: "first")),
            source("b.yaml", "profile: ["),
            source(
                "c.yaml",
                ProfileText.minimal(id: "third").replacing("revision: 1", with: "revision: one")),
            source("d.yaml", ProfileText.minimal(id: "first")),
            source(
                "e.yaml",
                ProfileText.minimal(
                    id: "fifth",
                    layouts:
                        "  - source: usb\n    fields:\n      kind: weight\n      length: 2\n      "
                        + "values: [ { name: weight, at: 7, type: u16le, units: [ { unit: kg } ] } ]"
                )),
            source("f.yaml", ""),
            source("g.yaml", ProfileText.minimal(id: "seventh")),
        ])
        #expect(set.index.profiles.map(\.id) == ["first", "seventh"])
        #expect(set.problems.map(\.file) == ["b.yaml", "c.yaml", "d.yaml", "e.yaml", "f.yaml"])
        let doubled = set.problems.first { $0.file == "d.yaml" }
        #expect(doubled?.message == "first is the id of a.yaml too")
        #expect(doubled?.key == "id")
    }

    @Test("Which of two files with one id counts does not depend on the order they were found in")
    func duplicateOrder() {
        let sources = [
            source("b.yaml", ProfileText.minimal()), source("a.yaml", ProfileText.minimal()),
        ]
        for order in [sources, sources.reversed()] {
            #expect(ProfileSet(order).index.profiles.map(\.file) == ["a.yaml"])
        }
    }

    @Test("An own profile replaces the shipped one of the same id, and the change is told")
    func own() {
        let shipped = source("/usr/share/hakaru/device-profiles/a.yaml", ProfileText.minimal())
        let own = source(
            "/etc/hakaru/device-profiles/z.yaml",
            ProfileText.minimal().replacing("title: An example", with: "title: Mine"), isOwn: true)
        for order in [[shipped, own], [own, shipped]] {
            let set = ProfileSet(order)
            #expect(set.index.profiles.map(\.title) == ["Mine"])
            #expect(set.overridden == ["example-scale"])
            #expect(set.problems.isEmpty)
        }
    }

    @Test("A broken own profile leaves the shipped one in use")
    func brokenOwn() {
        let set = ProfileSet([
            source("shipped.yaml", ProfileText.minimal()),
            source(
                "own.yaml", ProfileText.minimal().replacing("class: scale", with: "class: boat"),
                isOwn: true),
        ])
        #expect(set.index.profiles.map(\.file) == ["shipped.yaml"])
        #expect(set.problems.count == 1)
        #expect(set.overridden.isEmpty)
    }

    @Test("No files are no profiles and no problem")
    func empty() {
        let set = ProfileSet([])
        #expect(set.index.profiles.isEmpty)
        #expect(set.problems.isEmpty)
    }
}
