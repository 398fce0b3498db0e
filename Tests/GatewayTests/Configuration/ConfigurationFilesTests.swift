import GatewayTestKit
import Measurement
import Testing
import YAML

@testable import Gateway

@Suite("Configuration: files") struct ConfigurationFilesTests {
    @Test("a file on disk is read, and its problems carry its path")
    func load() throws {
        let scratch = ScratchDirectory()
        let good = scratch.write("good.yaml", ConfigurationTests.whole)
        #expect(try Configuration.load(path: good).gateway.id == "gw-0001")
        let bad = scratch.write("bad.yaml", "gateway: { id: gw }\ncolour: red\nsound: loud\n")
        let problems = #expect(throws: ConfigurationProblems.self) {
            _ = try Configuration.load(path: bad)
        }
        #expect(problems?.problems.map(\.file) == [bad, bad])
        #expect(problems?.problems.map(\.line) == [2, 3])
        #expect(problems?.description.split(separator: "\n").count == 2)
    }

    @Test("a missing, unreadable or unfit file says which and why")
    func unreadable() {
        let scratch = ScratchDirectory()
        for (path, reason) in [
            (scratch.path + "/none.yaml", "No such file or directory"),
            (scratch.path, "Is a directory"),
        ] {
            let problems = #expect(throws: ConfigurationProblems.self) {
                _ = try Configuration.load(path: path)
            }
            #expect(problems?.description == "\(path):1:1: cannot be read: \(reason)")
        }
        let empty = scratch.write("empty.yaml", "")
        let problems = #expect(throws: ConfigurationProblems.self) {
            _ = try Configuration.load(path: empty)
        }
        #expect(
            problems?.description
                == "\(empty):1:1: has no value; accepted: a mapping (key: value)")
    }

    @Test("files that the configuration names are looked for, and stop nothing else")
    func namedFiles() throws {
        let scratch = ScratchDirectory()
        let token = scratch.write("token", "abc\n")
        let empty = scratch.write("ca.pem", "")
        let file = scratch.write(
            "hakaru.yaml",
            """
            gateway: { id: gw }
            destinations:
              - name: db
                format: /none/format.yaml
                url: https://x.example/
                authorization: { bearer-token-file: \(token) }
                tls:
                  ca-file: \(empty)
                  client-certificate-file: \(scratch.path)
                  client-key-file: /none/key.pem

            """)
        let made = try Configuration.load(path: file)
        let found: [String] = made.environmentProblems().map { problem in
            #expect(problem.accepted == "a file that can be read")
            return "\(problem.line):\(problem.column): \(problem.key): \(problem.message)"
        }
        let missing = "No such file or directory"
        #expect(found.count == 4)
        #expect(found[0] == "8:16: destinations[0].tls.ca-file: names \(empty), which is empty")
        let key = "destinations[0].tls.client-certificate-file"
        #expect(found[1] == "9:32: \(key): names \(scratch.path), which is no file")
        let clientKey = "10:24: destinations[0].tls.client-key-file"
        #expect(found[2] == "\(clientKey): names /none/key.pem: \(missing)")
        #expect(found[3] == "4:13: destinations[0].format: names /none/format.yaml: \(missing)")
    }

    @Test("a machine without a time zone database still knows Japan")
    func noZones() throws {
        let scratch = ScratchDirectory()
        let file = scratch.write("hakaru.yaml", "gateway: { id: gw }")
        let made = try Configuration.load(path: file, zoneDirectory: scratch.path + "/none")
        #expect(made.gateway.timeZone.name == "Asia/Tokyo")
        #expect(made.gateway.timeZone.offsetSeconds(at: .init(seconds: 0)) == 32_400)
    }
}

extension ConfigurationFilesTests {
    @Test("a format file of one's own is looked into, and each of its mistakes has its line")
    func ownFormat() throws {
        let scratch = ScratchDirectory()
        let format = scratch.write("own.yaml", "format: own\ncolour: red\n")
        let file = scratch.write(
            "hakaru.yaml",
            """
            gateway: { id: gw }
            destinations: [ { name: db, format: \(format), url: "https://x.example/" } ]

            """)
        let found = try Configuration.load(path: file).environmentProblems()
        #expect(found.contains { $0.file == format && $0.line == 2 && $0.key == "colour" })
        #expect(found.allSatisfy { $0.file == format })
    }
}
