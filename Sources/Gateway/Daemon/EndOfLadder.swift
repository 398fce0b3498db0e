import DataFiles
import JSON
import Measurement

/// When the daemon may end itself because no adapter works: the last step of the ladder.
///
/// Pure, and on the clock that nobody sets: a gateway whose clock jumps years forward when it is told the
/// time has not run for years. Each end within half a day of the last one needs a longer run before it, so
/// that a radio which is broken for good does not keep ending what cables and receivers are doing.
struct EndOfLadder: Sendable, Equatable {
    /// Which run of the machine the times belong to.
    private(set) var boot: String
    /// Ends in a row.
    private(set) var ends: Int
    /// The last of them, since the machine started.
    private(set) var last: Instant

    static let shortestRun = Interval.minutes(10)
    static let longestRun = Interval.minutes(240)
    static let oblivion = Interval.minutes(720)

    /// How long the daemon has to have run before it may end.
    static func run(before: Self?, boot: String, now: Instant) -> Interval {
        guard let before, before.counts(boot, now) else { return shortestRun }
        let minutes = shortestRun.microseconds << Int64(min(10, before.ends))
        return min(longestRun, Interval(microseconds: minutes))
    }

    /// What is remembered after an end.
    static func after(_ before: Self?, boot: String, now: Instant) -> Self {
        let earlier = before.flatMap { $0.counts(boot, now) ? $0.ends : nil } ?? 0
        return Self(boot: boot, ends: earlier + 1, last: now)
    }

    private init(boot: String, ends: Int, last: Instant) {
        self.boot = boot
        self.ends = ends
        self.last = last
    }

    /// Times of another run of the machine say nothing about this one.
    private func counts(_ boot: String, _ now: Instant) -> Bool {
        !boot.isEmpty && boot == self.boot && now >= last && now - last < Self.oblivion
    }

    // MARK: the file

    static func path(_ stateDirectory: String) -> String { stateDirectory + "/ladder.json" }

    /// What an earlier daemon has left; nil where it left nothing that can be read.
    init?(reading path: String) {
        guard let bytes = try? FileReader.read(path), let document = try? JSONValue.parse(bytes),
            let boot = document["boot"]?.string, let ends = document["ends"]?.integer,
            let at = document["last_ms"]?.integer, (1...1_000_000).contains(ends),
            (0...Self.latest).contains(at)
        else { return nil }
        self.init(boot: boot, ends: ends, last: Instant(microseconds: Int64(at) * 1_000))
    }

    private static let latest = 1_000_000_000_000_000

    /// The file's text.
    var document: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("boot", boot)
            writer.member("ends", ends)
            writer.member("last_ms", Int(last.microseconds / 1_000))
        }
        return writer.bytes + [0x0A]
    }
}
