/// A checksum over a range of a frame's bytes, compared with what the frame says.
package struct FieldChecksum: Sendable, Equatable {
    package enum Method: Sendable, Equatable {
        case xor
        case sum8
        case sum16
        case sum32
        case crc(CyclicRedundancyCheck)
    }
    package var method: Method
    /// First and last byte that count; negative ones from the end of the frame.
    package var from: Int
    package var to: Int
    /// Where the frame says it; nil where the bytes themselves must come to 0.
    package var at: Int?
    package var isBigEndian = false
    /// The frame holds the two's complement, so that the sum with it is 0.
    package var isNegated = false

    package init(_ method: Method, from: Int, to: Int, at: Int?) {
        self.method = method
        self.from = from
        self.to = to
        self.at = at
    }

    package var width: Int {
        switch method {
        case .xor, .sum8: 1
        case .sum16: 2
        case .sum32: 4
        case .crc(let crc): crc.width / 8
        }
    }

    /// Names of the methods as profiles spell them.
    package static let methods: [(name: String, method: Method)] =
        [("xor", .xor), ("sum8", .sum8), ("sum16", .sum16), ("sum32", .sum32)]
        + CyclicRedundancyCheck.variants.map { ($0.name, .crc($0.check)) }

    func check(_ bytes: [UInt8]) throws(DecodeError) {
        let first = from < 0 ? bytes.count + from : from
        let last = to < 0 ? bytes.count + to : to
        let place = at.map { $0 < 0 ? bytes.count + $0 : $0 }
        guard first >= 0, first <= last, last < bytes.count else {
            throw DecodeError("the frame is too short for its checksum", offset: bytes.count)
        }
        var sum = compute(bytes[first...last])
        if isNegated {
            sum = (~sum &+ 1) & UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(width * 8)) - 1)
        }
        guard let place else {
            if sum == 0 { return }
            throw DecodeError("the checksum does not come to 0", offset: last)
        }
        guard place >= 0, place + width <= bytes.count else {
            throw DecodeError("the frame is too short for its checksum", offset: bytes.count)
        }
        let said = bytes[place..<place + width]
        let ordered = isBigEndian ? Array(said) : said.reversed()
        guard ordered.reduce(0, { $0 << 8 | UInt32($1) }) == sum else {
            throw DecodeError("the checksum does not fit", offset: place)
        }
    }

    private func compute(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        switch method {
        case .xor: UInt32(bytes.reduce(0, ^))
        case .sum8: bytes.reduce(0) { $0 &+ UInt32($1) } & 0xFF
        case .sum16: bytes.reduce(0) { $0 &+ UInt32($1) } & 0xFFFF
        case .sum32: bytes.reduce(0) { $0 &+ UInt32($1) }
        case .crc(let crc): crc.compute(bytes)
        }
    }
}

/// A cyclic redundancy check of 8, 16 or 32 bits by the usual six parameters.
package struct CyclicRedundancyCheck: Sendable, Equatable {
    package var width: Int
    package var polynomial: UInt32
    package var initial: UInt32
    /// Bytes go in, and the result comes out, least significant bit first.
    package var reflectsInput: Bool
    package var reflectsOutput: Bool
    package var finalXor: UInt32

    package init(
        width: Int, polynomial: UInt32, initial: UInt32, reflectsInput: Bool, reflectsOutput: Bool,
        finalXor: UInt32
    ) {
        self.width = width
        self.polynomial = polynomial
        self.initial = initial
        self.reflectsInput = reflectsInput
        self.reflectsOutput = reflectsOutput
        self.finalXor = finalXor
    }

    private static func named(
        _ name: String, _ width: Int, _ polynomial: UInt32, _ initial: UInt32, reflected: Bool,
        _ finalXor: UInt32
    ) -> (name: String, check: CyclicRedundancyCheck) {
        let check = CyclicRedundancyCheck(
            width: width, polynomial: polynomial, initial: initial, reflectsInput: reflected,
            reflectsOutput: reflected, finalXor: finalXor)
        return (name, check)
    }

    /// The variants that have a name; the check value of each is in the tests.
    package static let variants = [
        named("crc8", 8, 0x07, 0, reflected: false, 0),
        named("crc8-maxim", 8, 0x31, 0, reflected: true, 0),
        named("crc16-arc", 16, 0x8005, 0, reflected: true, 0),
        named("crc16-modbus", 16, 0x8005, 0xFFFF, reflected: true, 0),
        named("crc16-ccitt-false", 16, 0x1021, 0xFFFF, reflected: false, 0),
        named("crc16-xmodem", 16, 0x1021, 0, reflected: false, 0),
        named("crc16-kermit", 16, 0x1021, 0, reflected: true, 0),
        named("crc16-x25", 16, 0x1021, 0xFFFF, reflected: true, 0xFFFF),
        named("crc32", 32, 0x04C1_1DB7, 0xFFFF_FFFF, reflected: true, 0xFFFF_FFFF),
        named("crc32-mpeg2", 32, 0x04C1_1DB7, 0xFFFF_FFFF, reflected: false, 0),
    ]

    func compute(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        let top: UInt32 = 1 << UInt32(width - 1)
        let mask = top | (top &- 1)
        var register = initial & mask
        for byte in bytes {
            let input = reflectsInput ? Self.reflect(UInt32(byte), 8) : UInt32(byte)
            register ^= input << UInt32(width - 8)
            for _ in 0..<8 {
                let carry = register & top != 0
                register = register << 1 & mask
                if carry { register ^= polynomial & mask }
            }
        }
        if reflectsOutput { register = Self.reflect(register, width) }
        return (register ^ finalXor) & mask
    }

    private static func reflect(_ value: UInt32, _ width: Int) -> UInt32 {
        var out: UInt32 = 0
        for bit in 0..<width where value >> UInt32(bit) & 1 == 1 {
            out |= 1 << UInt32(width - 1 - bit)
        }
        return out
    }
}
