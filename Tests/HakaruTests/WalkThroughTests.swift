import DataFiles
import GatewayTestKit
import JSON
import Testing

/// The package's own directory, from where this file stands.
private let package = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

@Suite("The walk-through of docs/profiles.md", .timeLimit(.minutes(1))) struct WalkThroughTests {
    /// A block of commands, and what the page says that it prints.
    private struct Step {
        var commands: String
        var output: String?
    }

    /// The steps of the page, in their order.
    private func steps() throws -> [Step] {
        let page = String(
            decoding: try FileReader.read(package + "/docs/profiles.md"), as: UTF8.self)
        let start = try #require(page.firstRange(of: "## A new model by a file alone"))
        let end = try #require(page.firstRange(of: "## A whole profile"))
        let section = page[start.upperBound..<end.lowerBound]
        return section.split(separator: "```sh\n").dropFirst().map { part in
            let pieces = part.split(
                separator: "```", maxSplits: 2, omittingEmptySubsequences: false)
            // Only a text block that follows at once is the output.
            let rest = pieces.count > 1 ? pieces[1] : ""
            guard rest == "\n", pieces.count > 2, pieces[2].hasPrefix("text\n") else {
                return Step(commands: String(pieces[0]), output: nil)
            }
            let output = pieces[2].dropFirst(5).split(
                separator: "```", maxSplits: 1, omittingEmptySubsequences: false)[0]
            return Step(commands: String(pieces[0]), output: String(output))
        }
    }

    @Test("Typed to the letter in an empty directory, it ends with a profile that passes its test")
    func toTheLetter() throws {
        let steps = try steps()
        #expect(steps.count == 4)
        #expect(steps.allSatisfy { $0.output != nil })
        let scratch = ScratchDirectory()
        let mark = "--- next step ---"
        let script = steps.map { $0.commands + "echo '\(mark)'\n" }.joined()
        let file = scratch.write("walk.sh", script)
        let program = builtProgram("hakaru")
        let folder = program.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
        let child = try Child(
            "bash",
            [
                "-c", "mkdir empty && cd empty && PATH=\"$0:$PATH\" && set -e && . \"$1\"", folder,
                file,
            ].withDirectory(scratch.path),
            environment: ["HAKARU_OWN_PROFILES": "/nowhere"], mergingErrors: true)
        let text = child.readAll()
        #expect(child.wait() == 0, "\(text)")
        let printed = text.split(separator: mark + "\n", omittingEmptySubsequences: false)
        #expect(printed.count == steps.count + 1)
        for (step, output) in zip(steps, printed) {
            #expect(step.output == String(output))
        }
    }
}

extension [String] {
    /// The same `bash -c` command line, begun in a directory.
    fileprivate func withDirectory(_ path: String) -> [String] {
        [self[0], "cd '\(path)' && " + self[1]] + dropFirst(2)
    }
}

@Suite("docs/devices.md", .timeLimit(.minutes(1))) struct DevicesPageTests {
    @Test(
        "The page is what the shipped profiles say: hakaru profile list --markdown > docs/devices.md"
    )
    func upToDate() throws {
        let run = try CommandRun(
            ["profile", "list", "--markdown"],
            environment: [
                "HAKARU_DATA_DIRECTORY": package, "HAKARU_OWN_PROFILES": "/nowhere",
            ])
        #expect(run.exitCode == 0)
        let page = String(
            decoding: try FileReader.read(package + "/docs/devices.md"), as: UTF8.self)
        #expect(page == run.output)
    }

    @Test("Every profile has its section with models, pairing, clock and what it rests on")
    func complete() throws {
        let page = String(
            decoding: try FileReader.read(package + "/docs/devices.md"), as: UTF8.self)
        let files = try FileReader.list(package + "/device-profiles", suffix: ".yaml")
        let sections = page.split(separator: "\n### ").dropFirst()
        #expect(sections.count == files.count)
        for section in sections {
            for part in ["機種", "測定項目", "ペアリング", "時計", "確度"] {
                #expect(section.contains(part), "\(section.prefix(40))")
            }
        }
    }

    @Test(
        "What the front pages say about the number of devices is true",
        arguments: [
            ("README.md", "%P profiles name %M models"), ("README.ja.md", "%P のプロファイルに %M 機種"),
        ])
    func counted(_ file: String, _ sentence: String) throws {
        let run = try CommandRun(
            ["profile", "list", "--json"],
            environment: [
                "HAKARU_DATA_DIRECTORY": package, "HAKARU_OWN_PROFILES": "/nowhere",
            ])
        let models = run.lines.map { line in
            ((try? JSONValue.parse(Array(line.utf8)))?["models"]?.array ?? []).count
        }
        let told = sentence.replacing("%P", with: "\(models.count)")
            .replacing("%M", with: "\(models.reduce(0, +))")
        let page = String(decoding: try FileReader.read(package + "/" + file), as: UTF8.self)
        #expect(page.contains(told), "\(told)")
    }
}
