import CLinux
import DataFiles
import Glibc

/// Gives back the program pages that only starting needed.
///
/// Linking and the first use of each library touch megabytes of code that an idle gateway never runs
/// again. The kernel may drop such clean pages: they are read from the file again when needed.
enum StartupMemory {
    static func release() {
        malloc_trim(0)
        guard let maps = try? FileReader.read("/proc/self/maps") else { return }
        for line in maps.split(separator: 10) {
            let fields = line.split(separator: 32)
            // Code only: data pages may hold relocations, which no file has.
            guard fields.count >= 6, Array(fields[1]) == Array("r-xp".utf8),
                fields[5].first == UInt8(ascii: "/"), let range = addresses(fields[0])
            else { continue }
            madvise(
                UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    private static func addresses(_ text: ArraySlice<UInt8>) -> Range<UInt>? {
        let ends = String(decoding: text, as: UTF8.self).split(separator: "-")
        guard ends.count == 2, let start = UInt(ends[0], radix: 16),
            let end = UInt(ends[1], radix: 16), start < end
        else { return nil }
        return start..<end
    }
}
