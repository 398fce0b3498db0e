import CSQLite
import Glibc

/// The one place that turns a SQLite result code into an error.
///
/// - Parameters:
///   - code: the extended result code; its low byte is the primary code.
///   - handle: the connection the code came from, for its text and the system's error number.
///   - during: the statement or the step; it never holds a value.
///   - lastErrno: `errno` right after the call, when it was cleared before it.
func spoolError(
    _ code: Int32, _ handle: OpaquePointer?, path: String, during: String, lastErrno: Int32 = 0
) -> SpoolError {
    let message =
        handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
    let system = systemNumber(code, handle, lastErrno)
    var text = "\(message) (SQLite \(code)"
    if system != 0 { text += ", \(String(cString: strerror(system)))" }
    text += ") during \(during)"
    let fault = SpoolFault(path: path, text: text)
    switch code & 0xff {
    case SQLITE_FULL: return .diskFull(fault)
    case SQLITE_READONLY:
        // SQLITE_READONLY_DBMOVED: the file was removed or renamed under the connection.
        return code == SQLITE_READONLY | 4 << 8 ? .gone(fault) : .readOnly(fault)
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: return .busy(fault)
    case SQLITE_CORRUPT, SQLITE_NOTADB: return .damaged(fault)
    case SQLITE_PERM: return .readOnly(fault)
    case SQLITE_IOERR, SQLITE_CANTOPEN: return systemError(system, fault)
    default: return .failed(fault)
    }
}

/// The system's number behind an input-output error.
///
/// SQLite keeps it when opening a file, but not when a COMMIT fails; there `errno` tells, as far as
/// its value can only come from the failed operation itself.
private func systemNumber(_ code: Int32, _ handle: OpaquePointer?, _ lastErrno: Int32) -> Int32 {
    guard [SQLITE_IOERR, SQLITE_CANTOPEN].contains(code & 0xff) else { return 0 }
    let kept = handle.map { sqlite3_system_errno($0) } ?? 0
    if kept != 0 { return kept }
    return [ENOSPC, EDQUOT, EROFS, EIO].contains(lastErrno) ? lastErrno : 0
}

/// An error of the file system, by what the caller can do.
func systemError(_ number: Int32, _ fault: SpoolFault) -> SpoolError {
    switch number {
    case ENOSPC, EDQUOT: .diskFull(fault)
    case EROFS, EACCES, EPERM: .readOnly(fault)
    case ENOENT, ENOTDIR: .gone(fault)
    default: .inputOutput(fault)
    }
}

/// The error of a file operation that just failed, with the system's text.
func fileError(_ operation: String, _ path: String, _ number: Int32 = errno) -> SpoolError {
    systemError(
        number, SpoolFault(path: path, text: "\(operation): \(String(cString: strerror(number)))"))
}
