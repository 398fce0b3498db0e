import Testing

@testable import hakaru

@Suite("hakaru doctor") struct DoctorCommandTests {
    private func words(_ options: [String: String]) -> [String] {
        DoctorCommand.words(Invocation(words: [], options: options, output: Output()))
    }

    @Test("what is given to the command reaches the program that looks")
    func passedOn() {
        #expect(words([:]) == [])
        #expect(words(["json": ""]) == ["--json"])
        #expect(
            words(["config": "/a.yaml", "state-directory": "/s", "json": ""])
                == ["--json", "--config", "/a.yaml", "--state-directory", "/s"])
    }

    @Test(
        "another socket is asked where it lies",
        arguments: [
            (["socket": "/tmp/x/hakaru.sock"], "/tmp/x"), (["socket": "hakaru.sock"], "."),
            (["runtime-directory": "/r", "socket": "/tmp/x/hakaru.sock"], "/r"),
        ])
    func socket(options: [String: String], directory: String) {
        #expect(words(options) == ["--runtime-directory", directory])
    }

    @Test("an answer of a machine that lacks everything is a list with remedies, not a crash")
    func emptyMachine() throws {
        let run = try CommandRun([
            "doctor", "--json", "--config", "/nowhere/hakaru.yaml", "--runtime-directory",
            "/nowhere", "--state-directory", "/nowhere",
        ])
        #expect(run.exitCode == 1)
        #expect(run.output.contains(#""code":"configuration""#))
        #expect(run.output.contains(#""code":"no-daemon""#))
        for line in run.lines where line.contains(#""state":"problem""#) {
            #expect(line.contains(#""remedy":""#), "\(line)")
        }
    }
}
