import Measurement
import Testing

@testable import DeviceProfile

@Suite("Frames of personal health devices") struct PersonalHealthFramesTests {
    static let association =
        "e2000032800000000001002a507900268000000080008000000000000000008000000008112233445566778805dc"
        + "0081010000000000"
    static let weight =
        "e700002a00281236010100220000000000000d1d0018f0000000000100100001000cff0002fa2007120612100000"
    private func read(
        _ hex: String, request: String = "", _ format: WireFormat = .personalHealth
    ) -> [Reading] {
        var context = FrameContext()
        context.request = bytes(request)
        return FrameLayout(source: .usb, format: .wire(format)).readings(bytes(hex), context)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).map { start in
            let from = hex.index(hex.startIndex, offsetBy: start)
            return UInt8(hex[from..<hex.index(from, offsetBy: 2)], radix: 16)!
        }
    }

    private func detail(_ reading: Reading, _ name: String) -> String? {
        reading.details.first { $0.name == name }?.value
    }

    @Test("a kept frame holds all that its report is read together with, and reads the same again")
    func selfContained() {
        let found = read(Self.association + Self.weight)
        #expect(found.map(\.outcome) == [.measurement])
        #expect(found[0].kind == .weight)
        #expect(found[0].quantity(.weight)?.number?.text == "76.2")
        #expect(found[0].deviceTime?.description == "2007-12-06T12:10:00")
        #expect(found == read(Self.weight, request: Self.association))
    }

    @Test("a report is never read by a configuration that nobody told")
    func withoutConfiguration() {
        let found = read(Self.weight)
        #expect(found.map(\.outcome) == [.rejected])
        #expect(found[0].reason == "no configuration stands before this report")
        #expect(found[0].quantities.isEmpty)
    }

    @Test("the place of what is wrong counts from the first byte of all that was given")
    func places() {
        var broken = Self.weight
        broken.removeLast(4)
        let found = read(Self.association + broken)
        #expect(found.map(\.outcome) == [.rejected])
        #expect(found[0].offset == 98)
        let misplaced = Self.weight.replacing("0001000cff", with: "0007000cff")
        let wrong = read(Self.association + misplaced)
        #expect(wrong[0].reason == "the configuration has no object 7")
        #expect(wrong[0].offset == 54 + 30)
    }

    @Test("bytes that are no APDU are rejected, whatever follows")
    func noAPDU() {
        #expect(read("0a0d0a0d").map(\.outcome) == [.rejected])
        #expect(read("").map(\.outcome) == [.rejected])
        #expect(read(Self.association + Self.weight + "ffff").map(\.outcome) == [.rejected])
    }

    @Test("association, release and abort show what they mean")
    func talk() {
        let asked = read(Self.association)[0]
        #expect(detail(asked, "config-id") == "05dc")
        #expect(detail(asked, "system-id") == "1122334455667788")
        let released = read("e40000020000")[0]
        #expect(detail(released, "must-reply") == "e50000020000")
        let aborted = read("e60000020003")[0]
        #expect(detail(aborted, "abort") == "configuration timeout")
        #expect(detail(aborted, "must-reply") == nil)
        let answered = read(
            "e300002c0003507900268000000080008000000000000000800000000008112233445566778800000000000000"
                + "000000")[0]
        #expect(detail(answered, "result") == "0003 accepted-unknown-config")
    }

    @Test("the records of two reads of the same report have the same key, whatever it was asked by")
    func keys() {
        // Another invoke id and report number: the same weighing.
        let again = Self.weight.replacing("00281236", with: "00284321")
        #expect(
            read(Self.association + Self.weight)[0].keyBytes
                == read(Self.association + again)[0].keyBytes)
    }

    @Test("a lone number of an APDU is shown, special values by their name")
    func numbers() {
        for (hex, name, value) in [
            ("f3cf", "value", "97.5"), ("fe001c5c", "value", "72.60"),
            ("0300069f", "value", "1695000"),
            ("007fffff", "special", "NaN"), ("00800002", "special", "-INFINITY"),
            ("07fe", "special", "+INFINITY"), ("0800", "special", "NRes"),
        ] {
            #expect(detail(read(hex, .mderNumber)[0], name) == value)
        }
        #expect(read("f3cf00", .mderNumber)[0].outcome == .rejected)
    }

    @Test("UTC and offset of a base-offset stamp both reach the time rules")
    func baseOffset() {
        // A configuration with one weight stamped by base and offset, then its report.
        let attributes = "092f00040002e140" + "0996000206c3" + "0a55000c000200080a5600040a820008"
        let object = "00060001" + "0003001e" + attributes
        let info = "4000" + "00010026" + object
        let length = { (hex: String) in
            let digits = String(hex.utf8.count / 2, radix: 16)
            return String(repeating: "0", count: 4 - digits.utf8.count) + digits
        }
        func event(_ type: String, _ information: String) -> String {
            let body = "0000ffffffff" + type + length(information) + information
            let message = "00010101" + length(body) + body
            let apdu = length(message) + message
            return "e700" + length(apdu) + apdu
        }
        let configuration = event("0d1c", info)
        let report = event(
            "0d1d", "f0000000" + "00010010" + "0001000c" + "ff0002fa" + "eb1f04000000021c")
        let found = read(configuration + report)
        #expect(found.map(\.outcome) == [.measurement], "\(found)")
        #expect(found[0].deviceTime?.description == "2025-01-01T09:00:00")
        #expect(found[0].baseTime?.description == "2025-01-01T00:00:00")
        #expect(found[0].timeOffsetMinutes == 540)
        #expect(found[0].clockState.utcOffsetMinutes == 540)
    }
}
