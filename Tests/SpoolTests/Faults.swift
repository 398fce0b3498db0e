import CSQLite
import EventLoop
import Glibc

/// What SQLite asks of the file layer.
enum FileCall: String, Sendable, CaseIterable {
    case open, read, write, truncate, synchronise, size, lock, delete, access
    case mapShared, lockReader, lockWriter
}

/// What goes wrong in one directory, and how often its files were written and synchronised.
final class Faults: Sendable {
    /// What one call answers instead of being made.
    struct Answer: Sendable {
        var code: Int32
        var number: Int32
        /// How many calls of its kind still work before it.
        var after = 0
        /// How many of them answer so; the rest works again.
        var times = Int.max
    }
    struct State {
        var answers: [FileCall: Answer] = [:]
        /// Answers of whichever call is the one with this number, once.
        var anyCall: (number: Int, code: @Sendable (FileCall) -> Answer)?
        var calls = 0
        var made: [FileCall: Int] = [:]
        var synchronised: [String: Int] = [:]
    }
    let state = Locked(State())

    func answer(_ call: FileCall, _ code: Int32, _ number: Int32 = 0, after: Int = 0) {
        state.withLock { $0.answers[call] = Answer(code: code, number: number, after: after) }
    }
    /// The device is full: ENOSPC, after some more writes.
    func fill(afterWrites count: Int = 0) { answer(.write, SQLITE_FULL, ENOSPC, after: count) }
    func breakWrites(afterWrites count: Int = 0) {
        answer(.write, SQLITE_IOERR | 3 << 8, EIO, after: count)
    }
    func breakSynchronising() { answer(.synchronise, SQLITE_IOERR | 4 << 8, EIO) }
    func remountReadOnly() { answer(.write, SQLITE_IOERR | 3 << 8, EROFS) }

    /// Lets one call fail, whichever it is: the one with this number from now on.
    func failCall(_ number: Int, _ code: @escaping @Sendable (FileCall) -> Answer) {
        state.withLock { state in
            state.calls = 0
            state.anyCall = (number, code)
        }
    }
    /// Whether the call that was to fail has come.
    var hasFailed: Bool { state.withLock { $0.anyCall == nil } }

    func heal() {
        state.withLock { state in
            state.answers = [:]
            state.anyCall = nil
        }
    }
    func synchronised(_ suffix: String) -> Int {
        state.withLock { state in
            state.synchronised.filter { $0.key.hasSuffix(suffix) }.values.reduce(0, +)
        }
    }
    func made(_ call: FileCall) -> Int { state.withLock { $0.made[call] ?? 0 } }

    /// What a call is to answer; nil where it is to be made.
    func next(_ call: FileCall, _ path: String) -> Answer? {
        state.withLock { state in
            state.made[call, default: 0] += 1
            state.calls += 1
            if call == .synchronise { state.synchronised[path, default: 0] += 1 }
            if let chosen = state.anyCall, state.calls == chosen.number {
                state.anyCall = nil
                return chosen.code(call)
            }
            guard var answer = state.answers[call], answer.times > 0 else { return nil }
            if answer.after > 0 {
                answer.after -= 1
                state.answers[call] = answer
                return nil
            }
            answer.times -= 1
            state.answers[call] = answer
            return answer
        }
    }
}
