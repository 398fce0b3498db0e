/// A DATA APDU inside a presentation APDU: who asks for what, with the offsets of its bytes.
///
/// length u16; invoke id u16; choice u16; length u16; then the argument or the result.
package struct DataMessage: Sendable {
    package var invokeID: UInt16
    package var body: Body

    package enum Body: Sendable {
        /// The agent reports; a confirmed report waits for an answer.
        case eventReport(EventReport, isConfirmed: Bool)
        /// An agent asks nothing of a manager, so every other invocation is refused.
        case otherInvocation(choice: UInt16)
        case eventResult(handle: UInt16, type: UInt16, information: MDERReader)
        case getResult(handle: UInt16, [Attribute])
        case setResult(handle: UInt16, [Attribute])
        case actionResult(handle: UInt16, type: UInt16, information: MDERReader)
        case error(UInt16)
        case reject(UInt16)
    }

    package struct EventReport: Sendable {
        package var handle: UInt16
        /// The agent's relative time at the report; FFFFFFFF where it has none.
        package var time: UInt32
        package var type: UInt16
        package var information: MDERReader

        init(parsing reader: inout MDERReader) throws(APDUError) {
            handle = try reader.uint16("the object of the event")
            time = try reader.uint32("the time of the event")
            type = try reader.uint16("the type of the event")
            information = try reader.lengthed("the information of the event")
        }

        package var relativeTime: UInt32? { time == .max ? nil : time }
    }

    init(parsing reader: inout MDERReader) throws(APDUError) {
        var message = try reader.lengthed("the DATA APDU")
        invokeID = try message.uint16("the invoke id")
        let start = message.offset
        let choice = try message.uint16("the kind of the message")
        var inner = try message.lengthed("the message")
        try message.finish("the message")
        body = try Self.body(choice, &inner, at: start)
        try inner.finish("the message")
    }

    /// The invoke id of an invocation that could not be read further: it can be answered.
    static func invocationID(of bytes: [UInt8]) -> UInt16? {
        guard bytes.count >= 10, bytes.starts(with: [0xE7, 0]), bytes[8] == 1 else { return nil }
        return UInt16(bytes[6]) << 8 | UInt16(bytes[7])
    }

    private static func body(
        _ choice: UInt16, _ reader: inout MDERReader, at start: Int
    ) throws(APDUError) -> Body {
        switch choice {
        case 0x0100, 0x0101:
            return .eventReport(
                try EventReport(parsing: &reader), isConfirmed: choice == 0x0101)
        case 0x0103...0x0107:
            _ = try reader.part(reader.remaining, "the argument")
            return .otherInvocation(choice: choice)
        case 0x0201:
            let report = try EventReport(parsing: &reader)
            return .eventResult(
                handle: report.handle, type: report.type, information: report.information)
        case 0x0203, 0x0205:
            let handle = try reader.uint16("the object")
            let attributes = try Attribute.list(&reader)
            return choice == 0x0203
                ? .getResult(handle: handle, attributes) : .setResult(handle: handle, attributes)
        case 0x0207:
            let handle = try reader.uint16("the object")
            let type = try reader.uint16("the action")
            return .actionResult(
                handle: handle, type: type, information: try reader.lengthed("the action's result"))
        case 0x0300:
            let error = try reader.uint16("the error")
            _ = try reader.lengthed("the error's parameter")
            return .error(error)
        case 0x0400: return .reject(try reader.uint16("the problem"))
        default: throw APDUError("no message is of this kind", offset: start)
        }
    }
}

/// An attribute id with its value: an entry of a list that every object carries.
package struct Attribute: Sendable {
    package var id: UInt16
    package var value: MDERReader

    package init(parsing reader: inout MDERReader) throws(APDUError) {
        id = try reader.uint16("an attribute's id")
        value = try reader.lengthed("attribute \(shownCode(id))")
    }

    static func list(_ reader: inout MDERReader) throws(APDUError) -> [Attribute] {
        try reader.list("the attributes") { (item) throws(APDUError) in
            try Attribute(parsing: &item)
        }
    }
}

/// A nomenclature code as the standard's tables print it: `0x0a55`.
func shownCode(_ code: UInt16) -> String {
    let digits = String(code, radix: 16)
    return "0x" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
}
