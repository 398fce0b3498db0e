import DeviceProfile
import Measurement
import Testing

/// Listings and lists whose checksums cover them whole: nothing of a broken one is used.
@Suite("Listings of meters") struct ListingTests {
    private func lines(_ listing: TextListing, _ text: String) throws -> [String] {
        try listing.lines(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    private func sum(_ text: String) -> String {
        let digits = String(
            text.utf8.reduce(UInt16(0)) { $0 &+ UInt16($1) }, radix: 16, uppercase: true)
        return String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }

    @Test("the lines of a memory are those before its sum")
    func abbott() throws {
        let text = "\r\nDCGT224-N1602\r\n002\r\n093  Apr  22 2014 02:10 G 0x00\r\n"
        #expect(
            try lines(.abbott, text + "0x\(sum(text))  END\r\n")
                == ["DCGT224-N1602", "002", "093  Apr  22 2014 02:10 G 0x00"])
        #expect(try lines(.abbott, "S/N:\tX\r\nCMD OK\r\n") == ["S/N:\tX"])
        #expect(try lines(.abbott, "\r\nDCGT\r\nLog Empty END\r\n") == ["DCGT"])
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        var listing: TextListing
        var text: String
        var reason: String
        var offset: Int
        var testDescription: String { reason }
    }

    @Test(
        "a listing that is cut, failed or does not fit its checksum is refused at its place",
        arguments: [
            Broken(
                listing: .abbott, text: "093 G\r\n0x0000  END\r\n",
                reason: "the checksum does not fit", offset: 7),
            Broken(
                listing: .abbott, text: "093 G\r\n0x+12A  END\r\n",
                reason: "malformed checksum field", offset: 7),
            Broken(
                listing: .abbott, text: "093 G\r\nTHE END\r\n", reason: "malformed checksum field",
                offset: 7),
            Broken(listing: .abbott, text: "CMD Fail!\r\n", reason: "command failed", offset: 11),
            Broken(listing: .abbott, text: "093 G\r\n", reason: "no end", offset: 7),
            Broken(
                listing: .areo, text: "[\r\nGlu\r\n00\r\n]\r\n",
                reason: "the checksum does not fit", offset: 8),
            Broken(
                listing: .areo, text: "[\r\nGlu\r\n6f\r\n]\r\n", reason: "malformed checksum field",
                offset: 12),
            Broken(
                listing: .areo, text: "]\r\n", reason: "a listing begins with a bracket", offset: 0),
            Broken(
                listing: .areo, text: "[\r\n]\r\n", reason: "malformed checksum field", offset: 3),
        ])
    func broken(example: Broken) {
        #expect(throws: DecodeError(example.reason, offset: example.offset)) {
            try example.listing.lines(Array(example.text.utf8))
        }
    }

    @Test("no digit of a listing can change unseen")
    func everyByte() throws {
        let text = "[\r\nGlu,5.4,mmol/L,02,260301,0645\r\n"
        let good = try #require(
            (0..<256).lazy.map { number -> String in
                let digits = String(number, radix: 16, uppercase: true)
                return text + (number < 16 ? "0" : "") + digits + "\r\n]\r\n"
            }.first { (try? lines(.areo, $0)) != nil })
        for index in 3..<text.utf8.count - 2 {
            var bytes = Array(good.utf8)
            bytes[index] ^= 1
            #expect(throws: DecodeError.self) { try TextListing.areo.lines(bytes) }
        }
    }

    @Test("a list of a reader is whole with its count and its sum only")
    func list() throws {
        func body(_ rows: String, count: Int, sum: UInt32? = nil) -> [UInt8] {
            let own = sum ?? rows.utf8.reduce(0) { $0 + UInt32($1) }
            return Array(
                (rows + "\(count)," + String(own, radix: 16, uppercase: true) + "\r\n").utf8)
        }
        let rows = "1,2,3\r\n4,5,6\r\n"
        #expect(
            try AbbottText.list(body(rows, count: 2)).map { String(decoding: $0, as: UTF8.self) }
                == ["1,2,3", "4,5,6"])
        #expect(try AbbottText.list(Array("Log Empty\r\n".utf8)).isEmpty)
        #expect(try AbbottText.list(body("", count: 0)).isEmpty)
        for bad in [
            body(rows, count: 3), body(rows, count: 2, sum: 7), Array(rows.utf8),
            Array(body(rows, count: 2).dropLast()), [], Array("CMD\r\n".utf8),
        ] {
            #expect(throws: DecodeError.self) { try AbbottText.list(bad) }
        }
    }

    @Test(
        "nothing that a line may bring stops a listing or gives lines of nowhere", arguments: 1...30
    )
    func fuzz(seed: Int) {
        var generator = Seeded(UInt64(seed))
        let parts = [
            "[\r\n", "]\r\n", "CMD OK\r\n", "END\r\n", "0x", "0000", "  ", "\r\n", "Glu,", "A",
        ]
        for _ in 0..<200 {
            let count = Int.random(in: 0...8, using: &generator)
            let text = (0..<count).compactMap { _ in parts.randomElement(using: &generator) }
                .joined()
            for listing in [TextListing.abbott, .areo] {
                let lines = (try? listing.lines(Array(text.utf8))) ?? []
                #expect(lines.reduce(0) { $0 + $1.count } <= text.utf8.count)
            }
            _ = try? AbbottText.list(Array(text.utf8))
            _ = try? Microlife.records(Array(text.utf8))
            _ = try? CareSens.open(Array(text.utf8))
        }
    }
}

@Suite("Messages that say how long they are") struct LengthByteTests {
    private static let framing = WirePlan.Framing.lengthByte(
        start: [0x53], at: 2, plus: 3, maximum: 64)

    @Test("bytes that look like an end or a beginning inside a message are a part of it")
    func inside() {
        let frame: [UInt8] = [0x53, 0x20, 5, 0xAA, 0x53, 0x20, 1, 0xAA]
        var framer = WireFramer(Self.framing)
        #expect(framer.take([0] + frame + frame.prefix(2)) == [frame])
        #expect(framer.take(Array(frame.dropFirst(2))) == [frame])
        #expect(framer.takeDropped() == 1)
    }

    @Test("a length that no message has is no beginning, and the frame behind it is found")
    func tooLong() {
        let frame: [UInt8] = [0x53, 0x10, 4, 0x10, 0x60, 0x70, 0xAA]
        var framer = WireFramer(Self.framing)
        #expect(framer.take([0x53, 0x20, 200] + frame) == [frame])
        #expect(framer.takeDropped() == 3)
    }

    @Test("it comes byte by byte as it comes at once")
    func split() {
        let frame: [UInt8] = [0x53, 0x10, 4, 0x10, 0x60, 0x70, 0xAA]
        var framer = WireFramer(Self.framing)
        #expect((frame + frame).flatMap { framer.take([$0]) } == [frame, frame])
    }
}
