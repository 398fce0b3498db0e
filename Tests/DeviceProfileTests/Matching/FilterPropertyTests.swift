import Testing

@testable import DeviceProfile

/// The filter in front of the matcher must never change which profile a device gets.
@Suite("Filter and matcher together") struct FilterPropertyTests {
    /// What the gateway does with raw data: the matcher is asked only about candidates.
    private func filtered(
        _ frame: [UInt8], _ index: ProfileIndex, _ address: BluetoothAddress
    ) -> DeviceProfile? {
        guard index.filter.verdict(frame.span, address: address) == .candidate else { return nil }
        var shown = Advertisement()
        _ = shown.add(heard: frame.span)
        return index.match(shown, address: address)
    }

    private func direct(
        _ frame: [UInt8], _ index: ProfileIndex, _ address: BluetoothAddress
    ) -> DeviceProfile? {
        var shown = Advertisement()
        _ = shown.add(heard: frame.span)
        return index.match(shown, address: address)
    }

    @Test("Every shipped example gets the same profile through the filter as without it")
    func shipped() {
        let index = Shipped.loaded.index
        var matched = 0
        for profile in index.profiles {
            for example in profile.examples {
                let address = BluetoothAddress(value: 0xA4C1_3800_0001)
                let found = filtered(example.advertisement, index, address)
                #expect(found?.id == direct(example.advertisement, index, address)?.id)
                if found != nil { matched += 1 }
            }
        }
        #expect(matched >= 60)
    }

    @Test("Cut, mixed and flipped examples get the same profile through the filter as without it")
    func mutated() {
        var random = Seeded(11)
        let index = Shipped.loaded.index
        let examples = index.profiles.flatMap(\.examples).map(\.advertisement)
        var (matched, foreign) = (0, 0)
        for _ in 0..<6_000 {
            let frame = mutate(examples, &random)
            let address = BluetoothAddress(value: random.next())
            let plain = direct(frame, index, address)
            #expect(filtered(frame, index, address)?.id == plain?.id, "\(frame)")
            if plain != nil { matched += 1 }
            if index.filter.verdict(frame.span, address: address) == .foreign { foreign += 1 }
        }
        // The test says nothing where all frames end up on one side.
        #expect(matched > 500 && foreign > 500)
    }

    @Test("Random rules and random frames: whatever the matcher finds, the filter has let through")
    func random() {
        var random = Seeded(12)
        var matched = 0
        for _ in 0..<400 {
            let index = ProfileIndex(
                (0..<12).map { number in
                    var profile = Shipped.profiles[0]
                    profile.id = "p\(number)"
                    profile.isGeneric = number == 0
                    profile.match = (0...Int.random(in: 0...1, using: &random)).map { _ in
                        rule(&random)
                    }
                    return profile
                })
            for _ in 0..<30 {
                let frame = frame(&random)
                let address = BluetoothAddress(value: 0xA4C1_3800_0000 | random.next() & 0xFF)
                let plain = direct(frame, index, address)
                #expect(filtered(frame, index, address)?.id == plain?.id, "\(frame)")
                if plain != nil { matched += 1 }
                let explained = index.candidates(read(frame), address: address)
                    .filter { $0.score > 0 }
                let tie = explained.count > 1 && explained[0].score == explained[1].score
                #expect(plain?.id == (tie ? nil : explained.first?.profile.id))
            }
        }
        #expect(matched > 1_000)
    }

    // MARK: Chance

    private func read(_ frame: [UInt8]) -> Advertisement {
        var shown = Advertisement()
        _ = shown.add(heard: frame.span)
        return shown
    }

    private func mutate(_ examples: [[UInt8]], _ random: inout Seeded) -> [UInt8] {
        func pick() -> [UInt8] { examples[Int.random(in: 0..<examples.count, using: &random)] }
        var frame = pick()
        switch Int.random(in: 0..<4, using: &random) {
        case 0: frame.removeLast(Int.random(in: 0...frame.count, using: &random))
        case 1: frame += pick()
        case 2: frame.removeFirst(Int.random(in: 0...frame.count, using: &random))
        default:
            guard !frame.isEmpty else { break }
            let place = Int.random(in: 0..<frame.count, using: &random)
            frame[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        return frame
    }

    private static let names = ["A", "AB", "ABC", "K", "体重", "", "ABCDEFGHIJKLMNOPQRST"]

    private func rule(_ random: inout Seeded) -> MatchRule {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        func small() -> UInt16 { UInt16.random(in: 0x1810...0x1813, using: &random) }
        func name() -> String { Self.names[Int.random(in: 0..<Self.names.count, using: &random)] }
        var rule = MatchRule()
        if chance(25) { rule.namePrefixes = [name(), name()] }
        if chance(10) { rule.nameExact = [name()] }
        if chance(30) { rule.services = [BluetoothUUID(UInt32(small()))] }
        if chance(20) {
            rule.serviceData = [BluetoothUUID(UInt32(small()))]
            if chance(50) { rule.serviceDataLength = 2 }
            if chance(30) {
                rule.serviceDataBytes = FieldLayout.Constant(at: -1, alternatives: [[1], [2]])
            }
        }
        if chance(30) {
            rule.companies = [small()]
            if chance(40) { rule.companyDataPrefix = [1] }
            if chance(30) { rule.companyDataLength = 3 }
        }
        if chance(10) { rule.companyLowByte = UInt8(small() & 0xFF) }
        if chance(10) { rule.addressPrefixes = ["A4:C1:38:00:00:0", "a4", ""] }
        return rule
    }

    private func frame(_ random: inout Seeded) -> [UInt8] {
        func some(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8.random(in: 0...2, using: &random) }
        }
        var frame: [UInt8] = [2, 1, 6]
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let uuid: [UInt8] = [UInt8.random(in: 0x10...0x13, using: &random), 0x18]
            let name = Self.names[Int.random(in: 0..<Self.names.count, using: &random)] + "B"
            let structure: [UInt8] =
                switch Int.random(in: 0..<6, using: &random) {
                case 0: [0x09] + Array(name.utf8.dropLast(Int.random(in: 0...1, using: &random)))
                case 1: [0x03] + uuid
                case 2: [0x16] + uuid + some(Int.random(in: 0...3, using: &random))
                case 3: [0xFF] + uuid + some(Int.random(in: 0...4, using: &random))
                case 4: [0x09] + Array("\u{212A}B".utf8)
                default: [UInt8.random(in: 0...255, using: &random)] + some(3)
                }
            frame += [UInt8(structure.count)] + structure
        }
        return frame
    }
}
