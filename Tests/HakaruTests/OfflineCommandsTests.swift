import DataFiles
import GatewayTestKit
import JSON
import Testing

/// The package's own directory, from where this file stands.
private let package = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

/// The commands that need no daemon, run as a person runs them who holds a device or a page of bytes.
private func run(_ arguments: [String]) throws -> CommandRun {
    try CommandRun(
        arguments,
        environment: ["HAKARU_DATA_DIRECTORY": package, "HAKARU_OWN_PROFILES": "/nowhere"])
}

private struct Refused: CustomTestStringConvertible {
    let arguments: [String]
    let code: Int32
    /// What the message has to name.
    let says: String
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: [String], _ code: Int32, _ says: String) {
        self.arguments = arguments
        self.code = code
        self.says = says
    }

    func check() throws {
        let done = try run(arguments)
        #expect(done.exitCode == code)
        #expect(done.output == "")
        #expect(done.errors.contains(says), "\(done.errors)")
        let asJSON = try run(arguments + ["--json"])
        #expect(asJSON.exitCode == code)
        #expect(asJSON.error?["message"]?.string?.contains(says) == true)
    }
}

@Suite("hakaru explain, for a cable", .timeLimit(.minutes(2))) struct ExplainCableTests {
    private func explain(_ arguments: String...) throws -> JSONValue {
        let done = try run(["explain"] + arguments + ["--json"])
        #expect(done.exitCode == 0, "\(done.errors)")
        return try #require(done.json)
    }

    @Test("a bridge says nothing of the model: no profile gets the port until a person names one")
    func bridge() throws {
        let open = try explain("--usb", "0403:6001")
        #expect(open["profile"] == .null)
        #expect((open["candidates"]?.array?.count ?? 0) > 5)
        for name in ["TM-2657P", "and-tm-2657p"] {
            let bound = try explain("--usb", "0403:6001", "--bound-to", name)
            #expect(bound["profile"]?.string == "and-tm-2657p")
        }
    }

    @Test("two models behind the same numbers are told apart by nobody but a person or a probe")
    func shared() throws {
        let found = try explain("--usb", "0590:0028")
        #expect(found["profile"] == .null)
        let ids = (found["candidates"]?.array ?? []).compactMap { $0["profile"]?.string }
        #expect(Set(ids).isSuperset(of: ["omron-hem-7080it", "omron-hj-720it"]))
    }

    @Test("descriptors are told in the words of the USB specification")
    func descriptors() throws {
        let found = try explain(
            "--device-descriptor", "120110010000000890052800010201030001", "--configuration",
            "090229000101008032090400000203000000092110010001221f000705810308000a0705020308000a",
            "--report-descriptor",
            "0600ff0901a1010902150026ff007508950881820903918209049502b182c0")
        let words = found["descriptors"]
        #expect(words?["vid"]?.string == "0590")
        #expect(words?["pid"]?.string == "0028")
        #expect(words?["ep_in"]?.string == "0x81")
        #expect(words?["ep_out"]?.string == "0x02")
        #expect(words?["max_packet"]?.integer == 8)
        #expect(words?["feature_report_bytes"]?.integer == 2)
    }

    @Test("the device of a recorded session is explained by its head", arguments: ["usb", "ble"])
    func tape(_ transport: String) throws {
        let scratch = ScratchDirectory()
        let head =
            transport == "usb"
            ? #"{"tape":1,"transport":"usb","vendor-id":"1a79","product-id":"6002","class":"hid"}"#
            : #"{"tape":1,"transport":"ble","address":"A4:C1:38:00:00:01","address-type":"public"}"#
        let line =
            transport == "usb"
            ? ""
            : #"{"at":"2026-03-01T08:15:00+09:00","advertisement":{"data":"02010503031018150941"#
                + #"26445f55412d363531424c455f304131423243","rssi":-60}}"# + "\n"
        let file = scratch.write("one.tape", head + "\n" + line)
        let found = try explain("--tape", file)
        #expect(found["profile"]?.string?.isEmpty == false)
    }

    @Test(
        "what is wrong is named, with what is accepted",
        arguments: [
            Refused(["explain"], 2, "nothing to explain"),
            Refused(["explain", "--usb", "0590"], 2, "accepted: VID:PID"),
            Refused(["explain", "--usb", "0590:00zz"], 2, "'0590:00zz'"),
            Refused(["explain", "--usb", "0403:6001", "--bound-to", "nothing"], 1, "'nothing'"),
            Refused(["explain", "--device-descriptor", "1201"], 1, "18 bytes"),
            Refused(["explain", "--device-descriptor", "12g1"], 1, "--device-descriptor"),
            Refused(["explain", "--usb", "0590:0028", "--configuration", "09"], 1, "byte"),
            Refused(["explain", "--advertisement", "xyz"], 2, "--advertisement"),
            Refused(["explain", "--tape", "/nowhere/one.tape"], 1, "/nowhere/one.tape"),
        ])
    fileprivate func refused(_ test: Refused) throws { try test.check() }
}

@Suite("hakaru explain --clock-changes", .timeLimit(.minutes(2))) struct ExplainClockTests {
    private static let whole = """
        {"zone":"US/Eastern","most_recent_utc":"2015-01-01T00:00:00Z",
         "changes":[{"index":10,"from":"2013-12-15T15:00:00","to":"2014-12-15T15:00:00"}],
         "lookups":[{"device_time":"2014-12-25T00:00:00","index":15},
                    {"device_time":"2013-12-10T00:00:00","index":5}]}
        """

    private func explain(_ text: String, _ more: String...) throws -> CommandRun {
        let scratch = ScratchDirectory()
        return try run(["explain", "--clock-changes", scratch.write("c.json", text)] + more)
    }

    @Test("a year that was wrong on the clock is taken out of what was stamped with it")
    func wrongYear() throws {
        let lines = try explain(Self.whole, "--json").lines.map {
            try JSONValue.parse(Array($0.utf8))
        }
        #expect(lines.count == 3)
        #expect(lines[0]["change"]?.integer == 10)
        #expect(lines[1]["utc"]?.string == "2014-12-25T05:00:00+00:00")
        #expect(lines[1]["conversion_ms"]?.integer == 0)
        #expect(lines[2]["utc"]?.string == "2014-12-10T05:00:00+00:00")
        #expect(lines[2]["conversion_ms"]?.integer == -31_536_000_000)
    }

    @Test("people read the same in a sentence for each stamp")
    func sentences() throws {
        let done = try explain(Self.whole)
        #expect(done.exitCode == 0)
        #expect(done.lines.count == 3)
        #expect(done.lines[0].hasPrefix("change 10, 2013-12-15T15:00:00 to 2014-12-15T15:00:00"))
        #expect(done.lines[2].contains("2014-12-10T05:00:00+00:00"))
        #expect(done.lines[2].contains("wrong date -31536000000 ms"))
    }

    @Test("a stamp that fits no part of the history gets no time, and the sentence says so")
    func noTime() throws {
        let text = """
            {"zone":"US/Mountain","most_recent_utc":"2015-06-01T00:00:00Z",
             "changes":[{"index":50,"from":"2015-04-01T06:00:00","to":"2015-05-01T06:00:00"},
                        {"index":75,"from":"2015-05-14T23:57:00","to":"2015-05-15T00:00:00"}],
             "lookups":[{"device_time":"2015-03-31T23:59:00"}]}
            """
        #expect(try explain(text).lines.last?.contains("so it has no time") == true)
        let last = try #require(try explain(text, "--json").lines.last)
        #expect(try JSONValue.parse(Array(last.utf8))["utc"] == .null)
    }

    @Test("the zone is the file's, else the one that was given, else that of Japan")
    func zones() throws {
        let text = """
            {"most_recent_utc":"2026-03-01T00:00:00Z","changes":[],
             "lookups":[{"device_time":"2026-02-01T09:00:00"}]}
            """
        #expect(try explain(text).lines.first?.contains("2026-02-01T00:00:00+00:00") == true)
        #expect(
            try explain(text, "--timezone", "Europe/Berlin").lines.first?
                .contains("2026-02-01T08:00:00+00:00") == true)
    }

    @Test("without stamps the changes alone are told")
    func changesAlone() throws {
        let done = try explain(
            #"{"changes":[{"index":3,"from":"2026-02-01T12:02:05","to":"2026-02-01T12:00:00"}]}"#)
        #expect(done.exitCode == 0)
        #expect(
            done.lines == [
                "change 3, 2026-02-01T12:02:05 to 2026-02-01T12:00:00: "
                    + "zone 0 min, drift 125000 ms, wrong date 0 ms"
            ])
    }

    @Test(
        "a broken file is named with what is missing in it",
        arguments: [
            ("", "c.json"), ("{", "c.json"),
            (#"{"changes":[{"to":"2026-02-01T12:00:00"}]}"#, "from is missing"),
            (
                #"{"changes":[{"from":"2026-02-01T12:00:00","to":"noon"}]}"#,
                "to is missing or no time"
            ),
            (
                #"{"changes":[],"lookups":[{"device_time":"2026-02-01T09:00:00"}]}"#,
                "most_recent_utc"
            ),
            (
                #"{"zone":"Mars/Base","most_recent_utc":"2026-03-01T00:00:00Z","lookups":[{}]}"#,
                "'Mars/Base' is not in the zone database"
            ),
            (
                #"{"most_recent_utc":"2026-03-01T00:00:00Z","lookups":[{}]}"#,
                "device_time is missing"
            ),
        ])
    func broken(_ text: String, _ says: String) throws {
        let done = try explain(text)
        #expect(done.exitCode == 1)
        #expect(done.output == "")
        #expect(done.errors.contains(says), "\(done.errors)")
    }

    @Test("a file that is not there is named")
    func gone() throws {
        try Refused(["explain", "--clock-changes", "/nowhere/c.json"], 1, "/nowhere/c.json").check()
    }
}

@Suite("hakaru decode: what is wrong is told", .timeLimit(.minutes(2))) struct DecodeUsageTests {
    private static let frame = ["--source", "gatt:2a35", "--hex", "00780050005d00"]

    @Test(
        "each option is refused for itself, with what is accepted",
        arguments: [
            Refused(["decode"] + frame, 2, "--model is missing"),
            Refused(["decode", "--model", "sig"], 2, "--source is missing"),
            Refused(["decode", "--model", "sig", "--source", "gatt:2a35"], 2, "--hex is missing"),
            Refused(
                ["decode", "--model", "sig", "--source", "smoke", "--hex", "00"], 2,
                "accepted: gatt:UUID"),
            Refused(
                ["decode", "--model", "sig", "--source", "gatt:2a35", "--hex", "0"], 2, "--hex"),
            Refused(["decode", "--model", "no such cuff"] + frame, 1, "'no such cuff'"),
            Refused(
                ["decode", "--model", "UA-651BLE", "--source", "usb", "--hex", "00"], 1,
                "it has: gatt:2a35"),
            Refused(["decode", "--model", "sig", "--address", "A4:C1"] + frame, 2, "--address"),
            Refused(
                ["decode", "--model", "sig", "--key", "00"] + frame, 2, "--key is not 16 bytes"),
            Refused(["decode", "--model", "sig", "--today", "yesterday"] + frame, 2, "--today"),
            Refused(
                ["decode", "--model", "sig", "--next-record", "-1"] + frame, 2, "--next-record"),
            Refused(
                ["decode", "--model", "sig", "--display-unit", "stones"] + frame, 2,
                "--display-unit is 'stones'; accepted: "),
            Refused(
                ["decode", "--model", "OneTouch Ultra 2", "--exchange", "/nowhere/x.tape"], 1,
                "/nowhere/x.tape"),
        ])
    fileprivate func refused(_ test: Refused) throws { try test.check() }

    @Test("a key that was mistyped is never printed again")
    func key() throws {
        let done = try run(
            ["decode", "--model", "sig", "--key", "00112233445566778899aabbccddee"] + Self.frame)
        #expect(done.exitCode == 2)
        #expect(!done.errors.contains("0011"))
    }

    @Test("several frames of one session are read together, and text says what JSON says")
    func frames() throws {
        let frame = "00780050005d00"
        let one = try run(
            [
                "decode", "--model", "sig", "--source", "gatt:2a35", "--hex", frame + "," + frame,
                "--json",
            ])
        #expect(one.exitCode == 0)
        #expect(one.lines.count == 2)
        for line in one.lines {
            let reading = try JSONValue.parse(Array(line.utf8))
            #expect(reading["values"]?["systolic"]?["value"]?.integer == 120)
        }
        let text = try run(
            ["decode", "--model", "sig", "--source", "gatt:2a35", "--hex", frame])
        #expect(text.output.contains("systolic 120 mm[Hg]"))
    }
}
