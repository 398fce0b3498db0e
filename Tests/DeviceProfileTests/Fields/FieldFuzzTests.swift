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
