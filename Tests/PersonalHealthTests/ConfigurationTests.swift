import Testing

@testable import PersonalHealth

/// Configuration reports of agents; real ones where the name says so.
enum Recorded {
    static let omronCuff = hex(
        "e70000b000ae0001010100a80000ffffffff0d1c009e4000000300980006000100060038092f000400024a040a460002f0"
            + "400a7300020303099600020f200a76000a000300064a054a064a070a55000c000200080a75000a09900008000600"
            + "0200040024092f00040002482a0a460002f040099600020aa00a55000c000200080a4c00020990000800060003"
            + "00040024092f00040002f0120a460002f0400996000202000a55000c000200080a4c000209900008")
    static let omronScale = hex(
        "e7000224022200010101021c0000ffffffff0d1c02124000000a020c0006000100040024092f00040002e1400a460002f0"
            + "400996000206c30a55000c000200080a560004099000080006000200040024092f00040002e1440a460002f04809"
            + "96000205110a55000c000200080a56000409900008000600030005002a092f00040002e1500a460002f042099600"
            + "0207a00a47000200010a55000c000200080a560004099000080006000400040024092f00040002e14c0a460002f0"
            + "420996000202200a55000c000200080a56000409900008000600050005002e092f00040002f00109270006000442"
            + "4d45000a460002f042099600021a800a55000c000200080a56000409900008000600060005002e092f00040002f0"
            + "0209270006000456464c000a460002f0420996000202200a55000c000200080a4c00020990000800060007000500"
            + "2c092f00040002f00309270004000242410a460002f0420996000209400a55000c000200080a4c00020990000800"
            + "06000800070044092f00040002f009092700060004534d52000a460002f0420a73000203040996000202200a7600"
            + "0c00040008f00af00bf00cf00d0a55000c000200080a75000c099000080006000900040024092f00040002f00e0a"
            + "460002f0480996000202000a55000c000200080a4c0002099000080006000a00060036092f00040002f00f0a4600"
            + "02f0480a73000203020996000202000a76000800020004f010f0110a55000c000200080a75000809900008"
    )
    static let standardScale = hex(
        "e7000044004212450101003c0000ffffffff0d1c003205dc0001002c0006000100040024092f00040002e1400a460002f0"
            + "400996000206c30a55000c000200080a56000409900008")
    static let threeObjects = hex(
        "e70000a200a012350101009a0000ffffffff0d1c009040000003008a0006000100040024092f00040002e1400a460002f0"
            + "400996000206c30a55000c000200080a560004099000080006000200040024092f00040002e1440a460002f04809"
            + "96000205110a55000c000200080a56000409900008000600030005002a092f00040002e1500a460002f042099600"
            + "0207a00a47000200010a55000c000200080a56000409900008")
    static let penStore = hex(
        "e70000c400c20000010100bc0000000000000d1c00b2400a000400ac003d0100000800380a4d000208000943000200000"
            + "9410004000003200953000200000a5700040002504d0951000200010a630004000000000944000400000000000600"
            + "0200040020092f0004008234010a460002f0400996000215600a550008000100040a560004000500030003001a09"
            + "2f0004008234020a460002f0400a550008000100040a660002000600040003001a092f00040082f0000a460002f0"
            + "400a550008000100040a660002")
    /// Six bytes of the first object stand there twice.
    static let corrupted = hex(
        "e70000a800a61236010100a00000ffffffff0d1c00964000000300900006000100040024092f00040024092f000400024b"
            + "b80a46000240c00996000202200a55000c000200080a3c0002099000080006000a00040024092f00040002481a0a"
            + "46000240c0099600020aa00a55000c000200080a4c0002099000080006000300050030092f000400024bb80a4600"
            + "0240c00996000202200a6100080001000400024c340a55000c000200080a4c000209900008")
}

@Suite("Configuration")
struct ConfigurationTests {
    @Test("a real cuff's report tells pressures, pulse and an object of its maker's own")
    func omronCuff() throws {
        let found = try #require(try Configuration(apdu: Recorded.omronCuff))
        #expect(found.id == 0x4000)
        #expect(found.objects.map(\.handle) == [1, 2, 3])
        #expect(found.objects.map { $0.type?.shown } == ["00024a04", "0002482a", "0002f012"])
        #expect(found.objects.map(\.unit) == [0x0F20, 0x0AA0, 0x0200])
        #expect(found.objects[0].parts == [18_949, 18_950, 18_951])
        #expect(
            found.objects[0].valueMap == [MappedAttribute(0x0A75, 10), MappedAttribute(0x0990, 8)])
        #expect(
            found.objects[1].valueMap == [MappedAttribute(0x0A4C, 2), MappedAttribute(0x0990, 8)])
        #expect(found.stores.isEmpty)
    }

    @Test("a real body composition scale tells ten objects with their labels")
    func omronScale() throws {
        let found = try #require(try Configuration(apdu: Recorded.omronScale))
        #expect(
            found.objects.map { $0.type?.shown } == [
                "0002e140", "0002e144", "0002e150", "0002e14c", "0002f001", "0002f002", "0002f003",
                "0002f009", "0002f00e", "0002f00f",
            ])
        #expect(
            found.objects.map(\.unit) == [
                0x06C3, 0x0511, 0x07A0, 0x0220, 0x1A80, 0x0220, 0x0940, 0x0220, 0x0200, 0x0200,
            ])
        #expect(found.object(5)?.label == "BME")
        #expect(found.object(6)?.label == "VFL")
        #expect(found.object(8)?.parts.count == 4)
        // Height and the objects of the person are settings that somebody typed.
        #expect(found.objects.filter(\.isManual).map(\.handle) == [2, 9, 10])
        #expect(found.object(99) == nil)
    }

    @Test("a standard's configuration that is told is the one that is known")
    func standard() throws {
        let told = try #require(try Configuration(apdu: Recorded.standardScale))
        let known = try #require(StandardConfigurations.find(told.id))
        #expect(told.objects.map(\.type) == known.objects.map(\.type))
        #expect(told.objects.map(\.unit) == known.objects.map(\.unit))
        #expect(told.objects.map(\.valueMap) == known.objects.map(\.valueMap))
    }

    @Test("an agent with a store tells its handle and how long a transfer may take")
    func store() throws {
        let found = try #require(try Configuration(apdu: Recorded.penStore))
        #expect(found.id == 0x400A)
        #expect(found.stores.map(\.handle) == [256])
        #expect(found.objects.map(\.classCode) == [61, 6, 5, 6])
    }

    @Test(
        "a report with duplicated bytes is refused where its structure breaks, no object is taken")
    func corrupted() {
        #expect {
            _ = try Configuration(apdu: Array(Recorded.corrupted.prefix(172)))
        } throws: { ($0 as? APDUError)?.offset != nil }
    }

    @Test("an APDU that is no configuration gives none")
    func other() throws {
        #expect(try Configuration(apdu: hex("e40000020000")) == nil)
        #expect(try Configuration(apdu: APDUFramerTests.weight) == nil)
    }

    @Test("only 4000 to 7fff are an agent's own")
    func extended() {
        #expect(!Configuration.isExtended(0x3FFF))
        #expect(Configuration.isExtended(0x4000))
        #expect(Configuration.isExtended(0x7FFF))
        #expect(!Configuration.isExtended(0x8000))
        #expect(StandardConfigurations.find(0x4000) == nil)
        #expect(StandardConfigurations.find(0x1004) == nil)
    }

    @Test("the standards' configurations have maps that fit their reports, each handle once")
    func maps() {
        for configuration in StandardConfigurations.all {
            let handles = configuration.objects.map(\.handle)
            #expect(Set(handles).count == handles.count)
            for object in configuration.objects {
                #expect(object.valueMap.last == MappedAttribute(0x0990, 8))
                #expect(object.unit != nil)
            }
        }
    }
}
