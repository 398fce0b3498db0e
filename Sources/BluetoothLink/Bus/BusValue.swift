/// Any D-Bus value.
///
/// Containers carry the signature of their elements: an empty one could not be written otherwise.
package indirect enum BusValue: Sendable, Hashable {
    case byte(UInt8)
    case bool(Bool)
    case int16(Int16)
    case uint16(UInt16)
    case int32(Int32)
    case uint32(UInt32)
    case int64(Int64)
    case uint64(UInt64)
    case double(Double)
    case string(String)
    case objectPath(String)
    case signature(String)
    case descriptor(Int32)
    case variant(BusValue)
    case structure([BusValue])
    case array([BusValue], of: String)
    case bytes([UInt8])
    /// The signature is that of an entry: `{sv}`.
    case dictionary([BusValue: BusValue], of: String)
}

extension BusValue {
    /// `a{sv}`
    package static func properties(_ values: [String: BusValue]) -> BusValue {
        var entries: [BusValue: BusValue] = [:]
        for (name, value) in values { entries[.string(name)] = .variant(value) }
        return .dictionary(entries, of: "{sv}")
    }

    package static func strings(_ values: [String]) -> BusValue {
        .array(values.map { .string($0) }, of: "s")
    }

    package var signature: String {
        switch self {
        case .byte: "y"
        case .bool: "b"
        case .int16: "n"
        case .uint16: "q"
        case .int32: "i"
        case .uint32: "u"
        case .int64: "x"
        case .uint64: "t"
        case .double: "d"
        case .string: "s"
        case .objectPath: "o"
        case .signature: "g"
        case .descriptor: "h"
        case .variant: "v"
        case .structure(let fields): "(" + fields.map(\.signature).joined() + ")"
        case .array(_, let element): "a" + element
        case .bytes: "ay"
        case .dictionary(_, let entry): "a" + entry
        }
    }
}

// Readers: nil where the value is of another type. A variant is looked through.
extension BusValue {
    package var content: BusValue {
        if case .variant(let inner) = self { inner.content } else { self }
    }

    package var string: String? {
        switch content {
        case .string(let text), .objectPath(let text), .signature(let text): text
        default: nil
        }
    }

    package var bool: Bool? {
        if case .bool(let value) = content { value } else { nil }
    }

    package var bytes: [UInt8]? {
        switch content {
        case .bytes(let bytes): bytes
        case .array(let elements, of: "y") where elements.isEmpty: []
        default: nil
        }
    }

    package var strings: [String]? {
        if case .array(let elements, _) = content { elements.compactMap(\.string) } else { nil }
    }

    package var integer: Int? {
        switch content {
        case .byte(let value): Int(value)
        case .int16(let value): Int(value)
        case .uint16(let value): Int(value)
        case .int32(let value): Int(value)
        case .uint32(let value): Int(value)
        case .int64(let value): Int(value)
        case .uint64(let value): Int(exactly: value)
        default: nil
        }
    }

    package var dictionary: [BusValue: BusValue]? {
        if case .dictionary(let entries, _) = content { entries } else { nil }
    }

    /// A dictionary with strings or object paths as keys; variants are looked through.
    package var properties: [String: BusValue]? {
        guard let entries = dictionary else { return nil }
        var result = [String: BusValue](minimumCapacity: entries.count)
        for (key, value) in entries {
            guard let name = key.string else { return nil }
            result[name] = value.content
        }
        return result
    }
}

extension BusValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral text: String) { self = .string(text) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}
