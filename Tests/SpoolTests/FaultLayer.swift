import CSQLite
import EventLoop
import Glibc

/// A file layer for SQLite that is the system's own, but for the faults of a directory.
enum FaultLayer {
    static let name = "fault"

    /// Faults for the files below a directory; registers the layer at the first call.
    static func faults(below directory: String) -> Faults {
        _ = registered
        let faults = Faults()
        directories.withLock { $0[directory] = faults }
        return faults
    }

    private struct OpenFile {
        var path: String
        var faults: Faults
        var real: UnsafePointer<sqlite3_io_methods>
    }
    // The methods are immutable once made; files come and go under the lock.
    private struct Pointers: @unchecked Sendable {
        var files: [UnsafeMutableRawPointer: OpenFile] = [:]
        var methods: [UnsafePointer<sqlite3_io_methods>: UnsafePointer<sqlite3_io_methods>] = [:]
    }
    private static let directories = Locked<[String: Faults]>([:])
    private static let pointers = Locked(Pointers())

    private static func faults(of path: UnsafePointer<CChar>?) -> (faults: Faults, path: String)? {
        guard let path else { return nil }
        let text = String(cString: path)
        let found = directories.withLock { known in
            known.first { text.hasPrefix($0.key + "/") }?.value
        }
        return found.map { ($0, text) }
    }

    /// The answer of a call on a name; nil where the call is to be made.
    private static func answer(_ call: FileCall, _ path: UnsafePointer<CChar>?) -> Int32? {
        guard let (faults, path) = faults(of: path) else { return nil }
        guard let answer = faults.next(call, path) else { return nil }
        errno = answer.number
        return answer.code
    }

    private static func opened(_ file: UnsafeMutablePointer<sqlite3_file>?) -> OpenFile? {
        guard let file else { return nil }
        return pointers.withLock { $0.files[UnsafeMutableRawPointer(file)] }
    }

    /// Makes a call on an open file, or gives the answer that stands for it.
    private static func make(
        _ call: FileCall, _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ body: (sqlite3_io_methods) -> Int32?
    ) -> Int32 {
        guard let open = opened(file) else { return SQLITE_MISUSE }
        guard let answer = open.faults.next(call, open.path) else {
            return body(open.real.pointee) ?? SQLITE_MISUSE
        }
        errno = answer.number
        return answer.code
    }

    private static let registered: Void = {
        guard let system = sqlite3_vfs_find(nil) else { return }
        let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        layer.initialize(to: system.pointee)
        layer.pointee.zName = UnsafePointer(strdup(name))
        layer.pointee.pNext = nil
        layer.pointee.xOpen = { _, path, file, flags, outFlags in
            file?.pointee.pMethods = nil
            if let code = FaultLayer.answer(.open, path) { return code }
            guard let system = sqlite3_vfs_find(nil), let open = system.pointee.xOpen else {
                return SQLITE_ERROR
            }
            let result = open(system, path, file, flags, outFlags)
            if result == SQLITE_OK, let file { FaultLayer.watch(path, file) }
            return result
        }
        layer.pointee.xDelete = { _, path, synchronises in
            if let code = FaultLayer.answer(.delete, path) { return code }
            guard let system = sqlite3_vfs_find(nil) else { return SQLITE_ERROR }
            return system.pointee.xDelete(system, path, synchronises)
        }
        layer.pointee.xAccess = { _, path, flags, result in
            if let code = FaultLayer.answer(.access, path) { return code }
            guard let system = sqlite3_vfs_find(nil) else { return SQLITE_ERROR }
            return system.pointee.xAccess(system, path, flags, result)
        }
        sqlite3_vfs_register(layer, 0)
    }()

    private static func watch(
        _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>
    ) {
        guard let (faults, path) = faults(of: path), let real = file.pointee.pMethods else {
            return
        }
        let watched = OpenFile(path: path, faults: faults, real: real)
        pointers.withLock { pointers in
            pointers.files[UnsafeMutableRawPointer(file)] = watched
            let methods = pointers.methods[real] ?? wrapped(real)
            pointers.methods[real] = methods
            file.pointee.pMethods = methods
        }
    }

    private static func wrapped(
        _ real: UnsafePointer<sqlite3_io_methods>
    ) -> UnsafePointer<sqlite3_io_methods> {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: real.pointee)
        wrapContents(&methods.pointee)
        wrapLocks(&methods.pointee)
        return UnsafePointer(methods)
    }

    private static func wrapContents(_ methods: inout sqlite3_io_methods) {
        methods.xRead = { file, bytes, count, offset in
            FaultLayer.make(.read, file) { $0.xRead?(file, bytes, count, offset) }
        }
        methods.xWrite = { file, bytes, count, offset in
            FaultLayer.make(.write, file) { $0.xWrite?(file, bytes, count, offset) }
        }
        methods.xTruncate = { file, size in
            FaultLayer.make(.truncate, file) { $0.xTruncate?(file, size) }
        }
        methods.xSync = { file, flags in
            FaultLayer.make(.synchronise, file) { $0.xSync?(file, flags) }
        }
        methods.xFileSize = { file, size in
            FaultLayer.make(.size, file) { $0.xFileSize?(file, size) }
        }
        methods.xClose = { file in
            guard let file, let open = FaultLayer.opened(file), let close = open.real.pointee.xClose
            else { return SQLITE_MISUSE }
            FaultLayer.pointers.withLock {
                _ = $0.files.removeValue(forKey: UnsafeMutableRawPointer(file))
            }
            file.pointee.pMethods = open.real
            return close(file)
        }
        // Pages of the file must not be mapped past the layer.
        methods.iVersion = min(methods.iVersion, 2)
    }

    private static func wrapLocks(_ methods: inout sqlite3_io_methods) {
        methods.xLock = { file, level in
            FaultLayer.make(.lock, file) { $0.xLock?(file, level) }
        }
        methods.xShmMap = { file, region, size, extends, pointer in
            FaultLayer.make(.mapShared, file) {
                $0.xShmMap?(file, region, size, extends, pointer)
            }
        }
        methods.xShmLock = { file, offset, count, flags in
            // A lock that is given back is always taken: the system knows no error there.
            if flags & SQLITE_SHM_UNLOCK != 0, let open = FaultLayer.opened(file) {
                return open.real.pointee.xShmLock?(file, offset, count, flags) ?? SQLITE_MISUSE
            }
            let isWriter = flags & SQLITE_SHM_EXCLUSIVE != 0
            return FaultLayer.make(isWriter ? .lockWriter : .lockReader, file) {
                $0.xShmLock?(file, offset, count, flags)
            }
        }
    }
}
