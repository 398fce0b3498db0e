import DeviceProfile
import Measurement

/// One question for records: a run of whole slots of one user, or a part of one.
struct OmronRead: Equatable {
    /// Counted over the rings of all users.
    var slot: Int
    var user: Int
    var address: Int
    var count: Int
    /// The record is whole with this part.
    var endsRecord: Bool
}

/// The order in which the rings are read: every slot once, from where the last session stopped.
struct OmronReads {
    private let memory: OmronMemoryPlan.Memory
    private let block: Int
    private let first: Int
    private(set) var done = 0
    private var offset = 0

    init(_ memory: OmronMemoryPlan.Memory, block: Int, from cursor: Int?) {
        self.memory = memory
        self.block = block
        let total = memory.users.reduce(0) { $0 + $1.count }
        first = cursor.map { $0 >= 0 && $0 < total ? $0 : 0 } ?? 0
    }

    var total: Int { memory.users.reduce(0) { $0 + $1.count } }

    /// Where a session that is broken off now goes on.
    var cursor: Int { total == 0 ? 0 : (first + done) % total }

    /// The next question; nil when every slot was read.
    var next: OmronRead? {
        guard done < total, let place = place(of: cursor) else { return nil }
        let size = memory.recordSize
        let address = place.address + offset
        guard size <= block, offset == 0 else {
            let count = min(block, size - offset)
            return OmronRead(
                slot: cursor, user: place.user, address: address, count: count,
                endsRecord: offset + count == size)
        }
        let slots = min(block / size, place.left, total - done)
        return OmronRead(
            slot: cursor, user: place.user, address: address, count: slots * size,
            endsRecord: true)
    }

    mutating func took(_ read: OmronRead) {
        guard read.endsRecord else { return offset += read.count }
        done += max(1, (offset + read.count) / memory.recordSize)
        offset = 0
    }

    /// Passes over what is left of the ring of a user whose memory the device does not give.
    mutating func skip(_ read: OmronRead) {
        done += min(place(of: read.slot)?.left ?? 1, total - done)
        offset = 0
    }

    private func place(of slot: Int) -> (user: Int, address: Int, left: Int)? {
        var rest = slot
        for (index, area) in memory.users.enumerated() {
            if rest < area.count {
                return (index + 1, area.address + rest * memory.recordSize, area.count - rest)
            }
            rest -= area.count
        }
        return nil
    }
}

/// The clock block in the settings of a device.
extension OmronMemoryPlan.Clock {
    /// The time in a block; nil where it is no date.
    func time(in block: [UInt8]) -> LocalDateTime? {
        guard block.count >= timeAt + 6 else { return nil }
        let six = block[timeAt..<timeAt + 6].map { Int($0) }
        let plain = order == .plain ? six : [six[1], six[0], six[3], six[2], six[5], six[4]]
        return LocalDateTime(
            year: 2000 + plain[0], month: plain[1], day: plain[2], hour: plain[3],
            minute: plain[4], second: min(plain[5], 59))
    }

    /// The block with another time and its sum; every other byte as the device had it.
    func block(_ block: [UInt8], with time: LocalDateTime) -> [UInt8]? {
        guard block.count == length, timeAt + 6 <= length, sumAt < length else { return nil }
        let plain = [
            time.year - 2000, time.month, time.day, time.hour, time.minute, time.second,
        ].map { UInt8(truncatingIfNeeded: $0) }
        let six =
            order == .plain
            ? plain : [plain[1], plain[0], plain[3], plain[2], plain[5], plain[4]]
        var out = block
        out.replaceSubrange(timeAt..<timeAt + 6, with: six)
        out[sumAt] = out[..<sumAt].reduce(0, &+)
        return out
    }
}
