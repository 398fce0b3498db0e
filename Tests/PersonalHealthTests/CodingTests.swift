import Measurement
import Testing

@testable import PersonalHealth

@Suite("MDERReader")
struct MDERReaderTests {
    @Test("numbers are read big-endian, so that 72.60 kg is not 1.5 tonnes")
    func numbers() throws {
        var reader = MDERReader(hex("01 0203 04050607 08090a0b0c0d0e0f"))
        #expect(try reader.uint8("a") == 1)
        #expect(try reader.uint16("b") == 0x0203)
        #expect(try reader.uint32("c") == 0x0405_0607)
        #expect(try reader.uint64("d") == 0x0809_0A0B_0C0D_0E0F)
        try reader.finish("all")
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: String
        var error: String
        var testDescription: String { name }
    }

    @Test(
        "a list that lies about itself is refused with the byte it lies at",
        arguments: [
            Broken(
                name: "no count", bytes: "00", error: "byte 1: the end inside the count of numbers"),
            Broken(
                name: "no length", bytes: "0001",
                error: "byte 2: the end inside the length of numbers"),
            Broken(
                name: "longer than the rest", bytes: "0001 0004 0001",
                error: "byte 2: numbers is said to have 4 bytes, 2 follow"),
            Broken(
                name: "more elements than bytes", bytes: "0005 0004 00010002",
                error: "byte 0: numbers has 5 elements in 4 bytes"),
            Broken(
                name: "an element is cut off", bytes: "0002 0003 000102",
                error: "byte 7: the end inside a number"),
            Broken(
                name: "bytes behind the last element", bytes: "0001 0004 00010002",
                error: "byte 6: 2 byte(s) after numbers"),
        ])
    func brokenLists(_ broken: Broken) {
        #expect {
            var reader = MDERReader(hex(broken.bytes))
            _ = try reader.list("numbers") { (item) throws(APDUError) in try item.uint16("a number")
            }
        } throws: { "\($0)" == broken.error }
    }

    @Test(
        "a part keeps the offsets of the whole, so that a log line can be checked against a capture"
    )
    func offsets() throws {
        var reader = MDERReader(hex("ffff 0003 010203 0405"))
        _ = try reader.uint16("head")
        var part = try reader.lengthed("part")
        #expect(part.offset == 4)
        #expect(part.rest == [1, 2, 3])
        _ = try part.uint16("two")
        #expect { try part.finish("part") } throws: { "\($0)" == "byte 6: 1 byte(s) after part" }
        #expect { _ = try part.uint16("more") } throws: { "\($0)" == "byte 7: the end inside more" }
        #expect(reader.rest == [4, 5])
    }

    @Test("what the writer writes, the reader reads")
    func roundTrip() throws {
        var writer = MDERWriter()
        writer.uint8(7)
        writer.octets([1, 2, 3])
        writer.list([UInt16(0x1234), 0x5678]) { $0.uint16($1) }
        writer.lengthed { $0.uint32(0xDEAD_BEEF) }
        var reader = MDERReader(writer.bytes)
        #expect(try reader.uint8("a") == 7)
        #expect(try reader.lengthed("b").rest == [1, 2, 3])
        let words = try reader.list("c") { (item) throws(APDUError) in try item.uint16("d") }
        #expect(words == [0x1234, 0x5678])
        var inner = try reader.lengthed("e")
        #expect(try inner.uint32("f") == 0xDEAD_BEEF)
        try reader.finish("all")
    }

    @Test("padding and control characters of a model's name do not reach a person")
    func text() {
        #expect(shownText(Array("UC-352\0\0  ".utf8)) == "UC-352")
        #expect(shownText(hex("41 07 42 7f 20 43")) == "AB C")
        #expect(shownText([0, 0, 0]).isEmpty)
    }
}

@Suite("APDUFramer")
struct APDUFramerTests {
    static let release = hex("e400 0002 0000")
    static let weight = hex(
        "e700002a00281236010100220000000000000d1d0018f0000000000100100001000cff0002fa2007120612100000"
    )

    @Test("an APDU cut anywhere between two transfers comes out whole, once")
    func cutAnywhere() {
        let stream = Self.weight + Self.release
        for cut in 0...stream.count {
            var framer = APDUFramer()
            var found = framer.take(Array(stream[..<cut])).apdus
            found += framer.take(Array(stream[cut...])).apdus
            #expect(found == [Self.weight, Self.release], "cut at \(cut)")
            #expect(!framer.isInside)
        }
    }

    @Test("byte after byte gives the same as all at once")
    func byteByByte() {
        var framer = APDUFramer()
        let found = (Self.weight + Self.release + Self.weight).flatMap { framer.take([$0]).apdus }
        #expect(found == [Self.weight, Self.release, Self.weight])
    }

    @Test("several APDUs of one transfer are all taken, and the beginning of the next is kept")
    func several() {
        var framer = APDUFramer()
        let cut = framer.take(Self.release + Self.weight + Array(Self.weight.prefix(7)))
        #expect(cut.apdus == [Self.release, Self.weight])
        #expect(framer.isInside)
        #expect(framer.take(Array(Self.weight.dropFirst(7))).apdus == [Self.weight])
    }

    @Test("an APDU without a body is an APDU")
    func empty() {
        var framer = APDUFramer()
        #expect(framer.take(hex("e6000000")).apdus == [hex("e6000000")])
    }

    @Test("behind bytes that begin no APDU nothing is guessed: all of it is dropped and counted")
    func garbage() {
        var framer = APDUFramer()
        let cut = framer.take(Self.release + hex("0a0d 0002 0000"))
        #expect(cut.apdus == [Self.release])
        #expect(cut.error == APDUError("no APDU begins with these two bytes", offset: 6))
        #expect(cut.dropped == 6)
        #expect(!framer.isInside)
        #expect(framer.take(Self.weight).apdus == [Self.weight])
    }

    @Test("a length beyond the standard's 63 KiB is refused before anything is collected for it")
    func oversize() {
        var framer = APDUFramer()
        let cut = framer.take(hex("e700 ffff 0000"))
        #expect(cut.error == APDUError("an APDU of 65539 bytes is larger than any", offset: 2))
        #expect(!framer.isInside)
    }

    @Test("the largest APDU of the standard passes")
    func largest() {
        var framer = APDUFramer()
        let whole = Wire.apdu(0xE700, [UInt8](repeating: 0, count: 64_508))
        #expect(framer.take(whole).apdus == [whole])
    }

    @Test("bytes are not joined across a gap")
    func reset() {
        var framer = APDUFramer()
        _ = framer.take(Array(Self.weight.prefix(20)))
        framer.reset()
        #expect(framer.take(Self.release).apdus == [Self.release])
    }
}

@Suite("AgentTime")
struct AgentTimeTests {
    struct Stamp: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: String
        var time: String?
        var testDescription: String { name }
    }

    @Test(
        "a BCD stamp is the moment the scale showed; what is no date is no moment",
        arguments: [
            Stamp(name: "a date", bytes: "2012050815021600", time: "2012-05-08T15:02:16"),
            Stamp(name: "hundredths", bytes: "2007020112100025", time: "2007-02-01T12:10:00.25"),
            Stamp(name: "a leap day", bytes: "2024022923595999", time: "2024-02-29T23:59:59.99"),
            Stamp(name: "no leap day", bytes: "2023022900000000", time: nil),
            Stamp(name: "month 13", bytes: "2023130100000000", time: nil),
            Stamp(name: "hour 24", bytes: "2023120124000000", time: nil),
            Stamp(name: "never set", bytes: "0000000000000000", time: nil),
            Stamp(name: "all ones", bytes: "ffffffffffffffff", time: nil),
        ])
    func absolute(_ stamp: Stamp) throws {
        var reader = MDERReader(hex(stamp.bytes))
        let time = try AgentTime.absolute(&reader)
        #expect(time.wall.map { "\($0)" } == stamp.time)
        #expect(time.tick == nil)
        try reader.finish("the stamp")
    }

    @Test("a base-offset stamp says UTC and how far the wall clock is ahead of it")
    func baseOffset() throws {
        // 2025-01-01 00:00:00 UTC is 3944678400 s after 1900; half a second; Japan is 540 min ahead.
        var reader = MDERReader(Wire.u32(3_944_678_400) + hex("8000") + Wire.u16(540))
        let time = try AgentTime.baseOffset(&reader)
        #expect(
            time
                == .baseOffset(
                    LocalDateTime(year: 2025, month: 1, day: 1, microsecond: 500_000), minutes: 540)
        )
        #expect("\(time.wall!)" == "2025-01-01T09:00:00.5")
    }

    @Test("a wall clock behind UTC, and seconds that ran over in 2036, are read as they are meant")
    func baseOffsetEdges() throws {
        var behind = MDERReader(Wire.u32(3_944_678_400) + hex("0000") + Wire.u16(-300))
        #expect(try "\(AgentTime.baseOffset(&behind).wall!)" == "2024-12-31T19:00:00")
        var over = MDERReader(Wire.u32(0) + hex("0000 0000"))
        #expect(try AgentTime.baseOffset(&over).wall == nil)
        var next = MDERReader(Wire.u32(1_000_000) + hex("0000 0000"))
        #expect(try "\(AgentTime.baseOffset(&next).wall!)" == "2036-02-18T20:14:56")
    }

    @Test("an offset that no place on earth has makes the stamp unusable")
    func impossibleOffset() throws {
        var reader = MDERReader(Wire.u32(3_944_678_400) + hex("0000 7fff"))
        #expect(try AgentTime.baseOffset(&reader).wall == nil)
    }

    @Test("counters keep their count and say how long a step is")
    func counters() throws {
        #expect(AgentTime.relative(116_177).tick == 116_177)
        #expect(AgentTime.relative(1).tickLength == Interval(microseconds: 125))
        var reader = MDERReader(hex("0000000100000000"))
        let hiRes = try AgentTime.hiRes(&reader)
        #expect(hiRes.tick == UInt32(0x1_0000_0000 / 1_000))
        #expect(hiRes.tickLength == .milliseconds(1))
        #expect(hiRes.wall == nil)
    }

    @Test("a stamp with digits that are none means bytes of something else: refused with the place")
    func notDecimal() {
        #expect {
            var reader = MDERReader(hex("ffff 201a050815021600"))
            _ = try reader.uint16("head")
            _ = try AgentTime.absolute(&reader)
        } throws: { "\($0)" == "byte 3: an absolute time is no decimal digits" }
    }

    @Test("a stamp that is cut off is refused, not filled up")
    func short() {
        #expect {
            var reader = MDERReader(hex("20120508"))
            _ = try AgentTime.absolute(&reader)
        } throws: { "\($0)" == "byte 4: the end inside an absolute time" }
    }

    @Test("the time that is written to an agent reads back as itself")
    func written() throws {
        let time = LocalDateTime(
            year: 2026, month: 11, day: 21, hour: 23, minute: 59, second: 58, microsecond: 370_000)!
        #expect(shown(AgentTime.bytes(time)) == "2026112123595837")
        var absolute = MDERReader(AgentTime.bytes(time))
        #expect(try AgentTime.absolute(&absolute).wall == time)
        let whole = LocalDateTime(year: 2026, month: 11, day: 21, hour: 14, minute: 5)!
        var base = MDERReader(AgentTime.bytes(base: whole, minutes: 540))
        #expect(try AgentTime.baseOffset(&base) == .baseOffset(whole, minutes: 540))
    }
}
