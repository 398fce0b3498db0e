package import Measurement

/// A part of what is written to a device; the parts stand one behind the other.
package enum WritePart: Sendable, Equatable {
    package enum Checksum: String, Sendable, CaseIterable {
        case xor
        case sum8
    }
    /// One field of the gateway's time, a byte wide unless its name says otherwise.
    package enum TimeField: String, Sendable, CaseIterable {
        case yearLittleEndian = "year-le"
        case yearBigEndian = "year-be"
        case yearSince2000 = "year-2000"
        case month
        case day
        case hour
        case minute
        case second
    }
    case bytes([UInt8])
    case time([TimeField], SessionPlan.ClockZone)
    /// Whole seconds since the start of a year, four bytes wide.
    case seconds(sinceYear: Int, bigEndian: Bool, SessionPlan.ClockZone)
    /// Bytes of the frame that is answered; mixed with the owner's key by exclusive or.
    case frame(at: Int, count: Int, xorWithKey: Bool)
    /// Over everything before it, from an offset on.
    case checksum(Checksum, from: Int)

    /// The bytes depend on the gateway's clock.
    package var isTime: Bool {
        switch self {
        case .time, .seconds: true
        default: false
        }
    }
}

/// From this step on, each frame that begins so is answered by a write.
package struct AnswerRule: Sendable, Equatable {
    package var characteristic: BluetoothUUID
    package var begins: [UInt8]
    package var target: BluetoothUUID
    package var parts: [WritePart]

    package init(
        characteristic: BluetoothUUID, begins: [UInt8], target: BluetoothUUID, parts: [WritePart]
    ) {
        self.characteristic = characteristic
        self.begins = begins
        self.target = target
        self.parts = parts
    }
}

/// A frame that has to come before the session goes on.
package struct ExpectPlan: Sendable, Equatable {
    package var characteristic: BluetoothUUID
    package var begins: [UInt8]
    package var timeout: Interval
    /// Without the frame the session goes on all the same.
    package var isOptional: Bool

    package init(
        characteristic: BluetoothUUID, begins: [UInt8], timeout: Interval, isOptional: Bool
    ) {
        self.characteristic = characteristic
        self.begins = begins
        self.timeout = timeout
        self.isOptional = isOptional
    }
}
