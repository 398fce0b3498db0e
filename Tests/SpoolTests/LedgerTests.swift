import JSON
import Measurement
import Testing

@testable import Spool

@Suite struct LedgerTests {
    let directory = TemporaryDirectory()
    private let person = LedgerActor.user(1_000)

    /// Takes, delivers, refuses, releases and discards: one of everything.
    private func live(_ spool: Spool) async throws {
        _ = try await spool.append(entries(1...3) + [quarantined(4), quarantined(5)], at: noon)
        let batch = try #require(try await spool.formBatch("db", max: 9, at: noon))
        try await spool.resolve(
            batch,
            [
                RecordResult(batch.items[0].rowID, .accepted),
                RecordResult(batch.items[1].rowID, .duplicate),
                RecordResult(
                    batch.items[2].rowID, .rejected(reason: "125 is too high", answer: "")),
            ], at: noon + .seconds(1))
        _ = try await spool.decide([release(4)], at: noon + .seconds(2))
        _ = try await spool.discard(
            RowID(5), reason: "not mine", by: person, at: noon + .seconds(3))
        _ = try await spool.retryDeadLetter(
            RowID(3), at: "db", by: person, now: noon + .seconds(4))
    }

    private func release(_ number: Int) -> Reconsideration {
        Reconsideration(
            RowID(Int64(number)), as: entry(number),
            note: LedgerNote(.released, by: person, on: key(number).hex))
    }

    @Test func `everything that was done stands in it, by whom and when`() async throws {
        try await withSpool(directory) { spool async throws in
            try await live(spool)
            let entries = try await spool.ledger(limit: 99)
            #expect(
                entries.map(\.event) == [
                    "received", "delivery", "released", "discarded", "dead-letter-retried",
                ])
            #expect(entries.map(\.number) == [1, 2, 3, 4, 5])
            #expect(entries.map(\.at) == (0...4).map { noon + .seconds($0) })
            #expect(
                entries.map(\.actor) == ["gateway", "gateway", "uid 1000", "uid 1000", "uid 1000"])
            #expect(entries[0].subject == cuff.stable)
            #expect(entries[0].details.contains("\"records\":5"))
            #expect(entries[0].details.contains("\"quarantined\":2"))
            #expect(entries[1].subject == "db")
            for (word, number) in [("accepted", 1), ("duplicate", 2), ("rejected", 3)] {
                #expect(entries[1].details.contains("\"\(word)\":[\"\(key(number))\"]"))
            }
            #expect(entries[3].subject == key(5).hex)
            #expect(entries[3].details == "{\"reason\":\"not mine\"}")
            let report = try await spool.verifyLedger()
            #expect(report.isWhole && report.entries == 5)
        }
    }

    @Test func `no measured value stands in it, whatever a receiver answers`() async throws {
        try await withSpool(directory) { spool async throws in
            try await live(spool)
            for entry in try await spool.ledger(limit: 99) {
                #expect(!entry.details.contains("125") && !entry.details.contains("systolic"))
            }
        }
    }

    @Test func `what comes again and changes nothing leaves no line`() async throws {
        try await withSpool(directory) { spool async throws in
            for _ in 1...3 { _ = try await spool.append(entries(1...3), at: noon) }
            #expect(try await spool.ledger(limit: 9).count == 1)
        }
    }

    @Test func `two devices in one transaction have a line each`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1), entry(2, device: scale), entry(3)], at: noon)
            let lines = try await spool.ledger(limit: 9)
            #expect(lines.map(\.subject) == [cuff.stable, scale.stable])
            #expect(lines[0].details.contains("\"records\":2"))
        }
    }

    @Test func `neither a row of it nor all of it can be changed by mistake`() async throws {
        try await withSpool(directory) { spool async throws in
            try await live(spool)
            for statement in ["DELETE FROM ledger", "UPDATE ledger SET actor = 'nobody'"] {
                let error = await failure { try await spool.number(statement) }
                #expect(error?.description.contains("only ever added to") == true)
            }
            #expect(try await spool.ledger(limit: 9).count == 5)
        }
    }

    struct Forgery: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var statements: [String]
        var problems: [String]
    }

    @Test(arguments: [
        Forgery(
            testDescription: "details", statements: ["UPDATE ledger SET details='{}' WHERE id=4"],
            problems: ["row 4 was changed"]),
        Forgery(
            testDescription: "actor", statements: ["UPDATE ledger SET actor='gateway' WHERE id=3"],
            problems: ["row 3 was changed"]),
        Forgery(
            testDescription: "time", statements: ["UPDATE ledger SET at=at+1 WHERE id=1"],
            problems: ["row 1 was changed"]),
        Forgery(
            testDescription: "two rows",
            statements: ["UPDATE ledger SET subject='x' WHERE id IN (2,5)"],
            problems: ["row 2 was changed", "row 5 was changed"]),
        Forgery(
            testDescription: "hash", statements: ["UPDATE ledger SET hash='00' WHERE id=2"],
            problems: ["row 2 was changed", "row 3 does not follow the row before it"]),
        Forgery(
            testDescription: "one removed", statements: ["DELETE FROM ledger WHERE id=3"],
            problems: ["row 3 is missing"]),
        Forgery(
            testDescription: "several removed",
            statements: ["DELETE FROM ledger WHERE id IN (2,3)"],
            problems: ["rows 2 to 3 are missing"]),
        Forgery(
            testDescription: "the first removed", statements: ["DELETE FROM ledger WHERE id=1"],
            problems: ["row 1 is missing"]),
        Forgery(
            testDescription: "the last removed", statements: ["DELETE FROM ledger WHERE id=5"],
            problems: ["row 5, the last one, is missing"]),
        Forgery(
            testDescription: "the end removed", statements: ["DELETE FROM ledger WHERE id>2"],
            problems: ["rows 3 to 5, the last ones, are missing"]),
        Forgery(
            testDescription: "all removed", statements: ["DELETE FROM ledger"],
            problems: ["rows 1 to 5, the last ones, are missing"]),
        Forgery(
            testDescription: "renumbered",
            statements: [
                "DELETE FROM ledger WHERE id=2", "UPDATE ledger SET id=id-1 WHERE id>2",
            ],
            problems: [
                "row 2 does not follow the row before it", "row 2 was changed", "row 3 was changed",
                "row 4 was changed", "row 5, the last one, is missing",
            ]),
    ])
    func `a changed or removed row is found, with its place`(forgery: Forgery) async throws {
        try await withSpool(directory) { spool async throws in
            try await live(spool)
            _ = try await spool.number("DROP TRIGGER ledger_stays")
            _ = try await spool.number("DROP TRIGGER ledger_is_fixed")
            for statement in forgery.statements { _ = try await spool.number(statement) }
            let report = try await spool.verifyLedger()
            #expect(report.problems.map(\.description) == forgery.problems)
            #expect(!report.isWhole)
        }
    }

    @Test func `a last row that was written anew with a hash that fits is found`() async throws {
        try await withSpool(directory) { spool async throws in
            try await live(spool)
            var forged = try #require(try await spool.ledger(limit: 9).last)
            forged.details = "{}"
            forged.hash = forged.expectedHash
            _ = try await spool.number("DROP TRIGGER ledger_is_fixed")
            _ = try await spool.number(
                "UPDATE ledger SET details='{}', hash='\(forged.hash)' WHERE id=5")
            #expect(
                try await spool.verifyLedger().problems.map(\.description)
                    == ["row 5 is not the one that was written last"])
        }
    }

    @Test func `a ledger of thousands of rows is checked in parts while others go on`() async throws
    {
        try await withSpool(directory) { spool async throws in
            let notes = (1...1_700).map { LedgerNote(.received, on: "device \($0)") }
            try await spool.note(notes, at: noon)
            async let report = spool.verifyLedger()
            _ = try await spool.append([entry(1)], at: noon)
            #expect(try await report.isWhole)
            #expect(try await spool.verifyLedger().entries == 1_701)
        }
    }

    @Test func `a line break in a reason or a name is no way to forge a row`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([quarantined(1)], at: noon)
            _ = try await spool.discard(
                RowID(1), reason: "a\nb\r\n\"", by: person, at: noon)
            try await spool.note([LedgerNote(.purged, on: "x\ny\r\nz")], at: noon)
            let lines = try await spool.ledger(limit: 9)
            #expect(lines[1].details == #"{"reason":"a\nb\r\n\""}"#)
            #expect(lines[2].subject == "x y z")
            #expect(try await spool.verifyLedger().isWhole)
        }
    }

    @Test func `a change is noted once, with what was before`() async throws {
        try await withSpool(directory) { spool async throws in
            for state in ["one", "one", "two", "two", "one"] {
                try await spool.noteChange("configuration", to: state, at: noon) { before in
                    [
                        LedgerNote(.configurationChanged, on: "configuration") {
                            $0.member("before", before)
                        }
                    ]
                }
            }
        }
        try await withSpool(directory) { spool async throws in
            let again = try await spool.noteChange("configuration", to: "one", at: noon) { _ in [] }
            #expect(!again, "remembered over a restart")
            #expect(
                try await spool.ledger(limit: 9).map(\.details)
                    == [#"{"before":null}"#, #"{"before":"one"}"#, #"{"before":"two"}"#])
        }
    }

    @Test func `a line and what it tells of are on disk together or not at all`() async throws {
        let faults = FaultLayer.faults(below: directory.path)
        try await withSpool(directory, configure: { $0.vfs = FaultLayer.name }) {
            spool async throws in
            _ = try await spool.append([quarantined(1)], at: noon)
            for writes in 0...8 {
                faults.fill(afterWrites: writes)
                let error = await failure {
                    try await spool.discard(RowID(1), reason: "no", by: person, at: noon)
                }
                faults.heal()
                guard let error else { break }
                #expect(error.name == "disk-full")
                #expect(try await spool.counts().quarantined == 1)
                #expect(try await spool.ledger(limit: 9).count == 1)
            }
            _ = try await spool.discard(RowID(1), reason: "no", by: person, at: noon)
            #expect(try await spool.ledger(limit: 9).map(\.event) == ["received", "discarded"])
            #expect(try await spool.verifyLedger().isWhole)
        }
    }

    @Test func `a ledger that a damaged store was salvaged with says so and goes on`() async throws
    {
        try await withSpool(directory) { spool async throws in try await live(spool) }
        var bytes = readFile(directory.store)
        for index in 0..<100 { bytes[index] = 0 }
        writeFile(directory.store, bytes)
        try await withSpool(directory) { spool async throws in
            let first = await failure { try await spool.open() }
            if first != nil { try await spool.open() }
            let events = try await spool.ledger(limit: 99).map(\.event)
            #expect(events.last == "salvaged")
            _ = try await spool.append([entry(9)], at: noon)
            #expect(try await spool.ledger(limit: 99).last?.event == "received")
        }
    }
}
