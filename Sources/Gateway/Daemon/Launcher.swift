import DataFiles
import EventLoop
import Glibc
import JSON
import YAML

/// hakarud's way from the command line to the running loop.
package enum Launcher {
    /// Runs the daemon; returns its exit code.
    package static func main(_ words: [String]) -> Int32 {
        // Before any thread exists: a thread made earlier would still die of these signals.
        SignalMask.block(SIGTERM, SIGINT, SIGHUP)
        SignalMask.ignoreBrokenPipes()
        switch DaemonOptions.parse(words) {
        case .help:
            print(DaemonOptions.help)
            return 0
        case .version:
            print("hakarud \(DaemonOptions.version)")
            return 0
        case .wrong(let why):
            say("hakarud: \(why)")
            return 2
        case .run(let options) where options.examineOnly: return examine(options)
        case .run(let options): return options.checkOnly ? check(options) : run(options)
        }
    }

    private static func run(_ options: DaemonOptions) -> Int32 {
        Log.threshold.withLock { $0 = Log.Level(name: options.logLevel) ?? .info }
        allowMoreFiles()
        let digest = Daemon.digest(of: options.configuration)
        let configuration: Configuration
        do throws(ConfigurationProblems) {
            configuration = try Configuration.load(path: options.configuration)
        } catch {
            say(error.description)
            return 1
        }
        let daemon = Locked<Daemon?>(nil)
        spawn {
            do {
                let built = try Daemon(options, configuration, digest: digest)
                daemon.withLock { $0 = built }
                try await built.start()
            } catch {
                say("hakarud: \(error)")
                EventLoop.shared.stop(1)
            }
        }
        return EventLoop.shared.run()
    }

    /// Clients of the socket and devices share the descriptors; the usual limit of 1,024 is for
    /// programs that use `select`.
    private static func allowMoreFiles() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < 4_096 else { return }
        limit.rlim_cur = min(limit.rlim_max, 4_096)
        setrlimit(resource, &limit)
    }

    /// Looks at everything that people trip over; a line for each.
    private static func examine(_ options: DaemonOptions) -> Int32 {
        let doctor = Doctor(options: options) { finding in
            print(options.json ? finding.json : finding.line(in: Language.current))
            fflush(nil)
        }
        return doctor.run() ? 0 : 1
    }

    /// Lists everything that is wrong in the configuration and the profiles.
    private static func check(_ options: DaemonOptions) -> Int32 {
        var problems: [Problem] = []
        do throws(ConfigurationProblems) {
            let configuration = try Configuration.load(path: options.configuration)
            problems += configuration.environmentProblems()
        } catch {
            problems += error.problems
        }
        problems += ProfileStore.problems(DataDirectory.find())
        for problem in problems {
            guard options.json else {
                print(problem.description)
                continue
            }
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("file", problem.file)
                writer.member("line", problem.line)
                writer.member("column", problem.column)
                writer.member("key", problem.key)
                writer.member("message", problem.message)
                writer.member("accepted", problem.accepted)
            }
            print(writer.text)
        }
        if problems.isEmpty, !options.json { print("\(options.configuration): no problem found") }
        return problems.isEmpty ? 0 : 1
    }

    private static func say(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
