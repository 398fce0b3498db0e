import DataFiles
import Glibc
import JSON
import StationInput
import USBLink

/// The readers of the stations: plugged in, open to the service, and to nobody else.
extension Doctor {
    /// What stands in a reader's way, by what a person can do about it.
    enum ReaderTrouble: String, CaseIterable {
        case absent = "reader-absent"
        case otherModel = "reader-other-model"
        case permission = "reader-permission"
        case held = "reader-held"
        case unsteady = "reader-unsteady"
        case other = "reader-trouble"

        /// Nil for a reader that works, or is about to.
        init?(state: String) {
            if state == ReaderSeat.ready || state == ReaderSeat.opening { return nil }
            self =
                if state == ReaderSeat.absent {
                    .absent
                } else if state.contains("no permission for ") {
                    .permission
                } else if state.contains("holds the device") {
                    .held
                } else if state.contains(" is plugged in there, not ") {
                    .otherModel
                } else if state.hasPrefix("again soon") {
                    .unsteady
                } else {
                    .other
                }
        }
    }

    /// - Parameter known: what the daemon says of its readers; nil where it does not run.
    func readers(_ configuration: Configuration) {
        let known = ask("/v1/readers")?["readers"]?.array
        let readers = known.map { $0.map(told) } ?? boundReaders(configuration).map(looked)
        guard !readers.isEmpty else { return }
        for reader in readers {
            if let trouble = reader.trouble { name(trouble, of: reader) }
        }
        guard readers.allSatisfy({ $0.trouble == nil }) else { return }
        let count = readers.count
        say("readers", .ok, "readers", Phrase("\(count) at stations", "会場の読み取り機 \(count) 台"))
    }

    private struct SeenReader {
        var place: String
        var station: String
        var detail: String
        var nodes: [String]
        var trouble: ReaderTrouble?
    }

    // MARK: what the daemon says

    private func told(_ entry: JSONValue) -> SeenReader {
        let place = entry["port"]?.string ?? "?"
        let state = entry["state"]?.string ?? ""
        let settings = try? ReaderSettings(entry)
        return SeenReader(
            place: place, station: entry["station"]?.string ?? "?", detail: state,
            nodes: settings.map { found($0)?.nodes ?? [] } ?? [],
            trouble: ReaderTrouble(state: state))
    }

    // MARK: what can be seen without it

    /// What the configuration binds, and what was said to the daemon when it ran.
    private func boundReaders(_ configuration: Configuration) -> [ReaderBinding] {
        let path = options.stateDirectory + "/readers.json"
        let kept = (try? FileReader.read(path)).flatMap { try? JSONValue.parse($0) }
        let places = Set(configuration.readers.map(\.settings.place))
        return configuration.readers
            + (kept?["readers"]?.array ?? []).compactMap { entry in
                guard let station = entry["station"]?.string,
                    let settings = try? ReaderSettings(entry), !places.contains(settings.place)
                else { return nil }
                return ReaderBinding(station: station, settings: settings, isConfigured: false)
            }
    }

    private func looked(_ binding: ReaderBinding) -> SeenReader {
        let settings = binding.settings
        var seen = SeenReader(
            place: "\(settings.place)", station: binding.station, detail: "", nodes: [])
        guard let found = found(settings), !found.nodes.isEmpty else {
            seen.trouble = .absent
            return seen
        }
        seen.nodes = found.nodes
        let service = surroundings.service
        // Keys are only read; lines and card readers are spoken to as well.
        let bits: UInt32 = settings.kind == .keyboard ? 4 : 6
        let isOpen = found.nodes.allSatisfy {
            FileRights($0)?.lets(service.user, service.group, bits) ?? false
        }
        if !isOpen {
            let node = found.nodes[0]
            seen.detail = ReaderRemedy.permission(node, settings, found.device)
            seen.trouble = .permission
        } else if settings.kind != .keyboard, !holders(of: found.nodes).isEmpty {
            // Desktop programs have every keyboard open; that alone takes nothing away.
            seen.trouble = .held
        }
        return seen
    }

    /// The nodes by which a reader would be opened; nil where nothing of the kind is plugged in.
    private func found(
        _ settings: ReaderSettings
    ) -> (nodes: [String], device: USBDeviceInfo?)? {
        if case .node(let path) = settings.place {
            return access(path, F_OK) == 0 ? ([path], nil) : nil
        }
        let tree = surroundings.usb
        for path in tree.paths() {
            guard let info = (try? tree.device(path)) ?? nil, settings.place.means(info) else {
                continue
            }
            switch settings.kind {
            case .keyboard: return (tree.keyboards(path), info)
            case .serial: return (tree.lines(path).prefix(1).map { "/dev/" + $0 }, info)
            case .pasori: return (info.node.map { [$0] } ?? [], info)
            }
        }
        return nil
    }

    private func holders(of nodes: [String]) -> [String] {
        Set(nodes.flatMap(surroundings.holders)).subtracting(["hakarud"]).sorted()
    }

    // MARK: what is said

    private func name(_ trouble: ReaderTrouble, of reader: SeenReader) {
        let phrases = phrases(trouble, reader)
        say(
            "readers", trouble == .unsteady ? .warning : .problem, trouble.rawValue, phrases.what,
            remedy: phrases.remedy, about: reader.place)
    }

    private func phrases(
        _ trouble: ReaderTrouble, _ reader: SeenReader
    ) -> (what: Phrase, remedy: Phrase) {
        let (place, station) = (reader.place, reader.station)
        switch trouble {
        case .absent:
            return (
                Phrase(
                    "the reader of \(station) is not plugged in at \(place)",
                    "\(station) の読み取り機が \(place) にありません"),
                Phrase(
                    "plug it in there; it moved or is gone: hakaru station unbind \(place)",
                    "差し込んでください。外した場合は hakaru station unbind \(place)")
            )
        case .otherModel:
            return (
                Phrase(
                    "\(station): another model is plugged in at \(place)",
                    "\(station): \(place) には別の機種が差してあります"),
                Phrase(
                    "plug the bound reader in there, or hakaru station bind \(station) with its port",
                    "登録した機種を差すか、hakaru station bind \(station) で登録し直してください")
            )
        case .permission: return refusal(reader)
        case .held: return conflict(reader)
        case .unsteady, .other:
            return (
                Phrase(
                    "the reader of \(station) at \(place): \(reader.detail)",
                    "\(station) の読み取り機 (\(place)): \(reader.detail)"),
                Phrase(
                    "pull it and plug it in again, without a hub where there is one; "
                        + "hakaru station readers shows what follows",
                    "ハブを通さずに差し直し、hakaru station readers で確かめてください")
            )
        }
    }

    private func refusal(_ reader: SeenReader) -> (what: Phrase, remedy: Phrase) {
        let rule = reader.detail.split(separator: ": ", omittingEmptySubsequences: true).last
        let line = rule.map(String.init) ?? ""
        guard line.contains("GROUP=") else {
            return (
                Phrase(
                    "the service may not open the reader of \(reader.station) at \(reader.place)",
                    "サービスは \(reader.station) の読み取り機 (\(reader.place)) を開けません"),
                Phrase(
                    "sudo udevadm control --reload; then pull it and plug it in again",
                    "sudo udevadm control --reload の後で差し直してください")
            )
        }
        let file = "/etc/udev/rules.d/61-hakaru-readers.rules"
        return (
            Phrase(
                "the service may not open the reader of \(reader.station) at \(reader.place)",
                "サービスは \(reader.station) の読み取り機 (\(reader.place)) を開けません"),
            Phrase(
                "echo '\(line)' | sudo tee -a \(file); sudo udevadm control --reload; plug it in again",
                "echo '\(line)' | sudo tee -a \(file); sudo udevadm control --reload の後で差し直してください")
        )
    }

    private func conflict(_ reader: SeenReader) -> (what: Phrase, remedy: Phrase) {
        let holders = holders(of: reader.nodes)
        let names = holders.joined(separator: ", ")
        // It comes back with the next program that asks for a smart card, unless it is switched off.
        if holders == ["pcscd"] {
            let command = "sudo systemctl disable --now pcscd.socket pcscd.service"
            return (
                Phrase(
                    "the smart-card service (pcscd) has the reader of \(reader.station) at \(reader.place)",
                    "\(reader.station) の読み取り機 (\(reader.place)) をスマートカードサービス (pcscd) が使っています"),
                Phrase(command, command)
            )
        }
        let english = names.isEmpty ? "another program" : names
        let japanese = names.isEmpty ? "ほかのプログラム" : names
        return (
            Phrase(
                "\(english) has the reader of \(reader.station) at \(reader.place)",
                "\(reader.station) の読み取り機 (\(reader.place)) を \(japanese) が使っています"),
            Phrase(
                "end \(english); sudo fuser -v \(reader.nodes.joined(separator: " ")) names what is left",
                "\(japanese) を終了してください。残りは sudo fuser -v \(reader.nodes.joined(separator: " ")) で分かります"
            )
        )
    }
}
