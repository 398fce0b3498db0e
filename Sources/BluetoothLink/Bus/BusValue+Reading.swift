import CSystemd

extension BusValue {
    /// Reads all values of a message, or what is left of the container that was entered.
    static func readAll(from message: RawMessage) throws(BusError) -> [BusValue] {
        var values: [BusValue] = []
        while let value = try read(from: message) { values.append(value) }
        return values
    }

    /// Reads the next value; nil at the end of the message or container.
    private static func read(from message: RawMessage) throws(BusError) -> BusValue? {
        var type: CChar = 0
        var contents: UnsafePointer<CChar>?
        let found = sd_bus_message_peek_type(message, &type, &contents)
        guard try BusError.check("sd_bus_message_peek_type", found) > 0 else { return nil }
        switch Unicode.Scalar(UInt8(bitPattern: type)) {
        case "y": return .byte(try basic(0, type, message))
        case "b": return .bool(try basic(Int32(0), type, message) != 0)
        case "n": return .int16(try basic(0, type, message))
        case "q": return .uint16(try basic(0, type, message))
        case "i": return .int32(try basic(0, type, message))
        case "u": return .uint32(try basic(0, type, message))
        case "x": return .int64(try basic(0, type, message))
        case "t": return .uint64(try basic(0, type, message))
        case "d": return .double(try basic(0, type, message))
        case "h": return .descriptor(try basic(0, type, message))
        case "s": return .string(try text(type, message))
        case "o": return .objectPath(try text(type, message))
        case "g": return .signature(try text(type, message))
        case "v":
            return try entered(type, contents, message) { () throws(BusError) in
                try read(from: message).map { .variant($0) }
            }
        case "r":
            return try entered(type, contents, message) { () throws(BusError) in
                .structure(try readAll(from: message))
            }
        case "a": return try array(contents.map { String(cString: $0) } ?? "", type, message)
        case let other:
            throw BusError(
                name: "org.freedesktop.DBus.Error.InvalidSignature", message: "type \(other)")
        }
    }

    private static func array(
        _ element: String, _ type: CChar, _ message: RawMessage
    ) throws(BusError) -> BusValue? {
        if element == "y" { return .bytes(try byteArray(message)) }
        guard element.hasPrefix("{") else {
            return try entered(type, element, message) { () throws(BusError) in
                .array(try readAll(from: message), of: element)
            }
        }
        return try entered(type, element, message) { () throws(BusError) in
            let inner = String(element.dropFirst().dropLast())
            var entries: [BusValue: BusValue] = [:]
            while try BusError.check(
                "sd_bus_message_enter_container",
                sd_bus_message_enter_container(message, CChar(UInt8(ascii: "e")), inner)) > 0
            {
                if let key = try read(from: message), let value = try read(from: message) {
                    entries[key] = value
                }
                try BusError.check(
                    "sd_bus_message_exit_container", sd_bus_message_exit_container(message))
            }
            return .dictionary(entries, of: element)
        }
    }

    private static func byteArray(_ message: RawMessage) throws(BusError) -> [UInt8] {
        var start: UnsafeRawPointer?
        var count = 0
        try BusError.check(
            "sd_bus_message_read_array",
            sd_bus_message_read_array(message, CChar(UInt8(ascii: "y")), &start, &count))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    private static func basic<T: BitwiseCopyable>(
        _ zero: T, _ type: CChar, _ message: RawMessage
    ) throws(BusError) -> T {
        var value = zero
        try BusError.check(
            "sd_bus_message_read_basic", sd_bus_message_read_basic(message, type, &value))
        return value
    }

    private static func text(_ type: CChar, _ message: RawMessage) throws(BusError) -> String {
        var start: UnsafePointer<CChar>?
        try BusError.check(
            "sd_bus_message_read_basic", sd_bus_message_read_basic(message, type, &start))
        return start.map { String(cString: $0) } ?? ""
    }

    private static func entered<T>(
        _ type: CChar, _ contents: UnsafePointer<CChar>?, _ message: RawMessage,
        _ body: () throws(BusError) -> T
    ) throws(BusError) -> T {
        try BusError.check(
            "sd_bus_message_enter_container",
            sd_bus_message_enter_container(message, type, contents))
        let value = try body()
        try BusError.check(
            "sd_bus_message_exit_container", sd_bus_message_exit_container(message))
        return value
    }
}
