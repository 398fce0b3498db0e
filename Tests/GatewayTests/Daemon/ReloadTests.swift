import DataFiles
import EventLoop
import GatewayTestKit
import Glibc
import Measurement
import Spool
import Testing
import YAML

@testable import Gateway

@Suite("The configuration read again", .timeLimit(.minutes(1))) struct ReloadTests {
    init() { LoopThread.start() }

    private static let text = """
        gateway: { id: gw-0001, consortium-id: C00001 }
        bluetooth: { enabled: false }
        usb: { enabled: false }

        """

    /// A daemon that is not started, whose store lies in a folder that is not there yet.
    @LoopActor private final class Scene {
        let scratch = ScratchDirectory()
        let daemon: Daemon

        init() throws {
            var options = DaemonOptions()
            options.configuration = scratch.write("hakaru.yaml", ReloadTests.text)
            // A file in the place of the folder: no store can be opened there.
            options.stateDirectory = scratch.write("blocked", "") + "/state"
            options.runtimeDirectory = scratch.path
            daemon = try Daemon(options, try Configuration.load(path: options.configuration))
        }

        func write(_ more: String) { _ = scratch.write("hakaru.yaml", ReloadTests.text + more) }

        func mend() {
            unlink(scratch.path + "/blocked")
            mkdir(scratch.path + "/blocked", 0o700)
        }

        var state: ConfigurationState { daemon.configurationState }
        func counted(_ name: String) -> Int { daemon.counters.values[name] ?? 0 }
    }

    @Test("a good file waits while the store does not answer, and counts once it does")
    func postponed() async throws {
        try await spawn { @LoopActor in
            let scene = try Scene()
            scene.write("retention: { delivered: 7d }\n")
            await scene.daemon.reloadConfiguration()
            #expect(scene.state.name == "waiting")
            #expect(scene.state.problems.isEmpty, "the file is not at fault")
            #expect(scene.counted("configuration_postponed") == 1)
            #expect(scene.counted("configuration_refusals") == 0)
            #expect(scene.daemon.configuration.retention.delivered != .seconds(7 * 86_400))
            scene.mend()
            // Nobody does anything more: the retry comes by itself.
            #expect(await eventually { scene.state.name == "current" })
            #expect(scene.daemon.configuration.retention.delivered == .seconds(7 * 86_400))
            #expect(scene.state.attempts == 0)
            #expect(scene.daemon.reloadRetry == nil)
            await scene.daemon.spool.close()
        }.value
    }

    @Test("a file that is saved while the daemon starts is in force without another save")
    func savedMeanwhile() async throws {
        try await spawn { @LoopActor in
            let scene = try Scene()
            scene.mend()
            scene.write("retention: { delivered: 7d }\n")
            let watching = spawn { await scene.daemon.watchConfiguration() }
            #expect(
                await eventually {
                    scene.daemon.configuration.retention.delivered == .seconds(7 * 86_400)
                        && scene.counted("configuration_reloads") == 1
                })
            watching.cancel()
            await watching.value
            await scene.daemon.spool.close()
        }.value
    }

    @Test("what is saved while one waits takes its place; a mistake in it ends the waiting")
    func replaced() async throws {
        try await spawn { @LoopActor in
            let scene = try Scene()
            scene.write("retention: { delivered: 7d }\n")
            await scene.daemon.reloadConfiguration()
            let since = scene.state.waitingSince
            scene.write("retention: { delivered: 9d }\n")
            await scene.daemon.reloadConfiguration()
            #expect(scene.state.name == "waiting")
            #expect(scene.state.waitingSince == since)
            #expect(scene.state.attempts == 2)
            scene.write("retention: { delivered: never }\n")
            await scene.daemon.reloadConfiguration()
            #expect(scene.state.name == "refused")
            #expect(scene.state.waitingSince == nil)
            #expect(scene.daemon.reloadRetry == nil, "a bad file is not tried again by itself")
            scene.mend()
            scene.write("retention: { delivered: 9d }\n")
            await scene.daemon.reloadConfiguration()
            #expect(scene.state.name == "current")
            #expect(scene.daemon.configuration.retention.delivered == .seconds(9 * 86_400))
            await scene.daemon.spool.close()
        }.value
    }

    @Test("tries come ever more seldom, and at least each half minute")
    func pauses() {
        let now = Instant(microseconds: 0)
        var state = ConfigurationState(loadedAt: now)
        let pauses = (0..<8).map { _ in state.postpone(at: now).components.seconds }
        #expect(pauses == [1, 2, 4, 8, 16, 30, 30, 30])
        state.refuse([Problem(file: "f", line: 1, column: 1, key: "", message: "no")], at: now)
        #expect(state.name == "refused")
        #expect(state.postpone(at: now) == .seconds(1))
        #expect(state.name == "waiting")
        #expect(state.problems.isEmpty)
    }
}
