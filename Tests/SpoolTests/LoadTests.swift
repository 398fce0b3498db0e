import Measurement
import Testing

@testable import Spool

@Suite struct LoadTests {
    let directory = TemporaryDirectory()

    @Test func `a home's 10,000 buffered records leave in order, batch by batch`() async throws {
        try await withSpool(directory) { spool async throws in
            let clock = ContinuousClock()
            var t = clock.now
            func lap(_ name: String) { print("LAP", name, clock.now - t); t = clock.now }
            for start in stride(from: 1, through: 10_000, by: 100) {
                _ = try await spool.append(entries(start...start + 99), at: noon)
            }
            lap("append")
            _ = try await spool.append([entry(20_000)], at: noon)
            lap("append1")
            _ = try await spool.counts()
            lap("counts")
            _ = try await spool.destinations()
            lap("destinations")
            var keys: [RecordKey] = []
            while let batch = try await spool.formBatch("db", max: 100, at: noon) {
                keys += batch.keys
                try await spool.resolve(batch, batch.all(.accepted), at: noon)
            }
            lap("deliver")
            #expect(keys == (1...10_000).map(key) + [key(20_000)])
            _ = try await spool.applyRetention(delivered: .zero, rawFrames: .zero, now: noon + .seconds(1))
            lap("retention 500")
            print("LAP bytes", await spool.usedBytes)
        }
    }
}
