import EventLoop
import Glibc
import StationInput
import USBLink

/// Finds the device that a binding means, and nothing that it does not mean for certain.
@LoopActor struct ReaderFinder {
    enum Found {
        case found(any StationReader, device: String?)
        /// It is not there, or something else is; for the status.
        case absent(String)
    }

    var tree = DeviceTree()
    /// All USB devices; nil while USB is switched off.
    var host: @LoopActor () -> USBHost?

    /// The plugged device that a place means.
    func device(_ place: ReaderPlace) -> USBDeviceInfo? {
        let paths: [USBPath] =
            switch place {
            case .port(let path), .model(_, let path): [path]
            case .serial: tree.paths()
            case .node: []
            }
        for path in paths {
            // Descriptors that cannot be what they say are no reader's.
            guard let info = (try? tree.device(path)) ?? nil, place.means(info) else { continue }
            return info
        }
        return nil
    }

    func kind(_ place: ReaderPlace) -> ReaderSettings.Kind? {
        if case .node(let path) = place {
            return path.hasPrefix("/dev/input/") ? .keyboard : .serial
        }
        guard let info = device(place) else { return nil }
        if CardReaderModel(vendor: info.vendor, product: info.product) != nil { return .pasori }
        if !tree.lines(info.path).isEmpty { return .serial }
        return tree.keyboards(info.path).isEmpty ? nil : .keyboard
    }

    func reader(_ settings: ReaderSettings) -> Found {
        if case .node(let path) = settings.place {
            guard access(path, F_OK) == 0 else { return .absent(ReaderSeat.absent) }
            return node(path, settings)
        }
        guard let info = device(settings.place) else { return .absent(missing(settings.place)) }
        let name = info.productName.map { "\($0) (\(info.numbers))" } ?? info.numbers
        switch settings.kind {
        case .keyboard:
            let nodes = tree.keyboards(info.path)
            guard !nodes.isEmpty else { return .absent("\(info.numbers) there does not type") }
            return .found(keyboard(nodes, settings), device: name)
        case .serial:
            guard let line = tree.lines(info.path).first else {
                return .absent("the kernel has made no serial line for \(info.numbers)")
            }
            return .found(scanner("/dev/" + line, settings), device: name)
        case .pasori: return pasori(info, settings, name)
        }
    }

    private func missing(_ place: ReaderPlace) -> String {
        guard case .model(let numbers, let path) = place,
            let other = (try? tree.device(path)) ?? nil
        else { return ReaderSeat.absent }
        return "\(other.numbers) is plugged in there, not \(numbers): it is left alone"
    }

    private func node(_ path: String, _ settings: ReaderSettings) -> Found {
        switch settings.kind {
        case .keyboard: .found(keyboard([path], settings), device: nil)
        case .serial: .found(scanner(path, settings), device: nil)
        case .pasori: .absent("a card reader has no node of this kind")
        }
    }

    private func keyboard(_ nodes: [String], _ settings: ReaderSettings) -> KeyboardReader {
        KeyboardReader(
            nodes: nodes, input: KeyboardInput(settings.layout, settings.assembler))
    }

    private func scanner(_ node: String, _ settings: ReaderSettings) -> LineReader {
        LineReader(node: node, line: settings.line, input: LineInput(settings.assembler))
    }

    private func pasori(
        _ info: USBDeviceInfo, _ settings: ReaderSettings, _ name: String
    ) -> Found {
        guard let host = host() else {
            return .absent("needs-person: usb is switched off in the configuration")
        }
        guard CardReaderModel(vendor: info.vendor, product: info.product) != nil else {
            return .absent("\(info.numbers) there is no card reader that is known")
        }
        // The host's own look may come a moment later; it tells of it.
        guard let known = host.present.first(where: { $0.path == info.path }), known.isSettled
        else { return .absent(ReaderSeat.absent) }
        guard let reader = CardReader(host, known, systemCode: settings.systemCode) else {
            return .absent("\(info.numbers) lacks the interface that it is read by")
        }
        return .found(reader, device: name)
    }
}

/// What a person has to do so that a reader can be opened.
enum ReaderRemedy {
    static func permission(
        _ node: String, _ settings: ReaderSettings, _ info: USBDeviceInfo?
    ) -> String {
        let group = "GROUP=\"hakaru\", MODE=\"0660\""
        let rule: String
        switch settings.kind {
        case .pasori: return USBError.permission(node: node).description
        case .keyboard where info != nil, .serial where info != nil:
            let subsystem = settings.kind == .keyboard ? "input" : "tty"
            let kernel = settings.kind == .keyboard ? "KERNEL==\"event*\", " : ""
            let vendor = info?.numbers.prefix(4) ?? ""
            let product = info?.numbers.suffix(4) ?? ""
            rule =
                "SUBSYSTEM==\"\(subsystem)\", \(kernel)ATTRS{idVendor}==\"\(vendor)\", "
                + "ATTRS{idProduct}==\"\(product)\", \(group)"
        default:
            // A link names its device for certain; the rules that make it come before number 61.
            let subsystem = settings.kind == .keyboard ? "input" : "tty"
            let name = node.dropFirst("/dev/".utf8.count)
            let key = name.contains("/") ? "SYMLINK" : "KERNEL"
            rule = "SUBSYSTEM==\"\(subsystem)\", \(key)==\"\(name)\", \(group)"
        }
        return "no permission for \(node): write this line into "
            + "/etc/udev/rules.d/61-hakaru-readers.rules, run `udevadm control --reload` and plug "
            + "the reader in again: \(rule)"
    }
}
