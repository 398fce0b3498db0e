import DataFiles
import DeviceProfile
import Testing

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

    @Test("Every standard format and every word of a step is on the page")
    func complete() throws {
        let page = try page()
        for format in FrameLayout.namedFormats { #expect(page.contains("`\(format.name)`")) }
        for type in FieldNumber.NumberType.allCases { #expect(page.contains("`\(type.rawValue)`")) }
        for outcome in ReadingOutcome.allCases { #expect(page.contains("`\(outcome.rawValue)`")) }
    }
}
