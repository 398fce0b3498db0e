import Testing
import Uplink
import YAML

@testable import Gateway

@Suite struct ConfigurationChangeTests {
    private static let base = """
        gateway: { id: a, consortium-id: C00001, timezone: UTC }
        usb: { enabled: true }
        destinations:
          - { name: x, format: meti-1.0, url: "https://a.example/" }
        participants:
          - { id: P0000001, devices: [ { address: "A4:C1:38:00:00:01" } ] }
        stations:
          - { name: one, devices: [ { address: "A4:C1:38:00:00:02" } ] }
          - { name: two, devices: [ { address: "A4:C1:38:00:00:03" } ] }
        """

    private func read(_ text: String) throws -> Configuration {
        let problems = ProblemList()
        let node = try YAMLDocument.parse(Array(text.utf8), file: "test.yaml")
        let read = Configuration.read(NodeReader(node, file: "test.yaml", problems: problems))
        #expect(problems.isEmpty, "\(problems.sorted)")
        return try #require(read)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var old: String
        var new: String
        var effective: [String] = []
        var restart: [String] = []
        var testDescription: String { "\(old) → \(new)" }
    }

    @Test(arguments: [
        Case(old: "id: a,", new: "id: b,", effective: ["gateway"]),
        Case(old: "C00001", new: "C00002", effective: ["gateway"]),
        Case(old: "a.example", new: "b.example", effective: ["destinations"]),
        Case(old: "00:00:01", new: "00:00:09", effective: ["participants"]),
        Case(
            old: "gateway: {", new: "retention: { delivered: 1d }\ngateway: {",
            effective: ["retention"]),
        Case(
            old: "gateway: {", new: "storage: { maximum: 99MB }\ngateway: {",
            effective: ["storage"]),
        Case(old: "timezone: UTC", new: "timezone: Asia/Tokyo", restart: ["gateway.timezone"]),
        Case(old: "usb: { enabled: true }", new: "usb: { enabled: false }", restart: ["usb"]),
        Case(old: "usb: {", new: "bluetooth: { enabled: false }\nusb: {", restart: ["bluetooth"]),
        Case(old: "usb: {", new: "tape: { enabled: true }\nusb: {", restart: ["tape"]),
        Case(old: "usb: {", new: "status: { group: staff }\nusb: {", restart: ["status"]),
        Case(
            old: "usb: {",
            new: "storage: { maximum: 99MB, encryption: { key-file: /k } }\nusb: {",
            effective: ["storage"], restart: ["storage.encryption"]),
        // A station more, with a device that stood nowhere: nobody's reading changes hands.
        Case(
            old: "- { name: two",
            new: "- { name: three, devices: [ { serial: \"9\" } ] }\n  - { name: two",
            effective: ["stations"]),
        Case(
            old: "name: one, devices: [ { address: \"A4:C1:38:00:00:02\" } ]",
            new: "name: one, session: 2m, devices: [ { address: \"A4:C1:38:00:00:02\" } ]",
            effective: ["stations"]),
        // A device that moves, and one that is taken away: a late reading would change hands.
        Case(
            old: "name: two, devices: [ { address: \"A4:C1:38:00:00:03\" } ]",
            new: "name: two, devices: [ { serial: \"8\" } ]", restart: ["stations.devices"]),
        Case(
            old: "one, devices: [ { address: \"A4:C1:38:00:00:02\" } ]",
            new: "one, devices: [ { serial: \"7\" } ]",
            restart: ["stations.devices"]),
    ])
    func `each change takes effect at once, or is named as waiting for a start`(_ c: Case) throws {
        let text = Self.base
        let range = try #require(text.firstRange(of: c.old), "\(c.old)")
        let changed = text.replacingCharacters(range, with: c.new)
        let old = try read(text)
        let new = try read(changed)
        let change = ConfigurationChange(started: old, running: old, new: new)
        #expect(change.effective == c.effective)
        #expect(change.needsRestart == c.restart)
        // Read once more nothing is new any more, and what waits still waits.
        let again = ConfigurationChange(started: old, running: change.applied, new: new)
        #expect(again.effective.isEmpty)
        #expect(again.needsRestart == c.restart)
        // Taken back, nothing waits; but for a station that is taken away, whose device would move.
        guard new.stations.count == old.stations.count else { return }
        let back = ConfigurationChange(started: old, running: change.applied, new: old)
        #expect(back.needsRestart.isEmpty)
        #expect(back.applied == old)
    }

    @Test func `what needs a start stays as it was while the rest of the same edit counts`() throws
    {
        let old = try read(Self.base)
        let text = Self.base.replacingOccurrence("timezone: UTC", "timezone: Asia/Tokyo")
            .replacingOccurrence("a.example", "b.example")
        let change = ConfigurationChange(started: old, running: old, new: try read(text))
        #expect(change.applied.gateway.timeZone == old.gateway.timeZone)
        #expect(change.applied.destinations.first?.url?.host == "b.example")
    }

    @Test func `a device written in another case stands where it stood`() throws {
        let old = try read(Self.base)
        let new = try read(
            Self.base.replacingOccurrence("A4:C1:38:00:00:02", "a4:c1:38:00:00:02"))
        #expect(
            ConfigurationChange(started: old, running: old, new: new).needsRestart.isEmpty)
    }
}

extension String {
    func replacingCharacters(_ range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
    func replacingOccurrence(_ old: String, _ new: String) -> String {
        firstRange(of: old).map { replacingCharacters($0, with: new) } ?? self
    }
}
