package import EventLoop
package import Measurement

/// Where the store lies and how large it may become.
package struct SpoolConfiguration: Sendable {
    /// The state directory; made (0750) when it is missing.
    package var directory: String
    /// `storage.maximum`: new records are refused above it; marking deliveries never is.
    package var maximumBytes: Int64
    /// `storage.reserve`: devices stop giving while less than this is left, of the maximum or on the
    /// disk; what is under way then still fits.
    package var reserveBytes: Int64
    /// Nil: values are stored as they are.
    package var encryption: StoreEncryption?
    /// How long another program's lock on the file is waited for.
    package var busyTimeout: Interval = .seconds(5)
    /// After an unclean end a store up to this size is checked before it is used, a larger one beside it.
    var checkAtOnceBytes: Int64 = 16 << 20
    /// Another file layer than SQLite's own; tests inject faults with it.
    var vfs: String?
    /// Hears that a long statement gets on; the store's own thread has one.
    var meter: WorkMeter?
    var migrations = Migration.all
    /// Asks for what is free on the store's file system.
    var freeBytes: @Sendable (String) -> Int64? = { path in Spool.freeBytes(at: path) }

    package init(
        directory: String, maximumBytes: Int64 = 512 << 20, reserveBytes: Int64 = 8 << 20
    ) {
        self.directory = directory
        self.maximumBytes = maximumBytes
        self.reserveBytes = reserveBytes
    }
}

/// The store of all records: one SQLite file, one writer, on a thread of its own.
///
/// Every method is one transaction, durable when it returns. After an error of the disk the
/// connection is opened again at the next call, so a healed disk needs no restart; callers offer
/// again what was not acknowledged. Calls wait in line: their number is bounded by the callers.
package actor Spool {
    private let executor = ThreadExecutor(name: "spool", linger: .microseconds(50))
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    private var configuration: SpoolConfiguration
    private let files: StoreFiles
    private let now: @Sendable () -> Instant
    private var lock: StoreLock?
    private var connection: Connection? {
        // The next one may be to another file.
        didSet { if connection == nil { outlook.forget() } }
    }
    /// The files as they were when opened: what took their name later is another store.
    private var storeMark: FileMark?
    private var logMark: FileMark?
    private var isSuspect = false
    private var hasVanished = false
    private var isClosed = false

    /// What waits for storing; filled on any thread, emptied on the store's.
    nonisolated let appends = AppendQueue()
    /// What became of calls whose turn has not come yet, because an earlier one took them along.
    var appended: [Int: Result<[AppendResult], SpoolError>] = [:]
    /// How many transactions of `append` have reached the disk.
    package internal(set) var transactions = 0

    /// What goes first at each destination; anybody may look without waiting for the store's thread.
    nonisolated let outlook = Outlook()

    /// Bytes of the store and its log when they were last looked at, before the call under way.
    var seenBytes: Int64 = 0

    /// What the last opening found; nil before the first.
    package internal(set) var openReport: OpenReport?

    /// Makes the value and its thread; opens nothing yet.
    ///
    /// - Parameter now: the time for migrations and set-aside names; records bring their own.
    package init(_ configuration: SpoolConfiguration, now: @escaping @Sendable () -> Instant) {
        self.configuration = configuration
        self.configuration.meter = executor.work
        self.now = now
        files = StoreFiles(directory: configuration.directory)
    }

    /// Opens the store now instead of at the first use, and says what was found.
    @discardableResult
    package func open() throws(SpoolError) -> OpenReport {
        _ = try opened()
        guard let openReport else { throw .refused("the store is not open") }
        return openReport
    }

    /// Closes the files for good and lets other processes in; later calls throw `closed`.
    package func close() {
        isClosed = true
        connection = nil
        lock = nil
    }

    /// Closes the store and ends its thread; no call may follow.
    package nonisolated func shutDown() async {
        await close()
        executor.stop()
    }

    /// How far the store's thread has come; may be asked from anywhere.
    package nonisolated var work: WorkMeter.Reading { executor.work.reading }

    package func setMaximum(bytes: Int64) { configuration.maximumBytes = bytes }
    /// Takes other limits while the store is open.
    package func setLimits(maximum: Int64, reserve: Int64) {
        configuration.maximumBytes = maximum
        configuration.reserveBytes = reserve
    }
    package var maximumBytes: Int64 { configuration.maximumBytes }
    /// Nothing more is taken from devices above this.
    var roomLimit: Int64 { max(0, configuration.maximumBytes - configuration.reserveBytes) }
    var reserveBytes: Int64 { configuration.reserveBytes }
    nonisolated var storePath: String { files.store }
    nonisolated var storeDirectory: String { files.directory }
    var encryption: StoreEncryption? { configuration.encryption }
    func freeDiskBytes() -> Int64? { configuration.freeBytes(configuration.directory) }

    /// Bytes on disk of the store and its log.
    package var usedBytes: Int64 { files.bytesOnDisk }

    // MARK: Using the connection

    /// Runs a body that only reads.
    func reading<T>(_ body: (Connection) throws(SpoolError) -> T) throws(SpoolError) -> T {
        let connection = try opened()
        do { return try body(connection) } catch {
            note(error)
            throw error
        }
    }

    /// Runs a body as one transaction; its changes are on disk when this returns.
    func writing<T>(_ body: (Connection) throws(SpoolError) -> T) throws(SpoolError) -> T {
        outlook.forget()
        return try committing(body)
    }

    /// The same for a body that changes nothing but the batches of one destination.
    ///
    /// - Parameter kept: its batches that the body leaves as they are.
    func writing<T>(
        batchesOf destination: String, keeping kept: [Batch] = [],
        _ body: (Connection) throws(SpoolError) -> T
    ) throws(SpoolError) -> T {
        outlook.set(kept, at: destination)
        do { return try committing(body) } catch {
            outlook.forget()
            throw error
        }
    }

    private func committing<T>(
        _ body: (Connection) throws(SpoolError) -> T
    ) throws(SpoolError) -> T {
        try reading { connection throws(SpoolError) in
            try connection.transaction { () throws(SpoolError) in try body(connection) }
        }
    }

    /// Has the store checked, and salvaged where it is damaged, at its next use.
    func suspect() {
        isSuspect = true
        connection = nil
    }

    private func note(_ error: SpoolError) {
        guard error.breaksConnection else { return }
        isSuspect = isSuspect || error.isDamage
        connection = nil
    }

    private func opened() throws(SpoolError) -> Connection {
        guard !isClosed else { throw .closed(path: files.store) }
        if let connection {
            if isStillThere() { return connection }
            self.connection = nil
            lock = nil
            hasVanished = true
            // Once, so that the loss is noticed; the next call starts a new store.
            throw .gone(SpoolFault(path: files.store, text: "the open store has disappeared"))
        }
        try files.makeDirectory()
        if lock?.stillHolds != true {
            lock = nil
            lock = try StoreLock(path: files.lock)
        }
        let opener = StoreOpener(configuration: configuration, isSuspect: isSuspect, now: now())
        var (connection, report) = try opener.open()
        report.vanished = hasVanished
        isSuspect = false
        hasVanished = false
        storeMark = fileMark(files.store)
        logMark = fileMark(files.log)
        openReport = report
        self.connection = connection
        return connection
    }

    /// A removed file would go on taking records that nobody can ever read.
    private func isStillThere() -> Bool {
        let (store, log) = (fileMark(files.store), fileMark(files.log))
        seenBytes = (store?.size ?? 0) + (log?.size ?? 0)
        return storeMark?.isSameFile(as: store) == true && logMark?.isSameFile(as: log) == true
            && lock?.stillHolds == true
    }
}
