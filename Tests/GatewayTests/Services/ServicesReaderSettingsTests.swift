import DeviceProfile
import EventLoop
import GatewayTestKit
import Glibc
import JSON
import StationInput
import Testing
import USBLink

@testable import Gateway

@Suite("Where a reader is, and how it talks") struct ServicesReaderSettingsTests {
    @Test(
        "a place is written as it was read",
        arguments: [
            "1-1.2", "05e0:1200@1-1.2", "serial:A900LAB1", "/dev/input/by-id/usb-Scanner-event-kbd",
            "/dev/input/by-path/pci-0-event-kbd", "/dev/serial/by-id/usb-FTDI-if00-port0",
            "/dev/ttyS0", "/dev/ttyUSB0",
        ])
    func places(_ text: String) throws {
        let place = try #require(ReaderPlace(text))
        #expect("\(place)" == text)
    }

    @Test(
        "what may be another device after the next plug is no place",
        arguments: [
            "", "1", "1-", "1-0", "event3", "/dev/input/event3", "/dev/input/mice", "/dev/sda",
            "/dev/input/by-id/", "/dev/serial/../input/event3", "/dev/tty", "/etc/passwd",
            "05e0@1-1", "05e0:12@1-1", "05e0:1200@", "05e0:12zz@1-1", "serial:", "@1-1",
        ])
    func noPlaces(_ text: String) { #expect(ReaderPlace(text) == nil) }

    @Test("only the device of those numbers in that socket is meant")
    func means() throws {
        var info = USBDeviceInfo(
            path: USBPath(bus: 1, ports: [1, 2]), vendor: 0x05E0, product: 0x1200)
        info.serial = "A900LAB1"
        for text in ["1-1.2", "05e0:1200@1-1.2", "05E0:1200@1-1.2", "serial:A900LAB1"] {
            let place = try #require(ReaderPlace(text))
            #expect(place.means(info), "\(text)")
        }
        for text in ["1-1", "1-1.20", "05e0:1201@1-1.2", "05e0:1200@1-1.3", "serial:A900LAB"] {
            let place = try #require(ReaderPlace(text))
            #expect(!place.means(info), "\(text)")
        }
    }

    static func settings(
        _ json: String, kind: ReaderSettings.Kind? = nil
    ) throws -> ReaderSettings {
        try ReaderSettings(try JSONValue.parse(Array(json.utf8)), kind: kind)
    }

    @Test(
        "settings come back from the file as they were written",
        arguments: [
            "{\"port\":\"1-1\",\"kind\":\"keyboard\",\"layout\":\"jis\",\"end\":\"pause\",\"track\":2}",
            "{\"port\":\"1-1\",\"kind\":\"serial\",\"end\":\"key\",\"speed\":2400,\"data_bits\":7,"
                + "\"parity\":\"even\"}",
            "{\"port\":\"serial:A9\",\"kind\":\"pasori\",\"system_code\":\"0003\"}",
        ])
    func roundTrip(_ json: String) throws {
        let settings = try Self.settings(json)
        var writer = JSONWriter()
        writer.object { settings.write(to: &$0) }
        #expect(String(decoding: writer.bytes, as: UTF8.self) == json)
    }

    @Test("numbers may come as words of a command line, and the kind from what is plugged in")
    func words() throws {
        let settings = try Self.settings(
            "{\"port\":\"1-1\",\"speed\":\"19200\",\"track\":\"1\"}", kind: .serial)
        #expect(settings.line.speed == 19_200)
        #expect(settings.track == .first)
        #expect(settings.kind == .serial)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var json: String
        var message: String
        var testDescription: String { json }
    }

    @Test(
        "what cannot be is refused with what would be accepted",
        arguments: [
            Bad(json: "{}", message: "port is a USB port"),
            Bad(json: "{\"port\":\"/dev/input/event3\"}", message: "port is a USB port"),
            Bad(json: "{\"port\":\"1-1\"}", message: "give its kind: keyboard, serial or pasori"),
            Bad(json: "{\"port\":\"1-1\",\"kind\":\"card\"}", message: "keyboard, serial, pasori"),
            Bad(
                json: "{\"port\":\"/dev/ttyS0\",\"kind\":\"pasori\"}",
                message: "/dev/ttyS0 is no place of a pasori reader"),
            Bad(
                json: "{\"port\":\"1-1\",\"kind\":\"keyboard\",\"layout\":\"fr\"}",
                message: "layout is one of us, jis"),
            Bad(json: "{\"port\":\"1-1\",\"kind\":\"serial\",\"speed\":9601}", message: "9600"),
            Bad(
                json: "{\"port\":\"1-1\",\"kind\":\"serial\",\"speed\":\"x\"}", message: "a number"),
            Bad(json: "{\"port\":\"1-1\",\"kind\":\"serial\",\"data_bits\":5}", message: "7 or 8"),
            Bad(json: "{\"port\":\"1-1\",\"kind\":\"serial\",\"track\":4}", message: "1, 2 or 3"),
            Bad(
                json: "{\"port\":\"1-1\",\"kind\":\"pasori\",\"system_code\":\"3\"}",
                message: "four hexadecimal digits"),
        ])
    func bad(_ bad: Bad) {
        let problem = #expect(throws: ReaderSettings.Problem.self) { try Self.settings(bad.json) }
        #expect(problem?.text.contains(bad.message) == true, "\(problem?.text ?? "")")
    }

    @Test("who may not open a reader is told the line that lets the gateway, for just this model")
    func remedy() throws {
        let info = USBDeviceInfo(path: USBPath(bus: 1, ports: [1]), vendor: 0x05AC, product: 0x0221)
        var settings = try Self.settings("{\"port\":\"1-1\",\"kind\":\"keyboard\"}")
        var text = ReaderRemedy.permission("/dev/input/event3", settings, info)
        #expect(text.contains("61-hakaru-readers.rules") && text.contains("/dev/input/event3"))
        #expect(
            text.contains(
                "SUBSYSTEM==\"input\", KERNEL==\"event*\", ATTRS{idVendor}==\"05ac\", "
                    + "ATTRS{idProduct}==\"0221\", GROUP=\"hakaru\", MODE=\"0660\""))
        settings.kind = .serial
        text = ReaderRemedy.permission("/dev/ttyUSB0", settings, info)
        #expect(text.contains("SUBSYSTEM==\"tty\", ATTRS{idVendor}==\"05ac\""))
        text = ReaderRemedy.permission("/dev/ttyS0", settings, nil)
        #expect(text.contains("KERNEL==\"ttyS0\", GROUP=\"hakaru\""))
        settings.kind = .pasori
        text = ReaderRemedy.permission("/dev/bus/usb/001/002", settings, info)
        #expect(text.contains("60-hakaru-devices.rules"))
    }

    // MARK: the file of bindings

    @Test("what the configuration says of a place counts, and is not written to the file")
    func configured() async throws {
        let scratch = ScratchDirectory()
        let directory = scratch.path
        try await LoopThread.run {
            let own = try Self.settings("{\"port\":\"1-1\",\"kind\":\"keyboard\"}")
            let other = try Self.settings("{\"port\":\"1-2\",\"kind\":\"serial\"}")
            var bindings = ReaderBindings(stateDirectory: directory, configured: [])
            try bindings.bind(own, to: "one")
            try bindings.bind(other, to: "one")
            let said = ReaderBinding(station: "two", settings: own, isConfigured: true)
            bindings = ReaderBindings(stateDirectory: directory, configured: [said])
            #expect(bindings[own.place] == said)
            #expect(bindings[other.place]?.station == "one")
            try bindings.unbind(other.place)
            bindings = ReaderBindings(stateDirectory: directory, configured: [])
            #expect(bindings.bindings.isEmpty)
        }
    }

    @Test("a file that cannot be read, or an entry in it, is named and binds nothing")
    func broken() async throws {
        for text in [
            "{\"readers\":[{", "{\"readers\":[{\"station\":\"one\",\"port\":\"event3\"}]}",
        ] {
            let scratch = ScratchDirectory()
            scratch.write("readers.json", text)
            let directory = scratch.path
            try await LoopThread.run {
                let bindings = ReaderBindings(stateDirectory: directory, configured: [])
                #expect(bindings.bindings.isEmpty)
                #expect(bindings.problem?.contains("readers.json") == true)
            }
        }
    }

    @Test("a binding that cannot be stored is refused and does not count until the next restart")
    func notStored() async throws {
        try await LoopThread.run {
            let bindings = ReaderBindings(stateDirectory: "/nowhere/at/all", configured: [])
            let own = try Self.settings("{\"port\":\"1-1\",\"kind\":\"keyboard\"}")
            #expect(throws: StateFileFailure.self) { try bindings.bind(own, to: "one") }
            #expect(bindings.bindings.isEmpty)
        }
    }
}
