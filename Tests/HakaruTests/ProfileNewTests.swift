import DataFiles
import GatewayTestKit
import JSON
import Testing

@testable import hakaru

/// The package's own directory, from where this file stands.
private let package = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

@Suite("hakaru profile new", .timeLimit(.minutes(1))) struct ProfileNewTests {
    private static let environment = [
        "HAKARU_DATA_DIRECTORY": package, "HAKARU_OWN_PROFILES": "/nowhere",
    ]

    private func run(_ arguments: [String]) throws -> CommandRun {
        try CommandRun(["profile", "new"] + arguments, environment: Self.environment)
    }

    private static let cuff = """
        {"tape":1,"transport":"ble","address":"A4:C1:38:00:00:01"}
        {"at":"2026-03-01T08:00:00+09:00","advertisement":{"data":"020106 03031018 0d094e6577437566662d41423132"}}
        {"at":"2026-03-01T08:00:01+09:00","connected":{}}
        {"at":"2026-03-01T08:00:02+09:00","bonded":{"method":"passkey-entry"}}
        {"at":"2026-03-01T08:00:03+09:00","services":[{"uuid":"1810","characteristics":[{"uuid":"2a35","properties":["indicate"]},{"uuid":"2a08","properties":["read","write"]}]}]}
        {"at":"2026-03-01T08:00:03+09:00","read":{"uuid":"2a29","value":"4e6577206d616b6572"}}
        {"at":"2026-03-01T08:00:04+09:00","read":{"uuid":"2a08","value":"ea070301080004"}}
        {"at":"2026-03-01T08:00:04+09:00","write":{"uuid":"2a08","value":"ea070301080004"}}
        {"at":"2026-03-01T08:00:05+09:00","indicate":{"uuid":"2a35","value":"16 7d0050006600 ea070301073b1e 4000 0000"}}
        {"at":"2026-03-01T08:00:06+09:00","disconnected":{"by":"device"}}

        """

    @Test("From a capture of a standard device comes a profile that passes its check as it is")
    func standardDevice() throws {
        let scratch = ScratchDirectory()
        let tape = scratch.write("cuff.tape", Self.cuff)
        let file = scratch.path + "/new-cuff.yaml"
        let made = try run(["--from", tape, "--id", "new-cuff", "--model", "New Cuff", "-o", file])
        #expect(made.exitCode == 0, "\(made.errors)")
        #expect(made.output.hasSuffix("hakaru profile check finds no problem\n"), "\(made.output)")
        let text = String(decoding: try FileReader.read(file), as: UTF8.self)
        for line in [
            "class: blood-pressure", "manufacturer-code: \"New maker\"", "bond: passkey-entry",
            "- name-prefix: \"NewCuff-\"", "- read-clock: \"2a08\"",
            "- set-clock: { characteristic: \"2a08\", time: local }", "- file: \"cuff.tape\"",
            "gives: { measurement: 1 }", "device-time: 2026-03-01T07:59:30", "note: cut off",
            "- \"2026-03-01T07:59:30+09:00 systolic 125 mm[Hg], diastolic 80 mm[Hg], "
                + "mean_arterial_pressure 102 mm[Hg], pulse_rate 64 /min\"",
        ] {
            #expect(text.contains(line), "\(line)\n\(text)")
        }
        let check = try CommandRun(["profile", "check", file], environment: Self.environment)
        #expect(check.exitCode == 0, "\(check.output)")
    }

    @Test("A file that is there is kept, unless --force is given")
    func force() throws {
        let scratch = ScratchDirectory()
        let file = scratch.write("mine.yaml", "my evening's work\n")
        let words = [
            "--advertisement", "02 01 06 05 09 42 4d 39 39", "--id", "x", "--model", "X",
            "--output", file,
        ]
        let refused = try run(words)
        #expect(refused.exitCode == 1)
        #expect(refused.errors.contains("\(file) is there already; --force writes over it"))
        #expect(try FileReader.read(file) == Array("my evening's work\n".utf8))
        #expect(try run(words + ["--force"]).exitCode == 0)
        #expect(try FileReader.read(file).starts(with: Array("profile: 1".utf8)))
    }

    @Test("From a broadcast alone: the data's form is the match, and the check names what remains")
    func broadcast() throws {
        let scratch = ScratchDirectory()
        let file = scratch.path + "/y.yaml"
        let made = try run([
            "--advertisement", "02 01 06 0b ff ab ee a0 2b be 5e 91 a0 a0 2c", "--id", "y",
            "--model", "Y 1", "-o", file, "--json",
        ])
        let document = try #require(made.json)
        #expect(document["file"]?.string == file)
        let missing = (document["missing"]?.array ?? []).compactMap { $0["what"]?.string }
        #expect(
            missing == [
                "class", "manufacturer-code", "a layout for manufacturer-data:eeab",
                "the device's name", "a second look at vectors", "confidence",
            ])
        let problems = (document["problems"]?.array ?? []).compactMap(\.string)
        #expect(
            problems == [
                "\(file): layouts: none gives a value; spell the maker's frames out under fields",
                "\(file): tapes: there are none; record a session with: hakaru capture",
            ])
        let text = String(decoding: try FileReader.read(file), as: UTF8.self)
        #expect(text.contains("  - company: 0xeeab\n    company-data-length: 8\n"))
    }

    @Test("From a device that the daemon sees now, by its name, services and data")
    func sighting() async throws {
        let daemon = try await FakeDaemon { server in
            server.document(
                "/v1/sightings",
                """
                {"sightings":[{"address":"C0:00:00:00:00:01","name":"Thermo\\"\\u0007 1",
                 "services":["1809","6e400001-b5a3-f393-e0a9-e50e24dcca9e"],
                 "manufacturer_data":{"0157":"0102"},"service_data":{"fe95":"3058"}}]}
                """)
        }
        let made = try CommandRun(
            [
                "profile", "new", "--sighting", "c0:00:00:00:00:01", "--id", "t", "--model", "T",
                "--socket", daemon.path,
            ], environment: Self.environment)
        #expect(made.exitCode == 0)
        for line in [
            "class: thermometer", "  - name-prefix: \"Thermo\\\"\\x07 1\"",
            "    service: [\"1809\", \"6e400001-b5a3-f393-e0a9-e50e24dcca9e\"]",
            "    service-data: \"fe95\"", "    company: 0x0157", "    - subscribe: [\"2a1c\"]",
            "    note: composed from what the gateway saw",
        ] {
            #expect(made.lines.contains(line), "\(line)\n\(made.output)")
        }
        #expect(
            made.errors.contains("missing: a real advertisement: record one with hakaru capture"))
        let gone = try CommandRun(
            [
                "profile", "new", "--sighting", "C0:00:00:00:00:02", "--id", "t", "--model", "T",
                "--socket", daemon.path,
            ], environment: Self.environment)
        #expect(gone.exitCode == 1)
        #expect(gone.errors.contains("hakaru sightings"))
    }

    struct Wrong: CustomTestStringConvertible {
        let arguments: [String]
        let message: String
        var testDescription: String { message }
    }

    @Test(
        "Wrong usage says what is due",
        arguments: [
            Wrong(arguments: [], message: "--id is missing"),
            Wrong(arguments: ["--id", "A b"], message: "--id is 'A b'; accepted: lower-case"),
            Wrong(arguments: ["--id", "a"], message: "--model is missing"),
            Wrong(arguments: ["--id", "a", "--model", "A"], message: "one of --from TAPE"),
            Wrong(
                arguments: [
                    "--id", "a", "--model", "A", "--from", "x", "--advertisement", "020106",
                ], message: "one of --from TAPE"),
            Wrong(
                arguments: ["--id", "a", "--model", "A", "--advertisement", "02 01 0"],
                message: "--advertisement is not pairs"),
            Wrong(
                arguments: ["--id", "a", "--model", "A", "--sighting", "here"],
                message: "--sighting is not an address"),
        ])
    func usage(_ test: Wrong) throws {
        let made = try run(test.arguments)
        #expect(made.exitCode == 2)
        #expect(made.errors.contains(test.message), "\(made.errors)")
    }

    @Test("A tape that shows nothing and one that is not there fail with their reason")
    func uselessTapes() throws {
        let scratch = ScratchDirectory()
        let empty = scratch.write("e.tape", "{\"tape\":1,\"transport\":\"usb\"}\n")
        let words = ["--id", "a", "--model", "A", "--from"]
        #expect(
            try run(words + [empty]).errors.contains("neither an advertisement nor a connection"))
        #expect(try run(words + ["/nowhere.tape"]).errors.contains("/nowhere.tape"))
    }

    @Test(
        "The part of a name that differs between two devices of one model is left out of the match",
        arguments: [
            ("A&D_UA-651BLE_0A1B2C", "A&D_UA-651BLE_"), ("EX-100", "EX-100"),
            ("meter+01363B32", "meter+"), ("BM85", "BM85"), ("Polar H10 12345678", "Polar H10 "),
            ("SWAN", "SWAN"), ("12345678", "12345678"), ("Scale1234", "Scale1234"),
        ])
    func serials(_ name: String, _ kept: String) {
        #expect(ProfileDraft.withoutSerial(name) == kept)
    }

    @Test("A tape stands in the profile by its place beside it, or by its whole path")
    func tapeNames() {
        #expect(ProfileNew.name(of: "a.tape", beside: "b.yaml") == "a.tape")
        #expect(ProfileNew.name(of: "x/a.tape", beside: "x/b.yaml") == "a.tape")
        #expect(ProfileNew.name(of: "x/y/a.tape", beside: "x/b.yaml") == "y/a.tape")
        #expect(ProfileNew.name(of: "/x/a.tape", beside: "/x/b.yaml") == "a.tape")
        #expect(ProfileNew.name(of: "/dev/null", beside: "b.yaml") == "/dev/null")
        #expect(ProfileCheck.path(of: "a.tape", beside: "/x/b.yaml") == "/x/a.tape")
        #expect(ProfileCheck.path(of: "/y/a.tape", beside: "/x/b.yaml") == "/y/a.tape")
        #expect(ProfileCheck.path(of: "a.tape", beside: "b.yaml") == "a.tape")
    }
}
