import DataFiles
import GatewayTestKit
import Glibc
import Testing

@testable import Gateway

/// Recorded sessions for a demonstration: whole or not at all, and what became of each.
@Suite struct DemoTapesTests {
    private static let shipped =
        #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
        + "/device-profiles"

    private static func tapes(_ path: String) -> DemoTapes {
        DemoTapes(shipped: shipped, played: path)
    }

    @Test(arguments: DemoTapes.usual)
    func `each of the usual devices has a session to play`(_ profile: String) throws {
        let directory = ScratchDirectory()
        let tapes = Self.tapes(directory.path)
        let source = try #require(tapes.tape(of: profile))
        try tapes.play(profile)
        let placed = directory.path + "/demo-\(profile).tape"
        #expect(try FileReader.read(placed) == FileReader.read(source))
        #expect(tapes.outcomes() == [.init(profile: profile, state: "waiting", reason: nil)])
    }

    @Test func `what became of a session is told, with the reason`() throws {
        let directory = ScratchDirectory()
        let tapes = Self.tapes(directory.path)
        for profile in DemoTapes.usual.prefix(3) { try tapes.play(profile) }
        let names = DemoTapes.usual.map { directory.path + "/demo-\($0).tape" }
        rename(names[0], names[0] + ".played")
        rename(names[1], names[1] + ".failed")
        directory.write("demo-\(DemoTapes.usual[1]).tape.failed.reason", "line 3: no\n")
        directory.write("other.tape", "not of the demonstration")
        #expect(
            tapes.outcomes() == [
                .init(profile: DemoTapes.usual[0], state: "played", reason: nil),
                .init(profile: DemoTapes.usual[1], state: "failed", reason: "line 3: no"),
                .init(profile: DemoTapes.usual[2], state: "waiting", reason: nil),
            ])
        // Played again, it is waiting and nothing of the last time is left.
        try tapes.play(DemoTapes.usual[1])
        #expect(tapes.outcomes().map(\.state) == ["played", "waiting", "waiting"])
    }

    @Test(arguments: ["", "..", "../../etc", "and-ua-651ble/..", "no-such-profile"])
    func `a name that is no profile reaches no file`(_ name: String) {
        let directory = ScratchDirectory()
        let tapes = Self.tapes(directory.path)
        #expect(tapes.tape(of: name) == nil)
        #expect(throws: DemoTapes.Failure.self) { try tapes.play(name) }
        #expect(tapes.outcomes().isEmpty)
    }

    @Test func `a folder that is not there is said by name`() {
        let directory = ScratchDirectory()
        let nowhere = DemoTapes(
            shipped: Self.shipped, played: directory.path + "/gone")
        let failure = #expect(throws: DemoTapes.Failure.self) {
            try nowhere.play(DemoTapes.usual[0])
        }
        #expect(failure?.description.contains("/gone/") == true)
        #expect(nowhere.outcomes().isEmpty)
    }
}
