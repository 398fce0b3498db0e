import EventLoop
import GatewayTestKit
import JSON
import Status
import Testing

@Suite("hakaru: lists", .timeLimit(.minutes(1))) struct ListCommandsTests {
    static let devices = """
        {"devices":[
         {"id":"ble:A4:C1:38:00:00:01","address":"A4:C1:38:00:00:01","profile":"and-ua-651ble",
          "manufacturer":"A&D","model":"UA-651BLE","serial":"1","participant":"P0000001",
          "last_seen_at":"2026-03-01T08:15:00+09:00","last_record_at":null,"records":2,
          "failed_measurements":30,"clock":{"offset_seconds":360,"measured_at":null,
          "set_at":"2026-03-01T08:15:00+09:00"},"battery_percent":80,"bonded":true,"state":"idle"},
         {"id":"usb:体重計","address":null,"model":null,"participant":null,"last_seen_at":null,
          "records":0,"failed_measurements":0,"clock":{"offset_seconds":-1.5,"set_at":null},
          "battery_percent":null,"state":"connected"}]}
        """

    @Test("devices are listed with what a person looks for, in columns that line up")
    func devices() async throws {
        let daemon = try await FakeDaemon { $0.document("/v1/devices", Self.devices) }
        let run = try daemon.run("devices")
        #expect(run.exitCode == 0)
        #expect(run.lines.count == 3)
        let columns = run.lines[0].split(separator: " ", omittingEmptySubsequences: true)
        #expect(columns.first == "DEVICE" && columns.last == "BATTERY")
        #expect(run.lines[1].hasPrefix("A4:C1:38:00:00:01  UA-651BLE  P0000001     idle"))
        #expect(run.lines[1].hasSuffix("2        30      +360 s, set  80 %"))
        #expect(run.lines[2].hasPrefix("usb:体重計         –          –            connected"))
        #expect(run.lines[2].hasSuffix("0        0       -1.5 s       –"))
    }

    @Test("with --json every device is one line that is one object")
    func devicesJSON() async throws {
        let daemon = try await FakeDaemon { $0.document("/v1/devices", Self.devices) }
        let run = try daemon.run("devices", "--json")
        let objects = run.lines.compactMap { try? JSONValue.parse(Array($0.utf8)) }
        #expect(objects.count == 2)
        #expect(objects.first?["clock"]?["offset_seconds"]?.numberText == "360")
        #expect(objects.last?["id"]?.string == "usb:体重計")
    }

    @Test("an empty list says so to people and nothing to scripts")
    func empty() async throws {
        let daemon = try await FakeDaemon { server in
            server.document("/v1/devices", "{\"devices\":[]}")
            server.document("/v1/sightings", "[]")
            server.document("/v1/records", "{\"records\":[]}")
            server.document("/v1/quarantine", "{\"records\":[]}")
        }
        for (words, text) in [
            (["devices"], "No device is known yet.\n"),
            (["sightings"], "No unknown device is in reach.\n"),
            (["records"], "No records.\n"),
            (["quarantine", "list"], "Nothing is in quarantine.\n"),
        ] {
            #expect(try CommandRun(words + ["--socket", daemon.path]).output == text)
            let json = try CommandRun(words + ["--json", "--socket", daemon.path])
            #expect(json.output == "")
            #expect(json.exitCode == 0)
        }
    }

    @Test("a device that nothing matched is shown with the reason, its name made harmless")
    func sightings() async throws {
        let daemon = try await FakeDaemon { server in
            server.document(
                "/v1/sightings",
                """
                {"sightings":[{"address":"C0:00:00:00:00:01","name":"Scale\\u001b]0;x\\u0007",
                 "rssi":-61,"last_seen_at":null,"because":"no profile knows service 181d"},
                 {"address":"C0:00:00:00:00:02","name":null,"rssi":null,
                 "because":["one","two"]}]}
                """)
        }
        let run = try daemon.run("sightings")
        #expect(
            run.lines[1] == "C0:00:00:00:00:01  Scale?]0;x?  -61 dBm  –          no profile knows "
                + "service 181d")
        #expect(run.lines[2].hasSuffix("–          one; two"))
    }
}

@Suite("hakaru records", .timeLimit(.minutes(1))) struct RecordsCommandTests {
    /// A daemon with `count` records that gives at most 100 a page, whatever it is asked for.
    private func serve(_ count: Int) async throws -> FakeDaemon {
        try await FakeDaemon { server in
            server.route("GET", "/v1/records") { request in
                let after = Int(request.query["after"] ?? "0") ?? 0
                let limit = min(Int(request.query["limit"] ?? "100") ?? 100, 100)
                let last = min(count, after + limit)
                let state = request.query["state"] ?? "delivered"
                let rows = after < last ? (after + 1...last).map { Self.record($0, state) } : []
                return SocketResponse(
                    body: Array("{\"records\":[\(rows.joined(separator: ","))]}".utf8))
            }
        }
    }

    private static func record(_ id: Int, _ state: String) -> String {
        """
        {"id":\(id),"key":"0123456789abcdef","kind":"blood-pressure","values":{
        "systolic":{"value":125,"unit":"mm[Hg]"},"diastolic":{"value":80.0,"unit":"mm[Hg]"},
        "mean_arterial_pressure":{"value":null,"unit":"mm[Hg]"}},"device":"ble:x",
        "model":"UA-651BLE","participant":"P1","observation_time":"2026-03-01T08:15:00+09:00",
        "time_basis":"corrected","clock_offset":360,"uncertainty":1,
        "received_at":"2026-03-01T08:15:02+09:00","state":"\(state)","reason":null,
        "destinations":{"common-db":"delivered"},"simulated":\(id == 1)}
        """
    }

    @Test("a record is one row with its exact digits, its state and where it went")
    func row() async throws {
        let run = try await serve(2).run("records")
        #expect(run.lines.count == 3)
        #expect(
            run.lines[1]
                == "1   2026-03-01 08:15:00  corrected  +360 s ±1 s  P1           UA-651BLE  systolic 125 mm[Hg], "
                + "diastolic 80.0 mm[Hg], mean arterial pressure –  delivered (simulated)  "
                + "common-db delivered")
        #expect(run.lines[2].contains("  delivered              common-db delivered"))
    }

    @Test("all pages are fetched, each record once, in order")
    func pages() async throws {
        let run = try await serve(1_234).run("records", "--json")
        let ids = run.lines.compactMap { line in
            (try? JSONValue.parse(Array(line.utf8)))?["id"]?.integer
        }
        #expect(ids == Array(1...1_234))
        #expect(run.lines[7].contains("\"value\":80.0"))
    }

    @Test("titles stand once above all pages")
    func titles() async throws {
        let run = try await serve(250).run("records")
        #expect(run.lines.count == 251)
        #expect(run.lines.filter { $0.hasPrefix("ID") }.count == 1)
    }

    @Test(
        "a limit and a beginning are kept exactly",
        arguments: [
            (["--limit", "0"], []), (["--limit", "3"], [1, 2, 3]),
            (["--after", "248"], [249, 250]), (["--after", "250"], []),
            (["--after", "5", "--limit", "2"], [6, 7]),
            (["--limit", "150", "--after", "99"], Array(100...249)),
        ] as [([String], [Int])])
    func bounds(_ options: [String], _ expected: [Int]) async throws {
        let daemon = try await serve(250)
        let run = try CommandRun(["records", "--json", "--socket", daemon.path] + options)
        let ids = run.lines.compactMap { line in
            (try? JSONValue.parse(Array(line.utf8)))?["id"]?.integer
        }
        #expect(run.exitCode == 0)
        #expect(ids == expected)
    }

    @Test("the daemon is asked for the state, not this program's memory")
    func state() async throws {
        let run = try await serve(3).run("records", "--state", "unassigned", "--json")
        #expect(run.lines.count == 3)
        #expect(run.lines.allSatisfy { $0.contains("\"state\":\"unassigned\"") })
    }

    @Test("a daemon that gives one page for ever is not asked for ever")
    func samePage() async throws {
        let daemon = try await FakeDaemon { server in
            server.document("/v1/records", "{\"records\":[\(Self.record(1, "stored"))]}")
        }
        #expect(try daemon.run("records", "--json").lines.count == 2)
    }
}

@Suite("hakaru quarantine", .timeLimit(.minutes(1))) struct QuarantineCommandTests {
    private func serve() async throws -> FakeDaemon {
        let rows: [String] = [(7, "aabbcc01"), (12, "aabbcc02")].map { id, key in
            """
            {"id":\(id),"key":"\(key)","kind":"weight","values":{"weight":{"value":65.0,
            "unit":"kg"}},"device":"ble:x","device_time":"2000-01-01T00:00:00",
            "received_at":"2026-03-01T08:15:02+09:00","reason":"time-fault",
            "flags":["stored","battery-low"],"destinations":{},"state":"quarantined"}
            """
        }
        return try await FakeDaemon { server in
            server.route("GET", "/v1/quarantine") { request in
                let isFirst = request.query["after"] == nil
                let list = isFirst ? rows.joined(separator: ",") : ""
                return SocketResponse(body: Array("{\"records\":[\(list)]}".utf8))
            }
            for row in rows {
                guard let key = (try? JSONValue.parse(Array(row.utf8)))?["key"]?.string else {
                    continue
                }
                server.document("/v1/quarantine/" + key, row)
            }
        }
    }

    @Test("the list says what waits and why")
    func list() async throws {
        let run = try await serve().run("quarantine", "list")
        #expect(run.lines.count == 3)
        #expect(
            run.lines[1] == "7   2026-03-01 08:15:02  2000-01-01 00:00:00  ble:x   weight 65.0 kg  "
                + "time-fault")
    }

    @Test(
        "one reading is found by its id, its key or the beginning of its key",
        arguments: [("7", 7), ("12", 12), ("aabbcc02", 12), ("AABBCC01", 7)])
    func show(_ word: String, _ id: Int) async throws {
        let daemon = try await serve()
        #expect(try daemon.run("quarantine", "show", word, "--json").json?["id"]?.integer == id)
        let text = try daemon.run("quarantine", "show", word)
        #expect(text.output.contains("\nvalues       weight 65.0 kg\n"))
        #expect(text.output.contains("\nflags        stored, battery-low\n"))
        #expect(text.output.contains("\nreason       time-fault\n"))
    }

    @Test("what is not there ends with 1, what is not clear with 2")
    func showNothing() async throws {
        let daemon = try await serve()
        let missing = try daemon.run("quarantine", "show", "99", "--json")
        #expect(missing.exitCode == 1)
        #expect(missing.error?["code"]?.string == "not-found")
        // Short words never match a key by chance.
        #expect(try daemon.run("quarantine", "show", "aab").exitCode == 1)
        let unclear = try daemon.run("quarantine", "show", "aabbcc0")
        #expect(unclear.exitCode == 2)
        #expect(
            unclear.errors
                == "hakaru: 'aabbcc0' is the beginning of 2 keys; write more of it\n")
    }
}
