import CSQLite
import EventLoop
import Glibc

/// What goes wrong in one directory, and how often its files were written and synchronised.
final class Faults: Sendable {
    struct State {
        /// The result of every write, with the system's number; nil: writes work.
        var write: (code: Int32, number: Int32)?
        var synchronise: (code: Int32, number: Int32)?
        /// How many writes still work before `write` applies.
        var writesLeft = 0
        var writes = 0
        var synchronised: [String: Int] = [:]
    }
    let state = Locked(State())

    /// The device is full: ENOSPC, after some more writes.
    func fill(afterWrites count: Int = 0) {
        state.withLock { $0.write = (SQLITE_FULL, ENOSPC) }
        state.withLock { $0.writesLeft = count }
    }
    func breakWrites(afterWrites count: Int = 0) {
        state.withLock { $0.write = (SQLITE_IOERR | 3 << 8, EIO) }
        state.withLock { $0.writesLeft = count }
    }
    func breakSynchronising() { state.withLock { $0.synchronise = (SQLITE_IOERR | 4 << 8, EIO) } }
    func remountReadOnly() { state.withLock { $0.write = (SQLITE_IOERR | 3 << 8, EROFS) } }
    func heal() {
        state.withLock { $0.write = nil }
        state.withLock { $0.synchronise = nil }
    }
    func synchronised(_ suffix: String) -> Int {
        state.withLock { state in
            state.synchronised.filter { $0.key.hasSuffix(suffix) }.values.reduce(0, +)
        }
    }

    fileprivate func nextWrite() -> (code: Int32, number: Int32)? {
        state.withLock { state in
            state.writes += 1
            guard let fault = state.write else { return nil }
            state.writesLeft -= 1
            return state.writesLeft < 0 ? fault : nil
        }
    }
    fileprivate func nextSynchronise(_ path: String) -> (code: Int32, number: Int32)? {
        state.withLock { state in
            state.synchronised[path, default: 0] += 1
            return state.synchronise
        }
    }
}

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

    private static func opened(_ file: UnsafeMutablePointer<sqlite3_file>?) -> OpenFile? {
        guard let file else { return nil }
        return pointers.withLock { $0.files[UnsafeMutableRawPointer(file)] }
    }

    private static let registered: Void = {
        guard let system = sqlite3_vfs_find(nil) else { return }
        let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        layer.initialize(to: system.pointee)
        layer.pointee.zName = UnsafePointer(strdup(name))
        layer.pointee.pNext = nil
        layer.pointee.xOpen = { _, path, file, flags, outFlags in
            guard let system = sqlite3_vfs_find(nil), let open = system.pointee.xOpen else {
                return SQLITE_ERROR
            }
            let result = open(system, path, file, flags, outFlags)
            if result == SQLITE_OK, let path, let file {
                FaultLayer.watch(String(cString: path), file)
            }
            return result
        }
        sqlite3_vfs_register(layer, 0)
    }()

    private static func watch(_ path: String, _ file: UnsafeMutablePointer<sqlite3_file>) {
        let faults = directories.withLock { known in
            known.first { path.hasPrefix($0.key + "/") }?.value
        }
        guard let faults, let real = file.pointee.pMethods else { return }
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
        methods.pointee.xWrite = { file, bytes, count, offset in
            guard let open = FaultLayer.opened(file), let write = open.real.pointee.xWrite
            else { return SQLITE_MISUSE }
            guard let fault = open.faults.nextWrite() else {
                return write(file, bytes, count, offset)
            }
            errno = fault.number
            return fault.code
        }
        methods.pointee.xSync = { file, flags in
            guard let open = FaultLayer.opened(file), let synchronise = open.real.pointee.xSync
            else { return SQLITE_MISUSE }
            guard let fault = open.faults.nextSynchronise(open.path) else {
                return synchronise(file, flags)
            }
            errno = fault.number
            return fault.code
        }
        methods.pointee.xClose = { file in
            guard let file, let open = FaultLayer.opened(file), let close = open.real.pointee.xClose
            else { return SQLITE_MISUSE }
            FaultLayer.pointers.withLock {
                _ = $0.files.removeValue(forKey: UnsafeMutableRawPointer(file))
            }
            file.pointee.pMethods = open.real
            return close(file)
        }
        return UnsafePointer(methods)
    }
}
