import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Registry
import Spool
import Testing

@testable import Gateway

/// From a session to the disk: whose it is, where it may go, and what happens while nothing is stored.
@Suite(.timeLimit(.minutes(1))) struct IntakeTests {
    init() { LoopThread.start() }

    @Test func `a reading is on disk when the session hears that it may go on`() async throws {
        try await Desk.run { desk in
            #expect(await desk.take([Desk.pressure(1), Desk.pressure(2)]) == .stored(new: 2))
            let stored = try await desk.stored()
            #expect(stored.map(\.record.key) == [Desk.key(1), Desk.key(2)])
            #expect(stored.allSatisfy { $0.participant == "P0000001" })
            #expect(stored.allSatisfy { $0.participantRule == "device-owner" })
            #expect(stored.allSatisfy { $0.deliveries.map(\.state) == [.waiting] })
            #expect(desk.told.map(\.key) == [Desk.key(1), Desk.key(2)])
        }
    }

    @Test func `a record that comes again is not new and not announced again`() async throws {
        try await Desk.run { desk in
            #expect(await desk.take([Desk.pressure(1)]) == .stored(new: 1))
            #expect(await desk.take([Desk.pressure(1), Desk.pressure(2)]) == .stored(new: 1))
            #expect(desk.told.count == 2)
            #expect(desk.counters.values["readings_duplicate"] == 1)
        }
    }

    @Test func `a device that nobody owns gives unassigned records, which go nowhere`() async throws
    {
        try await Desk.run { desk in
            desk.roster = Roster(ownerships: [], grants: [])
            #expect(await desk.take([Desk.pressure(1)]) == .stored(new: 1))
            let record = try #require(try await desk.stored().first)
            #expect(record.participant == nil)
            #expect(record.deliveries.map(\.state) == [.held])
        }
    }

    @Test func `without consent a record is kept and held`() async throws {
        try await Desk.run { desk in
            desk.roster = Desk.home(consent: [.weight])
            _ = await desk.take([Desk.pressure(1)])
            let record = try #require(try await desk.stored().first)
            #expect(record.participant == "P0000001")
            #expect(record.deliveries.map(\.state) == [.held])
        }
    }

    @Test func `what comes from a tape is held unless the destination takes simulated records`()
        async throws
    {
        try await Desk.run { desk in
            desk.policies = [Desk.policy("real"), Desk.policy("demo", simulated: true)]
            desk.roster = Desk.home(to: ["real", "demo"])
            var entry = Desk.pressure(1)
            entry.record?.simulated = true
            _ = await desk.take([entry])
            let deliveries = try #require(try await desk.stored().first).deliveries
            #expect(deliveries.map(\.destination).sorted() == ["demo", "real"])
            #expect(deliveries.first { $0.destination == "real" }?.state == .held)
            #expect(deliveries.first { $0.destination == "demo" }?.state == .waiting)
        }
    }

    @Test func `a kind that a destination's format has no place for does not wait for ever`()
        async throws
    {
        try await Desk.run { desk in
            desk.policies = [Desk.policy("common-db", hasTable: false)]
            _ = await desk.take([Desk.pressure(1)])
            let counts = try await desk.spool.destinations()
            #expect(counts.map(\.waiting) == [0])
            #expect(counts.map(\.noTable) == [1])
        }
    }

    @Test func `a failed measurement is counted once and is never a record`() async throws {
        try await Desk.run { desk in
            var failed = Desk.pressure(1)
            failed.reading.outcome = .failedMeasurement
            failed.record = nil
            #expect(await desk.take([failed, Desk.pressure(2)]) == .stored(new: 1))
            #expect(await desk.take([failed]) == .stored(new: 0))
            let memory = try await desk.spool.memory(of: Desk.device.id)
            #expect(memory?.failedMeasurements == 1)
        }
    }

    @Test(arguments: [
        (ReadingOutcome.rejected, "frames_rejected"), (.notFinal, "readings_not_final"),
        (.controlSolution, "readings_control_solution"), (.deviceState, "readings_device_state"),
    ])
    func `what is no measurement is counted by what it is`(
        outcome: ReadingOutcome, counter: String
    ) async throws {
        try await Desk.run { desk in
            var entry = Desk.pressure(1)
            entry.reading.outcome = outcome
            entry.record = nil
            #expect(await desk.take([entry]) == .stored(new: 0))
            #expect(desk.counters.values[counter] == 1)
            let stored = try await desk.stored()
            #expect(stored.isEmpty)
        }
    }

    @Test func `a measurement without a record is a fault of ours, and is counted`() async throws {
        try await Desk.run { desk in
            var entry = Desk.pressure(1)
            entry.record = nil
            #expect(await desk.take([entry]) == .stored(new: 0))
            #expect(desk.counters.values["readings_without_record"] == 1)
        }
    }

    @Test func `one record that cannot be stored does not take the others with it`() async throws {
        try await Desk.run { desk in
            var broken = Desk.pressure(2)
            broken.record?.key = RecordKey(hex: "no key")
            let taken = await desk.take([Desk.pressure(1), broken, Desk.pressure(3)])
            #expect(taken == .stored(new: 2))
            #expect(desk.counters.values["records_refused"] == 1)
            #expect(desk.intake.trouble == nil)
            let keys = try await desk.stored().map(\.record.key)
            #expect(keys == [Desk.key(1), Desk.key(3)])
        }
    }

    // MARK: while the store takes nothing

    @Test func `while nothing can be stored readings wait, in order, and go in by themselves`()
        async throws
    {
        try await Desk.run { desk in
            let other = try await desk.occupyStore()
            #expect(await desk.take([Desk.pressure(1)]) == .waiting)
            #expect(desk.intake.trouble?.name == "in-use")
            // Whatever comes meanwhile stands in line, even if the store would take it now.
            #expect(await desk.take([Desk.pressure(2), Desk.pressure(3)]) == .waiting)
            #expect(desk.intake.backlog == 3)
            #expect(desk.counters.values["store_failures"] == 1)
            let healed = spawn { try? await desk.intake.whenHealed() }
            await other.close()
            await healed.value
            #expect(desk.intake.trouble == nil)
            #expect(desk.intake.backlog == 0)
            let keys = try await desk.stored().map(\.record.key)
            #expect(keys == [Desk.key(1), Desk.key(2), Desk.key(3)])
            #expect(desk.told.count == 3)
            #expect(await desk.take([Desk.pressure(4)]) == .stored(new: 1))
        }
    }

    @Test func `a record that can never be stored does not keep the store in trouble`() async throws
    {
        try await Desk.run { desk in
            let other = try await desk.occupyStore()
            #expect(await desk.take([Desk.pressure(1)]) == .waiting)
            var broken = Desk.pressure(2)
            broken.record?.key = RecordKey(hex: "")
            #expect(await desk.take([broken]) == .waiting)
            await other.close()
            try? await desk.intake.whenHealed()
            #expect(await eventually { desk.intake.backlog == 0 })
            #expect(desk.counters.values["records_refused"] == 1)
            #expect(await desk.take([Desk.pressure(3)]) == .stored(new: 1))
        }
    }

    @Test func `memory is bounded: what does not fit any more is counted as lost`() async throws {
        try await Desk.run { desk in
            let other = try await desk.occupyStore()
            #expect(await desk.take([Desk.pressure(1)]) == .waiting)
            let many = (2...Intake.maximumBacklog).map { Desk.pressure($0) }
            #expect(await desk.take(many) == .waiting)
            #expect(desk.intake.backlog == Intake.maximumBacklog)
            #expect(desk.counters.values["readings_lost"] == nil)
            #expect(await desk.take([Desk.pressure(99_999)]) == .waiting)
            #expect(desk.intake.backlog == Intake.maximumBacklog)
            #expect(desk.counters.values["readings_lost"] == 1)
            await other.close()
            try? await desk.intake.whenHealed()
            #expect(await eventually(within: .seconds(20)) { desk.intake.backlog == 0 })
        }
    }

    @Test func `when room is short devices are left alone, but what they gave is stored`()
        async throws
    {
        try await Desk.run { desk in
            _ = await desk.take([Desk.pressure(1)])
            #expect(desk.intake.trouble == nil)
            let used = try await desk.spool.bytesInUse()
            await desk.spool.setMaximum(bytes: used + (8 << 20) - 4_096)
            #expect(await desk.take([Desk.pressure(2)]) == .stored(new: 1))
            #expect(desk.intake.trouble?.name == "full")
            // A scale that only broadcasts cannot keep its value: the reserve takes it.
            #expect(await desk.take([Desk.pressure(3)]) == .stored(new: 1))
            #expect(desk.intake.backlog == 0)
            #expect(desk.counters.values["store_shortages"] == 1)
            let healed = spawn { try? await desk.intake.whenHealed() }
            await desk.spool.setMaximum(bytes: 512 << 20)
            await healed.value
            #expect(desk.intake.trouble == nil)
            #expect(try await desk.stored().count == 3)
        }
    }

    @Test func `a daemon that ends with readings in memory says how many are lost`() async throws {
        try await Desk.run { desk in
            desk.intake.end()
            #expect(desk.counters.values["readings_lost"] == nil)
            let other = try await desk.occupyStore()
            _ = await desk.take([Desk.pressure(1), Desk.pressure(2)])
            desk.intake.end()
            #expect(desk.counters.values["readings_lost"] == 2)
            await other.close()
            try? await desk.intake.whenHealed()
        }
    }
}
