import Crypto

/// Frames of a Sony RC-S380: `00 00 FF FF FF`, length, data, their complements, `00`.
package enum Port100 {
    package enum Frame: Sendable, Equatable {
        case acknowledge
        case error
        case data([UInt8])
    }

    package static func frame(_ bytes: [UInt8]) throws(DecodeError) -> Frame {
        switch bytes {
        case acknowledgement: return .acknowledge
        case [0, 0, 0xFF, 0xFF, 0xFF]: return .error
        default: break
        }
        let places = try Places(bytes, atLeast: 10)
        guard bytes.starts(with: [0, 0, 0xFF, 0xFF, 0xFF]) else {
            throw DecodeError("a frame begins with 00 00 ff ff ff", offset: 0)
        }
        guard bytes[5] &+ bytes[6] &+ bytes[7] == 0 else {
            throw DecodeError("the length's checksum does not fit", offset: 7)
        }
        let length = places.le16(5)
        guard bytes.count == length + 10, bytes[bytes.count - 1] == 0 else {
            throw DecodeError("a frame of \(length + 10) bytes is due", offset: bytes.count)
        }
        let data = Array(bytes[8..<8 + length])
        guard data.reduce(bytes[8 + length], &+) == 0 else {
            throw DecodeError("the checksum does not fit", offset: 8 + length)
        }
        return .data(data)
    }

    package static let acknowledgement: [UInt8] = [0, 0, 0xFF, 0, 0xFF, 0]

    /// A frame around a command.
    package static func frame(of data: [UInt8]) -> [UInt8] {
        let length = [
            UInt8(truncatingIfNeeded: data.count), UInt8(truncatingIfNeeded: data.count >> 8),
        ]
        let lengthSum = 0 &- (length[0] &+ length[1])
        return [0, 0, 0xFF, 0xFF, 0xFF] + length + [lengthSum] + data
            + [data.reduce(0, &-), 0]
    }

    static func reading(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        switch try frame(bytes) {
        case .acknowledge: .state(["type": "ack"])
        case .error: .state(["type": "error"])
        case .data(let data): .state(["type": "data", "data-hex": hexadecimal(data)])
        }
    }
}
