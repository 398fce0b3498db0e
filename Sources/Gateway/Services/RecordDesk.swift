import Crypto
import DeviceProfile
import EventLoop
import Exchange
import JSON
import Measurement
import Register
import Registry
import Spool

/// What people type, correct and take back, each of it one transaction and in the ledger.
@LoopActor final class RecordDesk {
    private let people: People
    private let intake: Intake
    private var spool: Spool { people.spool }

    init(people: People, intake: Intake) {
        self.people = people
        self.intake = intake
    }

    typealias Outcome = QuarantineDesk.Outcome

    /// A value that somebody typed.
    struct Typing: Sendable {
        var participant: String
        var values: [(name: String, text: String)]
        var at: Instant?
        var setting: Configuration.Setting?
        var measuredBy: Configuration.MeasuredBy = .person
        var laboratory: String?
        var method: String?
        /// The device on whose display it was read: its id, address or serial.
        var device: String?
        var isConfirmed = false
    }

    // MARK: add

    func add(_ typing: Typing, by actor: LedgerActor) async throws(PeopleRefusal) -> Outcome {
        try await people.loaded()
        let code = try people.code(typing.participant)
        let form = try typed { () throws(TypedRefusal) in
            try TypedValue.form(typing.values.map(\.name))
        }
        let quantities = try typed { () throws(TypedRefusal) in
            let found = try TypedValue.quantities(typing.values, of: form)
            try Self.check(found, typing.isConfirmed)
            return found
        }
        let moment = try moment(typing.at)
        let source = try await source(typing.device)
        let context = try await context(typing, form.kind, source)
        guard
            form.kind != .bloodPressure || context.setting == Configuration.Setting.checkup.rawValue
                || quantities.contains(where: { $0.name == .pulseRate })
        else {
            throw .wrong(
                code: "missing-value",
                "a blood pressure of the home table (家庭血圧) needs pulse_rate too; one that was taken "
                    + "at a check-up is typed with --setting checkup and its laboratory")
        }
        let record = Record(
            key: Self.key(code, form.kind, moment, source.description.id),
            device: source.description, kind: form.kind, quantities: quantities,
            received: people.clock(),
            time: RecordTime(
                observed: moment, basis: .person, origin: .corrected, resolution: .second),
            dataInputCode: .typed, profile: TypedValue.profile, profileRevision: 1)
        return try await store(record, of: code, context, by: actor)
    }

    private func store(
        _ record: Record, of code: String, _ context: RecordContext, by actor: LedgerActor
    ) async throws(PeopleRefusal) -> Outcome {
        var entry = SpoolEntry(
            record: record, participant: code, participantRule: "person",
            destinations: intake.destinations(of: record, code))
        entry.context = context
        if record.kind == .activity {
            entry.record.measurementPositionCode = people.position(code, record)
        }
        do throws(SpoolError) {
            if let moment = record.time?.observed,
                let there = try await spool.record(
                    of: code, device: record.device.id, kind: record.kind, at: moment)
            {
                return try await repeated(there, record)
            }
            let result = try await spool.add(entry, by: actor, at: people.clock().utc)
            guard let stored = try await spool.record(result.rowID), result.isStored else {
                throw .refused(
                    "a value of that person, kind and second was typed before and is gone or "
                        + "withdrawn; give another time")
            }
            intake.onStored([record])
            return Outcome(stored: stored)
        } catch .refused(let why) {
            throw .wrong(code: "decided-before", why)
        } catch {
            throw .store(error)
        }
    }

    /// The same again is no second value; another one of the same second is a correction.
    private func repeated(
        _ there: RecordKey, _ record: Record
    ) async throws(SpoolError) -> Outcome {
        guard let stored = try await spool.record(there) else {
            throw .refused("it went meanwhile")
        }
        guard stored.record.quantities == record.quantities else {
            throw .refused(
                "a \(record.kind.rawValue) of that second is there already, as record \(there); "
                    + "edit that one")
        }
        return Outcome(stored: stored, already: true)
    }

    private static func key(
        _ code: String, _ kind: MeasurementKind, _ moment: Instant, _ device: DeviceID
    ) -> RecordKey {
        let text = ["typed", code, kind.rawValue, "\(moment.seconds)", device.stable]
            .joined(separator: "\n")
        return RecordKey(hex: hexadecimal(SHA256.digest(Array(text.utf8)).prefix(16)))
    }

    // MARK: where it comes from

    private struct Source {
        var description: DeviceDescription
        var isMedical = false
    }

    /// The device that somebody read it from, or this program: its name, version and gateway.
    private func source(_ name: String?) async throws(PeopleRefusal) -> Source {
        let gateway = people.configuration.gateway.id
        guard let name else {
            return Source(
                description: DeviceDescription(
                    id: DeviceID("typed:\(gateway)"), manufacturer: "Hakaru",
                    model: "hakaru \(DaemonOptions.version)", assetNumber: gateway))
        }
        let devices: [StoredDevice]
        do throws(SpoolError) { devices = try await spool.devices() } catch { throw .store(error) }
        guard let found = devices.first(where: { $0.description.isNamed(name) }) else {
            throw .unknown(code: "unknown-device", "no device \(name) is known")
        }
        var description = found.description
        let profile = found.profile.flatMap { people.profiles()[id: $0] }
        description.manufacturer = description.manufacturer ?? profile?.manufacturerCode
        description.model = description.model ?? profile?.models.first?.name
        if description.serial == nil {
            description.assetNumber = people.roster.assetNumber(
                of: description, models: profile?.modelNames ?? [])
        }
        return Source(description: description, isMedical: profile?.isMedicalDevice ?? false)
    }

    private func context(
        _ typing: Typing, _ kind: MeasurementKind, _ source: Source
    ) async throws(PeopleRefusal) -> RecordContext {
        let setting = typing.setting ?? people.configuration.gateway.setting
        let needsLaboratory = kind == .hba1c || (kind == .bloodPressure && setting == .checkup)
        let laboratory = typing.laboratory ?? people.configuration.gateway.testLabID
        if needsLaboratory, laboratory == nil {
            throw .wrong(
                code: "missing-laboratory",
                "\(kind.rawValue) needs the laboratory or clinic (検査機関ID): --lab ID")
        }
        try await listed(needsLaboratory ? laboratory : typing.laboratory, .labs, "test_lab_id")
        try await listed(typing.method, .hba1cMethods, "measurement_method_code")
        if typing.method != nil, kind != .hba1c {
            throw .wrong(code: "bad-request", "only a HbA1c has a method of measurement")
        }
        return RecordContext(
            setting: setting.rawValue,
            testLabID: needsLaboratory ? laboratory : typing.laboratory, methodCode: typing.method,
            measuredBy: typing.measuredBy.rawValue, isMedicalDevice: source.isMedical,
            sensitivity: kind.isSensitive ? "sensitive" : "ordinary")
    }

    /// Refuses a code that does not stand in its list, where that list was imported.
    private func listed(
        _ code: String?, _ kind: ListKind, _ column: String
    ) async throws(PeopleRefusal) {
        guard let code else { return }
        let table: ListTable
        do throws(SpoolError) { table = try await people.table(kind) } catch { throw .store(error) }
        let known = table.rows.compactMap { table.value($0, column) }
        guard known.isEmpty || known.contains(code) else {
            throw .unknown(
                code: "not-in-list",
                "\(code) is not in \(kind.title); accepted: \(known.prefix(10).joined(separator: ", "))"
            )
        }
    }

    private func moment(_ given: Instant?) throws(PeopleRefusal) -> Instant {
        let now = people.clock()
        guard let given else {
            guard now.synchronised else {
                throw .wrong(
                    code: "no-clock-sync", "the gateway's own clock is not set; give the time: --at"
                )
            }
            return Instant(seconds: now.utc.seconds)
        }
        guard !now.synchronised || given <= now.utc + .minutes(1) else {
            throw .wrong(code: "future", "\(people.zone.iso8601(given)) lies in the future")
        }
        guard given >= Instant(seconds: 946_684_800) else {
            throw .wrong(code: "too-old", "\(people.zone.iso8601(given)) lies before the year 2000")
        }
        return Instant(seconds: given.seconds)
    }

    // MARK: edit and withdraw

    func edit(
        _ key: RecordKey, _ values: [(name: String, text: String)], isConfirmed: Bool,
        reason: String, by actor: LedgerActor
    ) async throws(PeopleRefusal) -> Outcome {
        try await people.loaded()
        let stored = try await find(key)
        let typed = try typed { () throws(TypedRefusal) in
            let found = try TypedValue.quantities(
                values, of: TypedForm.of(stored.record.kind), known: stored.record.quantities)
            try Self.check(stored.record.quantities.replaced(by: found), isConfirmed)
            return found
        }
        var record = stored.record
        record.quantities = stored.record.quantities.replaced(by: typed)
        guard record.quantities != stored.record.quantities else {
            return Outcome(stored: stored, already: true)
        }
        record.dataInputCode = .edited
        let change = RecordEdit(
            record.quantities, of: stored.revision,
            destinations: intake.destinations(of: record, stored.participant), reason: reason,
            by: actor)
        let result = try await decide { () async throws(SpoolError) in
            try await spool.edit(stored.rowID, change, at: people.clock().utc)
        }
        guard result == .done else {
            throw .wrong(code: "decided-before", "somebody else changed it meanwhile; look again")
        }
        intake.onStored([record])
        return Outcome(stored: try await find(key))
    }

    func withdraw(
        _ key: RecordKey, reason: String, by actor: LedgerActor
    ) async throws(PeopleRefusal) -> Outcome {
        let stored = try await find(key)
        guard stored.record.quarantine == nil else {
            throw .wrong(
                code: "decided-before",
                "record \(key) is in quarantine; discard it there (quarantine discard)")
        }
        let result = try await decide { () async throws(SpoolError) in
            try await spool.withdraw(
                stored.rowID, reason: reason, by: actor, at: people.clock().utc)
        }
        intake.onStored([])
        return Outcome(stored: try await find(key), already: result != .done)
    }

    func find(_ key: RecordKey) async throws(PeopleRefusal) -> StoredRecord {
        do throws(SpoolError) {
            if let stored = try await spool.record(key) { return stored }
        } catch {
            throw .store(error)
        }
        throw .unknown(code: "not-found", "there is no record \(key)")
    }

    private func decide(
        _ body: () async throws(SpoolError) -> DecisionResult
    ) async throws(PeopleRefusal) -> DecisionResult {
        do throws(SpoolError) {
            return try await body()
        } catch .refused(let why) {
            throw .wrong(code: "decided-before", why)
        } catch {
            throw .store(error)
        }
    }

    private func typed<T>(_ body: () throws(TypedRefusal) -> T) throws(PeopleRefusal) -> T {
        do throws(TypedRefusal) {
            return try body()
        } catch {
            throw .wrong(code: error.code, error.description)
        }
    }

    private static func check(
        _ quantities: [Quantity], _ isConfirmed: Bool
    ) throws(TypedRefusal) {
        try TypedValue.check(quantities, isConfirmed: isConfirmed) { number, unit, wanted in
            UnitConversion.convert(number, from: unit, to: wanted, decimals: 4)
        }
    }
}

extension [Quantity] {
    /// These values with others in the place of those of the same name, new ones behind them.
    fileprivate func replaced(by changed: [Quantity]) -> [Quantity] {
        map { old in changed.first { $0.name == old.name } ?? old }
            + changed.filter { new in !contains { $0.name == new.name } }
    }
}
