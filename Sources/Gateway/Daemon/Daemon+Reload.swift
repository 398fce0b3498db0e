import Crypto
import DataFiles
import EventLoop
import Measurement
import Spool
import YAML

/// The configuration read again, after SIGHUP or a change of its file, while everything goes on.
extension Daemon {
    /// Profiles and configuration, at a person's word; the service manager waits for the end of it.
    func reload() async {
        ServiceManager.reloading()
        profiles.reload()
        await reloadConfiguration()
        ServiceManager.ready(status: "running")
    }

    /// Reads the configuration again whenever its file has other contents, until the task is cancelled.
    ///
    /// What lies beside it (a token, an authority) is read when it is needed and starts nothing here.
    func watchConfiguration() async {
        let watcher = DirectoryWatcher([Self.directory(of: options.configuration)])
        // A file that was saved while the daemon started is not what it started with.
        var seen = startedFrom
        repeat {
            // An editor writes more than once: what follows at once is taken together.
            guard (try? await sleep(for: .milliseconds(300))) != nil else { return }
            let now = Self.digest(of: options.configuration)
            guard now != seen else { continue }
            seen = now
            await reloadConfiguration()
        } while (try? await watcher.next()) != nil
    }

    /// Puts the file's contents in force; with any problem in it nothing changes.
    func reloadConfiguration() async {
        guard !isReloading else {
            reloadsAgain = true
            return
        }
        isReloading = true
        defer { isReloading = false }
        repeat {
            reloadsAgain = false
            await takeConfiguration()
        } while reloadsAgain
    }

    private func takeConfiguration() async {
        let now = GatewayTime.now().utc
        reloadRetry = nil
        do {
            let new = try Configuration.load(path: options.configuration)
            let change = ConfigurationChange(
                started: startedWith, running: configuration, new: new)
            let services = try uplink.prepared(for: change.applied)
            try await people.take(change.applied)
            configuration = change.applied
            register = DeviceRegister(change.applied)
            uplink.adopt(services)
            await readers.take(change.applied.readers)
            usb?.recheck()
            await spool.setLimits(
                maximum: Int64(change.applied.storage.maximumBytes),
                reserve: Int64(change.applied.storage.reserveBytes))
            await noteConfiguration()
            configurationState = ConfigurationState(
                loadedAt: now, needsRestart: change.needsRestart)
            counters.count("configuration_reloads")
            Log.notice(
                "configuration-reloaded",
                [
                    "changed": change.effective.joined(separator: ","),
                    "needs-restart": change.needsRestart.joined(separator: ","),
                ])
            spawn { [weak self] in await self?.takeHistory() }
        } catch let error as SpoolError {
            postpone(error, at: now)
        } catch {
            refuse(error, at: now)
        }
    }

    /// Keeps a good file waiting while the store does not answer; what it holds at the next try counts.
    private func postpone(_ error: SpoolError, at now: Instant) {
        let pause = configurationState.postpone(at: now)
        counters.count("configuration_postponed")
        Log.warning(
            "configuration-waits",
            ["for": "the store: \(error.name)", "again-in": "\(pause.components.seconds) s"])
        reloadRetry = EventLoop.shared.after(pause) { [weak self] in
            guard let self else { return }
            spawn { await self.reloadConfiguration() }
        }
    }

    /// Says everywhere that the old configuration stays in force, and why.
    private func refuse(_ error: any Error, at now: Instant) {
        configurationState.refuse(Self.problems(error, of: options.configuration), at: now)
        counters.count("configuration_refusals")
        for problem in configurationState.problems.prefix(20) {
            Log.error("configuration-refused", ["problem": problem.description])
        }
    }

    private static func problems(_ error: any Error, of file: String) -> [Problem] {
        switch error {
        case let error as ConfigurationProblems: error.problems
        case let error as ConfigurationFailure: error.problems
        default: [Problem(file: file, line: 1, column: 1, key: "", message: "\(error)")]
        }
    }

    /// What a file holds; nil while it is not there.
    nonisolated static func digest(of file: String) -> [UInt8]? {
        (try? FileReader.read(file)).map { SHA256.digest($0) }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
