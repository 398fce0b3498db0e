import DataFiles
import GatewayTestKit
import Testing

@testable import hakaru

/// The package's own directory, from where this file stands.
private let package = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

/// A page of the manual as text, one line for each of the source.
func manual(_ name: String) throws -> [String] {
    let bytes = try FileReader.read("\(package)/docs/man/\(name)")
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
}

@Suite("Manual pages") struct ManualTests {
    @Test("every command and every option of the program stands in its page")
    func commands() throws {
        let lines = try manual("hakaru.1")
        for command in CommandTable.all {
            #expect(
                lines.contains { $0.hasPrefix(".It Cm \(command.name)") },
                "\(command.name) is missing")
            for option in command.options {
                #expect(
                    lines.contains {
                        $0.hasPrefix(".It Cm \(command.name)")
                            && $0.contains("Fl Fl \(option.name)")
                    }, "--\(option.name) of \(command.name) is missing")
            }
        }
        for option in CommandOption.common {
            #expect(lines.contains { $0.hasPrefix(".It Fl Fl \(option.name)") })
        }
    }

    @Test("the page promises no command that is not there")
    func nothingMore() throws {
        let names = CommandTable.all.map(\.name) + ["help"]
        for line in try manual("hakaru.1") where line.hasPrefix(".It Cm ") {
            let text = line.dropFirst(7)
            #expect(names.contains { text == $0 || text.hasPrefix($0 + " ") }, "\(line)")
        }
    }

    @Test(
        "the pages are clean for the formatter",
        arguments: ["hakaru.1", "hakarud.8", "hakaru.yaml.5"])
    func format(_ name: String) throws {
        let lines = try manual(name)
        #expect(lines.contains(".Sh NAME"))
        #expect(lines.contains(".Sh SEE ALSO"))
        // Long lines and trailing blanks show in a terminal.
        #expect(!lines.contains { $0.hasSuffix(" ") || $0.count > 130 })
        #expect(lines.filter { $0.hasPrefix(".Bl ") }.count == lines.filter { $0 == ".El" }.count)
    }
}
