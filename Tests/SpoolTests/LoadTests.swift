import Measurement
import Testing

@testable import Spool

@Suite struct LoadTests {
    let directory = TemporaryDirectory()

    @Test func `a home's 10,000 buffered records leave in order, batch by batch`() async throws {
        try await withSpool(directory) { spool async throws in
            for start in stride(from: 1, through: 10_000, by: 100) {
                _ = try await spool.append(entries(start...start + 99), at: noon)
            }
            var keys: [RecordKey] = []
            var idempotencyKeys: Set<String> = []
            while let batch = try await spool.formBatch("db", max: 100, at: noon) {
                keys += batch.keys
                idempotencyKeys.insert(batch.idempotencyKey)
                try await spool.resolve(batch, batch.all(.accepted), at: noon)
            }
            #expect(keys == (1...10_000).map(key))
            #expect(idempotencyKeys.count == 100)
            #expect(try await spool.counts().delivered == 10_000)
        }
    }

    /// A backlog must not make each record dearer: what runs often goes by an index.
    @Test(
        arguments: [
            ("due", SQL.dueItems, 2), ("batch", .batchItems, 1), ("record by key", .recordByKey, 1),
            ("record by fingerprint", .recordByFingerprint, 4), ("spent key", .spentKey, 1),
            ("batch members", .batchMembers, 1), ("open batch", .openBatch, 1),
            ("frames", .framesOfRecord, 1), ("deliveries", .deliveriesOfRecord, 1),
            ("unassigned", .recordsUnassigned, 2), ("quarantined", .recordsQuarantined, 2),
        ] as [(String, SQL, Int)])
    func `what is asked often never looks through all records`(
        name: String, sql: SQL, parameters: Int
    ) async throws {
        let values = (0..<parameters).map { _ in SQLValue.integer(Int64(1)) }
        try await withSpool(directory) { spool async throws in
            let plan = try await spool.plan(sql, values)
            #expect(!plan.isEmpty)
            for step in plan {
                let isBounded =
                    step.hasPrefix("SEARCH") || step.contains("USING INDEX")
                    || step.contains("USING COVERING INDEX")
                #expect(isBounded, "\(step)")
            }
        }
    }
}

extension Spool {
    /// SQLite's steps for a statement.
    func plan(_ sql: SQL, _ values: [SQLValue]) throws -> [String] {
        try reading { connection throws(SpoolError) in
            try connection.all(SQL("EXPLAIN QUERY PLAN " + sql.text), values) {
                row throws(SpoolError) in
                _ = (row.integer(), row.integer(), row.integer())
                return row.text()
            }
        }
    }
}
