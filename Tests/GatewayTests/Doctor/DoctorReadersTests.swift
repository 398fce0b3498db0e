import DataFiles
import Glibc
import Measurement
import StationInput
import Testing
import USBLink

@testable import Gateway

@Suite struct DoctorReadersTests {
    /// A machine with the readers that a case wants; no daemon runs on it.
    private struct Scene {
        let tree = FakeTree()
        var readers: [ReaderBinding] = []
        var holders: [String: [String]] = [:]

        mutating func bind(_ kind: ReaderSettings.Kind, at place: ReaderPlace, _ station: String) {
            readers.append(
                ReaderBinding(
                    station: station, settings: ReaderSettings(kind: kind, place: place),
                    isConfigured: true))
        }

        /// A node whose mode says who may open it.
        func node(_ name: String, mode: UInt32) -> ReaderPlace {
            tree.write(name, "")
            chmod(tree.path + "/" + name, mode)
            return .node(tree.path + "/" + name)
        }

        func findings(_ language: Language = .english) -> [Doctor.Finding] {
            var found: [Doctor.Finding] = []
            var surroundings = Doctor.Surroundings()
            surroundings.user = "nobody"
            surroundings.usb = DeviceTree(root: tree.path + "/usb")
            surroundings.holders = { [holders] in holders[$0] ?? [] }
            var options = DaemonOptions()
            options.stateDirectory = tree.path
            options.runtimeDirectory = tree.path
            var configuration = Configuration(gateway: .init(id: "a", timeZone: .utc))
            configuration.stations = readers.map { binding in
                var station = Configuration.Station(name: binding.station)
                station.readers = [binding.settings]
                return station
            }
            Doctor(options: options, surroundings: surroundings, language: language) {
                found.append($0)
            }.readers(configuration)
            return found
        }
    }

    private func codes(_ found: [Doctor.Finding]) -> [String] { found.map(\.code) }

    @Test func `where no reader is bound nothing is said of readers`() {
        #expect(Scene().findings().isEmpty)
    }

    @Test func `readers that are there and may be opened are well`() {
        var scene = Scene()
        scene.bind(.keyboard, at: scene.node("event3", mode: 0o644), "desk")
        scene.bind(.serial, at: scene.node("ttyUSB0", mode: 0o666), "table-1")
        let found = scene.findings()
        #expect(codes(found) == ["readers"])
        #expect(found.first?.state == .ok)
        #expect(found.first?.message.contains("2") == true)
    }

    @Test(arguments: ReaderSettings.Kind.allCases)
    func `a reader that is not plugged in is named with its station and what helps`(
        kind: ReaderSettings.Kind
    ) throws {
        var scene = Scene()
        scene.bind(kind, at: .port(try #require(USBPath("1-1.3"))), "table-1")
        let found = scene.findings()
        #expect(codes(found) == ["reader-absent"])
        #expect(found.first?.state == .problem)
        #expect(found.first?.subject == "1-1.3")
        #expect(found.first?.message.contains("table-1") == true)
        #expect(found.first?.remedy?.contains("hakaru station unbind 1-1.3") == true)
    }

    struct Rights: Sendable {
        var kind: ReaderSettings.Kind
        var mode: UInt32
        var isOpen: Bool
    }

    @Test(
        .enabled(if: getuid() == 0, "only root has files that nobody may read"),
        arguments: [
            Rights(kind: .keyboard, mode: 0o600, isOpen: false),
            Rights(kind: .keyboard, mode: 0o604, isOpen: true),
            Rights(kind: .serial, mode: 0o604, isOpen: false),
            Rights(kind: .serial, mode: 0o606, isOpen: true),
        ])
    func `a reader that the service may not open has the one line that cures it`(
        test: Rights
    ) throws {
        var scene = Scene()
        scene.bind(test.kind, at: scene.node("node", mode: test.mode), "desk")
        let found = scene.findings()
        guard !test.isOpen else { return #expect(codes(found) == ["readers"]) }
        #expect(codes(found) == ["reader-permission"])
        let remedy = try #require(found.first?.remedy)
        #expect(remedy.contains("61-hakaru-readers.rules") && remedy.contains("GROUP=\"hakaru\""))
        #expect(!remedy.contains("\n"))
    }

    @Test func `a line that another program has open is named with the program`() {
        var scene = Scene()
        let place = scene.node("ttyUSB0", mode: 0o666)
        scene.bind(.serial, at: place, "desk")
        scene.holders["\(place)"] = ["minicom", "hakarud"]
        let found = scene.findings()
        #expect(codes(found) == ["reader-held"])
        #expect(found.first?.message.contains("minicom") == true)
        #expect(found.first?.message.contains("hakarud") == false, "the gateway is no stranger")
        #expect(found.first?.remedy?.contains("fuser -v \(place)") == true)
        // What has only the gateway at it is well, and so is a keyboard that a desktop has open.
        scene.holders["\(place)"] = ["hakarud"]
        #expect(codes(scene.findings()) == ["readers"])
        var keys = Scene()
        let event = keys.node("event3", mode: 0o644)
        keys.bind(.keyboard, at: event, "desk")
        keys.holders["\(event)"] = ["Xorg"]
        #expect(codes(keys.findings()) == ["readers"])
    }

    @Test func `the smart-card service is named, with the command that keeps it away`() {
        var scene = Scene()
        let place = scene.node("reader", mode: 0o666)
        scene.bind(.serial, at: place, "desk")
        scene.holders["\(place)"] = ["pcscd", "hakarud"]
        let found = scene.findings()
        #expect(codes(found) == ["reader-held"])
        #expect(found.first?.message.contains("smart-card service (pcscd)") == true)
        #expect(
            found.first?.remedy == "sudo systemctl disable --now pcscd.socket pcscd.service")
        // With another program beside it, both have to go.
        scene.holders["\(place)"] = ["pcscd", "chrome"]
        #expect(scene.findings().first?.remedy?.contains("chrome, pcscd") == true)
    }

    @Test func `readers that were bound by a command are looked at too, and each once`() throws {
        var scene = Scene()
        scene.bind(.keyboard, at: .port(try #require(USBPath("1-2"))), "desk")
        scene.tree.write(
            "readers.json",
            #"{"readers":[{"station":"desk","port":"1-2","kind":"keyboard"},"#
                + #"{"station":"hall","port":"1-3","kind":"pasori"},{"port":"1-4"}]}"#)
        #expect(scene.findings().map(\.subject) == ["1-2", "1-3"])
        scene.tree.write("readers.json", "{ half")
        #expect(scene.findings().map(\.subject) == ["1-2"])
    }

    @Test func `each trouble is said in Japanese too, with a remedy of one line`() throws {
        var scene = Scene()
        scene.bind(.pasori, at: .port(try #require(USBPath("1-1"))), "desk")
        let place = scene.node("ttyUSB0", mode: 0o666)
        scene.bind(.serial, at: place, "hall")
        scene.holders["\(place)"] = ["minicom"]
        if getuid() == 0 { scene.bind(.keyboard, at: scene.node("event1", mode: 0o600), "desk") }
        let english = scene.findings()
        let japanese = scene.findings(.japanese)
        #expect(codes(english) == codes(japanese))
        for (one, other) in zip(english, japanese) {
            #expect(one.message != other.message)
            #expect(one.remedy?.contains("\n") == false && other.remedy?.contains("\n") == false)
            #expect(other.remedy?.unicodeScalars.contains { $0.value > 0x3000 } == true)
        }
    }

    @Test(arguments: [
        ("/dev/ttyS0", ReaderSettings.Kind.serial, #"SUBSYSTEM=="tty", KERNEL=="ttyS0", "#),
        (
            "/dev/serial/by-id/usb-Prolific-if00-port0", .serial,
            #"SUBSYSTEM=="tty", SYMLINK=="serial/by-id/usb-Prolific-if00-port0", "#
        ),
        (
            "/dev/input/by-path/pci-1-event-kbd", .keyboard,
            #"SUBSYSTEM=="input", SYMLINK=="input/by-path/pci-1-event-kbd", "#
        ),
    ])
    func `the line for a node is one that udev takes, and means that node alone`(
        node: String, kind: ReaderSettings.Kind, rule: String
    ) {
        let text = ReaderRemedy.permission(
            node, ReaderSettings(kind: kind, place: .node(node)), nil)
        #expect(text.hasSuffix(rule + #"GROUP="hakaru", MODE="0660""#))
    }

    @Test func `what the daemon says of a reader falls under one name each`() {
        let permission = USBError.permission(node: "/dev/bus/usb/001/004")
        let line = ReaderRemedy.permission(
            "/dev/ttyS0", ReaderSettings(kind: .serial, place: .node("/dev/ttyS0")), nil)
        let states: [(String, Doctor.ReaderTrouble?)] = [
            (ReaderSeat.ready, nil), (ReaderSeat.opening, nil), (ReaderSeat.absent, .absent),
            ("needs-person: \(permission)", .permission), ("needs-person: \(line)", .permission),
            ("needs-person: \(USBError.busy("/dev/input/event3 is grabbed already"))", .held),
            ("05e0:1200 is plugged in there, not 0c2e:0200: it is left alone", .otherModel),
            ("again soon: \(USBError.timeOut)", .unsteady),
            ("needs-person: the configuration names no station hall", .other),
            ("needs-person: usb is switched off in the configuration", .other),
        ]
        for (state, expected) in states {
            #expect(Doctor.ReaderTrouble(state: state) == expected, "\(state)")
        }
    }

    @Test func `programs that have a file open are found by their names`() throws {
        let tree = FakeTree()
        tree.write("node", "")
        for (process, name, target) in [
            ("12", "minicom", "/node"), ("13", "other", "/elsewhere"), ("self", "no", "/node"),
        ] {
            tree.write("proc/\(process)/comm", name + "\n")
            mkdir("\(tree.path)/proc/\(process)/fd", 0o755)
            symlink(tree.path + target, "\(tree.path)/proc/\(process)/fd/4")
        }
        let found = Doctor.Surroundings.programs(
            having: tree.path + "/node", processes: tree.path + "/proc")
        #expect(found == ["minicom"])
        #expect(Doctor.Surroundings.programs(having: tree.path + "/none") == [])
        // This test's own open file, by way of the kernel's list and a link to it.
        let open = Glibc.open(tree.path + "/node", O_RDONLY)
        defer { close(open) }
        symlink(tree.path + "/node", tree.path + "/link")
        #expect(Doctor.Surroundings.programs(having: tree.path + "/link").count == 1)
    }
}
