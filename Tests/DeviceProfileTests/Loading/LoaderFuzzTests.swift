import DataFiles
import DeviceProfile
import Testing
import YAML

/// A profile file that a careful user broke while editing costs that file and nothing else.
@Suite("Broken profile files") struct LoaderFuzzTests {
    private static let sources: [(file: String, bytes: [UInt8])] = {
        let names = (try? FileReader.list(Shipped.directory, suffix: ".yaml")) ?? []
        return names.compactMap { name in (try? FileReader.read(name)).map { (name, $0) } }
    }()

    /// Loads a file; where it does not load, each problem has a place in this file and says something.
    private func load(_ bytes: [UInt8], _ seed: String) {
        let problems = ProblemList()
        let profile = ProfileLoader.load(bytes, file: "own.yaml", problems: problems)
        #expect(profile != nil || !problems.problems.isEmpty, "\(seed)")
        for problem in problems.problems {
            let line = "\(problem)"
            #expect(line.hasPrefix("own.yaml:"), "\(seed) \(line)")
            #expect(line.count > "own.yaml:1:1: ".count, "\(seed) \(line)")
        }
    }

    @Test("Changed, doubled and lost bytes are named with line and column, or change nothing")
    func bytes() {
        var generator = Seeded(0x10AD)
        #expect(Self.sources.count >= 45)
        for (file, whole) in Self.sources {
            for round in 0..<6 {
                var bytes = whole
                for _ in 0...Int.random(in: 0...3, using: &generator) {
                    let at = Int.random(in: 0..<bytes.count, using: &generator)
                    switch Int.random(in: 0...3, using: &generator) {
                    case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                    case 1: bytes.remove(at: at)
                    case 2: bytes.insert(bytes[at], at: at)
                    default: bytes.swapAt(at, Int.random(in: 0..<bytes.count, using: &generator))
                    }
                }
                load(bytes, "\(file) \(round)")
            }
        }
    }

    @Test("A line that is lost, doubled, moved in or out is named, or changes nothing")
    func lines() {
        var generator = Seeded(0x11E5)
        for (file, whole) in Self.sources {
            for round in 0..<6 {
                var lines = whole.split(
                    separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                let at = Int.random(in: 0..<lines.count, using: &generator)
                switch round % 4 {
                case 0: lines.remove(at: at)
                case 1: lines.insert(lines[at], at: at)
                case 2: lines[at] = ([UInt8](repeating: 32, count: 2) + lines[at])[...]
                default: lines[at] = lines[at].dropFirst(2)
                }
                load(
                    Array(lines.joined(separator: [UInt8(ascii: "\n")])),
                    "\(file) \(round) line \(at + 1)")
            }
        }
    }

    @Test("A file that ends anywhere is read to its end or refused in one piece")
    func cut() {
        var generator = Seeded(0xC07)
        for (file, whole) in Self.sources {
            for _ in 0..<4 {
                let end = Int.random(in: 0..<whole.count, using: &generator)
                load(Array(whole[..<end]), "\(file) \(end)")
            }
        }
    }
}
