import DataFiles
import DeviceProfile
import Measurement
import Testing
import YAML

@Suite("Hostile bytes against the layouts of the shipped profiles") struct FieldFuzzTests {
    /// What no frame may do, however broken: a refusal that carries a number, or a number without a unit rule.
    private func check(_ readings: [Reading], _ note: @autoclosure () -> String) {
        #expect(!readings.isEmpty, "\(note())")
        for reading in readings where reading.outcome == .rejected {
            #expect(reading.quantities.isEmpty, "\(note())")
            #expect(reading.reason != nil && reading.offset != nil, "\(note())")
        }
    }

    private static let context = FrameContext(
        address: BluetoothAddress("84:46:93:64:A5:E6"), key: [UInt8](repeating: 7, count: 16),
        displayUnit: .kilogram)

    @Test("Random bytes of every length up to 64 are read or refused, each in one piece")
    func random() {
        var generator = Seeded(0x5EED)
        for profile in Shipped.profiles {
            for layout in profile.layouts {
                for count in 0...64 {
                    let frame = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator)
                    }
                    check(layout.readings(frame, Self.context), "\(profile.id) \(frame)")
                }
            }
        }
    }

    @Test("Good frames with a few bytes changed, cut or doubled are read or refused")
    func mutated() {
        var generator = Seeded(0xF00D)
        for profile in Shipped.profiles {
            for vector in profile.vectors {
                guard let layout = profile.layout(for: vector.source) else { continue }
                for _ in 0..<60 {
                    let frame = mutate(vector.bytes, &generator)
                    check(layout.readings(frame, Self.context), "\(profile.id) \(frame)")
                    check(layout.readings(captured: frame), "\(profile.id) \(frame)")
                }
            }
        }
    }

    @Test("Notifications in any order neither crash the assembler nor let it grow")
    func assembly() {
        var generator = Seeded(0xA55E)
        for profile in Shipped.profiles {
            for layout in profile.layouts {
                guard let assembly = layout.assembly else { continue }
                var assembler = FrameAssembler()
                for _ in 0..<2_000 {
                    var part = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                        UInt8.random(in: 0...5, using: &generator)
                    }
                    if Bool.random(using: &generator) { part = assembly.begins + part }
                    if case .whole(let frame) = assembler.take(part, for: layout) {
                        #expect(frame.count <= FrameAssembler.maximumLength)
                        check(layout.readings(frame, Self.context), "\(profile.id)")
                    }
                }
            }
        }
    }

    @Test("Profile files with bytes changed are read, or refused with a place, and never crash")
    func files() throws {
        var generator = Seeded(0xC0DE)
        let names = try FileReader.list(Shipped.directory, suffix: ".yaml")
        for name in names {
            let good = try FileReader.read(name)
            for _ in 0..<12 {
                let problems = ProblemList()
                let profile = ProfileLoader.load(
                    mutate(good, &generator), file: name, problems: problems)
                #expect((profile != nil) == problems.problems.isEmpty)
                for layout in profile?.layouts ?? [] {
                    let frame = (0..<20).map { _ in UInt8.random(in: 0...255, using: &generator) }
                    check(layout.readings(frame, Self.context), name)
                }
            }
        }
    }

    @Test("Frames of a session in any order are read or refused, and no half passes for a whole")
    func sequences() throws {
        var generator = Seeded(0x5E55)
        let shipped = Shipped.profiles.flatMap { profile in
            profile.layouts.map { layout in
                (layout, profile.vectors.filter { $0.source == layout.source }.map(\.bytes))
            }
        }
        let packets = [
            bytes("0614 EB00 E9070C1F173B3A 02 C832"), bytes("1810 EB00 DF1A 9701"),
            bytes("0014 0000 C832"),
        ]
        let standard = FrameLayout(source: .usb, format: .bodyCompositionMeasurement)
        for (layout, frames) in shipped.filter({ !$0.1.isEmpty }) + [(standard, packets)] {
            for _ in 0..<6 {
                var sequence = FrameSequence(layout, Self.context)
                var found: [Reading] = []
                for _ in 0..<8 {
                    guard let frame = frames.randomElement(using: &generator) else { break }
                    let isWhole = Bool.random(using: &generator)
                    found += sequence.take(isWhole ? frame : mutate(frame, &generator))
                }
                found += sequence.end()
                if !found.isEmpty { check(found, "\(layout.source)") }
                for reading in found where reading.flags.contains(Reading.incompleteFlag) {
                    #expect(reading.outcome != .measurement)
                }
                #expect(sequence.end().isEmpty)
            }
        }
    }

    @Test("Layouts that join, remember and include, with bytes changed, never crash the loader")
    func language() {
        var generator = Seeded(0x1A26)
        let fragment = Array(
            "fragment: 1\ncontent:\n  - { variant: a, length: 2, numbers: { n: { at: 1 } }, remember: n, outcome: device-state }\n"
                .utf8)
        let profile = Array(
            ProfileText.minimal(
                layouts: """
                      - source: usb
                        assembly: { segmented: true }
                        variants:
                          - include: f.yaml
                          - kind: weight
                            length: 6
                            recall: n
                            time: { format: epoch, epoch-year: 2010, at: 2 }
                            join: { by: [time, n], within: 5s, alone: incomplete }
                            values: [ { name: weight, at: 0, type: u16le, units: [ { when: n == 1, unit: kg } ] } ]
                    """
            ).utf8)
        for _ in 0..<1_500 {
            let set = ProfileSet([
                .init(file: "f.yaml", bytes: mutate(fragment, &generator), isOwn: false),
                .init(file: "p.yaml", bytes: mutate(profile, &generator), isOwn: false),
            ])
            #expect(!set.index.profiles.isEmpty || !set.problems.isEmpty)
            for layout in set.index.profiles.flatMap(\.layouts) {
                var sequence = FrameSequence(layout)
                for count in 0..<8 {
                    let frame = (0..<count).map { _ in UInt8.random(in: 0...3, using: &generator) }
                    check(
                        [.rejected(DecodeError("", offset: 0))] + sequence.take(frame), "language")
                }
            }
        }
    }

    private func mutate(_ bytes: [UInt8], _ generator: inout Seeded) -> [UInt8] {
        var out = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !out.isEmpty {
            let place = Int.random(in: 0..<out.count, using: &generator)
            switch Int.random(in: 0...3, using: &generator) {
            case 0: out[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: out[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            case 2: out.remove(at: place)
            default: out.insert(out[place], at: place)
            }
        }
        return out
    }
}
