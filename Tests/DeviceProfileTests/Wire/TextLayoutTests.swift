import DeviceProfile
import Measurement
import Testing

@Suite("Messages of text") struct TextLayoutTests {
    private func match(_ template: String, _ text: String) throws -> [String: String] {
        let template = try #require(TextTemplate(template))
        return try template.match(Array(text.utf8)).captures.mapValues(\.text)
    }

    @Test(
        "Each kind of place takes what it names",
        arguments: [
            ("{a:3},{b}", "080,7", ["a": "080", "b": "7"]),
            ("{a:3?},x", "   ,x", ["a": ""]),
            ("S{a:pad3}", "S 93", ["a": "93"]),
            ("{a:decimal} kg", "-0.50 kg", ["a": "-0.50"]),
            ("{a:decimal} kg", "+00012.34 kg", ["a": "+00012.34"]),
            ("{m:month}{_}{d}", "Apr  22", ["m": "Apr", "d": "22"]),
            ("{*}W{_}{a}{*}", "xx W  90 yy", ["a": "90"]),
            ("{h:2}[:{s:2}]", "09:05", ["h": "09", "s": "05"]),
            ("{h:2}[:{s:2}]", "09", ["h": "09"]),
            ("\"{a:text}\",{b:hex4}", "\"x y\",05A6", ["a": "x y", "b": "05A6"]),
        ])
    func places(template: String, text: String, captures: [String: String]) throws {
        #expect(try match(template, text) == captures)
    }

    @Test(
        "A text that is only nearly right is refused at the byte where it differs",
        arguments: [
            ("{a:3},{b:1}", "08x,1", 0), ("{a:3},{b:1}", "080;1", 3), ("{a:3}", "0801", 3),
            ("{a:3?}", " 80", 0), ("{a:text3}x", "a\u{0}bx", 0), ("{a:month}", "123", 0),
        ])
    func refused(template: String, text: String, offset: Int) throws {
        let template = try #require(TextTemplate(template))
        let error = #expect(throws: DecodeError.self) {
            _ = try template.match(Array(text.utf8))
        }
        #expect(error?.offset == offset)
    }

    @Test(
        "A template that says nothing certain is no template",
        arguments: ["", "{a", "{a:nothing}", "[x", "x]", "{:3}", "{a:0}", "{a:99}"])
    func broken(template: String) {
        #expect(TextTemplate(template) == nil)
    }

    @Test("Text that could be cut in very many ways costs no more than a moment")
    func bounded() throws {
        let template = try #require(TextTemplate("{*}a{*}a{*}a{*}a{*}a{*}b"))
        #expect(throws: DecodeError.self) {
            _ = try template.match([UInt8](repeating: 97, count: 400))
        }
    }

    private func kiosk(_ line: String) throws -> Reading {
        let profile = try #require(Shipped.loaded.index[id: "omron-hbp-9030"])
        let layout = try #require(profile.layout(for: .usb))
        return layout.decode(Array(line.utf8))
    }

    @Test(
        "A kiosk's line with a number that the kiosk cannot measure gives no measurement",
        arguments: [
            "2026,07,11,09,05,12345678901234567890,0,059,080,072,0",
            "2026,07,11,09,05,12345678901234567890,0,261,080,072,0",
            "2026,07,11,09,05,12345678901234567890,0,120,029,072,0",
            "2026,07,11,09,05,12345678901234567890,0,120,080,181,0",
            "2026,02,30,09,05,12345678901234567890,0,120,080,072,0",
            "2026,07,11,09,05,12345678901234567890,0,1 0,080,072,0",
        ])
    func limits(line: String) throws {
        let reading = try kiosk(line)
        #expect(reading.outcome == .rejected)
        #expect(reading.quantities.isEmpty)
    }

    @Test("The ends of a kiosk's range count, and its error does not")
    func edges() throws {
        let low = try kiosk("2026,07,11,09,05,12345678901234567890,0,060,030,040,0\r\n")
        #expect(low.shown == ["systolic 60 mm[Hg]", "diastolic 30 mm[Hg]", "pulse_rate 40 /min"])
        let failed = try kiosk("2026,07,11,09,05,12345678901234567890,4,120,080,072,0\r\n")
        #expect(failed.outcome == .failedMeasurement)
        #expect(failed.quantities.isEmpty)
    }

    @Test("A date of 255 is a clock that was lost, not a broken record")
    func lostClock() throws {
        let profile = try #require(Shipped.loaded.index[id: "freestyle-insulinx"])
        let layout = try #require(profile.layout(for: .usb))
        let reading = layout.decode(Array("0,1,255,255,255,255,255,1,0,0,0,3,0,93,0,0".utf8))
        #expect(reading.outcome == .measurement)
        #expect(reading.deviceTime == nil)
        #expect(reading.deviceTimeUnusable)
    }

    @Test("A changed digit in a line with a checksum is noticed, wherever it stands")
    func checksums() throws {
        let profile = try #require(Shipped.loaded.index[id: "onetouch-ultra-2"])
        let layout = try #require(profile.layout(for: .serial))
        let line = Array(
            "P \"SAT\",\"03/21/15\",\"16:42:11   \",\"  105 \",\"B\",\"02\", 00 099F\r".utf8)
        #expect(layout.decode(line).shown == ["glucose 105 mg/dL"])
        for index in line.indices where (48...56).contains(line[index]) {
            var other = line
            other[index] += 1
            #expect(layout.decode(other).outcome == .rejected, "\(index)")
        }
    }

    @Test("No bytes make a shipped layout of text crash", arguments: 1...20)
    func fuzz(seed: Int) {
        var generator = Seeded(UInt64(seed))
        for profile in Shipped.profiles where profile.transport.isCable {
            for vector in profile.vectors {
                guard let layout = profile.layout(for: vector.source) else { continue }
                var frame = vector.bytes
                for _ in 0..<Int.random(in: 1...4, using: &generator) where !frame.isEmpty {
                    let index = Int.random(in: frame.indices, using: &generator)
                    frame[index] = UInt8.random(in: 0...255, using: &generator)
                }
                let cut = frame.prefix(Int.random(in: 0...frame.count, using: &generator))
                for reading in layout.readings(Array(cut)) where reading.outcome == .rejected {
                    #expect(reading.quantities.isEmpty)
                    #expect((0...frame.count).contains(reading.offset ?? -1))
                }
            }
        }
    }
}
