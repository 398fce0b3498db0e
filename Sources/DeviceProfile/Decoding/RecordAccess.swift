import Measurement

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

extension RecordAccess {
    /// Checks a whole frame in either direction: a request, a count or an answer.
    ///
    /// Requests: 1 report, 2 delete, 4 count with operator 1 all, 5 first, 6 last (no operand), 2 ≤,
    /// 3 ≥ (filter type and one value), 4 range (filter type and two values); 3 abort with operator
    /// 0. Filter types: 1 sequence number uint16, 2 user-facing time (Date Time), 4 the sequence
    /// number of Omron's option service. Answers: 5 count, 6 response code; 0x10 and 0x11 are the
    /// option service's request for and answer with the latest sequence number.
    static func frame(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let opcode = try reader.uint8("opcode")
        let kind = try reader.uint8("operator")
        switch opcode {
        case 1, 2, 4: try operand(of: kind, &reader)
        case 3, 0x10: try require(kind == 0, "the operator of opcode \(opcode) is 0")
        case 5, 6, 0x11:
            try require(kind == 0, "the operator of opcode \(opcode) is 0")
            _ = try reader.uint16LE("operand")
            if opcode == 6 { _ = try response(bytes) }
        default: throw DecodeError("opcode \(opcode) is reserved", offset: 0)
        }
        try reader.end()
        return Reading(.deviceState)
    }

    private static func operand(
        of kind: UInt8, _ reader: inout ByteReader
    ) throws(DecodeError) {
        switch kind {
        case 1, 5, 6: return
        case 2, 3, 4: break
        default: throw DecodeError("operator \(kind) is reserved", offset: 1)
        }
        let width: Int
        switch try reader.uint8("filter type") {
        case 1, 4: width = 2
        case 2: width = 7
        case let type: throw DecodeError("filter type \(type) is reserved", offset: 2)
        }
        _ = try reader.take(kind == 4 ? 2 * width : width, "the filter's value")
    }

    private static func require(_ holds: Bool, _ reason: String) throws(DecodeError) {
        guard holds else { throw DecodeError(reason, offset: 1) }
    }
}
