import DataFiles
import Glibc
import JSON
import Uplink

/// What the running daemon says of itself.
extension Doctor {
    private var socket: String { options.runtimeDirectory + "/hakaru.sock" }

    /// The daemon's answer as a document; nil where it does not answer, or does not know.
    func ask(_ path: String) -> JSONValue? {
        guard let answer = ConnectionProbe.ask(socket: socket, path), answer.status == 200 else {
            return nil
        }
        return try? JSONValue.parse(answer.body)
    }

    /// The daemon's status; nil where it does not answer.
    func daemon() -> JSONValue? {
        guard let status = ask("/v1/status") else {
            noAnswer()
            return nil
        }
        let version = status["version"]?.string ?? "?"
        if version != DaemonOptions.version {
            say(
                "daemon", .warning, "other-version",
                Phrase(
                    "hakarud \(version) runs, \(DaemonOptions.version) is installed",
                    "動いているのは hakarud \(version)、入っているのは \(DaemonOptions.version) です"),
                remedy: Phrase("sudo systemctl restart hakarud", "sudo systemctl restart hakarud"))
        } else {
            say(
                "daemon", .ok, "daemon",
                Phrase("hakarud \(version) answers", "hakarud \(version) が応答します"))
        }
        inForce(status["configuration"])
        return status
    }

    private func noAnswer() {
        if access(socket, F_OK) == 0, access(socket, W_OK) != 0 {
            return say(
                "daemon", .skipped, "not-permitted",
                Phrase("you may not use \(socket)", "\(socket) を使う権限がありません"),
                remedy: Phrase(
                    "run this as root, or join the socket's group",
                    "root で実行するか、ソケットのグループに入ってください"))
        }
        say(
            "daemon", .problem, "no-daemon",
            Phrase("hakarud does not answer at \(socket)", "hakarud が \(socket) で応答しません"),
            remedy: Phrase(
                "sudo systemctl start hakarud; journalctl -u hakarud says why it ended",
                "sudo systemctl start hakarud を実行してください。理由は journalctl -u hakarud にあります"))
    }

    private func inForce(_ configuration: JSONValue?) {
        switch configuration?["state"]?.string {
        case "refused":
            say(
                "daemon", .problem, "configuration-refused",
                Phrase(
                    "the configuration file was changed and refused; the former one is in force",
                    "変更された設定は受け付けられず、前の設定で動いています"),
                remedy: Phrase("sudo hakarud --check-config", "sudo hakarud --check-config"))
        case "waiting":
            say(
                "daemon", .warning, "configuration-waits",
                Phrase(
                    "the changed configuration waits for the store; the former one is in force",
                    "変更された設定はストアの応答を待っており、前の設定で動いています"),
                remedy: Phrase(
                    "mend what hakaru status says of the storage; it is tried again by itself",
                    "hakaru status の storage の問題を直してください。自動で再試行します"))
        case "restart-needed":
            let keys = (configuration?["restart_needed"]?.array ?? []).compactMap(\.string)
                .joined(separator: ", ")
            say(
                "daemon", .warning, "restart-needed",
                Phrase("these keys wait for a restart: \(keys)", "再起動を待つ設定があります: \(keys)"),
                remedy: Phrase("sudo systemctl restart hakarud", "sudo systemctl restart hakarud"))
        default: break
        }
    }

    /// The six lists (事前登録), which the store holds.
    func lists(hasDaemon: Bool) {
        guard hasDaemon, let lists = ask("/v1/lists")?["lists"]?.array else {
            return say(
                "lists", .skipped, "lists",
                Phrase(
                    "the lists lie in the store: the daemon would say",
                    "一覧はストアにあり、サービスが動いていると確認できます"))
        }
        let filled = lists.filter { ($0["rows"]?.integer ?? 0) > 0 }
            .map { "\($0["list"]?.string ?? "?") \($0["rows"]?.integer ?? 0)" }
        say(
            "lists", .ok, "lists",
            filled.isEmpty
                ? Phrase(
                    "none is registered; the configuration alone says whose a device is",
                    "登録された一覧はありません。機器の持ち主は設定だけで決まります")
                : Phrase(filled.joined(separator: ", "), filled.joined(separator: ", ")))
    }

    /// Devices on a cable that the service was not let at.
    func ports(hasDaemon: Bool) {
        guard hasDaemon, let ports = ask("/v1/ports")?["ports"]?.array else {
            return say(
                "usb", .skipped, "usb",
                Phrase("the daemon would say", "サービスが動いていると確認できます"))
        }
        let refused = ports.filter { $0["state"]?.string?.contains("permission") == true }
        for port in refused {
            let place = port["place"]?.string ?? "?"
            say(
                "usb", .problem, "usb-permission",
                Phrase(
                    "the service may not open the device at \(place)", "サービスは \(place) の機器を開けません"),
                remedy: Phrase(
                    "pull it and plug it in again; else see udev/60-hakaru-devices.rules",
                    "差し直してください。だめなら 60-hakaru-devices.rules を確かめてください"), about: place)
        }
        guard refused.isEmpty else { return }
        say("usb", .ok, "usb", Phrase("\(ports.count) plugged in", "\(ports.count) 台が接続されています"))
    }
}
