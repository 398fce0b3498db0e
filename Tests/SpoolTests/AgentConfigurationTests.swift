import GatewayTestKit
import Measurement
import Testing

@testable import Spool

@Suite("What devices told of themselves") struct AgentConfigurationTests {
    private static func known(
        _ device: UInt8, _ number: UInt16 = 0x4000, _ report: [UInt8] = [0xE7, 0x00],
        firmware: String? = nil
    ) -> KnownConfiguration {
        KnownConfiguration(
            systemID: [0, 0x22, 9, 0, 0, 0, 0, device], id: number, apdu: report,
            firmware: firmware)
    }
    private func at(_ second: Int) -> Instant { Instant(microseconds: Int64(second) * 1_000_000) }

    private func store(_ path: String) async throws -> Spool {
        let spool = Spool(SpoolConfiguration(directory: path), now: { Instant(microseconds: 0) })
        try await spool.open()
        return spool
    }

    @Test("it is there after a restart, byte by byte, with the firmware that told it")
    func restart() async throws {
        let scratch = ScratchDirectory()
        let told = [Self.known(1, firmware: "01.08.00"), Self.known(1, 0x4001), Self.known(2)]
        var spool = try await store(scratch.path)
        for (place, one) in told.enumerated() { #expect(try await spool.keep(one, at: at(place))) }
        await spool.close()
        spool = try await store(scratch.path)
        #expect(try await spool.agentConfigurations() == told)
        await spool.close()
    }

    @Test("the same number of the same device is replaced, another device's is left alone")
    func replaced() async throws {
        let scratch = ScratchDirectory()
        let spool = try await store(scratch.path)
        try await spool.keep(Self.known(1, firmware: "1"), at: at(0))
        try await spool.keep(Self.known(2), at: at(1))
        let other = Self.known(1, 0x4000, [9, 9, 9], firmware: nil)
        try await spool.keep(other, at: at(2))
        #expect(try await spool.agentConfigurations() == [Self.known(2), other])
        try await spool.drop(Self.known(2))
        #expect(try await spool.agentConfigurations() == [other])
        // What is not there can be dropped too.
        try await spool.drop(Self.known(7))
        #expect(try await spool.agentConfigurations() == [other])
        await spool.close()
    }

    @Test("a device that invents numbers pushes out its oldest, and the store does not grow")
    func bounded() async throws {
        let scratch = ScratchDirectory()
        let spool = try await store(scratch.path)
        try await spool.keep(Self.known(9), at: at(0))
        for number in 0..<(Spool.mostConfigurations + 6) {
            try await spool.keep(Self.known(1, 0x4000 + UInt16(number)), at: at(1 + number))
        }
        let kept = try await spool.agentConfigurations()
        #expect(kept.count == Spool.mostConfigurations)
        #expect(kept.first?.id == 0x4006, "the oldest went first")
        #expect(kept.last?.id == 0x4000 + UInt16(Spool.mostConfigurations + 5))
        await spool.close()
    }

    @Test("a report that is longer than any real one is not kept, and the caller is told")
    func long() async throws {
        let scratch = ScratchDirectory()
        let spool = try await store(scratch.path)
        let longest = [UInt8](repeating: 7, count: Spool.longestConfiguration)
        #expect(try await spool.keep(Self.known(1, 0x4000, longest), at: at(0)))
        #expect(try await spool.keep(Self.known(2, 0x4000, longest + [7]), at: at(0)) == false)
        #expect(try await spool.agentConfigurations().map(\.systemID.last) == [1])
        await spool.close()
    }

    @Test("a store of the version before gets the table and keeps what it has")
    func migrated() async throws {
        let scratch = ScratchDirectory()
        var before = SpoolConfiguration(directory: scratch.path)
        before.migrations = Migration.all.filter { $0.version < 8 }
        let old = Spool(before, now: { Instant(microseconds: 0) })
        try await old.open()
        try await old.increment(["kept": 3])
        await old.close()
        let spool = try await store(scratch.path)
        #expect(try await spool.counters()["kept"] == 3)
        #expect(try await spool.agentConfigurations().isEmpty)
        try await spool.keep(Self.known(1), at: at(0))
        #expect(try await spool.agentConfigurations() == [Self.known(1)])
        await spool.close()
        // The version before says that it does not know this store, and leaves it alone.
        let again = Spool(before, now: { Instant(microseconds: 0) })
        await #expect(throws: SpoolError.self) { try await again.open() }
    }
}
