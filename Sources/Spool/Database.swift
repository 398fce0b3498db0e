import CSQLite
import EventLoop
import Glibc

/// An open SQLite database; closed when the value goes away.
///
/// Used on one thread only, so SQLite's own mutexes are off.
@safe struct Database: ~Copyable {
    let path: String
    fileprivate let handle: OpaquePointer
    /// Held as long as SQLite may call it.
    private let meter: WorkMeter?

    enum Mode {
        case readWrite
        /// Changes nothing, not even by recovering a log.
        case readOnly
    }

    /// Opens an existing file.
    ///
    /// - Parameter meter: hears of every so many instructions, so that a long statement is no hang.
    init(
        path: String, mode: Mode = .readWrite, vfs: String? = nil, meter: WorkMeter? = nil
    ) throws(SpoolError) {
        _ = withoutMemoryStatistics
        var opened: OpaquePointer?
        let access =
            mode == .readWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
        let flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW
        let code = sqlite3_open_v2(path, &opened, flags, vfs)
        guard code == SQLITE_OK, let opened else {
            let error = spoolError(code, opened, path: path, during: "open")
            sqlite3_close_v2(opened)
            throw error
        }
        guard mode == .readOnly || sqlite3_db_readonly(opened, "main") == 0 else {
            sqlite3_close_v2(opened)
            throw .readOnly(SpoolFault(path: path, text: "the file cannot be written"))
        }
        self.path = path
        self.meter = meter
        handle = opened
        guard let meter else { return }
        sqlite3_progress_handler(
            opened, 200_000,
            { context in
                if let context {
                    Unmanaged<WorkMeter>.fromOpaque(context).takeUnretainedValue().step()
                }
                return 0
            }, Unmanaged.passUnretained(meter).toOpaque())
    }

    deinit { sqlite3_close_v2(handle) }

    /// Runs statements without parameters and without results.
    func execute(_ text: String, during: String) throws(SpoolError) {
        let code = sqlite3_exec(handle, text, nil, nil, nil)
        guard code == SQLITE_OK else {
            throw spoolError(code, handle, path: path, during: during)
        }
    }

    /// Calls back every now and then while a statement runs; one that answers 1 ends it.
    func onProgress(
        _ context: UnsafeMutableRawPointer,
        _ body: @convention(c) (UnsafeMutableRawPointer?) -> Int32
    ) {
        sqlite3_progress_handler(handle, 20_000, body, context)
    }

    func setBusyTimeout(milliseconds: Int32) { sqlite3_busy_timeout(handle, milliseconds) }

    /// Rows changed by the last statement.
    var changes: Int { Int(sqlite3_changes64(handle)) }
    var lastRowID: Int64 { sqlite3_last_insert_rowid(handle) }
    /// False after SQLite itself rolled a transaction back.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Bytes of pages that are held in memory.
    var cacheBytes: Int {
        var now: Int32 = 0
        var most: Int32 = 0
        sqlite3_db_status(handle, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0)
        return Int(now)
    }

    func prepare(_ sql: SQL) throws(SpoolError) -> Statement {
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(
            handle, sql.text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else {
            throw spoolError(code, handle, path: path, during: sql.label)
        }
        return Statement(prepared, database: handle, path: path, sql: sql)
    }
}

/// A prepared statement; finalised when the last reference goes away.
final class Statement {
    private let pointer: OpaquePointer
    private let database: OpaquePointer
    private let path: String
    private let sql: SQL

    fileprivate init(
        _ pointer: OpaquePointer, database: OpaquePointer, path: String, sql: SQL
    ) {
        self.pointer = pointer
        self.database = database
        self.path = path
        self.sql = sql
    }

    deinit { sqlite3_finalize(pointer) }

    /// Gives the parameters their values, in order.
    func bind(_ values: [SQLValue]) throws(SpoolError) {
        for index in values.indices {
            let code = bind(values[index], at: Int32(index + 1))
            guard code == SQLITE_OK else { throw error(code) }
        }
    }

    /// The same for whole numbers only.
    func bind<let count: Int>(_ numbers: InlineArray<count, Int64>) throws(SpoolError) {
        for index in numbers.indices {
            let code = sqlite3_bind_int64(pointer, Int32(index + 1), numbers[index])
            guard code == SQLITE_OK else { throw error(code) }
        }
    }

    private func bind(_ value: SQLValue, at index: Int32) -> Int32 {
        switch value {
        case .null: return sqlite3_bind_null(pointer, index)
        case .integer(let number): return sqlite3_bind_int64(pointer, index, number)
        case .real(let number): return sqlite3_bind_double(pointer, index, number)
        case .text(let text):
            return sqlite3_bind_text(
                pointer, index, text, Int32(clamping: text.utf8.count), copiedBySQLite)
        case .blob(let bytes):
            // A null pointer would bind NULL, which an empty frame is not.
            guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(pointer, index, 0) }
            return sqlite3_bind_blob(
                pointer, index, bytes, Int32(clamping: bytes.count), copiedBySQLite)
        }
    }

    /// Moves to the next row; false when there are no more.
    func step() throws(SpoolError) -> Bool {
        errno = 0
        let code = sqlite3_step(pointer)
        let number = errno
        if code == SQLITE_ROW { return true }
        guard code == SQLITE_DONE else { throw error(code, number) }
        return false
    }

    /// Makes the statement ready to run again and drops the values it was given.
    func reset() {
        sqlite3_reset(pointer)
        sqlite3_clear_bindings(pointer)
    }

    /// Makes the statement ready to run again with the values that it has.
    func rewind() { sqlite3_reset(pointer) }

    var columnCount: Int { Int(sqlite3_column_count(pointer)) }

    func value(_ column: Int) -> SQLValue {
        let index = Int32(column)
        switch sqlite3_column_type(pointer, index) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(pointer, index))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(pointer, index))
        case SQLITE_TEXT: return .text(text(index))
        case SQLITE_BLOB: return .blob(blob(index))
        default: return .null
        }
    }

    /// A column's whole number; nil where it is anything else.
    func integer(_ column: Int) -> Int64? {
        let index = Int32(column)
        guard sqlite3_column_type(pointer, index) == SQLITE_INTEGER else { return nil }
        return sqlite3_column_int64(pointer, index)
    }

    /// A column's text; nil where it is anything else.
    func text(_ column: Int) -> String? {
        let index = Int32(column)
        guard sqlite3_column_type(pointer, index) == SQLITE_TEXT else { return nil }
        return text(index)
    }

    private func text(_ index: Int32) -> String {
        guard let start = sqlite3_column_text(pointer, index) else { return "" }
        let count = Int(sqlite3_column_bytes(pointer, index))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    private func blob(_ index: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(pointer, index) else { return [] }
        return Array(
            UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(pointer, index))))
    }

    private func error(_ code: Int32, _ lastErrno: Int32 = 0) -> SpoolError {
        spoolError(code, database, path: path, during: sql.label, lastErrno: lastErrno)
    }
}

/// SQLite is set up once; where something else in the process has used it already, it stays as it is.
private let withoutMemoryStatistics: Int32 = hakaru_sqlite_without_memory_statistics()

/// SQLITE_TRANSIENT, which the importer cannot see: SQLite copies what it is given.
private let copiedBySQLite = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
