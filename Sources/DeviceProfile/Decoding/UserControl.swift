import Measurement

/// User Control Point (2A9F) of the User Data Service: requests and the answers it understands.
///
/// Opcode uint8, then its parameter. Names, birth dates and the rest of what a device knows of its
/// users have no layout here: they are never read. Nothing that removes a user is ever written.
package enum UserControl {
    /// What the device answered.
    package struct Response: Sendable, Equatable {
        package var request: UInt8
        package var result: Result
        /// The new or removed user's index, or how many users the device has.
        package var number: Int?
    }
    package enum Result: UInt8, Sendable {
        case success = 1
        case opcodeUnsupported = 2
        case invalidParameter = 3
        case operationFailed = 4
        case userNotAuthorised = 5
    }

    /// Consent codes have at most four digits.
    package static let consentCodes = 0...9_999

    /// "Register new user": the device gives it an index.
    package static func register(consent: Int) -> [UInt8]? {
        consentCodes.contains(consent) ? [1] + code(consent) : nil
    }

    /// The user's consent, without which the device gives none of the user's records.
    package static func consent(user: UInt8, code consent: Int) -> [UInt8]? {
        consentCodes.contains(consent) ? [2, user] + code(consent) : nil
    }

    package static let listAllUsers: [UInt8] = [4]

    private static func code(_ number: Int) -> [UInt8] {
        [UInt8(number & 0xFF), UInt8(number >> 8)]
    }

    /// Reads an indication of the control point.
    package static func response(_ bytes: [UInt8]) throws(DecodeError) -> Response {
        var reader = ByteReader(bytes)
        guard try reader.uint8("opcode") == 0x20 else {
            throw DecodeError("opcode \(bytes[0]) is not an answer", offset: 0)
        }
        let request = try reader.uint8("request opcode")
        guard (1...5).contains(request) else {
            throw DecodeError("request opcode \(request) is reserved", offset: 1)
        }
        let raw = try reader.uint8("response value")
        guard let result = Result(rawValue: raw) else {
            throw DecodeError("response value \(raw) is reserved", offset: 2)
        }
        let hasNumber = result == .success && [1, 4, 5].contains(request)
        let number = hasNumber ? Int(try reader.uint8("response parameter")) : nil
        try reader.end()
        return Response(request: request, result: result, number: number)
    }

    /// Checks a whole frame in either direction; a consent code is not shown.
    static func frame(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        var reading = Reading(.deviceState)
        let opcode = try reader.uint8("opcode")
        switch opcode {
        case 1: try takeCode(&reader)
        case 2:
            reading.userSlot = slot(try reader.uint8("user index"))
            try takeCode(&reader)
        case 3, 4: break
        case 5: reading.userSlot = slot(try reader.uint8("user index"))
        case 0x20:
            let answer = try response(bytes)
            if answer.request != 4 {
                reading.userSlot = answer.number.map { UInt8($0) }.flatMap(slot)
            }
            if answer.request == 4, let number = answer.number {
                reading.details.append(.init(name: "users", value: "\(number)"))
            }
            reading.details.append(.init(name: "result", value: name(answer.result)))
            return reading
        default: throw DecodeError("opcode \(opcode) is reserved", offset: 0)
        }
        try reader.end()
        return reading
    }

    private static func takeCode(_ reader: inout ByteReader) throws(DecodeError) {
        let code = Int(try reader.uint16LE("consent code"))
        guard consentCodes.contains(code) else {
            throw DecodeError("a consent code above 9999", offset: reader.offset - 2)
        }
    }

    /// 0xFF is the user that is not known.
    private static func slot(_ index: UInt8) -> Int? { index == 0xFF ? nil : Int(index) }

    private static func name(_ result: Result) -> String {
        switch result {
        case .success: "success"
        case .opcodeUnsupported: "opcode-unsupported"
        case .invalidParameter: "invalid-parameter"
        case .operationFailed: "operation-failed"
        case .userNotAuthorised: "user-not-authorised"
        }
    }

    /// User Index (2A9A): uint8, 0xFF unknown user.
    static func userIndex(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        var reading = Reading(.deviceState)
        reading.userSlot = slot(try reader.uint8("user index"))
        try reader.end()
        return reading
    }

    /// Database Change Increment (2A99): uint32, goes up when somebody changes the user's data.
    static func changeIncrement(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let count = try reader.uint32LE("change increment")
        try reader.end()
        return DeviceInformationFrames.state([("change_increment", "\(count)")])
    }
}
