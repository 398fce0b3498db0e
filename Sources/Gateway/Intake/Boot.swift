import DataFiles

/// Which run of the machine this is: monotonic stamps of different runs have nothing in common.
enum Boot {
    /// The kernel's random name of this run; empty where it cannot be read, and then nothing of an
    /// earlier start of the daemon is compared.
    static let current: String = {
        guard let bytes = try? FileReader.read("/proc/sys/kernel/random/boot_id") else { return "" }
        return String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
    }()
}
