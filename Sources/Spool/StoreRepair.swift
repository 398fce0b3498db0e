import CLinux
import Glibc

/// A copy of a damaged store with the head and the list of tables of a new one.
///
/// A store without its first page is unreadable however whole its records are. That page and the
/// ones below it hold nothing of the user's, only where the tables begin, and tables that were made
/// by the same steps begin at the same pages. So a new store's pages can stand in for them.
struct StoreRepair {
    private static let pageSize = 4_096
    /// The pages that stand in, by their number from 0.
    private let pages: [(number: Int, bytes: [UInt8])]

    /// Takes the pages from a new store that is closed.
    init(template path: String) throws(SpoolError) {
        let source = try Descriptor(path, O_RDONLY)
        let first = try source.read(at: 0, count: Self.pageSize)
        var pages = [(number: 0, bytes: first)]
        for child in Self.children(ofFirstPage: first) {
            let bytes = try source.read(at: child * Self.pageSize, count: Self.pageSize)
            pages.append((number: child, bytes: bytes))
        }
        self.pages = pages
    }

    /// Writes the copy; the damaged file is only read.
    func copy(_ damaged: String, to target: String) throws(SpoolError) {
        let source = try Descriptor(damaged, O_RDONLY)
        let copy = try Descriptor(target, O_RDWR | O_CREAT | O_TRUNC)
        var size = 0
        while true {
            let chunk = try source.read(at: size, count: 1 << 20)
            if chunk.isEmpty { break }
            try copy.write(chunk, at: size)
            size += chunk.count
        }
        for page in pages {
            var bytes = page.bytes
            if page.number == 0 { Self.set(pageCount: size / Self.pageSize, in: &bytes) }
            try copy.write(bytes, at: page.number * Self.pageSize)
        }
    }

    /// The pages below the first where the list of tables does not fit on it.
    private static func children(ofFirstPage page: [UInt8]) -> [Int] {
        // The page's own header follows the file's 100 bytes; 5 marks an inner page of a table.
        guard page.count == pageSize, page[100] == 5 else { return [] }
        func integer(at offset: Int, _ width: Int) -> Int {
            page[offset..<offset + width].reduce(0) { $0 << 8 | Int($1) }
        }
        var numbers = [integer(at: 108, 4)]
        for cell in 0..<integer(at: 103, 2) {
            let offset = integer(at: 112 + 2 * cell, 2)
            if offset + 4 <= pageSize { numbers.append(integer(at: offset, 4)) }
        }
        return numbers.map { $0 - 1 }.filter { $0 > 0 }
    }

    /// The file's length in pages, and no list of free pages.
    private static func set(pageCount: Int, in page: inout [UInt8]) {
        for index in 0..<4 {
            page[28 + index] = UInt8(truncatingIfNeeded: pageCount >> (24 - 8 * index))
        }
        for index in 32..<40 { page[index] = 0 }
    }
}

/// An open file that is read and written at offsets; closed when the value goes away.
private struct Descriptor: ~Copyable {
    private let number: Int32
    private let path: String

    init(_ path: String, _ flags: Int32) throws(SpoolError) {
        let opened = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard opened >= 0 else { throw fileError("open", path) }
        number = opened
        self.path = path
    }

    deinit { close(number) }

    /// Reads up to `count` bytes; fewer only at the end of the file.
    func read(at offset: Int, count: Int) throws(SpoolError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = pread(number, &bytes, count, off_t(offset))
        guard got >= 0 else { throw fileError("read", path) }
        return Array(bytes[..<got])
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(SpoolError) {
        let done = pwrite(number, bytes, bytes.count, off_t(offset))
        guard done == bytes.count else {
            throw fileError("write", path, done < 0 ? errno : ENOSPC)
        }
    }
}
