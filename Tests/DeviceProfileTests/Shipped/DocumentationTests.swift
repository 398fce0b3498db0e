import DataFiles
import DeviceProfile
import Testing
import YAML

@Suite("docs/profiles.md") struct DocumentationTests {
    private func page() throws -> String {
        String(decoding: try FileReader.read(Shipped.root + "/docs/profiles.md"), as: UTF8.self)
    }

    /// The YAML blocks of the page, in order.
    private func blocks() throws -> [String] {
        try page().split(separator: "```yaml\n").dropFirst().map { part in
            String(part.split(separator: "```", maxSplits: 1)[0])
        }
    }

    @Test("The whole profile of the page is a profile, and its vector is right")
    func wholeProfile() throws {
        let text = try #require(try blocks().first { $0.contains("\nrevision:") })
        let (read, problems) = ProfileText.problems(text)
        #expect(problems == [])
        let profile = try #require(read)
        let vector = try #require(profile.vectors.first)
        let layout = try #require(profile.layout(for: vector.source))
        #expect(vector.differences(from: layout.decode(vector.bytes)) == [])
        let shown = try Advertisement(
            adStructures: try #require(profile.examples.first).advertisement)
        #expect(ProfileIndex([profile]).match(shown)?.id == profile.id)
    }

    @Test("The layouts and the vectors of the page are read as they stand there")
    func parts() throws {
        let fields = try #require(try blocks().first { $0.contains("    fields:") })
        #expect(ProfileText.problems(ProfileText.minimal(layouts: fields)).lines == [])
        let quirks = try #require(try blocks().first { $0.contains("    quirks:") })
        #expect(ProfileText.problems(ProfileText.minimal(layouts: quirks)).lines == [])
        let vectors = try #require(try blocks().first { $0.hasPrefix("vectors:") })
        let cuff = "  - source: gatt:2a35\n    format: blood-pressure-measurement"
        #expect(
            ProfileText.problems(ProfileText.minimal(layouts: cuff, more: vectors)).lines == [])
    }

    @Test("Every example of the layout language is read as it stands on its page")
    func layoutLanguage() throws {
        let blocks = try LayoutPage.blocks()
        #expect(blocks.count >= 18)
        for block in blocks {
            let texts = LayoutPage.profiles(block)
            #expect(!texts.isEmpty, "\(block)")
            for text in texts {
                let fragments = try LayoutPage.fragments()
                let problems = ProblemList()
                let profile = ProfileLoader.load(
                    Array(text.utf8), file: "page.yaml", problems: problems, fragments: fragments)
                #expect(problems.sorted.map(\.description) == [], "\(block)")
                #expect(profile != nil)
            }
        }
    }

    @Test("The frames that the page reads over several notifications give what it says")
    func severalFrames() throws {
        let blocks = try LayoutPage.blocks()
        func read(_ word: String, _ frames: [String]) throws -> [String] {
            let block = try #require(blocks.first { $0.contains(word) })
            let profile = try #require(ProfileText.load(ProfileText.minimal(layouts: block)))
            var sequence = FrameSequence(try #require(profile.layouts.first))
            return (frames.flatMap { sequence.take(bytes($0)) } + sequence.end()).map(\.line)
        }
        #expect(
            try read("recall: factor", ["126400", "102639"])
                == ["device-state", "measurement; weight 97.85 kg"])
        #expect(
            try read("low frequency", ["01EC0280000000", "02F40180000000"]) == [
                "measurement; weight 74.8 kg; impedance_low 500 Ohm; at 2010-01-01T00:02:08"
            ])
    }

    @Test("Every standard format and every word of a step is on the page")
    func complete() throws {
        let page = try page()
        for format in FrameLayout.namedFormats { #expect(page.contains("`\(format.name)`")) }
        for type in FieldNumber.NumberType.allCases { #expect(page.contains("`\(type.rawValue)`")) }
        for outcome in ReadingOutcome.allCases { #expect(page.contains("`\(outcome.rawValue)`")) }
    }
}

/// The examples of docs/profile-layouts.md, each put into a profile that gives it what it names.
private enum LayoutPage {
    static func blocks() throws -> [String] {
        let page = String(
            decoding: try FileReader.read(Shipped.root + "/docs/profile-layouts.md"), as: UTF8.self)
        return page.split(separator: "```yaml\n").dropFirst().map { part in
            String(part.split(separator: "```", maxSplits: 1)[0])
        }
    }

    /// The fragment of the page, under the name that the page includes it by.
    static func fragments() throws -> FragmentLibrary {
        var library = FragmentLibrary()
        let text = try blocks().first { $0.hasPrefix("fragment:") } ?? ""
        let problems = ProblemList()
        library.add(
            Array(text.utf8), file: "maker-variants.yaml", isOwn: false, problems: problems)
        #expect(problems.isEmpty)
        return library
    }

    static func profiles(_ block: String) -> [String] {
        if block.hasPrefix("{") {
            return block.split(separator: "\n").map {
                fields("numbers: { one: \($0.split(separator: "  #")[0]) }")
            }
        }
        if block.hasPrefix("- source:") { return [ProfileText.minimal(layouts: block)] }
        if block.hasPrefix("- variant:") {
            let eeprom = """
                - source: eeprom
                  fields: { kind: weight, length: 14, values: [ { name: weight, at: 0, type: u8, units: [ { unit: kg } ] } ] }
                - source: usb
                  variants:
                """
            return [ProfileText.minimal(layouts: eeprom + "\n" + indented(block, by: 4))]
        }
        if block.hasPrefix("fragment:") {
            return [
                ProfileText.minimal(
                    layouts: "- source: usb\n  variants: [ { include: maker-variants.yaml } ]")
            ]
        }
        if block.hasPrefix("transport:") {
            let session = "session:\n  bond: none\n  steps: [ { subscribe: 2a9d } ]\n"
            let without = ProfileText.minimal().replacing(session, with: "")
            return [without.replacing("transport: ble-gatt\n", with: block)]
        }
        return alternatives(block).map { keys in
            if keys.hasPrefix("assembly:") {
                return ProfileText.minimal(
                    layouts: "- source: usb\n" + indented(keys, by: 2)
                        + "  fields: { length: 9, outcome: device-state }")
            }
            return fields(keys)
        }
    }

    /// A key that stands twice in an example stands for two ways to write it.
    private static func alternatives(_ block: String) -> [String] {
        var found: [String] = []
        var current = ""
        var seen: Set<Substring> = []
        for line in block.split(separator: "\n") {
            let key = line.prefix { $0 != ":" }
            if !line.hasPrefix(" "), !line.hasPrefix("#"), !seen.insert(key).inserted {
                found.append(current)
                (current, seen) = ("", [key])
            }
            current += line + "\n"
        }
        return found + [current]
    }

    /// A layout with these keys, and with everything else that the examples speak of.
    private static func fields(_ keys: String) -> String {
        let bits = [
            "stable", "pounds", "shoes", "irregular", "has-time", "has-difference", "has-user",
            "has-number",
        ].map { "\($0): { byte: 1, bit: 5 }" }.joined(separator: ", ")
        let numbers = ["stage", "object", "kind", "raw-systolic"].map { "\($0): { at: 1 }" }
        let base = [
            "kind": "blood-pressure", "length": "{ minimum: 60, maximum: 4096 }",
            "bits": "{ \(bits) }", "numbers": "{ \(numbers.joined(separator: ", ")) }",
            "values": "[ { name: systolic, at: 2, type: u8, units: [ { unit: \"mm[Hg]\" } ] } ]",
        ]
        var text = keys.hasSuffix("\n") ? keys : keys + "\n"
        for (key, value) in base.sorted(by: { $0.key < $1.key })
        where !("\n" + text).contains("\n\(key):") {
            text += "\(key): \(value)\n"
        }
        return ProfileText.minimal(
            layouts: "- source: usb\n  fields:\n" + indented(text, by: 4))
    }

    private static func indented(_ text: String, by count: Int) -> String {
        text.split(separator: "\n").map { String(repeating: " ", count: count) + $0 + "\n" }
            .joined()
    }
}
