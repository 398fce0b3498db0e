import Measurement

/// Sorts the values that bluetoothd shows: what the device sent by itself, and what was read.
///
/// bluetoothd announces both as a change of `Value`, the one of a read before its answer. A value is
/// passed over only when it is the echo of a read for certain; in doubt it is delivered twice rather
/// than lost, and the records' keys sort that out.
struct ValueInbox: Sendable {
    struct Value: Sendable, Equatable {
        var bytes: [UInt8]
        var at: GatewayTime
    }

    /// The paths of the subscribed characteristics.
    private(set) var subscribed: Set<String> = []
    private var readsUnderWay: [String: Int] = [:]
    /// Values that came while a read of the same characteristic was under way.
    private var held: [String: [Value]] = [:]
    /// Values of characteristics that nobody has subscribed to yet: bluetoothd subscribes by itself
    /// after a reconnection, and confirms indications at once.
    private var early: [String: [Value]] = [:]
    private var earlyCount = 0
    /// Values beyond the bound, which are lost.
    private(set) var overflow = 0
    static let maximumEarly = 4096

    /// Values that no subscription ever asked for.
    var unclaimed: Int { earlyCount + overflow }

    /// Takes a value; returns it where it is to be delivered now.
    mutating func arrived(_ value: Value, at path: String) -> Value? {
        if readsUnderWay[path] != nil {
            held[path, default: []].append(value)
            return nil
        }
        if subscribed.contains(path) { return value }
        keepEarly(value, path)
        return nil
    }

    mutating func readBegan(_ path: String) { readsUnderWay[path, default: 0] += 1 }

    /// Ends a read; returns what came meanwhile and was not its echo.
    mutating func readEnded(_ path: String, with answer: [UInt8]?) -> [Value] {
        let left = readsUnderWay[path, default: 1] - 1
        readsUnderWay[path] = left > 0 ? left : nil
        var waiting = held[path] ?? []
        if let answer, let echo = waiting.lastIndex(where: { $0.bytes == answer }) {
            waiting.remove(at: echo)
        }
        held[path] = left > 0 ? waiting : nil
        guard left == 0 else { return [] }
        return waiting.compactMap { arrived($0, at: path) }
    }

    /// Begins the delivery; returns what came before.
    mutating func subscribe(_ path: String) -> [Value] {
        subscribed.insert(path)
        let values = early.removeValue(forKey: path) ?? []
        earlyCount -= values.count
        return values
    }

    private mutating func keepEarly(_ value: Value, _ path: String) {
        guard earlyCount < Self.maximumEarly else {
            overflow += 1
            return
        }
        early[path, default: []].append(value)
        earlyCount += 1
    }
}
