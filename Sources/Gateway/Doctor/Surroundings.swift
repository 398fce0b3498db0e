import CSystemd
import EventLoop
import Glibc
import USBLink

extension Doctor {
    /// The machine as the doctor sees it; tests hand in another one.
    struct Surroundings {
        var sysfs = "/sys"
        /// The service's user; where there is none, whoever runs the program takes its place.
        var user = "hakaru"
        var isClockSynchronised: () -> Bool = { GatewayClock.now().synchronised }
        var bus: () -> BusState = Surroundings.systemBus
        var patience: Duration = .seconds(10)
        var usb = DeviceTree()
        /// The programs that have a node open, as far as whoever asks may see it.
        var holders: (String) -> [String] = { Surroundings.programs(having: $0) }
    }

    /// Whether bluetoothd can be reached over the system bus.
    enum BusState: Equatable { case serves, noBluetoothd, noBus(String) }
}

extension Doctor.Surroundings {
    private static func systemBus() -> Doctor.BusState {
        var bus: OpaquePointer?
        let opened = sd_bus_open_system(&bus)
        guard opened >= 0, let bus else { return .noBus(String(cString: strerror(-opened))) }
        defer { sd_bus_flush_close_unref(bus) }
        var facts: OpaquePointer?
        let asked = sd_bus_get_name_creds(bus, "org.bluez", 0, &facts)
        sd_bus_creds_unref(facts)
        return asked >= 0 ? .serves : .noBluetoothd
    }

    /// The names in a folder of the kernel's tree, in order; none where it is not there.
    func entries(_ folder: String) -> [String] {
        guard let open = opendir(sysfs + folder) else { return [] }
        defer { closedir(open) }
        var names: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// The first line of a file of the kernel's tree.
    func text(_ path: String) -> String? {
        let file = open(sysfs + path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = read(file, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].prefix { $0 != 10 }, as: UTF8.self)
    }

    /// Who the service is: its numbers, or those of whoever asks.
    var service: (user: UInt32, group: UInt32, isOwn: Bool) {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        getpwnam_r(user, &entry, &buffer, buffer.count, &found)
        guard found != nil else { return (geteuid(), getegid(), false) }
        return (entry.pw_uid, entry.pw_gid, true)
    }
}

/// What a file's mode lets a user do, as the kernel would decide it; root may do all.
struct FileRights {
    let facts: stat

    /// Nil where the file is not there or cannot be looked at; `errno` says why.
    init?(_ path: String) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        self.facts = facts
    }

    var mode: UInt32 { facts.st_mode & 0o7777 }
    var isDirectory: Bool { facts.st_mode & S_IFMT == S_IFDIR }

    /// - Parameter bits: 4 to read, 2 to write, 1 to enter.
    func lets(_ user: UInt32, _ group: UInt32, _ bits: UInt32) -> Bool {
        if user == 0 { return true }
        let shift: UInt32 = facts.st_uid == user ? 6 : facts.st_gid == group ? 3 : 0
        return (mode >> shift) & bits == bits
    }
}

extension Doctor.Surroundings {
    /// The names of the processes that have a file open, or what a link there leads to.
    static func programs(having path: String, processes: String = "/proc") -> [String] {
        guard let wanted = realpath(path, nil) else { return [] }
        defer { free(wanted) }
        let target = String(cString: wanted)
        let tree = Doctor.Surroundings(sysfs: processes)
        return tree.entries("").filter { UInt32($0) != nil }.filter { process in
            tree.entries("/\(process)/fd").contains { number in
                var buffer = [CChar](repeating: 0, count: 512)
                let length = readlink(
                    "\(processes)/\(process)/fd/\(number)", &buffer, buffer.count)
                return length > 0
                    && String(
                        decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                        == target
            }
        }.compactMap { tree.text("/\($0)/comm") }
    }
}
