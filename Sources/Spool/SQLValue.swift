import Measurement

/// A value of a column or a parameter.
enum SQLValue: Equatable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    static func integer(_ value: Int?) -> SQLValue { value.map { .integer(Int64($0)) } ?? .null }
    static func text(_ value: String?) -> SQLValue { value.map { .text($0) } ?? .null }
    static func flag(_ value: Bool) -> SQLValue { .integer(value ? Int64(1) : 0) }
    static func instant(_ value: Instant?) -> SQLValue {
        value.map { .integer($0.microseconds) } ?? .null
    }
    static func interval(_ value: Interval?) -> SQLValue {
        value.map { .integer($0.microseconds) } ?? .null
    }
    /// `sealed_by` and `sealed`, both NULL where nothing is sealed.
    static func sealed(_ value: Sealed?) -> [SQLValue] {
        value.map { [.integer($0.keyID), .blob($0.bytes)] } ?? [.null, .null]
    }
    static func row(_ value: RowID) -> SQLValue { .integer(value.number) }
}

extension SQLValue: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .text(value) }
}

/// Reads the columns of the current row from left to right.
///
/// The order of the reads is the order of the columns in the statement.
struct RowReader {
    private let statement: Statement
    private var column = 0
    init(_ statement: Statement) { self.statement = statement }

    mutating func next() -> SQLValue {
        defer { column += 1 }
        return statement.value(column)
    }

    mutating func optionalInteger() -> Int64? {
        defer { column += 1 }
        return statement.integer(column)
    }
    mutating func optionalText() -> String? {
        defer { column += 1 }
        return statement.text(column)
    }
    mutating func integer() -> Int64 { optionalInteger() ?? 0 }
    mutating func count() -> Int { Int(integer()) }
    mutating func text() -> String { optionalText() ?? "" }
    mutating func flag() -> Bool { integer() != 0 }
    mutating func row() -> RowID { RowID(integer()) }
    mutating func optionalCount() -> Int? { optionalInteger().map { Int($0) } }
    mutating func instant() -> Instant { Instant(microseconds: integer()) }
    mutating func optionalInstant() -> Instant? {
        optionalInteger().map { Instant(microseconds: $0) }
    }
    mutating func optionalInterval() -> Interval? {
        optionalInteger().map { Interval(microseconds: $0) }
    }
    mutating func optionalLocalTime() -> LocalDateTime? {
        optionalInteger().map { LocalDateTime(localMicroseconds: $0) }
    }
    mutating func blob() -> [UInt8] {
        if case .blob(let bytes) = next() { bytes } else { [] }
    }
}
