import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Register
import Registry
import Spool
import Testing
import Uplink

@testable import Gateway

/// What people type, correct and take back, on a real store.
@Suite("Record desk", .timeLimit(.minutes(1))) struct ServicesRecordDeskTests {
    init() { LoopThread.start() }

    private static let staff = LedgerActor.user(1_000)

    @LoopActor private static func desk(
        _ desk: Desk, laboratory: String? = nil, setting: Configuration.Setting = .home
    ) async throws -> (desk: RecordDesk, people: People) {
        desk.profiles = Cuff.profiles()
        var configuration = Configuration(
            gateway: .init(id: "gw-1", consortiumID: "C00001", timeZone: .utc))
        configuration.gateway.testLabID = laboratory
        configuration.gateway.setting = setting
        let people = People(
            configuration, spool: desk.spool, roster: desk.roster,
            profiles: { [unowned desk] in desk.profiles }, boot: "this boot",
            clock: { [unowned desk] in desk.now })
        desk.intake.people = people
        _ = try await people.importLists(
            Array("consortium_id,participant_id\nC00001,P1\nC00001,P0000001\n".utf8),
            file: "p.csv", isYAML: false, kind: nil, by: staff)
        return (RecordDesk(people: people, intake: desk.intake), people)
    }

    private static func typing(_ words: String, of code: String = "P1") -> RecordDesk.Typing {
        RecordDesk.Typing(participant: code, values: values(words))
    }

    private static func values(_ words: String) -> [(name: String, text: String)] {
        words.split(separator: " ").map { word in
            let parts = word.split(separator: "=").map(String.init)
            return (name: parts[0], text: parts[1])
        }
    }

    @LoopActor private static func refusal(
        _ body: () async throws(PeopleRefusal) -> RecordDesk.Outcome
    ) async -> String? {
        do throws(PeopleRefusal) {
            _ = try await body()
            return nil
        } catch {
            switch error {
            case .unknown(let code, _), .wrong(let code, _): return code
            case .store(let error): return error.name
            }
        }
    }

    @Test("a typed value has the time a person gave, code 1, this gateway's name and no device")
    func typed() async throws {
        try await Desk.run { desk in
            let (records, _) = try await Self.desk(desk)
            var typing = Self.typing("weight=72.5", of: "ｐ１")
            typing.at = Desk.noon + .milliseconds(1_700)
            let outcome = try await records.add(typing, by: Self.staff)
            let record = outcome.stored.record
            #expect(outcome.stored.participant == "P1")
            #expect(outcome.stored.participantRule == "person")
            #expect(record.dataInputCode == .typed)
            #expect(record.time?.observed == Desk.noon + .seconds(1), "seconds are all there is")
            #expect(record.time?.basis == .person && record.time?.origin == .corrected)
            #expect(record.device.assetNumber == "gw-1" && record.device.serial == nil)
            #expect(outcome.stored.context?.isMedicalDevice == false)
            #expect(outcome.stored.context?.measuredBy == "self")
            #expect(outcome.stored.deliveries.map(\.reason) == ["no consent"], "as for every value")
            #expect(try await desk.spool.devices().isEmpty)
            let again = try await records.add(typing, by: Self.staff)
            #expect(again.already && again.stored.rowID == outcome.stored.rowID)
            typing.values = Self.values("weight=72.6")
            #expect(
                await Self.refusal { () async throws(PeopleRefusal) in
                    try await records.add(typing, by: Self.staff)
                } == "decided-before")
        }
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var words: String
        var code: String?
        var laboratory: String?
        var method: String?
        var setting: Configuration.Setting?
        var testDescription: String { "\(words) \(laboratory ?? "") \(method ?? "")" }
    }

    @Test(
        "a laboratory and a method have to be known where they are needed",
        arguments: [
            Refused(words: "hba1c=6.5", code: "missing-laboratory"),
            Refused(words: "hba1c=6.5", laboratory: "L1"),
            Refused(words: "hba1c=6.5", code: "not-in-list", laboratory: "L9"),
            Refused(words: "hba1c=6.5", laboratory: "L1", method: "000001"),
            Refused(words: "hba1c=6.5", code: "not-in-list", laboratory: "L1", method: "000009"),
            Refused(words: "weight=70", code: "bad-request", method: "000001"),
            Refused(
                words: "systolic=120 diastolic=80", code: "missing-laboratory", setting: .checkup),
            Refused(words: "systolic=120 diastolic=80", laboratory: "L1", setting: .checkup),
            Refused(words: "systolic=120 diastolic=80", code: "missing-value"),
            Refused(words: "systolic=120 diastolic=80 pulse=60", setting: .pharmacy),
        ])
    func laboratories(refused: Refused) async throws {
        try await Desk.run { desk in
            let (records, people) = try await Self.desk(desk)
            let lists = """
                labs: [ { consortium_id: C00001, test_lab_id: L1, test_lab_name: A } ]
                hba1c-methods: [ { measurement_method_code: "000001", method_name: B } ]
                """
            _ = try await people.importLists(
                Array(lists.utf8), file: "l.yaml", isYAML: true, kind: nil, by: Self.staff)
            var typing = Self.typing(refused.words)
            typing.laboratory = refused.laboratory
            typing.method = refused.method
            typing.setting = refused.setting
            let asked = typing
            let code = await Self.refusal { () async throws(PeopleRefusal) in
                try await records.add(asked, by: Self.staff)
            }
            #expect(code == refused.code)
            let stored = try await desk.stored()
            #expect(stored.isEmpty == (refused.code != nil))
            guard let context = stored.first?.context else { return }
            #expect(context.testLabID == refused.laboratory)
            #expect(context.methodCode == refused.method)
            #expect(context.setting == (refused.setting ?? .home).rawValue)
        }
    }

    @Test("where the gateway stands at a check-up, its own laboratory is meant")
    func checkup() async throws {
        try await Desk.run { desk in
            let (records, _) = try await Self.desk(desk, laboratory: "L7", setting: .checkup)
            let outcome = try await records.add(
                Self.typing("systolic=120 diastolic=80"), by: Self.staff)
            #expect(outcome.stored.context?.testLabID == "L7")
            #expect(outcome.stored.context?.setting == "checkup")
        }
    }

    @Test("a value read from a known device carries its names; an unknown one is refused")
    func device() async throws {
        try await Desk.run { desk in
            let (records, _) = try await Self.desk(desk)
            _ = await desk.take([Desk.pressure(5)])
            var typing = Self.typing("systolic=120 diastolic=80 pulse=60", of: "P0000001")
            typing.device = "a4:c1:38:00:00:01"
            typing.at = Desk.noon + .seconds(60)
            let outcome = try await records.add(typing, by: Self.staff)
            #expect(outcome.stored.record.device.serial == "5180200001")
            #expect(outcome.stored.context?.isMedicalDevice == true)
            // The device gave a value of that second itself: it is not typed again.
            typing.at = Desk.noon + .seconds(5)
            let same = typing
            #expect(
                await Self.refusal { () async throws(PeopleRefusal) in
                    try await records.add(same, by: Self.staff)
                } == "decided-before")
            typing.device = "5180209999"
            let other = typing
            #expect(
                await Self.refusal { () async throws(PeopleRefusal) in
                    try await records.add(other, by: Self.staff)
                } == "unknown-device")
        }
    }

    @Test("while the clock is not set a value is typed only with the time at which it was measured")
    func clock() async throws {
        try await Desk.run { desk in
            let (records, _) = try await Self.desk(desk)
            var ahead = Self.typing("weight=70")
            ahead.at = desk.now.utc + .minutes(2)
            let future = ahead
            #expect(
                await Self.refusal { () async throws(PeopleRefusal) in
                    try await records.add(future, by: Self.staff)
                } == "future")
            desk.now.synchronised = false
            #expect(
                await Self.refusal { () async throws(PeopleRefusal) in
                    try await records.add(Self.typing("weight=70"), by: Self.staff)
                } == "no-clock-sync")
            var typing = Self.typing("weight=70")
            typing.at = Desk.noon
            #expect(try await !records.add(typing, by: Self.staff).already)
        }
    }

    @Test("a correction changes the named values only and wakes the way out")
    func edit() async throws {
        try await Desk.run { desk in
            let (records, _) = try await Self.desk(desk)
            _ = await desk.take([Desk.pressure(5)])
            let outcome = try await records.edit(
                Desk.key(5), Self.values("diastolic=80 pulse=61"), isConfirmed: false,
                reason: "it was not read", by: Self.staff)
            let texts = outcome.stored.record.quantities.map {
                "\($0.name.rawValue) \($0.number?.text ?? "-")"
            }
            #expect(texts == ["systolic 125", "diastolic 80", "pulse_rate 61"])
            #expect(outcome.stored.record.dataInputCode == .edited)
            #expect(desk.told.count == 2)
            let same = try await records.edit(
                Desk.key(5), Self.values("diastolic=80"), isConfirmed: false, reason: "x",
                by: Self.staff)
            #expect(same.already && same.stored.revision == 2)
            for (words, code) in [
                ("diastolic=126", "impossible"), ("systolic=240", "unusual"),
                ("weight=70", "unknown-value"),
            ] {
                #expect(
                    await Self.refusal { () async throws(PeopleRefusal) in
                        try await records.edit(
                            Desk.key(5), Self.values(words), isConfirmed: false, reason: "x",
                            by: Self.staff)
                    } == code)
            }
            #expect(
                await Self.refusal { () async throws(PeopleRefusal) in
                    try await records.edit(
                        Desk.key(77), Self.values("diastolic=80"), isConfirmed: false, reason: "x",
                        by: Self.staff)
                } == "not-found")
        }
    }

    @Test("a record in quarantine is discarded there, not taken back")
    func withdraw() async throws {
        try await Desk.run { desk in
            let (records, people) = try await Self.desk(desk)
            var waiting = Desk.pressure(5)
            waiting.record?.time = nil
            waiting.record?.quarantine = .timeUnknown
            _ = await desk.take([waiting, Desk.pressure(6)])
            #expect(
                await Self.refusal { () async throws(PeopleRefusal) in
                    try await records.withdraw(Desk.key(5), reason: "x", by: Self.staff)
                } == "decided-before")
            let first = try await records.withdraw(Desk.key(6), reason: "a child", by: Self.staff)
            #expect(!first.already && first.stored.discarded?.reason == "a child")
            #expect(try await records.withdraw(Desk.key(6), reason: "y", by: Self.staff).already)
            let word = StatusDocuments(zone: .utc).record(first.stored)
            #expect(String(decoding: word, as: UTF8.self).contains("\"state\":\"withdrawn\""))
            _ = people
        }
    }

    @Test("a typed value is not held for what a device list says of a device's clock")
    func deviceList() async throws {
        try await Desk.run { desk in
            let (records, people) = try await Self.desk(desk)
            _ = await desk.take([Desk.pressure(5)])
            // Without profiles there is nobody to contradict the list at its import.
            let list = "model_manufacturer_code,model_number,time_correction\nA&D,UA-651BLE,0\n"
            desk.profiles = .init([])
            _ = try await people.importLists(
                Array(list.utf8), file: "d.csv", isYAML: false, kind: nil, by: Self.staff)
            _ = try await people.note(
                StoredConsent(
                    participant: "P0000001", destination: "common-db",
                    kinds: [.bloodPressure], isGrant: true, at: people.clock().utc),
                sendsHeld: true, by: Self.staff)
            var typing = Self.typing("systolic=120 diastolic=80 pulse=60", of: "P0000001")
            typing.device = "5180200001"
            typing.at = Desk.noon + .seconds(60)
            _ = try await records.add(typing, by: Self.staff)
            var states: [String] = []
            var batch = try #require(
                try await SpoolOutbox(spool: desk.spool, latencies: Latencies()).formBatch(
                    "common-db", maximum: 9, at: Desk.noon))
            for index in batch.items.indices where batch.items[index].record.profile != "typed" {
                batch.items[index].record.time?.origin = .corrected
            }
            for preparation in try await people.preparations(of: batch, to: "common-db") {
                switch preparation {
                case .ready: states.append("ready")
                case .held(let reason): states.append(reason)
                }
            }
            #expect(
                states == ["the device list says that this model's time is not corrected", "ready"])
            // What is taken back while its batch is under way does not go with it.
            _ = try await desk.spool.withdraw(
                RowID(batch.items[1].id), reason: "x", by: Self.staff, at: Desk.noon)
            guard
                case .held("withdrawn") = try await people.preparations(
                    of: batch, to: "common-db")[1]
            else {
                Issue.record("a withdrawn reading is ready to go")
                return
            }
            // Nor does anything while the store cannot say what was.
            await desk.spool.close()
            await #expect(throws: SpoolError.self) {
                try await people.preparations(of: batch, to: "common-db")
            }
        }
    }
}
