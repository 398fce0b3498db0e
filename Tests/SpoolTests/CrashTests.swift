import GatewayTestKit
import Glibc
import Measurement
import Testing

@testable import Spool

@Suite(.serialized, .timeLimit(.minutes(2))) struct CrashTests {
    let directory = TemporaryDirectory()

    /// What a killed process had promised.
    struct Promises {
        var stored = 0
        var sending: (key: String, rows: String)?
        var delivered: [String: String] = [:]

        mutating func read(_ line: String) {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "stored": stored = Int(words[1]) ?? stored
            case "sending": sending = (words[1], words[2])
            case "delivered": delivered[words[2]] = words[1]
            default: break
            }
        }
    }

    @Test func `a kill at any moment loses nothing accepted and sends nothing under a new key`()
        async throws
    {
        var promises = Promises()
        for round in 1...12 {
            let child = try Child(builtProgram("SpoolTorture"), ["append", directory.path])
            #expect(child.readLine() == "open \(round > 1)")
            promises.sending = nil
            // A different moment every time: after some lines, and some microseconds.
            for _ in 0..<(round * 7 % 23 + 1) {
                if let line = child.readLine() { promises.read(line) }
            }
            usleep(useconds_t(round * 397 % 5_000))
            child.signal(SIGKILL)
            while let line = child.readLine() { promises.read(line) }
            #expect(child.wait() == 128 + SIGKILL)
            try await check(promises)
        }
        #expect(promises.stored > 50)
    }

    private func check(_ promises: Promises) async throws {
        // A copy, so that the next process finds the store as the kill left it.
        let copy = TemporaryDirectory()
        for name in ["hakaru.db", "hakaru.db-wal"] {
            writeFile(copy.path + "/" + name, readFile(directory.path + "/" + name))
        }
        try await withSpool(copy) { spool async throws in
            let report = try await spool.open()
            #expect(report.wasUnclean)
            #expect(report.integrityChecked)
            #expect(report.salvage == nil)
            let stored = try await spool.counts().stored
            #expect(stored >= promises.stored)
            // Nothing half: every record has its frame and its delivery, and keys have no gap.
            #expect(try await spool.number("SELECT COUNT(*) FROM raw_frame") == stored)
            #expect(try await spool.number("SELECT COUNT(*) FROM delivery") == stored)
            let keys = try await spool.records(limit: stored).map(\.record.key.hex)
            #expect(keys.map { Int($0, radix: 16) } == Array(1...stored))
            let next = try await spool.memory(of: DeviceID("ble:A4:C1:38:00:00:01"))?.nextSequence
            #expect(next == stored + 1, "the device is asked for exactly what is missing")
            for rows in promises.delivered.keys {
                let marked = try await spool.number(
                    "SELECT COUNT(*) FROM delivery WHERE state = 'delivered' AND record_id IN (\(rows))"
                )
                #expect(Int(marked) == rows.split(separator: ",").count)
            }
            if let sending = promises.sending, promises.delivered[sending.rows] == nil {
                if let batch = try await spool.openBatch("db") {
                    #expect(batch.idempotencyKey == sending.key)
                    #expect(
                        batch.items.map { String($0.rowID.number) }.joined(separator: ",")
                            == sending.rows)
                } else {
                    // The verdict was written, the line was not.
                    let open = try await spool.number(
                        "SELECT COUNT(*) FROM delivery WHERE state <> 'delivered' AND record_id IN (\(sending.rows))"
                    )
                    #expect(open == 0)
                }
            }
        }
    }
}
