import DeviceProfile
import Measurement
import Register
import StationInput
import Testing

@testable import Gateway

@Suite("Configuration: stations") struct ConfigurationStationsTests {
    private func problems(_ stations: String) -> [String] {
        configure(destination("") + "stations:\n" + stations).1.map { problem in
            String(problem.dropFirst("hakaru.yaml:".count))
        }
    }

    @Test("a station is read with its devices, what it expects and who measures")
    func whole() throws {
        let text = """
            participant-codes: { check-digit: modulus-10 }
            stations:
              - name: table-1
                devices: [ { address: "a4:c1:38:00:00:01" }, { serial: "5130450123" } ]
                expect: [blood-pressure, blood-pressure, weight]
                session: 3m
                setting: checkup
                test-lab-id: "000000000001"
                measured-by: medical-professional
              - name: table-2
            """
        let (made, problems) = configure(destination("") + text)
        #expect(problems == [])
        let stations = try #require(made?.stations)
        #expect(made?.participantCodes.checkDigit == .modulus10)
        #expect(stations.map(\.name) == ["table-1", "table-2"])
        #expect(stations[0].devices == ["A4:C1:38:00:00:01", "5130450123"])
        #expect(stations[0].asStation.expected == [.bloodPressure, .bloodPressure, .weight])
        #expect(stations[0].asStation.length == .minutes(3))
        #expect(stations[0].setting == .checkup)
        #expect(stations[0].testLabID == "000000000001")
        #expect(stations[0].measuredBy == .professional)
        #expect(stations[1].asStation.length == .minutes(5))
        #expect(stations[1].measuredBy == .person)
    }

    @Test("a station's readers are read with what differs from the usual")
    func readers() throws {
        let text = """
            stations:
              - name: table-1
                devices: [ { port: "1-1.1" } ]
                readers:
                  - { kind: keyboard, port: "05e0:1200@1-1.3", layout: jis, end: pause, track: 2 }
                  - { kind: serial, port: /dev/ttyS0, speed: 2400, data-bits: 7, parity: even }
                  - { kind: pasori, port: 1-1.4, system-code: "0003" }
            """
        let (made, problems) = configure(destination("") + text)
        #expect(problems == [])
        let station = try #require(made?.stations.first)
        #expect(station.devices == ["1-1.1"])
        #expect(station.readers.map(\.kind) == [.keyboard, .serial, .pasori])
        #expect(
            station.readers.map { "\($0.place)" } == ["05e0:1200@1-1.3", "/dev/ttyS0", "1-1.4"])
        #expect(station.readers[0].layout == .jis)
        #expect(station.readers[0].ending == .pause)
        #expect(station.readers[0].track == .second)
        #expect(
            station.readers[1].line == .init(speed: 2_400, dataBits: 7, parity: .even, stopBits: 1))
        #expect(station.readers[2].systemCode == 3)
        #expect(made?.readers.map(\.station) == ["table-1", "table-1", "table-1"])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var stations: String
        var message: String
    }

    @Test(
        "a station that could give values to the wrong person is refused",
        arguments: [
            Bad(
                testDescription: "two of one name", stations: "  - name: a\n  - name: a\n",
                message: "stations[1].name: names a twice"),
            Bad(
                testDescription: "one device at two stations",
                stations: "  - { name: a, devices: [ { serial: x1 } ] }\n"
                    + "  - { name: b, devices: [ { serial: X1 } ] }\n",
                message: "names a device that stands at a station already"),
            Bad(
                testDescription: "a device by two names",
                stations: "  - { name: a, devices: [ { serial: x1, address: y } ] }\n",
                message: "exactly one of address, serial"),
            Bad(
                testDescription: "no address",
                stations: "  - { name: a, devices: [ { address: A4C1 } ] }\n",
                message: "is no Bluetooth address"),
            Bad(
                testDescription: "a check-up without a laboratory",
                stations: "  - { name: a, setting: checkup }\n",
                message: "test-lab-id: is missing, and the setting is checkup"),
            Bad(
                testDescription: "a session of no length",
                stations: "  - { name: a, session: 0s }\n", message: "stations[0].session"),
            Bad(
                testDescription: "an unknown kind",
                stations: "  - { name: a, expect: [pressure] }\n", message: "stations[0].expect[0]"),
            Bad(
                testDescription: "a node that may be another keyboard",
                stations:
                    "  - { name: a, readers: [ { kind: keyboard, port: /dev/input/event3 } ] }\n",
                message: "readers[0].port: may be another keyboard after the next plug"),
            Bad(
                testDescription: "one reader at two stations",
                stations: "  - { name: a, readers: [ { kind: pasori, port: 1-1 } ] }\n"
                    + "  - { name: b, readers: [ { kind: pasori, port: 1-1 } ] }\n",
                message: "names a place that has a reader already"),
            Bad(
                testDescription: "a card reader on a line",
                stations: "  - { name: a, readers: [ { kind: pasori, port: /dev/ttyS0 } ] }\n",
                message: "is no place of a pasori reader"),
            Bad(
                testDescription: "a layout for a line",
                stations:
                    "  - { name: a, readers: [ { kind: serial, port: 1-1, layout: jis } ] }\n",
                message: "readers[0].layout: means nothing to a serial reader"),
            Bad(
                testDescription: "a reader of no kind",
                stations: "  - { name: a, readers: [ { port: 1-1 } ] }\n",
                message: "readers[0]"),
            Bad(
                testDescription: "an unknown key",
                stations: "  - { name: a, reader: x }\n", message: "is not a known key"),
        ])
    func bad(_ sample: Bad) {
        let found = problems(sample.stations)
        #expect(found.contains { $0.contains(sample.message) }, "\(found)")
    }
}
