import Measurement

/// Values of the Device Information Service (180A) and of Local Time Information.
enum DeviceInformationFrames {
    /// A text such as the model number (2A24): UTF-8, which may be padded with NUL.
    static func text(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let text = Array(bytes.prefix { $0 != 0 })
        guard bytes.dropFirst(text.count).allSatisfy({ $0 == 0 }) else {
            throw DecodeError("bytes behind the end of the text", offset: text.count)
        }
        guard !text.isEmpty else { throw DecodeError("an empty text", offset: 0) }
        guard let shown = String(validating: text, as: UTF8.self) else {
            throw DecodeError("the text is not UTF-8", offset: 0)
        }
        return state([("text", shown)])
    }

    /// PnP ID (2A50): source uint8 (1 Bluetooth, 2 USB), vendor, product and version uint16.
    static func pnpID(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let source = try reader.uint8("vendor id source")
        let vendor = try reader.uint16LE("vendor id")
        let product = try reader.uint16LE("product id")
        let version = try reader.uint16LE("product version")
        try reader.end()
        guard (1...2).contains(source) else {
            throw DecodeError("vendor id source \(source) is reserved", offset: 0)
        }
        return state([
            ("vendor_id_source", source == 1 ? "bluetooth" : "usb"),
            ("vendor_id", hexadecimal16(vendor)), ("product_id", hexadecimal16(product)),
            ("product_version", hexadecimal16(version)),
        ])
    }

    /// System ID (2A23): the maker's part uint40, then its OUI uint24; shown as an EUI-64.
    static func systemID(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let all = try reader.take(8, "the system id")
        try reader.end()
        return state([("eui_64", "0x" + all.reversed().map(hexadecimal8).joined())])
    }

    /// Local Time Information (2A0F): zone sint8 × 15 min (-128 unknown), daylight saving uint8 (0, 2,
    /// 4 or 8 quarters of an hour; 255 unknown).
    static func localTime(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let zone = Int(Int8(bitPattern: try reader.uint8("time zone")))
        let saving = try reader.uint8("daylight saving offset")
        try reader.end()
        guard zone == -128 || (-48...56).contains(zone) else {
            throw DecodeError("no time zone is \(zone) quarters of an hour off", offset: 0)
        }
        guard [0, 2, 4, 8, 255].contains(saving) else {
            throw DecodeError("daylight saving offset \(saving) is reserved", offset: 1)
        }
        return state([
            ("time_zone_minutes", zone == -128 ? "unknown" : "\(zone * 15)"),
            ("dst_minutes", saving == 255 ? "unknown" : "\(Int(saving) * 15)"),
        ])
    }

    static func state(_ details: [(String, String)]) -> Reading {
        var reading = Reading(.deviceState)
        reading.details = details.map { Reading.Detail(name: $0.0, value: $0.1) }
        return reading
    }

    private static func hexadecimal8(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.utf8.count < 2 ? "0" + digits : digits
    }

    private static func hexadecimal16(_ number: UInt16) -> String {
        "0x" + hexadecimal8(UInt8(number >> 8)) + hexadecimal8(UInt8(number & 0xFF))
    }
}
