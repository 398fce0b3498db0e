import Testing

@testable import PersonalHealth

@Suite("ScanReport")
struct ScanReportTests {
    struct Recorded: Sendable, CustomTestStringConvertible {
        var name: String
        var apdu: String
        var configuration: UInt16
        var lines: [String]
        var testDescription: String { name }
    }

    @Test(
        "recorded reports give the values that the device showed, with its stamps",
        arguments: [
            Recorded(
                name: "cuff (10407)",
                apdu:
                    "e700003e003c0054010100360000004900500d1d002cf0000000000200240001001200030006007800500064"
                    + "20071206121000000002000af2582007120612100000", configuration: 0x02BC,
                lines: [
                    "blood-pressure measured · systolic=120 mm[Hg] · diastolic=80 mm[Hg] · "
                        + "mean_arterial_pressure=100 mm[Hg] · pulse_rate=60.0 /min · @2007-12-06T12:10:00"
                ]),
            Recorded(
                name: "oximeter (10404)",
                apdu:
                    "e7000036003412380101002e0000ffffffff0d1d0024f00000000002001c0001000a0062200712061210"
                    + "0000000a000a00482007120612100000", configuration: 0x0190,
                lines: [
                    "oxygen-saturation measured · oxygen_saturation=98 % · pulse_rate=72 /min · "
                        + "@2007-12-06T12:10:00"
                ]),
            Recorded(
                name: "glucose meter (10417)",
                apdu:
                    "e700002800261236010100200000000000000d1d0016f00000000001000e0001000af35220071206"
                    + "12100000", configuration: 0x06A4,
                lines: ["glucose measured · glucose=85.0 mg/dL · @2007-12-06T12:10:00"]),
            Recorded(
                name: "scale (10415)",
                apdu:
                    "e700002a00281236010100220000000000000d1d0018f0000000000100100001000cff0002fa20071206"
                    + "12100000", configuration: 0x05DC,
                lines: ["weight measured · weight=76.2 kg · @2007-12-06T12:10:00"]),
            Recorded(
                name: "real scale with five stored weighings in variable format",
                apdu:
                    "e70000ba00b81000010100b20000ffffffff0d1e00a8f0000000000500a000010003001a0a560004fe00"
                    + "1c5c0990000820120508150216000996000206c300010003001a0a560004fe001c6609900008201205"
                    + "08150412000996000206c300010003001a0a560004fe001c5c09900008201205081517290009960002"
                    + "06c300010003001a0a560004fe001c660990000820120508151937000996000206c300010003001a0a"
                    + "560004fe001c5c0990000820120508152055000996000206c3", configuration: 0x05DC,
                lines: [
                    "weight measured · weight=72.60 kg · @2012-05-08T15:02:16",
                    "weight measured · weight=72.70 kg · @2012-05-08T15:04:12",
                    "weight measured · weight=72.60 kg · @2012-05-08T15:17:29",
                    "weight measured · weight=72.70 kg · @2012-05-08T15:19:37",
                    "weight measured · weight=72.60 kg · @2012-05-08T15:20:55",
                ]),
        ])
    func recorded(_ recorded: Recorded) throws {
        let configuration = try #require(StandardConfigurations.find(recorded.configuration))
        #expect(try lines(hex(recorded.apdu), configuration) == recorded.lines)
    }

    @Test("weight and fat of one weighing are one body composition, not two people's values")
    func composition() throws {
        let report = hex(
            "e700003a00384321010100320000000000000d1d0028f0000000000200200001000cff000270200702011210"
                + "00000002000cff0001002007020112100000")
        let objects = [
            AgentObject(
                handle: 1, type: MetricType(2, 57_664), unit: 1_731,
                valueMap: [MappedAttribute(0x0A56, 4), MappedAttribute(0x0990, 8)]),
            AgentObject(
                handle: 2, type: MetricType(2, 57_676), unit: 544,
                valueMap: [MappedAttribute(0x0A56, 4), MappedAttribute(0x0990, 8)]),
        ]
        #expect(
            try lines(report, Configuration(id: 0x4000, objects: objects)) == [
                "body-composition measured · weight=62.4 kg · body_fat=25.6 % · @2007-02-01T12:10:00"
            ])
    }

    /// The configuration of a real cuff that keeps people apart.
    static func cuff() throws -> Configuration {
        try #require(try Configuration(apdu: PersonalHealthTests.Recorded.omronCuff))
    }

    @Test("people on one cuff are kept apart; nobody's value is a guest's")
    func persons() throws {
        func person(_ id: Int, _ pressures: String, _ pulse: String) -> [UInt8] {
            Wire.u16(id)
                + Wire.list([
                    Wire.fixed(1, "0003 0006 \(pressures) 2010072115355300"),
                    Wire.fixed(2, "\(pulse) 2010072115355300"),
                ])
        }
        let report = Wire.event(
            9, 0x0D1F,
            hex("f000 0000")
                + Wire.list([
                    person(1, "0071 0047 0055", "0047"), person(2, "0080 0050 0060", "0040"),
                    person(0xFFFF, "0090 005a 0066", "0048"),
                ]))
        #expect(
            try lines(report, Self.cuff()) == [
                "blood-pressure measured · systolic=113 mm[Hg] · diastolic=71 mm[Hg] · "
                    + "mean_arterial_pressure=85 mm[Hg] · pulse_rate=71 /min · @2010-07-21T15:35:53 · "
                    + "person 1",
                "blood-pressure measured · systolic=128 mm[Hg] · diastolic=80 mm[Hg] · "
                    + "mean_arterial_pressure=96 mm[Hg] · pulse_rate=64 /min · @2010-07-21T15:35:53 · "
                    + "person 2",
                "blood-pressure measured · systolic=144 mm[Hg] · diastolic=90 mm[Hg] · "
                    + "mean_arterial_pressure=102 mm[Hg] · pulse_rate=72 /min · @2010-07-21T15:35:53 · "
                    + "guest",
            ])
    }

    @Test("people in variable format, with a whole compound value of the agent's own unit")
    func variablePersons() throws {
        // systolic 16.0 kPa, diastolic 10.5 kPa: each part with its metric id, status and unit.
        let compound =
            Wire.u16(2)
            + Wire.octets(hex("4a05 0000 0f03 ff0000a0") + hex("4a06 0000 0f03 ff000069"))
        let report = Wire.event(
            9, 0x0D20,
            hex("f000 0000")
                + Wire.list([
                    Wire.u16(3)
                        + Wire.list([
                            Wire.variable(
                                1,
                                [
                                    Wire.attribute(0x094B, compound),
                                    Wire.attribute(0x0990, hex("2010072115355300")),
                                ])
                        ])
                ]))
        #expect(
            try lines(report, Self.cuff()) == [
                "blood-pressure measured · systolic=16.0 kPa · diastolic=10.5 kPa · "
                    + "@2010-07-21T15:35:53 · person 3"
            ])
    }

    @Test("a unit that stands behind its value in a report still is that value's unit")
    func unitBehind() throws {
        let configuration = try #require(StandardConfigurations.find(0x05DC))
        let report = Wire.event(
            1, 0x0D1E,
            Wire.report([
                Wire.variable(
                    1,
                    [Wire.attribute(0x0A56, hex("ff000640")), Wire.attribute(0x0996, hex("06e0"))])
            ]))
        #expect(try lines(report, configuration) == ["weight measured · weight=160.0 [lb_av]"])
    }

    /// A scanner (handle 20) that groups saturation and pulse.
    static let scanner = Configuration(
        id: 0x4001,
        objects: {
            var scanner = AgentObject(
                class: 19, handle: 20, type: MetricType(1, 19), unit: nil, valueMap: [])
            scanner.scanMap = [
                (handle: 1, map: [MappedAttribute(0x0A4C, 2)]),
                (handle: 10, map: [MappedAttribute(0x0A4C, 2), MappedAttribute(0x0991, 4)]),
            ]
            return StandardConfigurations.find(0x0190)!.objects + [scanner]
        }())

    @Test("a scanner's grouped report is cut by the scanner's map")
    func grouped() throws {
        let group = Wire.octets(hex("0062 0048 000003e8"))
        for type in [0x0D24, 0x0D2A] {
            let report = Wire.event(
                1, type, Wire.report([group, Wire.octets(hex("0061 0047 000007d0"))]), handle: 20)
            #expect(
                try lines(report, Self.scanner) == [
                    "oxygen-saturation measured · oxygen_saturation=98 %",
                    "heart-rate measured · heart_rate=72 /min · @tick 1000",
                    "oxygen-saturation measured · oxygen_saturation=97 %",
                    "heart-rate measured · heart_rate=71 /min · @tick 2000",
                ])
        }
        let persons = Wire.event(
            1, 0x0D27, hex("f000 0000") + Wire.list([Wire.u16(7) + group]), handle: 20)
        #expect(try lines(persons, Self.scanner).allSatisfy { $0.contains("person 7") })
    }

    @Test("fixed and variable reports of a scanner are read like those of the system")
    func scanners() throws {
        let fixed = Wire.report([Wire.fixed(1, "0062 2007120612100000")])
        let variable = Wire.report([Wire.variable(1, [Wire.attribute(0x0A4C, hex("0062"))])])
        for type in [0x0D1D, 0x0D23, 0x0D29] {
            #expect(try lines(Wire.event(1, type, fixed, handle: 20), Self.scanner).count == 1)
        }
        for type in [0x0D1E, 0x0D22, 0x0D28] {
            #expect(try lines(Wire.event(1, type, variable, handle: 20), Self.scanner).count == 1)
        }
        #expect(try lines(Wire.event(1, 0x0D99, fixed), Self.scanner) == ["no report"])
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        var name: String
        var information: String
        var error: String
        var event = 0x0D1D
        var testDescription: String { name }
    }

    @Test(
        "a report that does not fit the configuration is refused with the byte; no number comes out",
        arguments: [
            Broken(
                name: "an object that the configuration does not have",
                information: "f000 0000 0001 000e 0063 000a f352 2007120612100000",
                error: "byte 30: the configuration has no object 99"),
            Broken(
                name: "fewer bytes than the map asks for",
                information: "f000 0000 0001 0006 0001 0002 f352",
                error: "byte 36: the end inside attribute 0x0990"),
            Broken(
                name: "more bytes than the map asks for",
                information: "f000 0000 0001 0010 0001 000c f352 2007120612100000 ffff",
                error: "byte 44: 2 byte(s) after an observation"),
            Broken(
                name: "more observations than said",
                information: "f000 0000 0001 001c 0001 000a f352 2007120612100000 "
                    + "0001 000a f352 2007120612100000",
                error: "byte 44: 14 byte(s) after the observations"),
            Broken(
                name: "fewer observations than said",
                information: "f000 0000 0002 000e 0001 000a f352 2007120612100000",
                error: "byte 44: the end inside an object's handle"),
            Broken(
                name: "an attribute of another length in variable format",
                information: "f000 0000 0001 000d 0001 0001 0007 0a4c 0003 f35200",
                error: "byte 42: 1 byte(s) after attribute 0x0a4c", event: 0x0D1E),
            Broken(
                name: "grouped without a scanner",
                information: "f000 0000 0001 0004 0002 f352",
                error: "byte 30: no scanner with a map sends this report", event: 0x0D24),
            Broken(
                name: "bytes behind the list",
                information: "f000 0000 0000 0000 00", error: "byte 30: 1 byte(s) after the report"),
        ])
    func broken(_ broken: Broken) throws {
        let apdu = Wire.event(1, broken.event, hex(broken.information))
        let configuration = try #require(StandardConfigurations.find(0x06A4))
        #expect { _ = try lines(apdu, configuration) } throws: { "\($0)" == broken.error }
    }

    @Test("parts of a compound that the object does not name are refused, not guessed")
    func compoundParts() throws {
        let configuration = try #require(StandardConfigurations.find(0x02BC))
        let apdu = Wire.event(
            1, 0x0D1E,
            Wire.report([
                Wire.variable(1, [Wire.attribute(0x0A75, hex("0002 0004 0078 0050"))])
            ]))
        #expect {
            _ = try lines(apdu, configuration)
        } throws: { "\($0)" == "byte 40: 2 values where the object has 3 parts" }
    }
}
