import EventLoop
import Glibc

/// A program that is nothing but the loop: what it does alone, and what signals do to it.
@main struct LoopProbe {
    static func main() {
        SignalMask.block(SIGTERM, SIGHUP)
        SignalMask.ignoreBrokenPipes()
        let mode = CommandLine.arguments.dropFirst().first ?? "signals"
        spawn {
            switch mode {
            case "idle": await countWakeUps()
            case "sleepers": await countWakeUps(sleepers: 3)
            case "watchdog": await serveWatchdog()
            default: handleSignals()
            }
        }
        exit(EventLoop.shared.run())
    }

    /// Prints threads and context switches of two seconds in which nothing happens.
    @LoopActor static func countWakeUps(sleepers: Int = 0) async {
        for _ in 0..<sleepers {
            spawn {
                while (try? await sleep(for: .seconds(1), tolerance: .milliseconds(50))) != nil {}
            }
        }
        try? await sleep(for: .milliseconds(100))
        let before = voluntarySwitches()
        try? await sleep(for: .seconds(2))
        say("switches=\(voluntarySwitches() - before) threads=\(threads().count)")
        EventLoop.shared.stop()
    }

    @LoopActor static func serveWatchdog() async {
        let limit = ServiceManager.watchdog
        let timer = limit.flatMap { limit in
            EventLoop.shared.every(limit / 2) { ServiceManager.alive() }
        }
        defer { timer?.cancel() }
        let asked = limit != nil
        ServiceManager.ready(status: "two\nlines")
        say("watchdog=\(asked)")
        try? await sleep(for: .milliseconds(900))
        ServiceManager.stopping()
        EventLoop.shared.stop()
    }

    /// SIGHUP is reported, SIGTERM ends the program with 7.
    @LoopActor static func handleSignals() {
        // Blocks all signals in itself: started before the handlers, as a store's thread would be.
        signalOwner.executor = ThreadExecutor(name: "blocked")
        do throws(EventLoopError) {
            signalOwner.sources = [
                try EventLoop.shared.onSignal(SIGHUP) { say("hangup") },
                try EventLoop.shared.onSignal(SIGTERM) { EventLoop.shared.stop(7) },
            ]
            say("ready")
        } catch {
            say("refused: \(error)")
            EventLoop.shared.stop(1)
        }
    }

    /// Unbuffered: the test waits for each line.
    static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(1, bytes, bytes.count)
    }

    static func threads() -> [String] {
        guard let folder = opendir("/proc/self/task") else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    static func voluntarySwitches() -> Int {
        threads().reduce(0) { sum, thread in
            sum + (voluntarySwitches(ofThread: thread) ?? 0)
        }
    }

    static func voluntarySwitches(ofThread thread: String) -> Int? {
        let descriptor = open("/proc/self/task/\(thread)/status", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = max(0, read(descriptor, &buffer, buffer.count))
        return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("voluntary_ctxt_switches") }
            .flatMap { Int($0.split(separator: "\t").last ?? "") }
    }
}

@LoopActor final class SignalOwner {
    var sources: [EventSource] = []
    var executor: ThreadExecutor?
}
@LoopActor let signalOwner = SignalOwner()
