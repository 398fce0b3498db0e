import Measurement
import Testing

@testable import Spool

/// What people decide lies in the store and comes back as it was.
@Suite("Spool: register") struct SpoolRegisterTests {
    let directory = TemporaryDirectory()
    private func note(_ event: LedgerEvent) -> LedgerNote { LedgerNote(event, on: "x") }

    @Test func `a list is replaced whole, and its old rows are gone`() async throws {
        try await withSpool(directory) { spool async throws in
            try await spool.replaceList(
                "labs", rows: [["a", "β\n\"c\""], ["d", ""]], note: note(.listImported), at: noon)
            try await spool.replaceList(
                "devices", rows: [["x"]], note: note(.listImported), at: noon)
            try await spool.replaceList(
                "labs", rows: [["e", "f"]], note: note(.listImported), at: noon)
            #expect(try await spool.listRows("labs") == [["e", "f"]])
            #expect(try await spool.listRows("devices") == [["x"]])
            #expect(try await spool.ledger(limit: 9).map(\.event).count == 3)
        }
    }

    @Test func `sessions, moves and cards come back after a restart`() async throws {
        let begun = StoredMoment(utc: noon, monotonicNanoseconds: 5, boot: "b")
        var first = StoredSession(
            id: 7, station: "one", participant: "P1", begun: begun, length: .minutes(5),
            isPreviousGone: true)
        let second = StoredSession(
            id: 8, station: "one", participant: nil, begun: StoredMoment(utc: noon),
            length: .minutes(5), isPreviousGone: false)
        let move = StoredMove(device: "A4", station: "", at: begun)
        try await withSpool(directory) { [first] spool async throws in
            try await spool.beginSession(
                first, closing: nil, notes: [note(.sessionBegun)], at: noon)
            try await spool.move(move, note: note(.deviceMoved), at: noon)
            try await spool.registerCard("d1", of: "P1", note: note(.cardRegistered), at: noon)
            try await spool.registerCard("d1", of: "P2", note: note(.cardRegistered), at: noon)
            #expect(try await spool.secret("k") { "fresh" } == "fresh")
        }
        first.ended = StoredMoment(utc: noon + .seconds(60))
        first.end = "next-card"
        try await withSpool(directory) { [first] spool async throws in
            try await spool.beginSession(second, closing: first, notes: [], at: noon)
            #expect(try await spool.sessions(after: 0, limit: 10) == [first, second])
            #expect(try await spool.sessions(after: 7, limit: 10) == [second])
            #expect(try await spool.moves() == [move])
            #expect(try await spool.owner(ofCard: "d1") == "P2")
            #expect(try await spool.owner(ofCard: "d2") == nil)
            #expect(try await spool.secret("k") { "other" } == "fresh")
            // A session that has ended keeps its end.
            var again = first
            again.end = "ended"
            try await spool.endSession(again, notes: [], at: noon)
            #expect(try await spool.sessions(after: 0, limit: 1).map(\.end) == ["next-card"])
        }
    }

    @Test func `a withdrawal holds what waits of that person and kind alone`() async throws {
        try await withSpool(directory) { spool async throws in
            var other = entry(3)
            other.participant = "P9"
            _ = try await spool.append([entry(1), entry(2), other], at: noon)
            let owner = try #require(entry(1).participant)
            var word = StoredConsent(
                participant: owner, destination: "db", kinds: [entry(1).record.kind],
                isGrant: false, at: noon)
            #expect(try await spool.note(word, by: .user(1)).held == 2)
            #expect(try await spool.due("db", limit: 9).map(\.participant) == ["P9"])
            word.isGrant = true
            #expect(try await spool.note(word, by: .user(1)).released == 0)
            #expect(try await spool.note(word, sendsHeld: true, by: .user(1)).released == 2)
            #expect(try await spool.due("db", limit: 9).count == 3)
            #expect(try await spool.consents().map(\.isGrant) == [false, true, true])
            #expect(try await spool.verifyLedger().isWhole)
        }
    }

    @Test func `a batch on the wire is left to its receiver's word`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1), entry(2)], at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 1, at: noon))
            let owner = try #require(entry(1).participant)
            let word = StoredConsent(
                participant: owner, destination: "db", kinds: Set(MeasurementKind.allCases),
                isGrant: false, at: noon)
            #expect(try await spool.note(word, by: .user(1)).held == 1)
            #expect(try await spool.openBatch("db") == batch)
        }
    }

    @Test func `the circumstances of a record are kept and go with it`() async throws {
        try await withSpool(directory) { spool async throws in
            var made = entry(1)
            made.context = RecordContext(
                station: "one", session: 7, setting: "checkup", testLabID: "1",
                measuredBy: "staff", isMedicalDevice: true, sensitivity: "sensitive")
            _ = try await spool.append([made, entry(2)], at: noon)
            let stored = try await spool.records(limit: 9)
            #expect(stored.map(\.context) == [made.context, nil])
            let taken = try await spool.takenInSessions(from: 7)
            #expect(taken.map(\.key) == [made.record.key])
            #expect(try await spool.takenInSessions(from: 8).isEmpty)
        }
    }
}
