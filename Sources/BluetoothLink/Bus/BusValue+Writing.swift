import CSystemd

/// An sd_bus_message.
typealias RawMessage = OpaquePointer

extension BusValue {
    /// Appends the value to a message (sd_bus_message_append_basic, _open_container).
    func append(to message: RawMessage) throws(BusError) {
        switch self {
        case .byte(let value): try basic("y", value, message)
        case .bool(let value): try basic("b", Int32(value ? 1 : 0), message)
        case .int16(let value): try basic("n", value, message)
        case .uint16(let value): try basic("q", value, message)
        case .int32(let value): try basic("i", value, message)
        case .uint32(let value): try basic("u", value, message)
        case .int64(let value): try basic("x", value, message)
        case .uint64(let value): try basic("t", value, message)
        case .double(let value): try basic("d", value, message)
        case .descriptor(let value): try basic("h", value, message)
        case .string(let value): try text("s", value, message)
        case .objectPath(let value): try text("o", value, message)
        case .signature(let value): try text("g", value, message)
        case .bytes(let value): try bytes(value, message)
        case .variant, .structure, .array, .dictionary: try appendContainer(to: message)
        }
    }

    private func appendContainer(to message: RawMessage) throws(BusError) {
        switch self {
        case .variant(let value):
            try container("v", value.signature, message) { () throws(BusError) in
                try value.append(to: message)
            }
        case .structure(let fields):
            try container("r", String(signature.dropFirst().dropLast()), message) {
                () throws(BusError) in
                for field in fields { try field.append(to: message) }
            }
        case .array(let elements, let element):
            try container("a", element, message) { () throws(BusError) in
                for value in elements { try value.append(to: message) }
            }
        case .dictionary(let entries, let entry):
            let inner = String(entry.dropFirst().dropLast())
            try container("a", entry, message) { () throws(BusError) in
                for (key, value) in entries {
                    try container("e", inner, message) { () throws(BusError) in
                        try key.append(to: message)
                        try value.append(to: message)
                    }
                }
            }
        default: break
        }
    }

    private func basic<T: BitwiseCopyable>(
        _ type: Unicode.Scalar, _ value: T, _ message: RawMessage
    ) throws(BusError) {
        let result = withUnsafePointer(to: value) {
            sd_bus_message_append_basic(message, CChar(type.value), $0)
        }
        try BusError.check("sd_bus_message_append_basic", result)
    }

    private func text(
        _ type: Unicode.Scalar, _ value: String, _ message: RawMessage
    ) throws(BusError) {
        let result = value.withCString {
            sd_bus_message_append_basic(message, CChar(type.value), $0)
        }
        try BusError.check("sd_bus_message_append_basic", result)
    }

    private func bytes(_ value: [UInt8], _ message: RawMessage) throws(BusError) {
        let result = value.withUnsafeBytes {
            sd_bus_message_append_array(message, CChar(UInt8(ascii: "y")), $0.baseAddress, $0.count)
        }
        try BusError.check("sd_bus_message_append_array", result)
    }

    private func container(
        _ type: Unicode.Scalar, _ contents: String, _ message: RawMessage,
        _ body: () throws(BusError) -> Void
    ) throws(BusError) {
        try BusError.check(
            "sd_bus_message_open_container",
            sd_bus_message_open_container(message, CChar(type.value), contents))
        try body()
        try BusError.check(
            "sd_bus_message_close_container", sd_bus_message_close_container(message))
    }
}
