import DeviceProfile
import Measurement

/// Records that were asked for and wait for the end of the request.
struct RecordAccessState: Sendable {
    var plan: RecordAccessPlan
    /// Ask only for this number and those after it; nil: for all.
    var from: Int?
    var entries: [SessionEntry] = []
    /// Context frames whose measurement has not come (most meters send them after it).
    var contexts: [Int: Context] = [:]
    var numbers = NumberRun()
    /// Dumps longer than this are stored in parts, so that memory stays bounded.
    static let maximumEntries = 2_000

    struct Context: Sendable {
        var reading: Reading
        var frame: RawFrame
    }

    var request: [UInt8] {
        from.map { RecordAccess.report(from: $0) } ?? RecordAccess.reportAll
    }

    /// Where the next session may begin when the device left here.
    ///
    /// Only an ascending dump proves that nothing below its last number is missing, and one record
    /// alone proves it only where just that number was asked for.
    var safeNext: Int? {
        guard numbers.isAscending, let first = numbers.first, let last = numbers.last else {
            return nil
        }
        return numbers.count > 1 || first == from ? last + 1 : nil
    }

    mutating func append(_ entry: SessionEntry) {
        entries.append(entry)
        if let number = entry.reading.sequenceNumber { numbers.append(number) }
    }
}

/// The numbers of a dump in the order they came, the parts that were stored already included.
struct NumberRun: Sendable {
    private(set) var first: Int?
    private(set) var last: Int?
    private(set) var highest: Int?
    private(set) var isAscending = true
    private(set) var count = 0

    mutating func append(_ number: Int) {
        if let last, number <= last { isAscending = false }
        first = first ?? number
        last = number
        highest = max(highest ?? number, number)
        count += 1
    }
}
