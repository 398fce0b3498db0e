/// One message of the protocol, taken apart down to what the manager has to decide on.
package enum APDU: Sendable {
    package enum Choice: UInt16, Sendable {
        case associationRequest = 0xE200
        case associationResponse = 0xE300
        case releaseRequest = 0xE400
        case releaseResponse = 0xE500
        case abort = 0xE600
        case presentation = 0xE700
    }

    case associationRequest(AssociationRequest)
    case associationResponse(AssociationResponse)
    case releaseRequest(reason: UInt16)
    case releaseResponse(reason: UInt16)
    case abort(reason: UInt16)
    case data(DataMessage)

    /// choice u16, length u16, body of exactly that length.
    package init(_ bytes: [UInt8]) throws(APDUError) {
        var reader = MDERReader(bytes)
        let raw = try reader.uint16("the APDU's choice")
        guard let choice = Choice(rawValue: raw) else {
            throw APDUError("no APDU begins with these two bytes", offset: 0)
        }
        var body = try reader.lengthed("the APDU")
        try reader.finish("the APDU")
        switch choice {
        case .associationRequest: self = .associationRequest(try AssociationRequest(parsing: &body))
        case .associationResponse:
            self = .associationResponse(try AssociationResponse(parsing: &body))
        case .releaseRequest:
            self = .releaseRequest(reason: try body.uint16("the reason of the release"))
        case .releaseResponse:
            self = .releaseResponse(reason: try body.uint16("the reason of the release"))
        case .abort: self = .abort(reason: try body.uint16("the reason of the abort"))
        case .presentation: self = .data(try DataMessage(parsing: &body))
        }
        try body.finish("the APDU")
    }

    static func bytes(_ choice: Choice, _ body: (inout MDERWriter) -> Void) -> [UInt8] {
        var writer = MDERWriter()
        writer.uint16(choice.rawValue)
        writer.lengthed(body)
        return writer.bytes
    }
}

/// Why an association ended at once.
package enum AbortReason: UInt16, Sendable, CaseIterable {
    case undefined = 0
    case bufferOverflow = 1
    case responseTimeout = 2
    case configurationTimeout = 3

    package var text: String {
        switch self {
        case .undefined: "undefined"
        case .bufferOverflow: "buffer overflow"
        case .responseTimeout: "response timeout"
        case .configurationTimeout: "configuration timeout"
        }
    }
}
