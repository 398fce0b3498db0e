import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Registry
import Spool

@testable import Gateway

/// An intake on a real store in a directory of its own, with one cuff and its owner.
@LoopActor final class Desk {
    let directory: String
    let spool: Spool
    let counters = Counters()
    var roster = Desk.home()
    var policies = [Desk.policy("common-db")]
    private(set) var told: [Record] = []
    lazy var intake = Intake(
        spool: spool, counters: counters, profiles: { [unowned self] in profiles },
        roster: { [unowned self] in roster }, policies: { [unowned self] in policies },
        zone: Cuff.zone, boot: "this boot")
    var profiles = ProfileIndex([])
    /// The gateway's clock, as a person who decides has it.
    var now = GatewayTime(
        utc: Desk.noon + .minutes(600), monotonicNanoseconds: 36_000_000_000_000,
        synchronised: true)
    lazy var quarantine = QuarantineDesk(
        intake: intake, clock: { [unowned self] in now })

    private init(_ directory: String) {
        self.directory = directory
        spool = Spool(SpoolConfiguration(directory: directory), now: { Desk.noon })
    }

    static func run(_ body: @escaping @LoopActor @Sendable (Desk) async throws -> Void) async throws
    {
        let scratch = ScratchDirectory()
        try await run(in: scratch, body)
    }

    /// A daemon's life on a store that outlives it.
    static func run(
        in scratch: borrowing ScratchDirectory,
        _ body: @escaping @LoopActor @Sendable (Desk) async throws -> Void
    ) async throws {
        let path = scratch.path
        try await LoopThread.run {
            let desk = Desk(path)
            desk.intake.onStored = { [weak desk] in desk?.told += $0 }
            do {
                try await body(desk)
                await desk.spool.close()
            } catch {
                await desk.spool.close()
                throw error
            }
        }
    }

    /// Another process's hold on the store, until it is closed.
    func occupyStore() async throws -> Spool {
        let other = Spool(SpoolConfiguration(directory: directory), now: { Desk.noon })
        try await other.open()
        return other
    }

    func take(_ entries: [SessionEntry]) async -> Intake.Taken {
        await intake.take(
            SessionCommit(number: 1, entries: entries, memory: DeviceMemory(), device: Self.device))
    }

    func stored() async throws -> [StoredRecord] {
        try await spool.records(after: RowID(0), limit: 100, filter: .all)
    }

    // MARK: samples

    nonisolated static let noon = Instant(seconds: 1_772_334_000)
    nonisolated static let device = DeviceDescription(
        id: DeviceID("ble:A4:C1:38:00:00:01"), address: "A4:C1:38:00:00:01", manufacturer: "A&D",
        model: "UA-651BLE", serial: "5180200001")

    nonisolated static func home(
        to destinations: [String] = ["common-db"],
        consent: Set<MeasurementKind> = Set(MeasurementKind.allCases)
    ) -> Roster {
        Roster(
            ownerships: [Ownership(participant: "P0000001", address: device.address)],
            grants: destinations.map {
                ConsentGrant(participant: "P0000001", destination: $0, kinds: consent)
            })
    }

    nonisolated static func policy(
        _ name: String, simulated: Bool = false, hasTable: Bool = true
    ) -> DestinationPolicy {
        DestinationPolicy(name: name, acceptsSimulated: simulated) { _ in hasTable }
    }

    nonisolated static func key(_ number: Int) -> RecordKey {
        let digits = String(number, radix: 16)
        return RecordKey(hex: String(repeating: "0", count: 32 - digits.utf8.count) + digits)
    }

    /// A blood pressure as a session hands it over; the number makes its key and its time.
    nonisolated static func pressure(_ number: Int) -> SessionEntry {
        let at = noon + .seconds(Int64(number))
        let received = GatewayTime(utc: at, monotonicNanoseconds: 1, synchronised: true)
        let quantities = [Quantity(.systolic, ExactDecimal(125), .millimetreOfMercury)]
        let record = Record(
            key: key(number), device: device, kind: .bloodPressure, quantities: quantities,
            received: received,
            time: RecordTime(observed: at, basis: .deviceClock, origin: .device),
            profile: "and-ua-651ble", profileRevision: 1)
        var reading = Reading(.measurement)
        reading.kind = .bloodPressure
        reading.quantities = quantities
        return SessionEntry(
            reading: reading, frames: [RawFrame(source: "gatt:2a35", bytes: [0x16])],
            received: received, record: record, key: key(number))
    }
}
