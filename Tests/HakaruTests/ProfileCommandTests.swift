import GatewayTestKit
import Glibc
import JSON
import Testing

/// Directories of shipped and own profiles, as a machine of one test has them.
private struct ProfileRoom: ~Copyable {
    let scratch = ScratchDirectory()

    init() {
        for name in ["device-profiles", "exchange-formats", "own"] {
            mkdir(scratch.path + "/" + name, 0o700)
        }
    }

    func run(_ arguments: String...) throws -> CommandRun {
        try CommandRun(
            arguments,
            environment: [
                "HAKARU_DATA_DIRECTORY": scratch.path, "HAKARU_OWN_PROFILES": scratch.path + "/own",
            ])
    }

    @discardableResult
    func shipped(_ name: String, _ text: String) -> String {
        scratch.write("device-profiles/" + name, text)
    }

    @discardableResult
    func own(_ name: String, _ text: String) -> String { scratch.write("own/" + name, text) }

    /// The shortest profile that is right.
    static func profile(_ id: String, title: String = "An example", match: String? = nil) -> String
    {
        """
        profile: 1
        id: \(id)
        revision: 1
        title: \(title)
        class: scale
        transport: ble-gatt
        confidence: verified
        manufacturer-code: Example
        models: [ { name: Model \(id), aliases: [Alias \(id)] } ]
        match: [ { name-prefix: \(match ?? "Name-" + id) } ]
        session: { bond: none, steps: [ { subscribe: 2a9d } ] }
        layouts:
          - source: gatt:2a9d
            format: weight-measurement
        time: { clock: none, readings: live }

        """
    }
}

@Suite("hakaru profile list and show", .timeLimit(.minutes(1))) struct ProfileListTests {
    @Test("An own profile wins over the shipped one of its id, and the list says so")
    func overriding() throws {
        let room = ProfileRoom()
        room.shipped("a.yaml", ProfileRoom.profile("a", title: "Shipped"))
        room.shipped("b.yaml", ProfileRoom.profile("b"))
        room.own("a.yaml", ProfileRoom.profile("a", title: "Mine"))
        room.own("c.yaml", ProfileRoom.profile("c"))
        let run = try room.run("profile", "list")
        #expect(run.exitCode == 0)
        #expect(run.lines.count == 4)
        #expect(run.lines[1].contains("own, overrides shipped"))
        #expect(run.lines[2].contains("shipped ") && !run.lines[2].contains("own"))
        #expect(run.lines[3].contains("own ") && !run.lines[3].contains("overrides"))
        let objects = try room.run("profile", "list", "--json").lines.map {
            try JSONValue.parse(Array($0.utf8))
        }
        #expect(objects.map { $0["origin"]?.string } == ["own", "shipped", "own"])
        #expect(objects.map { $0["overrides_shipped"]?.bool } == [true, false, false])
        #expect(objects[0]["title"]?.string == "Mine")
        #expect(objects[0]["models"]?.array?.first?.string == "Model a")
    }

    @Test("One profile is shown whole by its id, a model or an alias; its evidence is in the JSON")
    func show() throws {
        let room = ProfileRoom()
        room.shipped(
            "a.yaml",
            ProfileRoom.profile("a")
                + "examples: [ { advertisement: 02 01 06 } ]\n"
                + "vectors: [ { source: \"gatt:2a9d\", hex: 00 80, outcome: rejected } ]\n")
        for name in ["a", "Model a", "alias A"] {
            let run = try room.run("profile", "show", name)
            #expect(run.exitCode == 0)
            #expect(run.lines.first == "An example")
            #expect(run.output.contains("1 advertisement(s), 1 frame(s), 0 tape(s)"))
        }
        let document = try #require(try room.run("profile", "show", "a", "--json").json)
        #expect(document["examples"]?.array?.first?.string == "02 01 06")
        #expect(document["vectors"]?.array?.first?["hex"]?.string == "00 80")
        let unknown = try room.run("profile", "show", "nothing", "--json")
        #expect(unknown.exitCode == 1)
        #expect(unknown.error?["code"]?.string == "failed")
    }

    @Test("A broken directory: every mistake with file, line and column, and all others are listed")
    func brokenDirectory() throws {
        let room = ProfileRoom()
        let good = ProfileRoom.profile("good")
        room.shipped("good.yaml", good)
        room.shipped("bad-yaml.yaml", "profile: 1\nid: [\n")
        room.shipped(
            "type.yaml", ProfileRoom.profile("type").replacing("revision: 1", with: "revision: one")
        )
        room.shipped("twice.yaml", "# the same id again\n" + good)
        room.shipped(
            "offset.yaml",
            ProfileRoom.profile("offset").replacing(
                "    format: weight-measurement",
                with: "    fields: { kind: weight, length: 2, values: "
                    + "[ { name: weight, at: 7, type: u16le, units: [ { unit: kg } ] } ] }"))
        room.shipped("empty.yaml", "")
        let unreadable = room.scratch.path + "/device-profiles/gone.yaml"
        symlink("/nowhere/at/all", unreadable)
        let run = try room.run("profile", "list")
        #expect(run.exitCode == 1)
        #expect(run.lines.count == 2)
        #expect(run.lines.last?.hasPrefix("good ") == true)
        let problems = run.errors.split(separator: "\n").map(String.init)
        let folder = room.scratch.path + "/device-profiles/"
        for (file, place, says) in [
            ("bad-yaml.yaml", "3:1", ""), ("type.yaml", "3:11", "revision: "),
            ("twice.yaml", "3:5", "id: good is the id of \(folder)good.yaml too"),
            ("offset.yaml", "14:70", "layouts[0].fields.values[0].at: "), ("empty.yaml", "1:1", ""),
            ("gone.yaml", "1:1", "cannot be read: No such file"),
        ] {
            #expect(
                problems.contains { $0.hasPrefix("\(folder)\(file):\(place): \(says)") },
                "\(file):\(place) \(run.errors)")
        }
        #expect(problems.last?.contains("problem(s) in profile files") == true)
        let json = try room.run("profile", "list", "--json")
        #expect(json.lines.count == 1)
        for line in json.errors.split(separator: "\n") {
            #expect(try JSONValue.parse(Array(line.utf8))["error"]?["message"]?.string != nil)
        }
    }
}

@Suite("hakaru profile check", .timeLimit(.minutes(1))) struct ProfileCheckCommandTests {
    @Test(
        "Files are checked together: two of one id, a stolen device and missing evidence are told")
    func together() throws {
        let room = ProfileRoom()
        let one = room.scratch.write("one.yaml", ProfileRoom.profile("one"))
        let two = room.scratch.write("two.yaml", ProfileRoom.profile("one"))
        let run = try room.run("profile", "check", one, two)
        #expect(run.exitCode == 1)
        #expect(
            run.lines.first
                == "\(two):2:5: id: one is the id of \(one) too; accepted: an id of its own")
        #expect(run.output.contains("\(one): vectors: there are none"))
        #expect(run.output.contains("\(one): examples: there are none"))
        #expect(run.output.contains("\(one): tapes: there are none"))
        #expect(run.errors == "hakaru: 4 problem(s)\n")
    }

    @Test(
        "A mistake in the keys is named with line and column, and the rest of the file is checked")
    func keys() throws {
        let room = ProfileRoom()
        let file = room.scratch.write(
            "x.yaml",
            ProfileRoom.profile("x").replacing("class: scale", with: "class: scalle\nfoo: 1"))
        let run = try room.run("profile", "check", file, "--json")
        #expect(run.exitCode == 1)
        let problems = try run.lines.map {
            try JSONValue.parse(Array($0.utf8))["problem"]?.string ?? ""
        }
        #expect(problems.contains { $0.hasPrefix("\(file):5:8: class: ") })
        #expect(problems.contains { $0.hasPrefix("\(file):6:1: foo: ") })
    }

    @Test("A file that is not there fails with its name")
    func gone() throws {
        let run = try ProfileRoom().run("profile", "check", "/nowhere.yaml")
        #expect(run.exitCode == 1)
        #expect(run.errors.contains("/nowhere.yaml"))
    }
}
