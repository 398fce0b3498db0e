import Testing

@testable import USBLink

@Suite("USB descriptors") struct DescriptorReaderTests {
    static let cuff = bytes(
        "120110010000000890052800010201030001 090229000101008032 090400000203000000"
            + "092110010001221f00 0705810308000a 0705020308000a")

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.filter { $0 != " " }.map { UInt8($0.hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    static let path = USBPath(bus: 1, ports: [2, 3])

    @Test("the descriptors of a captured cuff give its numbers, its interface and both pipes")
    func capturedCuff() throws {
        let info = try DescriptorReader.read(Self.cuff, path: Self.path)
        #expect(info.numbers == "0590:0028")
        #expect(info.release == 0x0201)
        #expect(info.interfaces.count == 1)
        let interface = try #require(info.interfaces.first)
        #expect(interface.classCode == 3 && interface.number == 0)
        #expect(
            interface.endpoint(.interrupt, isIn: true)
                == USBEndpoint(address: 0x81, kind: .interrupt, maximumPacket: 8))
        #expect(interface.endpoint(.interrupt, isIn: false)?.address == 0x02)
        #expect(interface.endpoint(.bulk, isIn: true) == nil)
    }

    @Test(
        "descriptors that are cut off or lie about a length are refused, wherever it happens",
        arguments: 1..<59)
    func cutOff(length: Int) {
        let cut = Array(Self.cuff.prefix(length))
        let info = try? DescriptorReader.read(cut, path: Self.path)
        // Whole descriptors at the end may be missing; half of one never counts.
        let whole = [18, 27, 36, 45, 52].contains(length)
        #expect((info != nil) == whole)
    }

    @Test("a descriptor of length zero or one ends the reading with its place instead of a loop")
    func zeroLength() {
        for length in [UInt8(0), 1] {
            var broken = Self.cuff
            broken[45] = length
            let refusal = DescriptorError(
                reason: "a descriptor runs past the end", offset: 45)
            #expect(throws: refusal) { try DescriptorReader.read(broken, path: Self.path) }
        }
    }

    @Test("an interface or endpoint that is shorter than its fields is refused with its place")
    func shortFields() {
        var interface = Self.cuff
        interface[27] = 8
        #expect(throws: DescriptorError.self) {
            try DescriptorReader.read(interface, path: Self.path)
        }
        var endpoint = Self.cuff
        endpoint[45] = 6
        #expect(throws: DescriptorError.self) {
            try DescriptorReader.read(endpoint, path: Self.path)
        }
    }

    @Test("pipes of an alternate setting are not taken for those of the interface")
    func alternateSetting() throws {
        let alternate = Self.bytes("090400010103000000 0705830340000a")
        var bytes = Self.cuff + alternate
        bytes[20] += UInt8(alternate.count)
        let info = try DescriptorReader.read(bytes, path: Self.path)
        #expect(info.interfaces.count == 1)
        #expect(info.interfaces[0].endpoints.count == 2)
    }

    @Test("a second configuration adds no interfaces")
    func secondConfiguration() throws {
        let info = try DescriptorReader.read(Self.cuff + Self.cuff.dropFirst(18), path: Self.path)
        #expect(info.interfaces.count == 1)
    }

    @Test("an endpoint before any interface is left out, not attached to nothing")
    func strayEndpoint() throws {
        let stray = Self.bytes("0705810308000a")
        var bytes = Array(Self.cuff.prefix(27)) + stray + Self.cuff.dropFirst(27)
        bytes[20] += UInt8(stray.count)
        #expect(
            try DescriptorReader.read(bytes, path: Self.path).interfaces[0].endpoints.count == 2)
    }

    @Test("random bytes never stop the reader", arguments: 0..<64)
    func noise(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func next() -> UInt8 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state)
        }
        var bytes = Self.cuff
        for _ in 0..<(1 + seed % 12) { bytes[Int(next()) % bytes.count] = next() }
        if let info = try? DescriptorReader.read(bytes, path: Self.path) {
            #expect(info.interfaces.count <= bytes.count / 9)
        }
    }
}

@Suite("HID usages") struct HIDUsageTests {
    static let cuff = DescriptorReaderTests.bytes(
        "0600ff0901a1010902150026ff007508950881820903918209049502b182c0")

    @Test("the outermost collection tells the usage page of a vendor's device")
    func vendor() {
        #expect(
            HIDUsage(reportDescriptor: Self.cuff)
                == HIDUsage(page: 0xFF00, usage: 1, hasReportIDs: false))
    }

    @Test("a scale is recognised by its page, and its reports are known to have ids")
    func scale() {
        let scale = DescriptorReaderTests.bytes("058d0920a1018503 0a3010 1500 c0")
        let usage = HIDUsage(reportDescriptor: scale)
        #expect(usage?.page == 0x8D)
        #expect(usage?.usage == 0x20)
        #expect(usage?.hasReportIDs == true)
    }

    @Test("long items are stepped over by their own length")
    func longItem() {
        let bytes = DescriptorReaderTests.bytes("fe0212aabb 058d 0920 a101 c0")
        #expect(HIDUsage(reportDescriptor: bytes)?.page == 0x8D)
    }

    @Test("a descriptor that is cut off, empty or without a collection has no usage")
    func broken() {
        for hex in ["", "05", "0600", "058d0920", "fe", "fe02"] {
            #expect(HIDUsage(reportDescriptor: DescriptorReaderTests.bytes(hex)) == nil, "\(hex)")
        }
    }
}

@Suite("USB paths") struct USBPathTests {
    @Test("a path is read as it is written, and nothing else is a path")
    func paths() {
        #expect(USBPath("1-1.2")?.description == "1-1.2")
        #expect(USBPath(bus: 2, ports: [4]).description == "2-4")
        for wrong in [
            "", "1", "1-", "-1", "1-1.", "1-.1", "1-0", "0-1", "usb1", "1-1:1.0", "1-1-1",
        ] {
            #expect(USBPath(wrong) == nil, "\(wrong)")
        }
    }
}
