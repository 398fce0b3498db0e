import DataFiles
import GatewayTestKit
import Glibc
import Measurement
import Testing

@testable import Gateway

/// A folder like /sys, with whatever adapters and radio switches a case wants.
final class FakeTree {
    private let directory = ScratchDirectory()
    var path: String { directory.path }

    func write(_ name: String, _ text: String) {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/" + part
            mkdir(folder, 0o755)
        }
        directory.write(name, text, mode: 0o644)
    }

    func adapter(_ name: String) { write("class/bluetooth/\(name)/address", "00:1A:7D:DA:71:11\n") }

    func radio(_ number: Int, _ adapter: String, soft: Bool, hard: Bool) {
        write("class/rfkill/rfkill\(number)/name", adapter + "\n")
        write("class/rfkill/rfkill\(number)/soft", soft ? "1\n" : "0\n")
        write("class/rfkill/rfkill\(number)/hard", hard ? "1\n" : "0\n")
    }
}

@Suite struct DoctorTests {
    private func findings(
        _ tree: FakeTree = FakeTree(), bus: Doctor.BusState = .serves, synchronised: Bool = true,
        language: Language = .english, user: String = "nobody-of-this-name",
        _ look: (Doctor) -> Void
    ) -> [Doctor.Finding] {
        var found: [Doctor.Finding] = []
        var surroundings = Doctor.Surroundings()
        surroundings.sysfs = tree.path
        surroundings.bus = { bus }
        surroundings.isClockSynchronised = { synchronised }
        surroundings.user = user
        var options = DaemonOptions()
        options.stateDirectory = tree.path
        options.runtimeDirectory = tree.path
        options.configuration = tree.path + "/hakaru.yaml"
        look(
            Doctor(options: options, surroundings: surroundings, language: language) {
                found.append($0)
            })
        return found
    }

    private func codes(_ found: [Doctor.Finding]) -> [String] { found.map(\.code) }

    @Test func `an adapter that is there and on is well`() {
        let tree = FakeTree()
        tree.adapter("hci0")
        tree.radio(0, "hci0", soft: false, hard: false)
        let found = findings(tree) { $0.bluetooth(nil) }
        #expect(codes(found) == ["bluetoothd", "adapter"])
        #expect(found.allSatisfy { $0.state == .ok })
    }

    @Test(arguments: [(true, false, "adapter-blocked"), (false, true, "adapter-blocked-hard")])
    func `a radio switch that is off is named with its remedy`(
        soft: Bool, hard: Bool, code: String
    ) {
        let tree = FakeTree()
        tree.adapter("hci0")
        // The switch of another radio says nothing about this one.
        tree.radio(0, "phy0", soft: true, hard: true)
        tree.radio(3, "hci0", soft: soft, hard: hard)
        let found = findings(tree) { $0.bluetooth(["hci0"]) }
        #expect(codes(found) == ["bluetoothd", code])
        #expect(found.last?.remedy?.isEmpty == false)
    }

    @Test func `the switch of another adapter blocks none`() {
        let tree = FakeTree()
        tree.adapter("hci0")
        tree.adapter("hci1")
        tree.radio(1, "hci1", soft: true, hard: false)
        #expect(codes(findings(tree) { $0.bluetooth(["hci0"]) }) == ["bluetoothd", "adapter"])
        #expect(
            codes(findings(tree) { $0.bluetooth(nil) }) == [
                "bluetoothd", "adapter", "adapter-blocked",
            ])
    }

    @Test
    func `a missing adapter, one of a name that is not there, and no bluetoothd are problems`() {
        #expect(
            codes(findings(bus: .noBluetoothd) { $0.bluetooth(nil) }) == [
                "no-bluetoothd", "adapter-absent",
            ])
        let tree = FakeTree()
        tree.adapter("hci0")
        // A connection of an adapter stands beside it in the kernel's tree.
        tree.adapter("hci0:64")
        let found = findings(tree, bus: .noBus("No such file")) { $0.bluetooth(["hci1"]) }
        #expect(codes(found) == ["no-system-bus", "adapter-absent"])
        #expect(found.last?.message.contains("hci1") == true)
    }

    @Test func `a clock that is not synchronised is said in the reader's language`() {
        let english = findings(synchronised: false) { $0.clock() }
        let japanese = findings(synchronised: false, language: .japanese) { $0.clock() }
        #expect(codes(english) == ["clock-not-synchronised"])
        #expect(codes(japanese) == ["clock-not-synchronised"])
        #expect(english.first?.message.contains("not synchronised") == true)
        #expect(japanese.first?.message.contains("同期") == true)
        #expect(japanese.first?.line(in: .japanese).hasPrefix("問題") == true)
    }

    @Test
    func
        `a file that the service may not read, a secret that all may read, and a missing one differ`()
        throws
    {
        let tree = FakeTree()
        tree.write("token", "secret\n")
        tree.write(
            "hakaru.yaml",
            """
            gateway: { id: a, consortium-id: C00001 }
            destinations:
              - name: x
                format: meti-1.0
                url: https://127.0.0.1:9/
                authorization: { bearer-token-file: \(tree.path)/token }
            """)
        let configuration = try Configuration.load(path: tree.path + "/hakaru.yaml")
        chmod(tree.path + "/token", 0o644)
        chmod(tree.path + "/hakaru.yaml", 0o640)
        #expect(codes(findings(tree) { $0.files(configuration) }) == ["readable-by-all"])
        chmod(tree.path + "/token", 0o640)
        #expect(codes(findings(tree) { $0.files(configuration) }) == ["permissions"])
        unlink(tree.path + "/token")
        let missing = findings(tree) { $0.files(configuration) }
        #expect(codes(missing) == ["missing"])
        #expect(missing.first?.state == .problem)
    }

    @Test(.enabled(if: getuid() == 0, "only root gives files away"))
    func `a token that the whole group may read is said, with the one line that ends it`() throws {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        getpwnam_r("nobody", &entry, &buffer, buffer.count, &found)
        try #require(found != nil)
        let tree = FakeTree()
        tree.write("token", "secret\n")
        tree.write(
            "hakaru.yaml",
            """
            gateway: { id: a, consortium-id: C00001 }
            destinations:
              - name: x
                format: meti-1.0
                url: https://127.0.0.1:9/
                authorization: { bearer-token-file: \(tree.path)/token }
            """)
        let configuration = try Configuration.load(path: tree.path + "/hakaru.yaml")
        let token = tree.path + "/token"
        func look() -> [Doctor.Finding] {
            findings(tree, user: "nobody") { $0.files(configuration) }
        }
        chown(tree.path + "/hakaru.yaml", 0, entry.pw_gid)
        chmod(tree.path + "/hakaru.yaml", 0o640)
        chown(tree.path, entry.pw_uid, entry.pw_gid)
        chown(token, 0, entry.pw_gid)
        chmod(token, 0o640)
        let group = look()
        #expect(codes(group) == ["readable-by-group"], "the configuration itself is the group's")
        #expect(group.first?.state == .warning)
        #expect(group.first?.remedy == "sudo chown nobody:root \(token); sudo chmod 400 \(token)")
        chown(token, entry.pw_uid, 0)
        chmod(token, 0o400)
        #expect(codes(look()) == ["permissions"])
        chown(token, 0, 0)
        #expect(codes(look()) == ["not-readable"])
        #expect(look().first?.remedy?.contains("chown nobody:root") == true)
    }

    @Test(
        .enabled(if: getuid() == 0, "only root gives files away"),
        arguments: [
            (0o640, 0, 7, true), (0o600, 0, 7, false), (0o640, 0, 8, false), (0o644, 0, 8, true),
            (0o040, 5, 7, false), (0o400, 5, 8, true),
        ] as [(UInt32, UInt32, UInt32, Bool)])
    func `rights are judged as the kernel judges them for another user`(
        mode: UInt32, owner: UInt32, group: UInt32, reads: Bool
    ) throws {
        let tree = FakeTree()
        tree.write("file", "x")
        chown(tree.path + "/file", owner, group)
        chmod(tree.path + "/file", mode)
        let rights = try #require(FileRights(tree.path + "/file"))
        #expect(rights.lets(5, 7, 4) == reads)
        #expect(rights.lets(0, 0, 4))
    }

    @Test func `a disk with less than the reserve is a problem before the store is`() {
        var configuration = Configuration(
            gateway: .init(id: "a", timeZone: .utc))
        configuration.storage.maximumBytes = 512_000_000
        #expect(codes(findings { $0.disk(configuration) }) == ["disk"])
        configuration.storage.reserve = Int(Int32.max) * 1_000_000
        let short = findings { $0.disk(configuration) }
        #expect(codes(short) == ["disk-short"])
        #expect(short.first?.state == .problem)
    }

    @Test func `without a daemon the rest is looked at all the same`() {
        let tree = FakeTree()
        var answers = true
        let found = findings(tree) { doctor in
            answers = doctor.daemon() != nil
            doctor.lists(hasDaemon: false)
            doctor.ports(hasDaemon: false)
        }
        #expect(!answers)
        #expect(codes(found) == ["no-daemon", "lists", "usb"])
        #expect(found.map(\.state) == [.problem, .skipped, .skipped])
    }

    @Test func `each mistake of the configuration is a finding with its line`() {
        let tree = FakeTree()
        tree.write("hakaru.yaml", "gateway: { id: a }\nusb: { enabled: perhaps }\nnonsense: 1\n")
        var loaded: Configuration?
        let found = findings(tree) { loaded = $0.configuration() }
        #expect(loaded == nil)
        #expect(found.count == 2)
        #expect(found.allSatisfy { $0.state == .problem && $0.remedy != nil })
        #expect(found.contains { $0.message.contains("hakaru.yaml:2:") })
    }

    @Test func `a finding as JSON names what scripts compare`() {
        let finding = Doctor.Finding(
            check: "adapter", subject: "hci0", state: .problem, code: "adapter-blocked",
            message: "hci0 is blocked", remedy: "sudo rfkill unblock bluetooth")
        #expect(
            finding.json
                == #"{"check":"adapter","subject":"hci0","state":"problem","code":"adapter-blocked","#
                + #""message":"hci0 is blocked","remedy":"sudo rfkill unblock bluetooth"}"#)
    }

    @Test func `a model that nobody knows is said with the one that was meant`() throws {
        let tree = FakeTree()
        tree.write(
            "hakaru.yaml",
            """
            gateway: { id: a, consortium-id: C00001 }
            participants:
              - id: P0000001
                devices:
                  - { model: UA-651BLE, address: "C0:26:DA:00:00:01" }
                  - { model: UC352BLE, address: "C0:26:DA:00:00:02" }
                  - { model: Nobody's 9000, address: "C0:26:DA:00:00:03" }
                  - { address: "C0:26:DA:00:00:04" }
            """)
        let participants = try Configuration.load(path: tree.path + "/hakaru.yaml").participants
        let found = findings(tree) { $0.models(participants) }
        #expect(codes(found) == ["unknown-model", "unknown-model"])
        #expect(found.map(\.subject) == ["UC352BLE", "Nobody's 9000"])
        #expect(found.allSatisfy { $0.state == .warning })
        #expect(found.first?.remedy?.hasPrefix("did you mean UC-352BLE?") == true)
        #expect(found.last?.remedy == "hakaru profile list shows all")
        let japanese = findings(tree, language: .japanese) { $0.models(participants) }
        #expect(japanese.first?.remedy?.contains("UC-352BLE ではありませんか") == true)
    }
}
