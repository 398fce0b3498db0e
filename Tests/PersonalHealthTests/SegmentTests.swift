import Measurement
import Testing

@testable import PersonalHealth

/// What a real pen with a store sent; the services are those of meters.
enum RecordedStore {
    static let segments = hex(
        "e700007c007a00010207007401000c0d006e0001006a0010000600640922000200100a4e0036400000030030000600823401"
            + "0002000100040a56000400050082340200030001"
            + "00040a66000200060082f0000004000100040a6600020953000200000a58000a0008446f7365204c6f67097b00040"
            + "00000030a64000400027100")
    static let begins = hex("e7000012001000020207000a01000c1c000400100000")
    static let data = hex(
        "e7000044004280010101003c01000001c6130d21003200100000000000000003c00000240001c5d1ff00001e0800000000"
            + "00014bff0000140800000000000000007fffff04000008")
}

@Suite("SegmentStore")
struct SegmentTests {
    private func information() throws -> MDERReader {
        guard case .data(let message) = try APDU(RecordedStore.segments),
            case .actionResult(_, _, let information) = message.body
        else { throw APDUError("no result of an action", offset: 0) }
        return information
    }

    @Test("a real agent's segment tells its name, its entries and how long a transfer takes")
    func segment() throws {
        let found = try SegmentInformation.list(try information())
        #expect(found.count == 1)
        #expect(found[0].instance == 16)
        #expect(found[0].label == "Dose Log")
        #expect(found[0].count == 3)
        #expect(found[0].transferMilliseconds == 20_000)
        #expect(found[0].map?.header == 0x4000)
        #expect(found[0].map?.elements.map(\.handle) == [2, 3, 4])
    }

    @Test("its entries are cut by the segment's map; each has its own relative stamp")
    func entries() throws {
        let segment = try SegmentInformation.list(try information())[0]
        let configuration = try #require(try Configuration(apdu: Recorded.penStore))
        guard case .data(let message) = try APDU(RecordedStore.data),
            case .eventReport(let event, let isConfirmed) = message.body
        else {
            Issue.record("no event")
            return
        }
        #expect(isConfirmed)
        #expect(event.relativeTime == 116_243)
        let data = try SegmentData(parsing: event.information)
        #expect(data.index == 0)
        #expect(data.count == 3)
        #expect(data.status == 0xC000)
        #expect(data.isLast)
        let entries = try data.observations(segment, configuration)
        #expect(entries.map { $0[0].time } == [.relative(116_177), .relative(331), .relative(0)])
        #expect(entries.map { $0[0].values[0].number.number?.text } == ["3.0", "2.0", nil])
        #expect(entries[2][0].values[0].number == .notANumber)
        #expect(entries[0][1].bits == .init(word: 0x0800, width: 16))
    }

    /// A segment of weights: a stamp at the head, a FLOAT.
    private func weights(header: Int, entry: String, count: Int, total: Int? = nil) throws
        -> [[String]]
    {
        let map =
            Wire.u16(header)
            + Wire.list([
                Wire.u16(6) + Wire.u16(2) + Wire.u16(57_664) + Wire.u16(1)
                    + Wire.list([Wire.u16(0x0A56) + Wire.u16(4)])
            ])
        let list = Wire.list([Wire.u16(1) + Wire.list([Wire.attribute(0x0A4E, map)])])
        let segment = try SegmentInformation.list(MDERReader(list))[0]
        let bytes = hex(String(repeating: entry, count: count))
        let data = try SegmentData(
            parsing: MDERReader(
                Wire.u16(1) + Wire.u32(0) + Wire.u32(total ?? count) + hex("c000")
                    + Wire.octets(bytes)))
        let entries = try data.observations(segment, StandardConfigurations.find(0x05DC)!)
        return entries.map { SampleBuilder().samples($0).map(\.line) }
    }

    @Test("every kind of stamp at the head of an entry is read; a wall clock goes before a counter")
    func headers() throws {
        #expect(
            try weights(header: 0x8000, entry: "2026030108150000 ff0002fa", count: 2)
                == [[String]](
                    repeating: ["weight measured · weight=76.2 kg · @2026-03-01T08:15:00"], count: 2
                ))
        #expect(
            try weights(header: 0x4000, entry: "00000010 ff0002fa", count: 1)
                == [["weight measured · weight=76.2 kg · @tick 16"]])
        #expect(
            try weights(header: 0x2000, entry: "0000000000000010 ff0002fa", count: 1)
                == [["weight measured · weight=76.2 kg · @hires 16"]])
        #expect(
            try weights(header: 0x1000, entry: "eb1f0400 0000 021c ff0002fa", count: 1)
                == [["weight measured · weight=76.2 kg · @2025-01-01T00:00:00Z540"]])
        #expect(
            try weights(
                header: 0xE000, entry: "2026030108150000 00000010 0000000000000010 ff0002fa",
                count: 1)
                == [["weight measured · weight=76.2 kg · @2026-03-01T08:15:00"]])
        #expect(
            try weights(header: 0, entry: "ff0002fa", count: 1)
                == [["weight measured · weight=76.2 kg"]])
    }

    @Test("entries that do not fill their bytes are refused, not cut off")
    func broken() throws {
        #expect {
            _ = try weights(header: 0x4000, entry: "00000010 ff0002fa", count: 2, total: 1)
        } throws: { "\($0)" == "byte 22: 8 byte(s) after the entries" }
        #expect {
            _ = try weights(header: 0x4000, entry: "00000010 ff0002fa", count: 2, total: 3)
        } throws: { "\($0)" == "byte 30: the end inside an entry's relative time" }
        #expect {
            _ = try weights(header: 0x4000, entry: "00000010", count: 1, total: 9_999)
        } throws: { "\($0)" == "byte 14: 9999 entries in 4 bytes" }
    }

    @Test("a segment without a map gives no value")
    func noMap() throws {
        let list = Wire.list([Wire.u16(1) + Wire.list([Wire.attribute(0x097B, Wire.u32(3))])])
        let segment = try SegmentInformation.list(MDERReader(list))[0]
        let data = try SegmentData(
            parsing: MDERReader(
                Wire.u16(1) + Wire.u32(0) + Wire.u32(1) + hex("c000") + Wire.octets(hex("01"))))
        #expect {
            _ = try data.observations(segment, StandardConfigurations.find(0x05DC)!)
        } throws: { "\($0)" == "byte 14: segment 1 has no map of its entries" }
    }
}

@Suite("MedicalSystem")
struct MedicalSystemTests {
    static let attributes: [[UInt8]] = [
        Wire.attribute(0x0984, Wire.octets(hex("0022090000000001"))),
        Wire.attribute(0x0928, Wire.text("OMRON HEALTHCARE") + Wire.text("HEM-7081-IT\0")),
        Wire.attribute(
            0x092D,
            Wire.list([
                hex("0001 0000") + Wire.text("SN-4711"), hex("0005 0000") + Wire.text("01.08.00"),
                hex("0003 0000") + Wire.text("B2"), hex("0004 0000") + Wire.text("7"),
                hex("0002 0000") + Wire.text("part"),
            ])),
        Wire.attribute(0x0A44, hex("4000")),
        Wire.attribute(0x099C, hex("0055")),
        Wire.attribute(0x0955, hex("4000")),
        Wire.attribute(0x0A5A, Wire.list([hex("1007 0001"), hex("ffff 0001")])),
        Wire.attribute(0x0A45, hex("e010 1f00 00000000 0000 0000 00000000")),
        Wire.attribute(0x0987, hex("2026030108150000")),
        Wire.attribute(0x098F, hex("0001c613")),
        Wire.attribute(0x09E8, hex("0000000000bc614e")),
        Wire.attribute(0x0A4B, hex("0002 0012 0201000802010001 00010002 8007")),
    ]

    private func system(_ attributes: [[UInt8]]) throws -> MedicalSystem {
        var reader = MDERReader(Wire.list(attributes))
        return try MedicalSystem(try Attribute.list(&reader))
    }

    @Test("maker, model, serial number and clocks reach the record and the clock check")
    func whole() throws {
        let found = try system(Self.attributes)
        #expect(found.manufacturer == "OMRON HEALTHCARE")
        #expect(found.model == "HEM-7081-IT")
        #expect(found.serial == "SN-4711")
        #expect(found.firmware == "01.08.00")
        #expect(found.hardware == "B2")
        #expect(found.software == "7")
        #expect(found.makerID == [0x00, 0x22, 0x09])
        #expect(found.configuration == 0x4000)
        #expect(found.batteryPercent == 85)
        #expect(found.onMains == false)
        #expect(found.specialisations == [.bloodPressure])
        #expect(found.clock?.wall.map { "\($0)" } == "2026-03-01T08:15:00")
        #expect(found.relativeClock == .relative(116_243))
        #expect(found.hiResClock == .hiRes(12_345_678))
        let time = try #require(found.time)
        #expect(time.hasRealTimeClock && time.canBeSet && time.asksToBeSet)
        #expect(!time.hasBaseOffsetTime && !time.isSynchronised)
    }

    @Test("an agent with a base-offset clock says so")
    func baseOffset() throws {
        let found = try system([
            Wire.attribute(0x0A81, hex("eb1f0400 0000 021c")),
            Wire.attribute(0x0A45, hex("c184 1f02 00000000 0000 0000 00000000")),
        ])
        #expect(found.clock?.wall.map { "\($0)" } == "2025-01-01T09:00:00")
        #expect(found.time?.hasBaseOffsetTime == true)
        #expect(found.time?.isSynchronised == true)
    }

    @Test("an empty serial number is none")
    func emptySerial() throws {
        let found = try system([
            Wire.attribute(0x092D, Wire.list([hex("0001 0000") + Wire.text("\0\0\0")]))
        ])
        #expect(found.serial == nil)
    }

    @Test("an attribute of a wrong length is refused with its place")
    func broken() {
        #expect {
            _ = try system([Wire.attribute(0x099C, hex("005500"))])
        } throws: { "\($0)" == "byte 10: 1 byte(s) after attribute 0x099c" }
        #expect {
            _ = try system([Wire.attribute(0x0987, hex("20260301"))])
        } throws: { "\($0)" == "byte 12: the end inside an absolute time" }
    }

    @Test("each specialisation has its standard's number")
    func specialisations() {
        #expect(
            Specialisation.allCases.map(\.standard)
                == [10_404, 10_407, 10_408, 10_415, 10_417, 10_420, 10_441])
    }
}
