/// Why the store could not do what was asked, by what the caller can do about it.
package enum SpoolError: Error, Sendable, Equatable {
    /// The configured maximum is reached; room comes from delivered records or a higher maximum.
    case full(limit: Int64, path: String)
    /// The file system has no space left; what was not acknowledged must be offered again.
    case diskFull(SpoolFault)
    /// The store may be read, not written: permissions or a file system mounted read-only.
    case readOnly(SpoolFault)
    /// Another process holds the store; `holder` is its process id where it can be told.
    case inUse(path: String, holder: Int32?)
    /// Another connection held its lock longer than the busy time-out; try again.
    case busy(SpoolFault)
    /// The file is not readable as a store; the next use sets it aside and starts a new one.
    case damaged(SpoolFault)
    /// The file or its directory was removed or replaced while it was open.
    case gone(SpoolFault)
    /// The medium reported an error; the next use opens the store again.
    case inputOutput(SpoolFault)
    /// The store was written by a newer version of the program; nothing was changed.
    case newerSchema(found: Int, known: Int, path: String)
    /// A step of the schema differs from the one this program knows; nothing was changed.
    case otherSchema(version: Int, path: String)
    /// A SQLite file that something else made; nothing was changed.
    case notAStore(SpoolFault)
    /// Values are sealed under a key that is not there; nothing can be read or stored without it.
    case keyMissing(SpoolFault)
    /// The request itself cannot be done; the text says which part and why.
    case refused(String)
    /// The store was closed for good; the program is ending.
    case closed(path: String)
    /// SQLite refused a statement for a reason that none of the others covers.
    case failed(SpoolFault)
}

/// Which file, and what SQLite or the system said about it.
package struct SpoolFault: Sendable, Equatable {
    package var path: String
    package var text: String
    package init(path: String, text: String) {
        self.path = path
        self.text = text
    }
}

extension SpoolError: CustomStringConvertible {
    /// What happened, to which file, and what helps.
    package var description: String {
        switch self {
        case .full(let limit, let path):
            "\(path) has reached its limit of \(limit) bytes; nothing more is taken from devices; "
                + "deliver what waits or raise storage.maximum"
        case .diskFull(let fault): "\(fault): free space on its file system"
        case .readOnly(let fault): "\(fault): make the file and its directory writable"
        case .inUse(let path, let holder):
            "\(path) is in use by " + (holder.map { "process \($0)" } ?? "another process")
                + "; stop it or choose another state directory"
        case .busy(let fault): "\(fault): another program holds a lock on it"
        case .damaged(let fault): "\(fault): it will be set aside and a new store started"
        case .gone(let fault): "\(fault): it was removed or replaced while in use"
        case .inputOutput(let fault): "\(fault): check the disk"
        case .newerSchema(let found, let known, let path):
            "\(path) has schema \(found), this program knows up to \(known); "
                + "install the newer version again"
        case .otherSchema(let version, let path):
            "\(path): step \(version) of its schema differs from this program's"
        case .notAStore(let fault): "\(fault): not a store of this program; nothing was changed"
        case .keyMissing(let fault):
            "\(fault): put the key back; without it what is sealed cannot be read by anybody"
        case .refused(let text): text
        case .closed(let path): "\(path) was closed; the program is ending"
        case .failed(let fault): "\(fault)"
        }
    }

    /// A name for counters and status; it holds no path.
    package var name: String {
        switch self {
        case .full: "full"
        case .diskFull: "disk-full"
        case .readOnly: "read-only"
        case .inUse: "in-use"
        case .busy: "busy"
        case .damaged: "damaged"
        case .gone: "gone"
        case .inputOutput: "input-output"
        case .newerSchema: "newer-schema"
        case .otherSchema: "other-schema"
        case .notAStore: "not-a-store"
        case .keyMissing: "key-missing"
        case .refused: "refused"
        case .closed: "closed"
        case .failed: "failed"
        }
    }

    /// Whether the connection is to be closed and opened again before the next use.
    var breaksConnection: Bool {
        switch self {
        case .readOnly, .damaged, .gone, .inputOutput, .diskFull: true
        default: false
        }
    }

    var isDamage: Bool { if case .damaged = self { true } else { false } }
}

extension SpoolFault: CustomStringConvertible {
    package var description: String { "\(path): \(text)" }
}
