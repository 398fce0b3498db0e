import Glibc
import Measurement
import Testing

@testable import Spool

/// The batch that is formed while another travels: it saves time, and it must not change what goes where.
@Suite struct FollowerTests {
    let directory = TemporaryDirectory()

    /// Drains one destination; gives the keys of the batches in the order of sending.
    private func drain(_ spool: Spool, max: Int, followers: Bool) async throws -> [String] {
        var sent: [String] = []
        var open = try await spool.formBatch("db", max: max, at: noon)
        while let batch = open {
            sent.append(batch.idempotencyKey)
            guard followers else {
                try await spool.resolve(batch, batch.all(.accepted), at: noon)
                open = try await spool.formBatch("db", max: max, at: noon)
                continue
            }
            // The follower leaves, and only then is the arrival of the first one written down.
            let follower = try await spool.formFollower(of: batch.id, "db", max: max, at: noon)
            guard let follower else {
                try await spool.resolve(
                    batch: batch.id, batch.all(.accepted), at: noon, next: max)
                open = try await spool.openBatch("db")
                continue
            }
            sent.append(follower.idempotencyKey)
            let next = try await spool.settle(
                batch: batch.id, batch.all(.accepted), at: noon, next: max)
            #expect(spool.stands(batch: follower.id))
            try await spool.resolve(
                batch: follower.id, follower.all(.accepted), at: noon, next: max)
            open = try await spool.openBatch("db")
            #expect(open == next?.batch)
            #expect(next == nil || next?.behind == follower.id)
        }
        return sent
    }

    @Test(arguments: [1, 2, 3, 7, 100])
    func `batches and their keys are the same with and without followers`(max: Int) async throws {
        let other = TemporaryDirectory()
        var drains: [[String]] = []
        for (place, followers) in [(directory, true), (other, false)] {
            try await withSpool(place) { spool async throws in
                // Stored in another order than observed.
                for number in [9, 2, 7, 4, 1, 8, 3, 6, 5] {
                    _ = try await spool.append([entry(number)], at: noon)
                }
                drains.append(try await drain(spool, max: max, followers: followers))
                #expect(try await spool.counts().delivered == 9)
                #expect(try await spool.counts().waiting == 0)
            }
        }
        #expect(drains[0] == drains[1])
    }

    @Test func `after a crash both come again, in their order and with their keys`() async throws {
        let (first, second) = try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let second = try #require(
                try await spool.formFollower(of: first.id, "db", max: 2, at: noon))
            return (first, second)
        }
        try await withSpool(directory) { spool async throws in
            // An older one that came since does not push in between.
            _ = try await spool.append([entry(9, secondsAfterNoon: -60)], at: noon)
            #expect(try await spool.openBatch("db") == first)
            try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 2)
            #expect(try await spool.openBatch("db") == second)
            #expect(second.keys == [key(3), key(4)])
            let third = try await spool.formFollower(of: second.id, "db", max: 2, at: noon)
            #expect(third?.keys == [key(9), key(5)])
        }
    }

    @Test func `an older record that came before a restart goes before what is newer`() async throws
    {
        let keys = try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...9), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let second = try await spool.formFollower(of: first.id, "db", max: 2, at: noon)
            _ = try await spool.append([entry(90, secondsAfterNoon: -60)], at: noon)
            return (first.idempotencyKey, second?.idempotencyKey)
        }
        try await withSpool(directory) { spool async throws in
            let first = try #require(try await spool.openBatch("db"))
            let second = try #require(
                try await spool.formFollower(of: first.id, "db", max: 2, at: noon))
            #expect(keys == (first.idempotencyKey, second.idempotencyKey))
            let third = try #require(
                try await spool.settle(
                    batch: first.id, first.all(.accepted), at: noon, next: 2))
            #expect(third.batch.keys == [key(90), key(5)] && third.behind == second.id)
            let fourth = try await spool.settle(
                batch: second.id, second.all(.accepted), at: noon, next: 2)
            #expect(fourth?.batch.keys == [key(6), key(7)])
        }
    }

    @Test func `asking twice gives the same follower`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let second = try await spool.formFollower(of: first.id, "db", max: 2, at: noon)
            #expect(try await spool.formFollower(of: first.id, "db", max: 2, at: noon) == second)
            // What else is stored makes the store look again, and find the same.
            _ = try await spool.append([entry(7)], at: noon)
            #expect(try await spool.openBatch("db") == first)
            #expect(try await spool.formFollower(of: first.id, "db", max: 2, at: noon) == second)
            #expect(second?.keys == [key(3), key(4)])
        }
    }

    @Test func `what the receiver said nothing of goes before the follower`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            _ = try await spool.formFollower(of: first.id, "db", max: 2, at: noon)
            let word = [RecordResult(first.items[1].rowID, .accepted)]
            try await spool.resolve(batch: first.id, word, at: noon, next: 2)
            #expect(try await spool.openBatch("db")?.keys == [key(1), key(3)])
            #expect(try await spool.counts().waiting == 5)
        }
    }

    @Test func `a refusal in the first does not change the follower`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let second = try await spool.formFollower(of: first.id, "db", max: 2, at: noon)
            let words = [
                RecordResult(first.items[0].rowID, .rejected(reason: "422", answer: "")),
                RecordResult(first.items[1].rowID, .duplicate),
            ]
            try await spool.resolve(batch: first.id, words, at: noon, next: 2)
            #expect(try await spool.openBatch("db") == second)
            #expect(try await spool.counts().deadLetters == 1)
        }
    }

    @Test func `the halves of the first go before its follower`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 4, at: noon))
            let second = try await spool.formFollower(of: first.id, "db", max: 4, at: noon)
            try await spool.split(batch: first.id)
            var order: [[RecordKey]] = []
            while let open = try await spool.openBatch("db") {
                order.append(open.keys)
                try await spool.resolve(open, open.all(.accepted), at: noon)
            }
            #expect(order == [[key(1), key(2)], [key(3), key(4)], [key(5), key(6)]])
            #expect(second?.keys == order.last)
        }
    }

    @Test func `a follower of which a reading was taken back does not stand`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let second = try #require(
                try await spool.formFollower(of: first.id, "db", max: 2, at: noon))
            #expect(spool.stands(batch: second.id))
            _ = try await spool.withdraw(RowID(3), reason: "x", by: .user(1_000), at: noon)
            #expect(!spool.stands(batch: second.id))
            try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 2)
            #expect(try await spool.formBatch("db", max: 2, at: noon)?.keys == [key(4)])
        }
    }

    @Test func `where the first is taken apart the follower does not go before its records`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            _ = try await spool.formFollower(of: first.id, "db", max: 2, at: noon)
            _ = try await spool.hold([RowID(1)], at: "db", reason: "consent")
            #expect(try await spool.formBatch("db", max: 2, at: noon)?.keys == [key(2), key(3)])
        }
    }

    @Test func `where the follower is taken apart the first keeps its key`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            _ = try await spool.formFollower(of: first.id, "db", max: 2, at: noon)
            _ = try await spool.hold([RowID(3)], at: "db", reason: "consent")
            #expect(try await spool.openBatch("db") == first)
        }
    }

    @Test func `a batch of a store that has disappeared is not given out`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            for name in ["hakaru.db", "hakaru.db-wal", "hakaru.db-shm"] {
                _ = unlink(directory.path + "/" + name)
            }
            // Whoever only reads notices it too.
            #expect(await failure { _ = try await spool.counts() }?.name == "gone")
            #expect(!spool.stands(batch: first.id))
            #expect(try await spool.openBatch("db") == nil)
        }
    }

    @Test func `a purge meanwhile leaves nothing of the person to be sent`() async throws {
        try await withSpool(directory) { spool async throws in
            var others = entry(5)
            others.participant = "P0000002"
            _ = try await spool.append(entries(1...4) + [others], at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let second = try await spool.formFollower(of: first.id, "db", max: 2, at: noon)
            _ = try await spool.purge("P0000001", setAside: false, by: .gateway, at: noon)
            #expect(try await spool.openBatch("db") == nil)
            #expect(second.map { spool.stands(batch: $0.id) } == false)
            #expect(try await spool.formBatch("db", max: 2, at: noon)?.keys == [key(5)])
        }
    }

    @Test func `another destination, another batch or none at all: there is no follower`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.formFollower(of: 1, "db", max: 2, at: noon) == nil)
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            #expect(
                try await spool.formFollower(of: first.id, "elsewhere", max: 2, at: noon) == nil)
            #expect(try await spool.formFollower(of: first.id + 1, "db", max: 2, at: noon) == nil)
            // Nobody knows how the first one stands before it is read again.
            _ = try await spool.append([entry(7)], at: noon)
            #expect(try await spool.formFollower(of: first.id, "db", max: 2, at: noon) == nil)
            #expect(try await spool.openBatch("db") == first)
        }
    }

    @Test func `an arrival that cannot be written down keeps both batches and their order`()
        async throws
    {
        let faults = FaultLayer.faults(below: directory.path)
        try await withSpool(directory, configure: { $0.vfs = FaultLayer.name }) {
            spool async throws in
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let second = try #require(
                try await spool.formFollower(of: first.id, "db", max: 2, at: noon))
            faults.fill()
            _ = await failure {
                try await spool.settle(
                    batch: first.id, first.all(.accepted), at: noon, next: 2)
            }
            faults.heal()
            #expect(!spool.stands(batch: second.id), "only the store itself can tell now")
            #expect(try await spool.openBatch("db") == first)
            try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 2)
            #expect(try await spool.openBatch("db") == second)
            #expect(try await spool.counts().delivered == 2)
        }
    }

    @Test func `a follower that somebody changes while it travels can still arrive`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let second = try #require(
                try await spool.formFollower(of: first.id, "db", max: 2, at: noon))
            _ = try await spool.withdraw(RowID(4), reason: "x", by: .user(1_000), at: noon)
            // The follower left before that; the first one's arrival is written down only now.
            let next = try await spool.settle(
                batch: first.id, first.all(.accepted), at: noon, next: 2)
            #expect(next == nil, "what travels is left alone")
            try await spool.resolve(
                batch: second.id, second.all(.accepted), at: noon, next: 2)
            #expect(try await spool.openBatch("db") == nil)
            #expect(try await spool.counts().delivered == 4)
        }
    }

    @Test func `the ledger tells of a batch the same, looked up or remembered`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let second = try #require(
                try await spool.formFollower(of: first.id, "db", max: 2, at: noon))
            let third = try #require(
                try await spool.settle(
                    batch: first.id, first.all(.accepted), at: noon, next: 2)
            ).batch
            try await spool.resolve(batch: second.id, second.all(.accepted), at: noon, next: 2)
            _ = try await spool.append([entry(9)], at: noon)  // now it has to be looked up
            try await spool.resolve(batch: third.id, third.all(.accepted), at: noon)
            let lines = try await spool.ledger(limit: 100).filter { $0.event == "delivery" }
            let told = [first, second, third].map { batch in
                let keys = batch.keys.map { "\"\($0.hex)\"" }.joined(separator: ",")
                return
                    "{\"idempotency_key\":\"\(batch.idempotencyKey)\",\"accepted\":[\(keys)]}"
            }
            #expect(lines.map(\.details) == told)
            #expect(try await spool.verifyLedger().problems.isEmpty)
        }
    }

    @Test func `one destination's batches stand while another's arrive`() async throws {
        try await withSpool(directory) { spool async throws in
            let both = entries(1...4).map { entry in
                var entry = entry
                entry.destinations = [
                    EntryDestination("db", .waiting), EntryDestination("other", .waiting),
                ]
                return entry
            }
            _ = try await spool.append(both, at: noon)
            let one = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let other = try #require(try await spool.formBatch("other", max: 2, at: noon))
            #expect(spool.stands(batch: one.id))
            let follower = try #require(
                try await spool.formFollower(of: one.id, "db", max: 2, at: noon))
            try await spool.resolve(batch: other.id, other.all(.accepted), at: noon, next: 2)
            #expect(spool.stands(batch: one.id) && spool.stands(batch: follower.id))
            _ = try await spool.settle(
                batch: one.id, one.all(.accepted), at: noon, next: 2)
            try await spool.resolve(follower, follower.all(.accepted), at: noon)
            let last = try #require(try await spool.openBatch("other"))
            try await spool.resolve(last, last.all(.accepted), at: noon)
            #expect(try await spool.counts().waiting == 0)
        }
    }
}
