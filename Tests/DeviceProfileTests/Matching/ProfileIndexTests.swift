import DeviceProfile
import Testing

@Suite("Which profile a device gets") struct ProfileIndexTests {
    /// Profiles with these match rules, by id.
    private func index(_ rules: [(id: String, match: String)], generic: Set<String> = []) throws
        -> ProfileIndex
    {
        ProfileIndex(
            try rules.map { rule in
                let more = generic.contains(rule.id) ? "generic: true" : ""
                return try #require(
                    ProfileText.load(
                        ProfileText.minimal(id: rule.id, match: rule.match, more: more)))
            })
    }

    private func advertisement(
        name: String? = nil, services: [UInt32] = [], company: (UInt16, [UInt8])? = nil,
        serviceData: (UInt32, [UInt8])? = nil
    ) -> Advertisement {
        var advertisement = Advertisement()
        advertisement.name = name
        advertisement.serviceUUIDs = services.map { BluetoothUUID($0) }
        if let company { advertisement.manufacturerData = [company.0: company.1] }
        if let serviceData {
            advertisement.serviceData = [BluetoothUUID(serviceData.0): serviceData.1]
        }
        return advertisement
    }

    @Test("The score is the sum of what holds, and each part is explained")
    func explained() throws {
        let index = try index([
            ("cuff", "  - { name-prefix: A&D_UA, service: \"1810\", company: 0x0069 }")
        ])
        let candidates = index.candidates(
            advertisement(name: "A&D_UA-651BLE", services: [0x1810], company: (0x69, [1])))
        let best = try #require(candidates.first)
        #expect(best.score == 85)
        #expect(
            best.because == [
                "name begins with 'A&D_UA' (+50)", "service 1810 (+20)", "company 105 (+15)",
            ])
        #expect(best.against.isEmpty)
    }

    @Test("A condition that fails makes no match, and says which it was")
    func against() throws {
        let index = try index([("cuff", "  - { name-prefix: A&D_UA, service: \"1810\" }")])
        let shown = advertisement(name: "A&D_UA-651BLE")
        let candidate = try #require(index.candidates(shown).first)
        #expect(candidate.score == 0)
        #expect(candidate.against == ["not service 1810"])
        #expect(index.match(shown) == nil)
    }

    @Test("The rule that says more wins over the one that says less")
    func specific() throws {
        let index = try index([
            ("family", "  - name-prefix: BF"),
            ("model", "  - { name-prefix: BF, service: \"181d\" }"),
            ("exact", "  - { name: BF720, service: \"181d\" }"),
        ])
        #expect(index.match(advertisement(name: "BF720", services: [0x181D]))?.id == "exact")
        #expect(index.match(advertisement(name: "BF721", services: [0x181D]))?.id == "model")
        #expect(index.match(advertisement(name: "BF720"))?.id == "family")
    }

    @Test("Two profiles that fit equally well give none: a guess could pick the wrong layout")
    func tie() throws {
        let index = try index([("a", "  - name-prefix: Scale"), ("b", "  - name-prefix: Scale")])
        let shown = advertisement(name: "Scale 1")
        #expect(index.match(shown) == nil)
        #expect(index.candidates(shown).map(\.score) == [50, 50])
    }

    @Test("A person reads which profile comes nearest to an unknown device, and what it misses")
    func nearest() throws {
        let index = try index([
            ("cuff", "  - { name-prefix: A&D_UA, service: \"1810\", company: 0x0069 }"),
            ("other", "  - { name-prefix: Scale, service: \"1810\" }"),
            ("twin", "  - name-prefix: Twin"), ("double", "  - name-prefix: Twin"),
        ])
        #expect(
            index.whyNothingFits(advertisement(name: "BPM", services: [0x1810]))
                == "no profile fits; the nearest is other: not name begins with 'Scale'")
        #expect(
            index.whyNothingFits(advertisement(name: "A&D_UA-651"))
                == "no profile fits; the nearest is cuff: not service 1810, not company 105")
        #expect(
            index.whyNothingFits(advertisement(name: "Twin"))
                == "double and twin fit equally well")
        #expect(index.whyNothingFits(advertisement(name: "TV")) == "no profile fits")
    }

    @Test("The generic profile is last however much of it holds")
    func generic() throws {
        let index = try index(
            [
                ("generic", "  - { name-prefix: Scale, service: \"181d\" }"),
                ("model", "  - company: 0x0157"),
            ], generic: ["generic"])
        let both = advertisement(name: "Scale", services: [0x181D], company: (0x157, []))
        #expect(index.match(both)?.id == "model")
        let alone = advertisement(name: "Scale", services: [0x181D])
        #expect(index.match(alone)?.id == "generic")
        #expect(index.candidates(alone).first?.score == 1)
        #expect(
            index.candidates(alone).first?.because.last
                == "generic: used only where no model's profile fits")
    }

    @Test("A name alone is enough, because bonded devices advertise nothing else")
    func nameOnly() throws {
        let name = "A&D_UA-651BLE_0A1B2C"
        #expect(Shipped.loaded.index.match(advertisement(name: name))?.id == "and-ua-651ble")
    }

    @Test("Service data alone is enough where its length fits")
    func serviceDataOnly() {
        let frame = bytes("0226E607020E10293AF7019A38")
        let index = Shipped.loaded.index
        #expect(
            index.match(advertisement(serviceData: (0x181B, frame)))?.id
                == "xiaomi-mi-body-composition-scale-2")
        let short = Array(frame.dropLast())
        #expect(index.match(advertisement(serviceData: (0x181B, short)))?.isGeneric ?? true)
        #expect(
            index.match(advertisement(serviceData: (0x181D, bytes("222044B20701010A1A11"))))?.id
                == "xiaomi-mi-smart-scale")
    }

    @Test("A company id alone is a trap: the payload has to fit as well")
    func companyPayload() {
        let index = Shipped.loaded.index
        #expect(
            index.match(advertisement(company: (0x157, bytes("0202017D"))))?.id == "xiaomi-mi-band")
        // A scale of the same company broadcasts its address there.
        #expect(index.match(advertisement(company: (0x157, bytes("3322118C47C8")))) == nil)
        #expect(index.match(advertisement(company: (0x20E, [1, 1]))) == nil)
    }

    @Test("An address prefix decides between devices that look the same, and needs more beside it")
    func addressPrefix() throws {
        let index = try index([
            ("one", "  - { name-prefix: Scale, address-prefix: \"A4:C1:38\" }"),
            ("two", "  - { name-prefix: Scale, address-prefix: \"00:09:1F\" }"),
        ])
        let shown = advertisement(name: "Scale")
        let address = BluetoothAddress("00:09:1F:00:00:01")
        #expect(index.match(shown, address: address)?.id == "two")
        #expect(index.match(shown) == nil)
    }

    @Test("Nothing known is no candidate at all")
    func unknown() {
        let shown = advertisement(name: "Toaster", services: [0x1812], company: (0x4C, [2, 21]))
        #expect(Shipped.loaded.index.candidates(shown).isEmpty)
        #expect(Shipped.loaded.index.match(Advertisement()) == nil)
    }

    @Test(
        "People find a profile by model, maker and model, alias or id, in any case",
        arguments: [
            ("UA-651BLE", "and-ua-651ble"), ("A&D UA-651BLE", "and-ua-651ble"),
            ("a&d ua-651ble PLUS", "and-ua-651ble"), ("and-ua-651ble", "and-ua-651ble"),
            ("sig", "sig"), ("SIG", "sig"), ("SIG vector", "sig"),
            ("SIG vector (Physical Activity Monitor, step counter summary)", "sig"),
            ("Xiaomi Mi Body Composition Scale", "xiaomi-mi-body-composition-scale-2"),
            ("Beurer BM85", "beurer-bm85"), ("XMTZC01HM", "xiaomi-mi-smart-scale"),
        ])
    func names(_ name: String, _ id: String) {
        #expect(Shipped.loaded.index.profile(model: name)?.id == id)
    }

    @Test(
        "A name that nobody listed finds nothing",
        arguments: ["", " ", "()", "UA-651", "(UA-651BLE)"])
    func noNames(_ name: String) {
        #expect(Shipped.loaded.index.profile(model: name) == nil)
    }
}
