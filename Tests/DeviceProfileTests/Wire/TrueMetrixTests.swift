import DeviceProfile
import Measurement
import Testing

@Suite("Messages of TRUE METRIX meters") struct TrueMetrixTests {
    private static func frame(_ content: String) -> [UInt8] {
        let text = Array("(\(content))".utf8)
        let sum = String(text.reduce(0 as UInt8, &+), radix: 16, uppercase: true)
        return text + Array(((sum.utf8.count < 2 ? "0" : "") + sum).utf8)
    }

    private func read(_ bytes: [UInt8]) -> Reading {
        FrameLayout(source: .usb, format: .wire(.trueMetrix)).decode(bytes)
    }

    private func read(_ content: String) -> Reading { read(Self.frame(content)) }

    /// Hexadecimal digits with zeros in front.
    private static func hex(_ value: Int, _ width: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: width - text.utf8.count) + text
    }

    static func result(
        _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ value: Int
    ) -> String {
        "g5" + hex(month, 1) + hex(day * 100 + year % 100, 3) + hex(hour * 100 + minute, 3)
            + hex(value, 3) + "00"
    }

    static func checksum(_ results: [String]) -> String {
        let sum = results.reduce(0) { sum, text in
            text.utf8.dropFirst(2).reduce(sum) { $0 + Int($1) }
        }
        return "x0" + hex(sum % 65_536, 4)
    }

    @Test("The gateway's commands are those that public programs send")
    func commands() {
        let known = [
            "^": "(^)AF", "I": "(I)9A", "Z1": "(Z1)DC", "*": "(*)7B", "G": "(G)98", "_": "(_)B0",
            "V": "(V)A7", "T": "(T)A5",
        ]
        for (command, text) in known {
            #expect(
                TrueMetrix.report(command) == [0xA0, UInt8(text.utf8.count)] + Array(text.utf8))
        }
    }

    @Test("Every day of a leap year and every minute of a day is read as the meter writes it")
    func times() {
        for month in 1...12 {
            for day in 1...31 {
                let reading = read(Self.result(2028, month, day, 0, 5, 100))
                let time = LocalDateTime(year: 2028, month: month, day: day, hour: 0, minute: 5)
                #expect(reading.deviceTime == time)
                #expect((reading.outcome == .measurement) == (time != nil), "\(month)/\(day)")
            }
        }
        for minute in 0..<1_440 {
            let reading = read(Self.result(2026, 6, 15, minute / 60, minute % 60, 100))
            #expect(reading.deviceTime?.hour == minute / 60)
            #expect(reading.deviceTime?.minute == minute % 60)
            #expect(reading.resolution == .minute)
        }
    }

    @Test("Digits are hexadecimal in every place: a value's highest digit too, in either case")
    func digits() {
        // 8 has the bit that says nothing, 9 to F have it and others.
        for (digit, value) in [("0", 120), ("8", 120), ("1", 376), ("9", 376), ("A", 632)] {
            let reading = read("g565F659D\(digit)7800")
            let isShown = value <= 600
            #expect(
                reading.quantities.first?.number == (isShown ? ExactDecimal(Int64(value)) : nil))
            #expect(reading.outcome == (isShown ? .measurement : .failedMeasurement))
        }
        #expect(read("g565f659d07800").deviceTime == read("g565F659D07800").deviceTime)
        #expect(read("g565F659D0780A").outcome == .controlSolution)
        #expect(read("g565F659D078A0").details.map(\.value) == ["A"])
    }

    @Test(
        "Beyond 20 and 600 mg/dL there is no number, and a flag says on which side",
        arguments: [
            (19, "result-too-low"), (20, nil), (600, nil), (601, "result-too-high"),
            (2_047, "result-too-high"),
        ])
    func limits(value: Int, flag: String?) {
        let reading = read(Self.result(2026, 6, 15, 14, 37, value))
        #expect(reading.flags == (flag.map { [$0] } ?? []))
        #expect((reading.quantities.first?.number == nil) == (flag != nil))
        #expect((reading.outcome == .measurement) == (flag == nil))
    }

    @Test("A result that is cut, too long, dated impossibly or no digits names the place")
    func broken() {
        let cases = [
            ("g565F659D0780", "a result of 11 digits, 12 are due", 3),
            ("g565F659D078000", "a result of 13 digits, 12 are due", 3),
            ("g5", "a result of 0 digits, 12 are due", 3),
            ("g565F659D07G00", "a character that is no digit", 12),
            ("g5+5F659D07800", "a character that is no digit", 3),
            ("g505F659D07800", "an impossible date or time", 3),
            ("g5D5F659D07800", "an impossible date or time", 3),
            ("g565FFFF07800", "a result of 11 digits, 12 are due", 3),
            ("g5600F59D07800", "an impossible date or time", 3),
            (Self.result(2026, 6, 15, 24, 0, 120), "an impossible date or time", 3),
            (Self.result(2026, 2, 29, 1, 0, 120), "an impossible date or time", 3),
            ("k1", "a message of a kind that is not known", 1),
            ("t009915150626", "a message of a kind that is not known", 1),
        ]
        for (content, reason, offset) in cases {
            let reading = read(content)
            #expect(reading.outcome == .rejected, "\(content)")
            #expect(reading.reason == reason, "\(content)")
            #expect(reading.offset == offset, "\(content)")
        }
    }

    @Test("A message whose checksum does not fit in any of its characters is refused")
    func checksums() {
        let good = Self.frame("g565F659D07800")
        for index in good.indices {
            for bit in 0..<8 {
                var bad = good
                bad[index] ^= 1 << UInt8(bit)
                // The checksum's digits may be of either case.
                let isSame =
                    String(decoding: bad, as: UTF8.self).lowercased()
                    == String(decoding: good, as: UTF8.self).lowercased()
                guard !isSame || index < 16 else { continue }
                #expect(read(bad).outcome == .rejected, "\(index) \(bit)")
            }
        }
        for count in 0..<good.count {
            #expect(read(Array(good.prefix(count))).outcome == .rejected)
        }
    }

    @Test("Reports count their bytes; what is behind them is left from older ones")
    func reports() throws {
        var report: [UInt8] = [3] + Array("(I)".utf8) + Array(repeating: 0xEE, count: 60)
        #expect(try Array(TrueMetrix.payload(report)) == Array("(I)".utf8))
        #expect(try TrueMetrix.payload([0]).isEmpty)
        report[0] = 63
        #expect(try TrueMetrix.payload(report).count == 63)
        for (count, report) in [
            (64, report), (255, report), (64, report + report), (4, Array(report.prefix(4))),
        ] {
            var wrong = report
            wrong[0] = UInt8(count)
            #expect(
                throws: DecodeError(
                    "a report of \(wrong.count) bytes counts \(count) behind its first", offset: 0)
            ) { try TrueMetrix.payload(wrong) }
        }
        #expect(throws: DecodeError.self) { try TrueMetrix.payload([]) }
    }

    @Test("The clock is read with and without its letter; a time that no clock shows is none")
    func clock() {
        let time = LocalDateTime(
            year: 2026, month: 6, day: 15, hour: 14, minute: 37, second: 9)
        for text in ["t093714150626", "093714150626"] {
            #expect(TrueMetrix.time(Array(text.utf8)) == time)
        }
        for text in [
            "", "t", "t09371415062", "t0937141506266", "t09371415o626", "t096014150626",
            "tt93714150626",
        ] {
            #expect(TrueMetrix.time(Array(text.utf8)) == nil, "\(text)")
        }
    }

    // MARK: downloads

    @Test("A download is used where the sum over all of its results fits")
    func download() throws {
        // 1,000 results: the sum is larger than its four digits.
        let results = (0..<1_000).map {
            Self.result(2026, 1 + $0 % 12, 1 + $0 % 28, $0 % 24, $0 % 60, 50 + $0 % 500)
        }
        let messages = (results + [Self.checksum(results)]).map { Self.frame($0) }
        #expect(try TrueMetrix.download(messages).count == 1_000)
        // Wherever the sum stands, and however often it is said.
        let turned = [messages[1_000]] + messages
        #expect(try TrueMetrix.download(turned) == Array(messages.prefix(1_000)))
        #expect(try TrueMetrix.download([Self.frame("x00000")]).isEmpty)
    }

    @Test("Of a download that lacks a result, has one too many or another digit nothing is used")
    func brokenDownload() {
        let results = ["g565F659D07800", "g565F634D05F00", "g565F559D16200"]
        let sum = Self.checksum(results)
        let cases: [[String]] = [
            Array(results.prefix(2)) + [sum], results + [results[0], sum],
            [results[0], results[1], "g565F559D16300", sum], results, [sum], [],
            results + ["x0000"], results + [sum, "x00001"], results + [sum + "0"],
            results + ["x0" + "+" + sum.suffix(3)],
        ]
        for contents in cases {
            #expect(throws: DecodeError.self, "\(contents)") {
                try TrueMetrix.download(contents.map { Self.frame($0) })
            }
        }
        #expect(throws: DecodeError("the download checksum does not fit its 2 results", offset: 3))
        {
            try TrueMetrix.download(cases[0].map { Self.frame($0) })
        }
        #expect(throws: DecodeError("the download has no checksum", offset: 3)) {
            try TrueMetrix.download(results.map { Self.frame($0) })
        }
    }

    @Test("Two results of one minute are two records, also where they are equal in every digit")
    func equalResults() throws {
        let results = ["g565F659D07800", "g565F659D07900", "g565F659D07800", "g565F659D07800"]
        let messages = (results + [Self.checksum(results)]).map { Self.frame($0) }
        let readings = try TrueMetrix.download(messages).map { read($0) }
        #expect(readings.map(\.outcome) == Array(repeating: .measurement, count: 4))
        #expect(readings.map(\.occurrence) == [1, 1, 2, 3])
        let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)
        let profile = try #require(Shipped.loaded.index[id: "true-metrix"])
        let builder = RecordBuilder(profile: profile, zone: zone, simulated: false)
        let time = GatewayTime(
            utc: Instant(seconds: 1_800_000_000), monotonicNanoseconds: 0, synchronised: true)
        func keys(_ port: String, serial: String?) -> [String] {
            var device = DeviceDescription(id: DeviceID(port))
            device.serial = serial
            return readings.map { builder.key($0, device: device, received: time).hex }
        }
        #expect(Set(keys("usb:1-1", serial: "TA1")).count == 4)
        #expect(Set(keys("usb:1-1", serial: nil)).count == 4)
        // In another cradle it is the same meter; another meter in this one is not.
        #expect(keys("usb:1-1", serial: "TA1") == keys("usb:1-4", serial: "TA1"))
        #expect(
            Set(keys("usb:1-1", serial: "TA1")).isDisjoint(with: keys("usb:1-1", serial: "TA2")))
        // The number of an equal one is the gateway's own, and above one.
        for end in ["#", "#1", "#0", "#-2", "#x", "#2#3"] {
            #expect(read(messages[0] + Array(end.utf8)).outcome == .rejected)
        }
    }

    @Test("Whatever stands in a stream, no result comes out that nobody put in")
    func fuzz() throws {
        var dice = Lots(7)
        let results = (0..<20).map { Self.result(2026, 6, 1 + $0, 7, $0, 80 + $0) }
        let whole = (results + [Self.checksum(results)]).flatMap { Self.frame($0) }
        var wholeDownloads = 0
        for round in 0..<2_000 {
            var stream = whole
            for _ in 0..<dice.roll(3) { stream[dice.roll(stream.count)] = UInt8(dice.roll(256)) }
            if dice.roll(4) == 0 { stream.remove(at: dice.roll(stream.count)) }
            var framer = WireFramer(TrueMetrix.framing)
            var frames: [[UInt8]] = []
            while !stream.isEmpty {
                let part = Array(stream.prefix(1 + dice.roll(63)))
                stream.removeFirst(part.count)
                frames += framer.take(part)
            }
            let good = frames.filter { (try? TrueMetrix.open($0)) != nil }
            guard let download = try? TrueMetrix.download(good) else { continue }
            wholeDownloads += 1
            #expect(
                download.map { String(decoding: $0.dropFirst().dropLast(3), as: UTF8.self) }
                    == results, "\(round)")
        }
        #expect(wholeDownloads > 200)
        for _ in 0..<5_000 { _ = read(dice.bytes(40)) }
    }

    @Test("A talk that somebody recorded gives its results, and none where the download is broken")
    func exchange() throws {
        let profile = try #require(Shipped.loaded.index[id: "true-metrix"])
        func steps(_ contents: [String]) -> [Exchange.Step] {
            let text = contents.flatMap { Self.frame($0) }
            let reports = stride(from: 0, to: text.count, by: 20).map { start -> Exchange.Step in
                let part = text[start..<min(start + 20, text.count)]
                let stale = [UInt8](repeating: 0x28, count: 63 - part.count)
                return Exchange.Step(isOutput: false, bytes: [UInt8(part.count)] + part + stale)
            }
            return [Exchange.Step(isOutput: true, bytes: TrueMetrix.report("G"))] + reports
        }
        let results = ["g565F659D07800", "g565F634D05F00"]
        let good = Exchange.readings(steps(results + [Self.checksum(results)]), profile: profile)
        #expect(good.filter { $0.outcome == .measurement }.count == 2)
        let bad = Exchange.readings(steps(results + ["x00001"]), profile: profile)
        #expect(bad.allSatisfy { $0.outcome != .measurement })
        #expect(bad.contains { $0.reason == "the download checksum does not fit its 2 results" })
        let named = Exchange.readings(steps(["iBLU"]), profile: profile)
        #expect(named.first?.details.map(\.value) == ["BLU"])
    }
}

/// Numbers that come again for the same seed.
private struct Lots {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func roll(_ sides: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % sides
    }

    mutating func bytes(_ most: Int) -> [UInt8] {
        (0..<roll(most + 1)).map { _ in UInt8(roll(256)) }
    }
}
