import DataFiles
import DeviceProfile
import Glibc
import YAML

/// The files that the service reads and writes: right in themselves, and with the right modes.
extension Doctor {
    /// The configuration, where it is without mistake.
    func configuration() -> Configuration? {
        let path = options.configuration
        do throws(ConfigurationProblems) {
            let loaded = try Configuration.load(path: path)
            say(
                "configuration", .ok, "configuration",
                Phrase("\(path): no mistake", "\(path): 問題なし"))
            return loaded
        } catch {
            for problem in error.problems {
                say(
                    "configuration", .problem, "configuration",
                    Phrase(problem.description, problem.description),
                    remedy: access(path, R_OK) == 0
                        ? Phrase("correct that line", "その行を直してください")
                        : Phrase(
                            "run this as root, or name it: --config FILE",
                            "root で実行するか、--config で指定してください"))
            }
            return nil
        }
    }

    /// Whether the service may read what the configuration names, and nobody else its secrets.
    func files(_ configuration: Configuration) {
        let before = Troubles()
        readable(options.configuration, isSecret: true, before)
        for destination in configuration.destinations {
            for file in [destination.bearerTokenFile, destination.tls.clientKeyFile] {
                if let file { readable(file.path, isSecret: true, isOwn: true, before) }
            }
            for file in [destination.tls.caFile, destination.tls.clientCertificateFile] {
                if let file { readable(file.path, isSecret: false, before) }
            }
            if let directory = destination.directory { writable(directory, before) }
        }
        if let encryption = configuration.storage.encryption, case .file(let file) = encryption.key
        {
            readable(file.path, isSecret: true, isOwn: true, before)
        }
        writable(options.stateDirectory, before)
        guard before.count == 0 else { return }
        say("permissions", .ok, "permissions", Phrase("files and directories", "ファイルとディレクトリ"))
    }

    private final class Troubles { var count = 0 }

    /// - Parameter isOwn: the file is nobody's but the service's: its group are people who see the state.
    private func readable(
        _ path: String, isSecret: Bool, isOwn: Bool = false, _ troubles: Troubles
    ) {
        guard let rights = FileRights(path) else { return unseen(path, troubles) }
        let service = surroundings.service
        if !rights.lets(service.user, service.group, 4) {
            troubles.count += 1
            say(
                "permissions", .problem, "not-readable",
                Phrase("the service may not read \(path)", "サービスは \(path) を読めません"),
                remedy: isOwn ? owning(path) : sharing(path), about: path)
        } else if isSecret, rights.mode & 0o007 != 0 {
            troubles.count += 1
            say(
                "permissions", .warning, "readable-by-all",
                Phrase("everybody may read \(path)", "\(path) は誰でも読めます"),
                remedy: isOwn ? owning(path) : sharing(path), about: path)
        } else if isOwn, service.isOwn, rights.facts.st_gid == service.group,
            rights.mode & 0o040 != 0
        {
            troubles.count += 1
            say(
                "permissions", .warning, "readable-by-group",
                Phrase(
                    "every member of the group \(surroundings.user) may read \(path)",
                    "\(path) は \(surroundings.user) グループの全員が読めます"),
                remedy: owning(path), about: path)
        }
    }

    private func owning(_ path: String) -> Phrase {
        let text = "sudo chown \(surroundings.user):root \(path); sudo chmod 400 \(path)"
        return Phrase(text, text)
    }

    private func sharing(_ path: String) -> Phrase {
        let text = "sudo chgrp \(surroundings.user) \(path); sudo chmod 640 \(path)"
        return Phrase(text, text)
    }

    private func unseen(_ path: String, _ troubles: Troubles) {
        let why = String(cString: strerror(errno))
        let isMissing = errno == ENOENT
        troubles.count += 1
        say(
            "permissions", isMissing ? .problem : .skipped,
            isMissing ? "missing" : "not-visible",
            Phrase("\(path): \(why)", "\(path): \(why)"),
            remedy: isMissing
                ? Phrase("put the file there", "ファイルを置いてください")
                : Phrase("run this as root", "root で実行してください"), about: path)
    }

    private func writable(_ path: String, _ troubles: Troubles) {
        guard let rights = FileRights(path) else {
            // The service's own directory is made at its first start.
            if path != options.stateDirectory { unseen(path, troubles) }
            return
        }
        let service = surroundings.service
        guard rights.isDirectory, rights.lets(service.user, service.group, 3) else {
            troubles.count += 1
            return say(
                "permissions", .problem, "not-writable",
                Phrase("the service may not write into \(path)", "サービスは \(path) に書けません"),
                remedy: Phrase(
                    "sudo chown \(surroundings.user): \(path)",
                    "sudo chown \(surroundings.user): \(path)"),
                about: path)
        }
    }

    func profiles() {
        let problems = ProfileStore.problems(DataDirectory.find())
        for problem in problems {
            say(
                "profiles", .problem, "profile",
                Phrase(problem.description, problem.description),
                remedy: Phrase(
                    "correct or remove that file; the others are not touched",
                    "そのファイルを直すか消してください。ほかのものは使われます"), about: problem.file)
        }
        guard problems.isEmpty else { return }
        let count = (try? DataDirectory.find().profileFiles().count) ?? 0
        guard count > 0 else {
            return say(
                "profiles", .problem, "no-profiles",
                Phrase("no device profile was found", "機器プロファイルがありません"),
                remedy: Phrase(
                    "install the package again, or set HAKARU_DATA_DIRECTORY",
                    "パッケージを入れ直すか、HAKARU_DATA_DIRECTORY を設定してください"))
        }
        say("profiles", .ok, "profiles", Phrase("\(count) files, no mistake", "\(count) 個、問題なし"))
    }

    /// A model that no profile names: its device is matched by what it tells of itself alone, if at all.
    func models(_ participants: [Configuration.Participant]) {
        guard let known = ProfileStore.index(DataDirectory.find()) else { return }
        for participant in participants {
            for model in participant.devices.compactMap(\.model)
            where known.profile(model: model) == nil {
                let near = Suggestion.nearest(
                    to: model, among: known.profiles.flatMap(\.modelNames))
                say(
                    "profiles", .warning, "unknown-model",
                    Phrase(
                        "no device profile names the model \(model) of a participant",
                        "参加者の機器の型番 \(model) を知る機器プロファイルがありません"),
                    remedy: Phrase(
                        (near.map { "did you mean \($0)? " } ?? "")
                            + "hakaru profile list shows all",
                        (near.map { "\($0) ではありませんか。" } ?? "")
                            + "hakaru profile list で一覧を見られます"),
                    about: model)
            }
        }
    }
}
