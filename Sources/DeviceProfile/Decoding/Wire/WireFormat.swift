/// Message formats of cable protocols that need code: replies that mean nothing without the request,
/// numbers with an exponent, dumps with several records.
package enum WireFormat: String, Sendable, CaseIterable {
    /// Omron cable 0590:0028: "OK", payload, XOR.
    case omronHHX = "omron-hhx"
    /// HID point-of-sale scale, input report 3.
    case hidScale = "hid-scale"
    /// Binary history records of a FreeStyle Libre reader.
    case libreHistory = "libre-history"
    /// The 16 bits of a record's number that such a reader stores.
    case libreRecordNumber = "libre-record-number"
    /// LifeScan packets: 02 length … 03 CRC.
    case lifescan
    /// ASTM frames and records of Contour meters.
    case ascensia
    /// TaiDoc frames of eight bytes.
    case taidoc
    /// Memory dump of a cuff behind the JPI bridge.
    case jpiMemory = "jpi-memory"
    /// Records of a Microlife cuff.
    case microlife
    /// Messages of a TRUE METRIX meter.
    case trueMetrix = "true-metrix"
    /// Frames of a Sony RC-S380.
    case port100 = "port-100"
    /// APDUs of IEEE 11073-20601.
    case personalHealth = "ieee-11073-20601"
    /// A lone SFLOAT or FLOAT of such an APDU.
    case mderNumber = "mder-number"

    func readings(_ bytes: [UInt8], _ context: FrameContext) throws(DecodeError) -> [Reading] {
        switch self {
        case .omronHHX: [try OmronHHX.reading(bytes, context)]
        case .hidScale: [try HIDScale.reading(bytes)]
        case .libreHistory: [try LibreHistory.reading(bytes)]
        case .libreRecordNumber: [try WideRecordNumber.reading(bytes, context)]
        case .lifescan: [try LifeScan.reading(bytes)]
        case .ascensia: try Ascensia.readings(bytes)
        case .taidoc: [try TaiDoc.reading(bytes)]
        case .jpiMemory: try JPIMemory.readings(bytes)
        case .microlife: [try Microlife.reading(bytes)]
        case .trueMetrix: [try TrueMetrix.reading(bytes)]
        case .port100: [try Port100.reading(bytes)]
        case .personalHealth: try PersonalHealthFrames.readings(bytes, context)
        case .mderNumber: [try MDERNumber.reading(bytes)]
        }
    }
}

extension Reading {
    /// A frame of the device's own matters: its clock, its counters, what it is.
    static func state(_ details: KeyValuePairs<String, String>) -> Reading {
        var reading = Reading(.deviceState)
        reading.add(details)
        return reading
    }

    mutating func add(_ details: KeyValuePairs<String, String>) {
        for (name, value) in details { self.details.append(Detail(name: name, value: value)) }
    }
}

/// A cursor-free reader of fixed places, whose errors name the place.
struct Places {
    let bytes: [UInt8]

    init(_ bytes: [UInt8], atLeast count: Int) throws(DecodeError) {
        guard bytes.count >= count else {
            throw DecodeError("\(bytes.count) bytes where \(count) are due", offset: bytes.count)
        }
        self.bytes = bytes
    }

    func le16(_ at: Int) -> Int { Int(bytes[at]) | Int(bytes[at + 1]) << 8 }
    func be16(_ at: Int) -> Int { Int(bytes[at + 1]) | Int(bytes[at]) << 8 }
    func le32(_ at: Int) -> UInt32 {
        (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
    }
}

/// Lower-case hexadecimal digits, with leading zeros.
func hexDigits(_ value: UInt32, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}
