import GatewayTestKit
import Testing

/// `scripts/check-cases` on case files of a test's own, with the program that was just built.
@Suite("scripts/check-cases") struct CheckCasesTests {
    private static let good = """
        {"id":"cuff-1","model":"A&D UA-651BLE","class":"bp","source_characteristic":"2A35",
         "hex":"167d0050006600e10701100c273640000400","expected":{"values":{
          "systolic":{"value":125.0,"unit":"mm[Hg]"},"diastolic":{"value":80,"unit":"mm[Hg]"},
          "mean_arterial_pressure":{"value":102,"unit":"mm[Hg]"},"pulse_rate":{"value":64,"unit":"/min"}},
          "device_time":"2017-01-16T12:39:54","also":{"status":4}}}
        """

    private func run(_ cases: [String], _ options: [String] = []) throws -> (
        code: Int32, text: String
    ) {
        let directory = ScratchDirectory()
        let file = directory.write("cases.json", "[" + cases.joined(separator: ",") + "]")
        let child = try Child(
            Shipped.root + "/scripts/check-cases",
            [file, "--hakaru", builtProgram("hakaru")] + options, mergingErrors: true)
        let text = child.readAll()
        return (child.wait(), text)
    }

    @Test("A case that decodes as expected passes, and the last line counts")
    func passes() throws {
        let (code, text) = try run([Self.good])
        #expect(code == 0)
        #expect(text == "A&D UA-651BLE: 1 passed, 0 failed\n1 passed, 0 failed\n")
    }

    @Test(
        "Each difference fails the case, with what was expected and what came",
        arguments: [
            (
                "\"value\":125.0", "\"value\":126.0",
                "systolic: expected 126.0 mm[Hg], got 125 mm[Hg]"
            ),
            (
                "\"value\":80,\"unit\":\"mm[Hg]\"", "\"value\":80,\"unit\":\"kPa\"",
                "diastolic: expected 80 kPa"
            ),
            ("\"value\":125.0", "\"value\":null", "systolic: expected null, got 125 mm[Hg]"),
            ("12:39:54", "12:39:55", "device_time: expected \"2017-01-16T12:39:55\""),
            (
                "\"status\":4", "\"status\":5",
                "status: expected [\"body-movement\", \"irregular-pulse\"]"
            ),
            (
                ",\"pulse_rate\":{\"value\":64,\"unit\":\"/min\"}", "",
                "pulse_rate: expected \"no such value\", got 64 /min"
            ),
            (
                "\"device_time\"", "\"user_slot\":1,\"device_time\"",
                "user_slot: expected 1, got null"
            ),
            ("167d00", "967d00", "systolic: expected 125.0 mm[Hg], got null"),
            ("2A35", "2A9D", "has no layout for gatt:2a9d"),
            ("A&D UA-651BLE", "Nobody's cuff", "no profile knows a model"),
        ])
    func fails(_ old: String, _ new: String, _ says: String) throws {
        let changed = Self.good.replacing(old, with: new)
        try #require(changed != Self.good)
        let (code, text) = try run([Self.good, changed])
        #expect(code == 1)
        #expect(text.contains("  cuff-1: "), "\(text)")
        #expect(text.contains(says), "\(text)")
        #expect(text.hasSuffix("1 passed, 1 failed\n"))
    }

    @Test("A value that is listed beside the expected ones may appear, and is compared")
    func also() throws {
        let scale = """
            {"id":"scale","model":"SIG vector","class":"scale","source_characteristic":"2A9D",
             "hex":"0f543de7070c190e1e2d03f500a802","expected":{"values":{
              "weight":{"value":157.0,"unit":"[lb_av]"},"body_mass_index":{"value":24.5,"unit":"kg/m2"}},
              "user_slot":3,"also":{"height_in":68.0}}}
            """
        #expect(try run([scale]).code == 0)
        let (code, text) = try run([scale.replacing("68.0", with: "69.0")])
        #expect(code == 1)
        #expect(text.contains("height_in: expected \"69.0\", got 68.0 [in_i]"))
    }

    @Test("A broken frame must not give a measurement, and a moving one must not be final")
    func outcomes() throws {
        let negative = """
            {"id":"n","model":"SIG vector","class":"negative","source_characteristic":"2A35",
             "hex":"0078005000","expected":{"values":{}}}
            """
        #expect(try run([negative]).code == 0)
        let whole = negative.replacing("0078005000", with: "00780050005d00")
        #expect(try run([whole]).code == 1)
        let moving = """
            {"id":"m","model":"XMTZC05HM","class":"scale","source_characteristic":"service data 0x181B",
             "hex":"0224e607020e10293a00009a38","expected":{"values":{"weight":{"value":72.45,"unit":"kg"},
             "impedance":{"value":null,"unit":"Ohm"}},"also":{"stabilized":false}}}
            """
        #expect(
            try run([moving]).text.contains(
                "stabilized: expected \"not-final\", got \"measurement\""))
    }

    @Test("A case that decode cannot check is failed, not passed over")
    func unchecked() throws {
        let algorithm = """
            {"id":"a","model":"time correction","class":"algorithm","kind":"algorithm",
             "protocol":"none","expected":{"lookups":[]}}
            """
        let (code, text) = try run([algorithm])
        #expect(code == 1)
        #expect(text.contains("a: "))
        #expect(text.hasSuffix("0 passed, 1 failed\n"))
    }

    @Test("A subset is chosen by layout, id or model, and an empty one is a mistake")
    func subsets() throws {
        let bad = Self.good.replacing("125.0", with: "1").replacing("2A35", with: "2A9D")
            .replacing("cuff-1", with: "scale-1")
        #expect(try run([Self.good, bad], ["--layout", "2A35"]).code == 0)
        #expect(try run([Self.good, bad], ["--only", "^cuff"]).code == 0)
        #expect(try run([Self.good, bad], ["--only", "UA-651"]).code == 1)
        #expect(try run([Self.good], ["--layout", "2A18"]).code == 2)
        #expect(try run([Self.good], ["--colour"]).code == 2)
    }

    @Test("A file that is no case file and a program that is not there end with a reason")
    func broken() throws {
        let directory = ScratchDirectory()
        let file = directory.write("cases.json", "[{")
        let child = try Child(Shipped.root + "/scripts/check-cases", [file], mergingErrors: true)
        #expect(child.readAll().contains("cases.json"))
        #expect(child.wait() != 0)
        let (code, text) = try run([Self.good], ["--hakaru", "/nowhere/hakaru"])
        #expect(code == 2)
        #expect(text.contains("/nowhere/hakaru is not there"))
    }

    @Test("The repository's own cases of the standard layouts pass")
    func ownCases() throws {
        let child = try Child(
            Shipped.root + "/scripts/check-cases",
            [
                Shipped.root + "/Tests/Fixtures/cases/ble.json", "--hakaru", builtProgram("hakaru"),
                "--layout", "2A08,2A18,2A34,2A35,2A36,2A52,2A9D,181B",
            ], mergingErrors: true)
        let text = child.readAll()
        #expect(child.wait() == 0, "\(text)")
        #expect(text.hasSuffix("62 passed, 0 failed\n"))
    }
}
