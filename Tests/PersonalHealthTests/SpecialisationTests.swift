import Measurement
import Testing

@testable import PersonalHealth

/// A whole talk with an agent of each specialisation through the byte interface.
@Suite("Specialisations")
struct SpecialisationTests {
    struct Talk: Sendable, CustomTestStringConvertible {
        var name: String
        var agent: @Sendable () -> SimulatedAgent
        var lines: [String]
        var answers: [String]
        var testDescription: String { name }
    }

    static let talks: [Talk] = [
        Talk(
            name: "10407 blood pressure", agent: { Agents.cuff },
            lines: [
                "blood-pressure measured · systolic=120 mm[Hg] · diastolic=80 mm[Hg] · "
                    + "mean_arterial_pressure=100 mm[Hg] · pulse_rate=60.0 /min · @2026-03-01T08:15:00"
            ], answers: ["association 0", "answer d1d"]),
        Talk(
            name: "10415 weighing scale", agent: { Agents.scale },
            lines: [
                "weight measured · weight=72.60 kg · @2012-05-08T15:02:16",
                "weight measured · weight=72.70 kg · @2012-05-08T15:04:12",
                "weight measured · weight=72.80 kg · @2012-05-08T16:00:00",
            ], answers: ["association 0", "answer d1e", "answer d1e"]),
        Talk(
            name: "10417 glucose meter with a store", agent: { Agents.meter },
            lines: [
                "glucose measured · glucose=120 mg/dL · @2026-03-01T07:00:00 · meal 1 · #before-meal",
                "glucose measured · glucose=145 mg/dL · @2026-03-01T09:30:00 · meal 2 · #after-meal",
                "glucose failed · glucose=- mg/dL · @2026-03-01T12:00:00 · meal 3 · #result-too-high · "
                    + "#fasting",
                "glucose failed · glucose=- mg/dL · @2026-03-01T18:00:00 · #result-too-low · "
                    + "mdc-00807248: code 0",
                "glucose controlSolution · glucose=100 mg/dL · @2026-03-01T10:00:00",
            ],
            answers: ["association 3", "answer d1c", "answer d21", "answer d21", "answer d21"]),
        Talk(
            name: "10420 body composition", agent: { Agents.composition },
            lines: [
                "body-composition measured · weight=79.6 kg · height=171.0 cm · body_mass_index=27.2 kg/m2 · "
                    + "body_fat=25.7 % · basal_metabolism=1695 kcal · visceral_fat_level=8.0 1 · "
                    + "@2010-07-21T15:35:53 · person 1",
                "none state · @2010-07-21T15:35:53 · person 1 · mdc-0002f003: 54 unit 2368",
                "weight measured · weight=62.5 kg · @2010-07-21T15:35:53 · person 2",
            ], answers: ["association 3", "answer d1c", "answer d1f"]),
        Talk(
            name: "10441 cardiovascular and activity", agent: { Agents.activity },
            lines: [
                "activity measured · steps=3000 {steps} · distance=2300 m · calories=120.000 kcal · "
                    + "walk_time=1800 s · @2025-01-01T00:00:00Z540 · for 1800 s · mdc-0081007c: code 1017",
                "heart-rate measured · heart_rate=88 /min · @2025-01-01T00:00:00Z540",
            ], answers: ["association 3", "answer d1c", "answer d1d"]),
        Talk(
            name: "10408 thermometer", agent: { Agents.thermometer },
            lines: [
                "temperature measured · body_temperature=37.00 Cel · @tick 4096",
                "temperature measured · body_temperature=37.00000 Cel · @tick 8192",
            ], answers: ["association 3", "answer d1c"]),
    ]

    @Test(
        "every reading of the agent arrives once, and is on disk before it is confirmed",
        arguments: talks)
    func whole(_ talk: Talk) {
        var cable = Cable(talk.agent())
        cable.run()
        #expect(cable.lines == talk.lines)
        #expect(cable.agent.answers == talk.answers)
        #expect(cable.drained == 1)
        #expect(cable.broken == nil)
        #expect(cable.agent.ended?.hasPrefix("released") == true)
        #expect(cable.manager.isAtRest)
        #expect(!cable.notes.contains { if case .refused = $0 { true } else { false } })
    }

    @Test("the same, with every byte in a transfer of its own", arguments: talks)
    func byteByByte(_ talk: Talk) {
        var cable = Cable(talk.agent())
        cable.cut = { $0.map { [$0] } }
        cable.run()
        #expect(cable.lines == talk.lines)
        #expect(cable.agent.answers == talk.answers)
    }

    @Test("the same, in transfers of seven bytes that cut every APDU", arguments: talks)
    func smallTransfers(_ talk: Talk) {
        var cable = Cable(talk.agent())
        cable.cut = { bytes in
            stride(from: 0, to: bytes.count, by: 7).map {
                Array(bytes[$0..<min($0 + 7, bytes.count)])
            }
        }
        cable.run()
        #expect(cable.lines == talk.lines)
    }

    @Test(
        "a second talk on the same cable gives the same readings with the same keys",
        arguments: talks)
    func again(_ talk: Talk) {
        var cable = Cable(talk.agent())
        cable.run()
        let first = cable.reported
        cable.reported = []
        cable.stored = []
        cable.agent = talk.agent()
        cable.run()
        #expect(cable.reported == first)
        #expect(cable.reported.map(\.keyBytes) == first.map(\.keyBytes))
        #expect(cable.drained == 2)
    }

    @Test("a relative stamp comes with what the agent's counter shows now")
    func relativeClock() {
        var cable = Cable(Agents.thermometer)
        cable.run()
        #expect(cable.relativeNow == [0x1400, 0x2400])
    }

    @Test("who the agent is reaches the caller before its readings")
    func system() {
        var cable = Cable(Agents.cuff)
        cable.run()
        #expect(cable.system?.serial == "SN-4711")
        #expect(cable.system?.model == "HEM-7081-IT")
        #expect(cable.system?.clock?.wall != nil)
    }
}
