import Glibc

/// The kernel's radio switches (rfkill): bluetoothd only says "Failed" where one is off.
struct RadioSwitch: Sendable {
    var folder = "/sys/class/rfkill"

    /// Whether a switch, of software or hardware, keeps an adapter off.
    func blocks(_ adapter: String) -> Bool {
        entries().contains { entry in
            let path = "\(folder)/\(entry)"
            return text(path + "/name") == adapter
                && (text(path + "/soft") == "1" || text(path + "/hard") == "1")
        }
    }

    private func entries() -> [String] {
        guard let open = opendir(folder) else { return [] }
        defer { closedir(open) }
        var names: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private func text(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(file, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].prefix { $0 != 10 }, as: UTF8.self)
    }
}
