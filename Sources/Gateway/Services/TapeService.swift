import CLinux
import Crypto
import DataFiles
import DeviceLink
import DeviceProfile
import EventLoop
import Glibc
import Measurement
import Spool
import TapeLink

/// Plays every tape that is dropped into a directory, once: then it is `*.played` or `*.failed`.
@LoopActor final class TapeService {
    private let directory: String
    private let intake: Intake
    private let spool: Spool
    private let counters: Counters
    private let profiles: @LoopActor () -> ProfileIndex
    private let zone: TimeZoneRules
    private(set) var played = 0
    private(set) var failed = 0
    /// Files that were served and could not be renamed, as they were then: not served again.
    private var stuck: [String: Version?] = [:]

    /// What tells one content of a file from the next.
    private struct Version: Equatable {
        var inode: ino_t
        var seconds: Int
        var nanoseconds: Int

        init?(_ path: String) {
            var facts = stat()
            guard lstat(path, &facts) == 0 else { return nil }
            inode = facts.st_ino
            seconds = facts.st_mtim.tv_sec
            nanoseconds = facts.st_mtim.tv_nsec
        }
    }

    init(
        directory: String, intake: Intake, spool: Spool, counters: Counters, zone: TimeZoneRules,
        profiles: @escaping @LoopActor () -> ProfileIndex
    ) {
        self.directory = directory
        self.intake = intake
        self.spool = spool
        self.counters = counters
        self.zone = zone
        self.profiles = profiles
    }

    /// Serves the directory until the task is cancelled; a tape that is being played is finished.
    func run() async {
        _ = mkdir(directory, 0o750)
        let watcher = DirectoryWatcher([directory], untilWritten: true)
        for failure in watcher.failures {
            Log.error(
                "tapes-unwatched", ["directory": failure.directory, "reason": failure.reason])
        }
        while !Task.isCancelled {
            if let next = nextTape(watcher) {
                await play(next)
            } else if (try? await watcher.next()) == nil {
                return
            }
        }
    }

    /// The first tape that nobody is still writing.
    private func nextTape(_ watcher: DirectoryWatcher) -> String? {
        var files: [String]
        repeat {
            // Only the directory itself is watched.
            files = (try? FileReader.list(directory, suffix: ".tape", nested: false)) ?? []
        } while watcher.takeChanges()
        return files.first { file in
            let name = String(file.dropFirst(directory.count + 1))
            guard !watcher.beingWritten.contains(name) else { return false }
            guard let version = stuck[file] else { return true }
            return version != Version(file)
        }
    }

    /// Gives a tape the name that says what became of it.
    private func rename(_ file: String, to path: String) {
        let version = Version(file)
        guard Glibc.rename(file, path) != 0 else { return }
        let reason = String(cString: strerror(errno))
        stuck[file] = .some(version)
        counters.count("tapes_not_renamed")
        Log.error("tape-not-renamed", ["name": path, "reason": reason])
    }

    private func play(_ file: String) async {
        do {
            let bytes = try FileReader.read(file, regularOnly: true)
            let tape = try TapeParser.parse(bytes, file: file)
            // Its monotonic clock is its own; played again after a crash it is the same one.
            let clock = "tape " + hexadecimal(SHA256.digest(bytes).prefix(16))
            // A session that the store cut off is played again, as a real device would send again.
            while !(try await play(tape, file, clock)) {}
            rename(file, to: file + ".played")
            played += 1
        } catch is CancellationError {
            return
        } catch let trouble as SpoolError {
            // The tape is as good as before: it stays, and is tried again.
            counters.count("store_failures")
            Log.error("store-failed", ["state": trouble.name, "reason": "\(trouble)"])
            try? await sleep(for: .seconds(1))
        } catch {
            fail(file, "\(error)")
        }
    }

    private func fail(_ file: String, _ reason: String) {
        failed += 1
        counters.count("tapes_failed")
        Log.warning("tape-failed", ["reason": reason])
        let path = file + ".failed"
        rename(file, to: path)
        let descriptor = open(
            path + ".reason", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var text = Array((reason + "\n").utf8)
        _ = write(descriptor, &text, text.count)
    }

    /// Plays a tape to its end; false when the store took less than all of it.
    private func play(_ tape: Tape, _ file: String, _ clock: String) async throws -> Bool {
        try await intake.whenHealed()
        let device = TapePlayer.device(of: tape.header)
        let memory = try await spool.memory(of: device.id) ?? DeviceMemory()
        var player = TapePlayer(
            tape, file: file, profiles: profiles(), zone: zone, memory: memory)
        var isKnown = false
        var isComplete = true
        var mayHaveUndated = true
        while true {
            let step = try player.next()
            if mayHaveUndated, player.gatewayTime.synchronised {
                _ = try await intake.dateUndated(by: ClockSample(player.gatewayTime, boot: clock))
                mayHaveUndated = false
            }
            switch step {
            case .commit(let commit):
                mayHaveUndated = mayHaveUndated || commit.hasUndated
                if case .stored = await intake.take(commit, boot: clock) {
                    player.committed(commit.number)
                } else {
                    player.commitFailed(commit.number)
                    isComplete = false
                }
            case .sighting(let sighting):
                isKnown = true
                // A store in trouble is noticed by the intake; when a device was seen can wait.
                try? await spool.noteDevice(
                    device, profile: player.profileID, seenAt: sighting.at.utc)
            case .matched: isKnown = true
            case .unmatched: counters.count("sightings_unmatched")
            case .note(let note): SessionLog.write(note, device: device)
            case .sessionEnded(let end):
                Log.info(
                    "session-ended",
                    ["device": device.id.shortened, "end": "\(end)", "link": "tape"])
                if !isComplete { return false }
            case .finished:
                guard isKnown else {
                    throw TapeError(file: file, line: 1, message: "no profile fits this device")
                }
                return isComplete
            }
        }
    }
}

extension SessionCommit {
    /// One of its readings waits for the gateway's clock.
    fileprivate var hasUndated: Bool {
        entries.contains { $0.record?.quarantine == .noClockSync }
    }
}
