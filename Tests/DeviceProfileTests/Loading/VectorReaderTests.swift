import DeviceProfile
import Testing

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
