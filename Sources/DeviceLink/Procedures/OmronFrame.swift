import DeviceProfile

/// A frame of Omron's memory protocol.
///
/// ```
/// 0      length of the whole frame
/// 1–2    kind: 00 00 start, 01 00 read, 01 C0 write, 0F 00 end; answers have bit 7 of byte 1 set
/// 3–4    address, big endian
/// 5      how many bytes of the memory
/// 6 …    those bytes
/// n−2    result: 0 is good
/// n−1    what makes the exclusive or of all bytes 0
/// ```
struct OmronFrame: Equatable {
    enum Kind: UInt16 {
        case start = 0x0000
        case read = 0x0100
        case write = 0x01C0
        case end = 0x0F00
    }
    enum Problem: Error, Equatable {
        case tooShort
        case wrongChecksum
        case wrongLength
    }
    static let overhead = 8

    /// The kind on the air, bit 15 set in an answer.
    var kind: UInt16
    var address: Int
    var data: [UInt8]
    var result: UInt8

    static func request(_ kind: Kind, address: Int = 0, count: Int) -> [UInt8] {
        sealed([
            8, UInt8(kind.rawValue >> 8), UInt8(kind.rawValue & 0xFF),
            UInt8(address >> 8 & 0xFF), UInt8(address & 0xFF), UInt8(count), 0,
        ])
    }

    static func write(_ data: [UInt8], address: Int) -> [UInt8] {
        sealed(
            [
                UInt8(overhead + data.count), 0x01, 0xC0,
                UInt8(address >> 8 & 0xFF), UInt8(address & 0xFF), UInt8(data.count),
            ] + data + [0])
    }

    static func sealed(_ bytes: [UInt8]) -> [UInt8] { bytes + [bytes.reduce(0, ^)] }

    init(parsing bytes: [UInt8]) throws(Problem) {
        guard bytes.count >= Self.overhead else { throw .tooShort }
        guard bytes.reduce(0, ^) == 0 else { throw .wrongChecksum }
        guard Int(bytes[0]) == bytes.count else { throw .wrongLength }
        kind = UInt16(bytes[1]) << 8 | UInt16(bytes[2])
        address = Int(bytes[3]) << 8 | Int(bytes[4])
        data = Array(bytes[6..<bytes.count - 2])
        result = bytes[bytes.count - 2]
        // An answer that gives nothing has only its result behind the count.
        guard data.isEmpty || data.count == Int(bytes[5]) else { throw .wrongLength }
    }
}

/// Puts a frame together that comes in pieces over the channels of a device.
struct OmronChannels {
    static let receive = [
        "49123040-aee8-11e1-a74d-0002a5d5c51b", "4d0bf320-aee8-11e1-a0d9-0002a5d5c51b",
        "5128ce60-aee8-11e1-b84b-0002a5d5c51b", "560f1420-aee8-11e1-8184-0002a5d5c51b",
    ].compactMap { BluetoothUUID($0) }
    static let transmit = [
        "db5b55e0-aee7-11e1-965e-0002a5d5c51b", "e0b8a060-aee7-11e1-92f4-0002a5d5c51b",
        "0ae12b00-aee8-11e1-a192-0002a5d5c51b", "10e1ba60-aee8-11e1-89e5-0002a5d5c51b",
    ].compactMap { BluetoothUUID($0) }
    static let unlock = BluetoothUUID("b305b680-aee7-11e1-a730-0002a5d5c51b") ?? BluetoothUUID(0)
    /// What one of four channels carries at once.
    static let width = 16

    let count: Int
    private var pieces: [[UInt8]?]

    init(count: Int) {
        self.count = count
        pieces = Array(repeating: nil, count: count)
    }

    var receiving: ArraySlice<BluetoothUUID> { Self.receive.prefix(count) }

    /// The pieces of a command with the channel that each one goes to.
    func split(_ bytes: [UInt8]) -> [(BluetoothUUID, [UInt8])] {
        guard count > 1 else { return [(Self.transmit[0], bytes)] }
        return stride(from: 0, to: bytes.count, by: Self.width).map { start in
            (
                Self.transmit[min(start / Self.width, count - 1)],
                Array(bytes[start..<min(start + Self.width, bytes.count)])
            )
        }
    }

    /// Takes a piece; the whole frame once its last piece is there.
    mutating func take(_ uuid: BluetoothUUID, _ bytes: [UInt8]) -> [UInt8]? {
        guard let channel = receiving.firstIndex(of: uuid) else { return nil }
        if count == 1 { return bytes }
        // The first channel begins a frame; what was left of another one is none.
        if channel == 0 { pieces = Array(repeating: nil, count: count) }
        pieces[channel] = bytes
        guard let length = pieces[0]?.first.map({ Int($0) }), length > 0 else { return nil }
        let due = min(count, (length + Self.width - 1) / Self.width)
        let found = pieces.prefix(due).compactMap { $0 }
        guard found.count == due else { return nil }
        pieces = Array(repeating: nil, count: count)
        return Array(found.joined().prefix(length))
    }

    mutating func clear() { pieces = Array(repeating: nil, count: count) }
}
