/// Record Access Control Point (2A52): requests that the gateway writes and answers it understands.
///
/// Opcode uint8, operator uint8, operand. Deleting (opcode 2) is never written.
package enum RecordAccess {
    package static let reportAll: [UInt8] = [0x01, 0x01]
    package static let abort: [UInt8] = [0x03, 0x00]
    package static let count: [UInt8] = [0x04, 0x01]

    /// "Report stored records with a sequence number greater than or equal to".
    package static func report(from sequence: Int) -> [UInt8] {
        [0x01, 0x03, 0x01, UInt8(sequence & 0xFF), UInt8(sequence >> 8 & 0xFF)]
    }

    /// An indication on the control point.
    package enum Response: Sendable, Equatable {
        case count(Int)
        /// The request with this opcode ended with this response code.
        case code(request: UInt8, ResponseCode)
    }

    package enum ResponseCode: UInt8, Sendable {
        case success = 1
        case opcodeUnsupported = 2
        case invalidOperator = 3
        case operatorUnsupported = 4
        case invalidOperand = 5
        case noRecords = 6
        case abortUnsuccessful = 7
        case notCompleted = 8
        case operandUnsupported = 9

        /// The meter does not know "from this number on": ask for all records instead.
        package var meansUnsupportedFilter: Bool {
            switch self {
            case .invalidOperator, .operatorUnsupported, .invalidOperand, .operandUnsupported: true
            default: false
            }
        }
    }

    package static func response(_ bytes: [UInt8]) throws(DecodeError) -> Response {
        var reader = ByteReader(bytes)
        let opcode = try reader.uint8("opcode")
        _ = try reader.uint8("operator")
        switch opcode {
        case 5:
            let count = try reader.uint16LE("number of records")
            try reader.end()
            return .count(Int(count))
        case 6:
            let request = try reader.uint8("request opcode")
            let raw = try reader.uint8("response code")
            try reader.end()
            guard let code = ResponseCode(rawValue: raw) else {
                throw DecodeError("response code \(raw) is reserved", offset: 3)
            }
            return .code(request: request, code)
        default: throw DecodeError("opcode \(opcode) is not an answer", offset: 0)
        }
    }
}
