import Register
import Testing

@testable import Gateway

@Suite("Configuration: participants") struct ConfigurationParticipantsTests {
    private func problems(_ participants: String) -> [String] {
        let base = destination("")
        return configure(base + "participants:\n" + participants).1.map { problem in
            String(problem.dropFirst("hakaru.yaml:".count))
        }
    }

    @Test("one person under two spellings of the code is found")
    func samePersonTwice() {
        #expect(
            problems("  - id: MDM-001\n  - id: mdm‐００１\n") == [
                "5:5: participants[1].id: names MDM-001 twice; accepted: each participant once"
            ])
    }

    struct Shared: CustomTestStringConvertible {
        let name: String
        let one: String
        let other: String
        let clashes: Bool
        var testDescription: String { name }
    }

    @Test(
        "a device or slot has one owner, or its values would reach the wrong person",
        arguments: [
            Shared(
                name: "two slots", one: "address: 'A4:C1:38:00:00:01', slot: 1",
                other: "address: 'A4:C1:38:00:00:01', slot: 2", clashes: false),
            Shared(
                name: "one slot twice", one: "address: 'A4:C1:38:00:00:01', slot: 1",
                other: "address: 'a4-c1-38-00-00-01', slot: 1", clashes: true),
            Shared(
                name: "whole device and a slot of it", one: "address: 'A4:C1:38:00:00:01'",
                other: "address: 'A4:C1:38:00:00:01', slot: 2", clashes: true),
            Shared(
                name: "whole device twice", one: "address: 'A4:C1:38:00:00:01'",
                other: "address: 'A4:C1:38:00:00:01'", clashes: true),
            Shared(
                name: "one serial of two models", one: "model: A, serial: '1'",
                other: "model: B, serial: '1'", clashes: false),
            Shared(
                name: "one serial of one model", one: "model: A, serial: '1'",
                other: "model: A, serial: '1'", clashes: true),
        ])
    func ownership(_ test: Shared) {
        let found = problems(
            "  - { id: P1, devices: [ { \(test.one) } ] }\n"
                + "  - { id: P2, devices: [ { \(test.other) } ] }\n")
        let expected =
            "5:26: participants[1].devices[0]: names a device that has an owner already; "
            + "accepted: a device once, or once for each user slot"
        #expect(found == (test.clashes ? [expected] : []))
    }

    @Test(
        "a device that names nothing, or wrongly, is refused",
        arguments: [
            (
                "model: UC-352BLE",
                "4:27: participants[0].devices[0]: names no device; accepted: an address "
                    + "(Bluetooth), a serial or a port (USB)"
            ),
            (
                "address: 'A4:C1:38'",
                "4:38: participants[0].devices[0].address: is no Bluetooth address; accepted: "
                    + "a Bluetooth address such as A4:C1:38:00:00:01"
            ),
            (
                "serial: x, slot: 256",
                "4:46: participants[0].devices[0].slot: is \"256\"; accepted: a whole number, "
                    + "0 to 255"
            ),
            (
                "serial: x, wearing-position: 12",
                "4:58: participants[0].devices[0].wearing-position: is \"12\"; accepted: "
                    + "10, 11, 20, 21, 30, 31, 40, 50"
            ),
            (
                "serial: x, passkey: 12345",
                "4:49: participants[0].devices[0].passkey: is no passkey; accepted: the six "
                    + "digits of the passkey"
            ),
        ])
    func badDevice(_ keys: String, _ problem: String) {
        #expect(problems("  - { id: P1, devices: [  { \(keys) } ] }\n") == [problem])
    }

    @Test("an unquoted passkey keeps its leading zero")
    func passkey() {
        let text = minimal(
            "participants: [ { id: P1, devices: [ { serial: x, passkey: 001234 } ] } ]")
        let (made, problems) = configure(text)
        #expect(problems == [])
        #expect(made?.participants.first?.devices.first?.passkey?.value == 1_234)
    }

    @Test("consent names a destination of this file and real kinds, or nothing would ever be sent")
    func consent() {
        let found = problems(
            """
              - id: P1
                consent:
                  - { destination: bd, kinds: all }
                  - { destination: db, kinds: [weight, presure] }
                  - { destination: db, kinds: all }
                  - { destination: db }

            """)
        #expect(
            found == [
                "6:24: participants[0].consent[0].destination: is \"bd\", did you mean db?; "
                    + "accepted: db",
                "7:44: participants[0].consent[1].kinds[1]: is \"presure\"; accepted: weight, "
                    + "body-composition, blood-pressure, activity, glucose, hba1c, heart-rate, "
                    + "temperature, oxygen-saturation",
                "8:11: participants[0].consent[2].destination: names db twice; accepted: each "
                    + "destination once",
                "9:9: participants[0].consent[3].kinds: is missing; accepted: all, or a list of "
                    + "kinds",
            ])
    }
}

@Suite("ParticipantCode") struct ParticipantCodeTests {
    @Test(
        "one person's code is one code however it is typed or scanned",
        arguments: [
            "MDM-001", "mdm-001", "ＭＤＭ－００１", "MDM‐001", "MDM\u{2011}001", "MDM–001", "MDM—001",
            "MDM―001", "MDM−001", "  MDM-001\u{3000}", "ｍｄｍ-001", "\tMDM-001\r\n",
        ])
    func oneForm(_ raw: String) {
        #expect(ParticipantCode(raw)?.text == "MDM-001")
    }

    @Test(
        "what is no code is refused, not repaired into somebody else's",
        arguments: [
            "", "   ", "P_1", "P 1", "P.1", "山田", "P1\u{0}", "ABCDEFGHIJKLMNOPQRSTU", "é1", "①",
            "P1\u{200B}", "MDMー001",
        ])
    func refused(_ raw: String) {
        #expect(ParticipantCode(raw) == nil)
    }

    @Test("twenty characters fit")
    func longest() {
        #expect(ParticipantCode("p0000000000000000001")?.text == "P0000000000000000001")
    }
}
