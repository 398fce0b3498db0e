@testable import PersonalHealth

/// Agents of the device specialisations, as tests use them.
enum Agents {
    static let absolute = (0x0990, 8)

    /// 10407 in the standard's configuration: one measurement of pressures and pulse.
    static var cuff: SimulatedAgent {
        var agent = SimulatedAgent(configuration: 0x02BC)
        agent.attributes = MedicalSystemTests.attributes
        agent.events = [
            .init(
                type: 0x0D1D,
                information: Wire.report([
                    Wire.fixed(1, "0003 0006 0078 0050 0064 2026030108150000"),
                    Wire.fixed(2, "f258 2026030108150000"),
                ]))
        ]
        return agent
    }

    /// 10415 in the standard's configuration: stored weighings in variable format.
    static var scale: SimulatedAgent {
        var agent = SimulatedAgent(configuration: 0x05DC)
        func weighing(_ float: String, _ stamp: String) -> [UInt8] {
            Wire.variable(
                1,
                [
                    Wire.attribute(0x0A56, hex(float)), Wire.attribute(0x0990, hex(stamp)),
                    Wire.attribute(0x0996, hex("06c3")),
                ])
        }
        agent.events = [
            .init(
                type: 0x0D1E,
                information: Wire.report([
                    weighing("fe001c5c", "2012050815021600"),
                    weighing("fe001c66", "2012050815041200"),
                ])),
            .init(
                type: 0x0D1E, information: Wire.report([weighing("fe001c70", "2012050816000000")])),
        ]
        return agent
    }

    /// 10417 with a configuration of its own: a store with two segments, meals and a control test.
    static var meter: SimulatedAgent {
        var agent = SimulatedAgent(configuration: 0x4000)
        agent.systemID = hex("0060190001363b32")
        agent.attributes = MedicalSystemTests.attributes
        agent.objects = [
            Wire.object(1, 2, 29_116, unit: 2_130, map: [(0x0A4C, 2), absolute]),
            Wire.object(2, 128, 29_256, map: [(0x0A49, 2)], objectClass: 5),
            Wire.object(3, 2, 29_136, unit: 2_130, map: [(0x0A4C, 2)]),
            Wire.u16(61) + Wire.u16(256)
                + Wire.list([
                    Wire.attribute(0x0A4D, hex("0800")), Wire.attribute(0x0A64, Wire.u32(40_000)),
                ]),
        ]
        func element(_ handle: Int, _ partition: Int, _ code: Int, _ attribute: Int, _ length: Int)
            -> [UInt8]
        {
            Wire.u16(6) + Wire.u16(partition) + Wire.u16(code) + Wire.u16(handle)
                + Wire.list([Wire.u16(attribute) + Wire.u16(length)])
        }
        let values =
            hex("8000")
            + Wire.list([element(1, 2, 29_116, 0x0A4C, 2), element(2, 128, 29_256, 0x0A49, 2)])
        let controls = hex("8000") + Wire.list([element(3, 2, 29_136, 0x0A4C, 2)])
        agent.store = (
            256,
            [
                .init(
                    instance: 1,
                    attributes: [
                        Wire.attribute(0x0A4E, values), Wire.attribute(0x097B, Wire.u32(4)),
                    ],
                    parts: [
                        part(
                            1, 0, 2, "8000",
                            "2026030107000000 0078 724c  2026030109300000 0091 7250"),
                        part(
                            1, 2, 2, "4000",
                            "2026030112000000 07fe 7254  2026030118000000 0802 0000"),
                    ]),
                .init(
                    instance: 2,
                    attributes: [
                        Wire.attribute(0x0A4E, controls), Wire.attribute(0x097B, Wire.u32(1)),
                    ], parts: [part(2, 0, 1, "c000", "2026030110000000 0064")]),
                .init(
                    instance: 3,
                    attributes: [
                        Wire.attribute(0x0A4E, controls), Wire.attribute(0x097B, Wire.u32(0)),
                    ], parts: []),
            ]
        )
        return agent
    }

    static func part(
        _ instance: Int, _ index: Int, _ count: Int, _ status: String, _ entries: String
    ) -> [UInt8] {
        Wire.u16(instance) + Wire.u32(index) + Wire.u32(count) + hex(status)
            + Wire.octets(hex(entries))
    }

    /// 10420 with its own configuration: two people, ten values of the first.
    static var composition: SimulatedAgent {
        var agent = SimulatedAgent(configuration: 0x4000)
        let float = [(0x0A56, 4), absolute]
        agent.objects = [
            Wire.object(1, 2, 57_664, unit: 1_731, map: float),
            Wire.object(2, 2, 57_668, unit: 1_297, map: float, specification: 0xF048),
            Wire.object(3, 2, 57_680, unit: 1_952, map: float),
            Wire.object(4, 2, 57_676, unit: 544, map: float),
            Wire.object(5, 2, 0xF001, unit: 6_784, map: float, label: "BME"),
            Wire.object(6, 2, 0xF002, unit: 544, map: [(0x0A4C, 2), absolute], label: "VFL"),
            Wire.object(7, 2, 0xF003, unit: 2_368, map: [(0x0A4C, 2), absolute], label: "BA"),
        ]
        let stamp = "2010072115355300"
        let values = [
            (1, "ff00031c"), (2, "ff0006ae"), (3, "ff000110"), (4, "ff000101"), (5, "0300069f"),
            (6, "f050"), (7, "0036"),
        ]
        agent.events = [
            .init(
                type: 0x0D1F,
                information: hex("f000 0000")
                    + Wire.list([
                        Wire.u16(1)
                            + Wire.list(values.map { Wire.fixed($0.0, $0.1 + stamp) }),
                        Wire.u16(2) + Wire.list([Wire.fixed(1, "ff000271" + stamp)]),
                    ]))
        ]
        return agent
    }

    /// 10441 with its own configuration: a walk with steps, distance and energy, base-offset stamps.
    static var activity: SimulatedAgent {
        var agent = SimulatedAgent(configuration: 0x4005)
        let stamp = (0x0A82, 8)
        agent.objects = [
            Wire.object(1, 129, 124, map: [(0x0A49, 2), stamp, (0x0A59, 4)], objectClass: 5),
            Wire.object(2, 129, 103, unit: 6_656, map: [(0x0A56, 4), stamp]),
            Wire.object(3, 129, 103, unit: 1_280, map: [(0x0A56, 4), stamp]),
            Wire.object(4, 129, 119, unit: 6_784, map: [(0x0A56, 4), stamp]),
            Wire.object(5, 129, 114, unit: 2_720, map: [(0x0A4C, 2), stamp]),
        ]
        let at = "eb1f0400 0000 021c"
        agent.events = [
            .init(
                type: 0x0D1D,
                information: Wire.report([
                    Wire.fixed(1, "03f9" + at + "00000708"), Wire.fixed(2, "00000bb8" + at),
                    Wire.fixed(3, "000008fc" + at), Wire.fixed(4, "0001d4c0" + at),
                    Wire.fixed(5, "0058" + at),
                ]))
        ]
        return agent
    }

    /// 10408: unconfirmed readings with relative stamps.
    static var thermometer: SimulatedAgent {
        var agent = SimulatedAgent(configuration: 0x0320)
        agent.objects = [Wire.object(1, 2, 19_292, unit: 6_048, map: [(0x0A56, 4), (0x0991, 4)])]
        agent.events = [
            .init(
                type: 0x0D1D, information: Wire.report([Wire.fixed(1, "fe000e74 00001000")]),
                isConfirmed: false, time: 0x1400),
            .init(
                type: 0x0D1D, information: Wire.report([Wire.fixed(1, "fb387520 00002000")]),
                isConfirmed: false, time: 0x2400),
        ]
        return agent
    }
}
