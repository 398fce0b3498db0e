import DataFiles
import Glibc

/// Which run of the machine this is: monotonic stamps of different runs have nothing in common.
enum Boot {
    /// The kernel's random name of this run; empty where it cannot be had, and then nothing of an
    /// earlier start of the daemon is compared.
    static let current = name(
        file: "/proc/sys/kernel/random/boot_id",
        told: getenv("HAKARU_BOOT").map { String(cString: $0) })

    /// The file where it is to be seen, else what the service manager told: a sandbox may hide the file.
    static func name(file: String, told: String?) -> String {
        let read = (try? FileReader.read(file)).map { String(decoding: $0, as: UTF8.self) }
        return read.flatMap(canonical) ?? told.flatMap(canonical) ?? ""
    }

    /// Written as the kernel writes it; systemd leaves the hyphens out.
    private static func canonical(_ text: String) -> String? {
        let digits = text.lowercased().filter { $0 != "-" && !$0.isWhitespace }
        guard digits.utf8.count == 32, digits.allSatisfy(\.isHexDigit) else { return nil }
        var name = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { name.append("-") }
            name.append(digit)
        }
        return name
    }
}
