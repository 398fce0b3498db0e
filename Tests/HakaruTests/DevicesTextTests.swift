import JSON
import Testing

@testable import hakaru

@Suite struct DevicesTextTests {
    private static func device(_ abilities: [String]?) -> JSONValue {
        guard let abilities else { return .object([]) }
        let quoted = abilities.map { "\"\($0)\"" }.joined(separator: ",")
        return (try? JSONValue.parse(Array("{\"abilities\":[\(quoted)]}".utf8))) ?? .null
    }

    @Test func `a device that was never asked says nothing of what it can do`() {
        #expect(DevicesCommand.abilities(Self.device(nil)).isEmpty)
    }

    @Test(arguments: [
        ([], "It says of itself: no special ability"),
        (["multiple-bonds"], "It says of itself: multiple-bonds"),
        (
            ["time-stamp", "weight-resolution 0.05 kg"],
            "It says of itself: time-stamp, weight-resolution 0.05 kg"
        ),
    ])
    func `abilities stand in one line`(_ abilities: [String], _ expected: String) {
        #expect(DevicesCommand.abilities(Self.device(abilities)) == ["", expected])
    }

    @Test func `who would pair a phone as well learns that the device keeps one pairing`() {
        let lines = DevicesCommand.abilities(Self.device(["cuff-fit-detection", "one-bond-only"]))
        #expect(lines.count == 3)
        #expect(lines.last?.contains("phone") == true || lines.last?.contains("電話") == true)
    }
}
