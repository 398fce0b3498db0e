import DeviceProfile
import Testing

@Suite("What the filter lets through to the matcher") struct AdvertisementFilterTests {
    private func filter(_ match: String) throws -> AdvertisementFilter {
        AdvertisementFilter([try #require(ProfileText.load(ProfileText.minimal(match: match)))])
    }

    private func verdict(
        _ filter: AdvertisementFilter, _ hex: String, address: String? = nil
    ) -> AdvertisementFilter.Verdict {
        let frame = bytes(hex)
        return filter.verdict(frame.span, address: address.flatMap { BluetoothAddress($0) })
    }

    struct Case: CustomTestStringConvertible {
        var what: String
        var match: String
        var passes: [String]
        var stays: [String]
        var testDescription: String { what }
    }

    @Test(
        "A device of ours is let through by each kind of condition, a neighbour's is not",
        arguments: [
            Case(
                what: "beginning of a name", match: "  - name-prefix: \"A&D\"",
                passes: ["04 09 412644", "05 08 41264458"], stays: ["03 09 4126", "04 09 422644"]),
            Case(
                what: "whole name", match: "  - name: \"A&D\"", passes: ["020106 04 09 412644"],
                stays: ["04 09 412645"]),
            Case(
                what: "16-bit service", match: "  - service: \"aaa1\"",
                passes: ["03 03 A1AA", "05 02 0F18A1AA", "05 16 A1AA 0102"],
                stays: ["03 03 AAA1", "03 14 A1AA", "02 03 A1"]),
            Case(
                what: "32-bit service", match: "  - service: \"1234aaa1\"",
                passes: ["05 05 A1AA3412", "06 20 A1AA3412 07"], stays: ["05 05 A1AA3413"]),
            Case(
                what: "128-bit service",
                match: "  - service: \"233bf000-5a34-1b6d-975c-000d5690abe4\"",
                passes: ["11 07 E4AB90560D005C976D1B345A00F03B23"],
                stays: ["11 07 E4AB90560D005C976D1B345A01F03B23", "03 03 00F0"]),
            Case(
                what: "service data with a length and bytes",
                match: "  - { service-data: \"aaa2\", service-data-length: 3, "
                    + "service-data-bytes: { at: 1, bytes: \"07\" } }",
                passes: ["06 16 A2AA 010703"],
                stays: ["06 16 A2AA 010803", "05 16 A2AA 0107", "03 03 A2AA"]),
            Case(
                what: "company with the beginning of its data",
                match: "  - { company: 0x4C, company-data-prefix: \"0A0B\" }",
                passes: ["06 FF 4C00 0A0B01"], stays: ["06 FF 4C00 0A0C01", "04 FF 4C00 0A"]),
            Case(
                what: "company's low byte with a length",
                match: "  - { company-low-byte: 0xC0, company-data-length: 2 }",
                passes: ["05 FF C0FF 0102", "05 FF C000 0102"],
                stays: ["04 FF C0FF 01", "05 FF C1FF 0102"]),
        ])
    func kinds(_ test: Case) throws {
        let filter = try filter(test.match)
        for frame in test.passes { #expect(verdict(filter, frame) == .candidate, "\(frame)") }
        for frame in test.stays { #expect(verdict(filter, frame) != .candidate, "\(frame)") }
    }

    @Test("A rule about the maker's addresses alone finds its devices")
    func addresses() {
        var rule = MatchRule()
        rule.addressPrefixes = ["A4:C1:3", "00:11"]
        var profile = Shipped.profiles[0]
        profile.match = [rule]
        let filter = AdvertisementFilter([profile])
        #expect(verdict(filter, "020106", address: "A4:C1:3F:00:00:01") == .candidate)
        #expect(verdict(filter, "020106", address: "00:11:3F:00:00:01") == .candidate)
        #expect(verdict(filter, "020106", address: "A4:C1:4F:00:00:01") == .foreign)
        #expect(verdict(filter, "020106") == .foreign)
    }

    @Test(
        "An unknown device that says it measures health is told from the rest of the street",
        arguments: [
            ("03 03 1F18", true), ("04 16 0918 01", true), ("03 19 8003", true),
            ("03 19 820C", true), ("03 03 AAFE", false), ("03 19 4000", false), ("02 19 80", false),
            ("", false), ("00", false),
        ])
    func health(frame: String, isHealth: Bool) throws {
        let filter = try filter("  - name-prefix: Example")
        #expect(verdict(filter, frame) == (isHealth ? .healthLike : .foreign))
    }

    @Test("What stands before a broken structure counts, as bluetoothd reads it")
    func broken() throws {
        let filter = try filter("  - service: \"aaa1\"")
        #expect(verdict(filter, "03 03 A1AA 09 FF 4C00") == .candidate)
        #expect(verdict(filter, "09 FF 4C00 03 03 A1AA") == .foreign)
        #expect(verdict(filter, "01 FF 01 16 01 03 01 09 01 19") == .foreign)
        var heard = Advertisement()
        let frame = bytes("03 03 A1AA 02 FF 4C 04 09 414243 09 FF 4C00")
        let isWhole = heard.add(heard: frame.span)
        #expect(!isWhole)
        #expect(heard.serviceUUIDs == [BluetoothUUID(0xAAA1)])
        #expect(heard.name == "ABC")
        #expect(heard.manufacturerData.isEmpty)
    }

    @Test("A name in another script is found as the matcher finds it")
    func scripts() throws {
        let kelvin = try filter("  - name-prefix: K1")
        let frame = "05 09 E284AA 31"
        let shown = try Advertisement(adStructures: bytes(frame))
        // Swift holds the Kelvin sign to be a K; whoever compares bytes misses it.
        #expect(shown.name?.hasPrefix("K1") == true)
        #expect(verdict(kelvin, frame) == .candidate)
        let japanese = try filter("  - name-prefix: 体重計")
        #expect(verdict(japanese, "0A 09 E4BD93E9878DE8A888") == .candidate)
        #expect(verdict(japanese, "04 09 414243") == .foreign)
    }

    @Test("A name of 255 bytes and a frame of zeros end the look at them")
    func extremes() throws {
        let filter = try filter("  - name-prefix: Example")
        let long = [UInt8(255), 0x09] + [UInt8](repeating: 0x41, count: 254)
        #expect(filter.verdict(long.span) == .foreign)
        #expect(filter.verdict([UInt8](repeating: 0, count: 62).span) == .foreign)
        #expect(filter.verdict([UInt8](repeating: 0xFF, count: 62).span) == .foreign)
    }
}
