/// What a device on a cable sends, transfer by transfer.
struct Stream {
    var name: String
    var profile: String
    var transfers: [[UInt8]]
    /// How many records are in it.
    var records: Int
    /// The profile's framing cuts it; otherwise a transfer is a message.
    var isFramed: Bool
    var request: [UInt8] = []

    var byteCount: Int { transfers.reduce(0) { $0 + $1.count } }

    static func all(_ count: Int) -> [Stream] {
        [scale20601(count), contour(count), kiosk(count), scale(count), cuff(count)]
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// APDUs of a scale of the personal health standard: one confirmed report of one weight each.
    private static func scale20601(_ count: Int) -> Stream {
        func bytes(_ hex: String) -> [UInt8] {
            let digits = hex.utf8.filter { $0 != 32 }.compactMap {
                UInt8(String(UnicodeScalar($0)), radix: 16)
            }
            return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        }
        let report = bytes(
            "e700002a 0028 1236 0101 0022 0000 ffffffff 0d1d 0018 f000 0000 0001 0010 0001 000c "
                + "ff0002fa 20260301 08120000")
        let transfers = (0..<count).map { number -> [UInt8] in
            var apdu = report
            // 40.0 kg and more, in tenths; the minute.
            apdu[36] = UInt8((400 + number % 600) >> 8)
            apdu[37] = UInt8((400 + number % 600) & 0xFF)
            apdu[43] = UInt8((number % 60) / 10 << 4 | number % 10)
            return apdu
        }
        let association = bytes(
            "e2000032 80000000 0001002a 5079 0026 80000000 8000 80000000 00000000 00800000 "
                + "0008 1122334455667788 05dc 0001 01 00 0000 0000")
        return Stream(
            name: "apdu", profile: "personal-health", transfers: transfers, records: count,
            isFramed: false, request: association)
    }

    /// ASTM frames of results, each with its checksum.
    private static func contour(_ count: Int) -> Stream {
        let transfers = (0..<count).map { number -> [UInt8] in
            let stamp = "202602\(two(number % 28 + 1))\(two(number % 24))\(two(number % 60))"
            let text =
                "\(number % 8)R|\(number % 1_000)|^^^Glucose|\(40 + number % 400)|mg/dL^P||B||\(stamp)\r"
            let body = Array(text.utf8) + [0x17]
            let sum = String(body.reduce(0, &+), radix: 16, uppercase: true)
            return [2] + body + Array((sum.utf8.count < 2 ? "0" : "").utf8) + Array(sum.utf8)
                + [13, 10]
        }
        return Stream(
            name: "astm", profile: "contour-usb", transfers: transfers, records: count,
            isFramed: false)
    }

    /// Comma-separated lines, cut into transfers at no boundary of theirs.
    private static func kiosk(_ count: Int) -> Stream {
        let text = (0..<count).map { number in
            "bp,99999999999999999999,2026/02/\(two(number % 28 + 1)),\(two(number % 24)):\(two(number % 60)),"
                + "1\(two(number % 60)),098,0\(two(60 + number % 30)),068,0\r\n"
        }
        return Stream(
            name: "kiosk_csv", profile: "omron-hbp-9020", transfers: cut(text.joined(), 62),
            records: count, isFramed: true)
    }

    private static func scale(_ count: Int) -> Stream {
        let text = (0..<count).map { number in
            "ST,+000\(two(40 + number % 50)).\(two(number % 100)) kg\r\n"
        }
        return Stream(
            name: "scale_lines", profile: "and-standard-scale", transfers: cut(text.joined(), 62),
            records: count, isFramed: true)
    }

    /// Answers of a cuff, whole: its procedure puts the reports together.
    private static func cuff(_ count: Int) -> Stream {
        let transfers = (0..<count).map { number -> [UInt8] in
            let payload: [UInt8] = [
                0, 26, 2, UInt8(number % 28 + 1), UInt8(number % 24), UInt8(number % 60), 0, 0,
                0, UInt8(100 + number % 60), 70, 60, 0, 0,
            ]
            return [0x4F, 0x4B, 0] + Array(payload.dropFirst()) + [payload.reduce(0, ^)]
        }
        return Stream(
            name: "omron_records", profile: "omron-hem-7080it", transfers: transfers,
            records: count, isFramed: false, request: Array("GME".utf8) + [0, 0, 0, 0, 0])
    }

    private static func cut(_ text: String, _ size: Int) -> [[UInt8]] {
        let bytes = Array(text.utf8)
        return stride(from: 0, to: bytes.count, by: size).map {
            Array(bytes[$0..<min($0 + size, bytes.count)])
        }
    }
}
