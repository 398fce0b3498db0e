import Testing

@testable import StationInput

@Suite("Readers that type") struct KeyboardInputTests {
    /// What a reader set to a layout presses for a text, Enter after it.
    static func events(_ text: String, _ map: KeyMap, enter: UInt16 = 28) -> [InputEvent] {
        text.utf8.flatMap { character -> [InputEvent] in
            for key in UInt16(1)...127 {
                for isShifted in [false, true]
                where map.character(key, isShifted: isShifted) == character {
                    return press(key, isShifted: isShifted)
                }
            }
            Issue.record("no key types \(character)")
            return []
        } + press(enter)
    }

    static func press(_ key: UInt16, isShifted: Bool = false) -> [InputEvent] {
        let shift = InputEvent(type: 1, code: 42, value: 1)
        let own = [
            InputEvent(type: 4, code: 4, value: 0x7001E),  // EV_MSC, which every key sends too
            InputEvent(type: 1, code: key, value: 1), InputEvent(type: 0, code: 0, value: 0),
            InputEvent(type: 1, code: key, value: 0), InputEvent(type: 0, code: 0, value: 0),
        ]
        guard isShifted else { return own }
        return [shift] + own + [InputEvent(type: 1, code: 42, value: 0)]
    }

    static func inputs(_ events: [InputEvent], _ map: KeyMap = .us) -> [ReaderInput] {
        var input = KeyboardInput(map)
        return events.compactMap { input.take($0) }
    }

    static let printable = String(decoding: UInt8(0x21)...0x7E, as: UTF8.self)

    @Test("every printable character comes through on both layouts", arguments: KeyMap.allCases)
    func layouts(_ map: KeyMap) {
        #expect(Self.inputs(Self.events(Self.printable, map), map) == [.code(Self.printable)])
    }

    struct Typed: Sendable, CustomTestStringConvertible {
        var key: UInt16
        var us: String
        var jis: String
        var testDescription: String { "key \(key)" }
    }

    @Test(
        "keys that differ between the layouts type what stands on them, plain and with Shift",
        arguments: [
            Typed(key: 3, us: "2@", jis: "2\""), Typed(key: 7, us: "6^", jis: "6&"),
            Typed(key: 8, us: "7&", jis: "7'"), Typed(key: 9, us: "8*", jis: "8("),
            Typed(key: 10, us: "9(", jis: "9)"), Typed(key: 11, us: "0)", jis: "0"),
            Typed(key: 12, us: "-_", jis: "-="), Typed(key: 13, us: "=+", jis: "^~"),
            Typed(key: 26, us: "[{", jis: "@`"), Typed(key: 27, us: "]}", jis: "[{"),
            Typed(key: 39, us: ";:", jis: ";+"), Typed(key: 40, us: "'\"", jis: ":*"),
            Typed(key: 41, us: "`~", jis: ""), Typed(key: 43, us: "\\|", jis: "]}"),
            Typed(key: 89, us: "", jis: "\\_"), Typed(key: 124, us: "", jis: "\\|"),
            Typed(key: 51, us: ",<", jis: ",<"), Typed(key: 57, us: "  ", jis: "  "),
        ])
    func differ(_ typed: Typed) {
        func shows(_ map: KeyMap) -> String {
            let found = [false, true].compactMap { map.character(typed.key, isShifted: $0) }
            return String(decoding: found, as: UTF8.self)
        }
        #expect(shows(.us) == typed.us)
        #expect(shows(.jis) == typed.jis)
    }

    @Test("keypad digits, keypad Enter and Tab are what readers send too")
    func keypad() {
        let keys: [UInt16] = [79, 80, 81, 75, 76, 77, 71, 72, 73, 82]
        let events = keys.flatMap { Self.press($0) }
        #expect(Self.inputs(events + Self.press(96)) == [.code("1234567890")])
        #expect(Self.inputs(events + Self.press(15)) == [.code("1234567890")])
    }

    @Test("Caps Lock, a repeated key and a key held from before change nothing")
    func harmless() {
        var events = [InputEvent(type: 1, code: 30, value: 0)] + Self.press(58)
        events += [InputEvent(type: 1, code: 2, value: 1), InputEvent(type: 1, code: 2, value: 2)]
        events += [InputEvent(type: 17, code: 1, value: 1)] + Self.press(28)
        #expect(Self.inputs(events) == [.code("1")])
    }

    @Test("a key that types nothing, and Ctrl with a key, spoil the code and not the next one")
    func unreadable() {
        for spoiling in [Self.press(105), Self.press(59)] {
            let events = Self.press(2) + spoiling + Self.press(28) + Self.press(3) + Self.press(28)
            #expect(Self.inputs(events) == [.refused(.unreadable), .code("2")])
        }
        let control = InputEvent(type: 1, code: 29, value: 1)
        let release = InputEvent(type: 1, code: 29, value: 0)
        let events = [control] + Self.press(27) + [release] + Self.press(28) + Self.press(3)
        #expect(Self.inputs(events + Self.press(28)) == [.refused(.unreadable), .code("2")])
    }

    @Test("after dropped events the code is refused: MDM-01 could have been MDM-010")
    func dropped() {
        let dropped = InputEvent(type: 0, code: 3, value: 0)
        var events = Self.press(2) + [InputEvent(type: 1, code: 42, value: 1), dropped]
        events += Self.press(3) + Self.press(28) + Self.press(4) + Self.press(28)
        #expect(
            Self.inputs(events) == [.refused(.lost), .code("3")],
            "a Shift whose release was dropped does not stay pressed")
    }

    @Test("the kernel's bytes are read as they stand, in pieces of any size")
    func bytes() {
        let events = Self.events("MDM-017", .us)
        let bytes = events.flatMap { $0.asRead }
        #expect(InputEvent.size == 24)
        for size in [1, 7, 24, 25, 240] {
            var input = KeyboardInput(.us)
            var rest: [UInt8] = []
            var found: [ReaderInput] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                rest += bytes[start..<min(bytes.count, start + size)]
                found += InputEvent.take(&rest).compactMap { input.take($0) }
            }
            #expect(found == [.code("MDM-017")], "in pieces of \(size)")
            #expect(rest.isEmpty)
        }
    }

    @Test("whatever events come, nothing is read that was not typed")
    func fuzz() {
        var numbers = Numbers(state: 0xCAFE)
        var input = KeyboardInput(.jis)
        for _ in 0..<100_000 {
            let number = numbers.next()
            let event = InputEvent(
                type: UInt16(truncatingIfNeeded: number) % 3,
                code: UInt16(truncatingIfNeeded: number >> 16) % 200,
                value: Int32(truncatingIfNeeded: number >> 40) % 3)
            if case .code(let code)? = input.take(event) {
                #expect((1...CodeAssembler.longest).contains(code.utf8.count))
            }
        }
    }
}

extension InputEvent {
    /// The event as a 64-bit kernel writes it; its time is of no matter.
    var asRead: [UInt8] {
        func bytes(_ value: UInt32, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        }
        return Array(repeating: 0x55, count: 16) + bytes(UInt32(type), 2) + bytes(UInt32(code), 2)
            + bytes(UInt32(bitPattern: value), 4)
    }
}
