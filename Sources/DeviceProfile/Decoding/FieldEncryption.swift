import Crypto
package import Measurement

/// What the owner of a device knows and a frame does not say.
package struct FrameContext: Sendable {
    package var address: BluetoothAddress?
    /// The owner's own key for this device, from configuration.
    package var key: [UInt8]?
    /// The unit that the device's display is set to, where its frames do not tell.
    package var displayUnit: MeasurementUnit?
    /// What the gateway had asked when this frame came; empty where it came by itself.
    package var request: [UInt8] = []
    /// The day on which it is read, for devices that count days back from it.
    package var today: LocalDateTime?
    /// The number that the device will give to its next record.
    package var nextRecord: UInt64?
    /// What earlier frames of the same session said, by the profile's own names.
    package var remembered: [String: ExactDecimal] = [:]

    package init(
        address: BluetoothAddress? = nil, key: [UInt8]? = nil,
        displayUnit: MeasurementUnit? = nil
    ) {
        self.address = address
        self.key = key
        self.displayUnit = displayUnit
    }
}

/// A part of the frame that is encrypted with the owner's key by AES-CCM.
///
/// The frame that the fields see begins with the bytes before the cipher text and ends with the plain
/// text: what follows the cipher text (counters, tag) is gone.
package struct FieldEncryption: Sendable, Equatable {
    package enum NoncePart: Sendable, Equatable {
        /// The device's address, least significant byte first as on the air.
        case addressReversed
        case address
        /// Bytes of the frame; a negative offset counts from its end.
        case frame(at: Int, count: Int)
        case bytes([UInt8])
    }
    /// Where the cipher text begins.
    package var from: Int
    /// How many bytes follow it, the tag among them.
    package var trailing: Int
    package var tagAt: Int
    package var tagLength: Int
    package var nonce: [NoncePart]
    package var associatedData: [UInt8]

    package init(from: Int, trailing: Int, tagAt: Int, tagLength: Int, nonce: [NoncePart]) {
        self.from = from
        self.trailing = trailing
        self.tagAt = tagAt
        self.tagLength = tagLength
        self.nonce = nonce
        associatedData = []
    }

    /// The frame in plain text; nil where the key or the address is not known.
    func open(_ bytes: [UInt8], _ context: FrameContext) throws(DecodeError) -> [UInt8]? {
        guard let key = context.key else { return nil }
        let end = bytes.count - trailing
        guard from < end, let tag = Self.slice(bytes, at: tagAt, count: tagLength) else {
            throw DecodeError("the frame ends inside its encrypted part", offset: bytes.count)
        }
        var whole: [UInt8] = []
        for part in nonce {
            switch part {
            case .address, .addressReversed:
                guard let address = context.address else { return nil }
                let order = address.bytes
                whole += part == .address ? order : order.reversed()
            case .bytes(let fixed): whole += fixed
            case .frame(let at, let count):
                guard let found = Self.slice(bytes, at: at, count: count) else {
                    throw DecodeError("the frame ends inside its nonce", offset: bytes.count)
                }
                whole += found
            }
        }
        let plain = AESCCM.open(
            Array(bytes[from..<end]), tag: tag, key: key, nonce: whole,
            associatedData: associatedData)
        guard let plain else {
            throw DecodeError(
                "the authentication tag does not fit: another key, or a broken frame", offset: from)
        }
        return Array(bytes[..<from]) + plain
    }

    private static func slice(_ bytes: [UInt8], at: Int, count: Int) -> [UInt8]? {
        let start = at < 0 ? bytes.count + at : at
        guard start >= 0, count >= 0, start + count <= bytes.count else { return nil }
        return Array(bytes[start..<start + count])
    }
}
