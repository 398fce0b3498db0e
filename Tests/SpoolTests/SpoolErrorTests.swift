import Glibc
import Measurement
import Testing

@testable import Spool

@Suite struct SpoolErrorTests {
    private static let fault = SpoolFault(path: "/s/hakaru.db", text: "why")

    struct Rendering: Sendable {
        var error: SpoolError
        var name: String
        var text: String
        init(_ error: SpoolError, _ name: String, _ text: String) {
            self.error = error
            self.name = name
            self.text = text
        }
    }

    @Test(arguments: [
        Rendering(
            .full(limit: 1_024, path: "/s/hakaru.db"), "full",
            "/s/hakaru.db has reached its limit of 1024 bytes; nothing more is taken from devices; "
                + "deliver what waits or raise storage.maximum"),
        Rendering(
            .keyMissing(fault), "key-missing",
            "/s/hakaru.db: why: put the key back; without it what is sealed cannot be read by "
                + "anybody"),
        Rendering(
            .diskFull(fault), "disk-full", "/s/hakaru.db: why: free space on its file system"),
        Rendering(
            .readOnly(fault), "read-only",
            "/s/hakaru.db: why: make the file and its directory writable"),
        Rendering(
            .inUse(path: "/s/hakaru.lock", holder: nil), "in-use",
            "/s/hakaru.lock is in use by another process; stop it or choose another state directory"
        ),
        Rendering(.busy(fault), "busy", "/s/hakaru.db: why: another program holds a lock on it"),
        Rendering(
            .damaged(fault), "damaged",
            "/s/hakaru.db: why: it will be set aside and a new store started"),
        Rendering(
            .gone(fault), "gone", "/s/hakaru.db: why: it was removed or replaced while in use"),
        Rendering(.inputOutput(fault), "input-output", "/s/hakaru.db: why: check the disk"),
        Rendering(
            .otherSchema(version: 1, path: "/s/hakaru.db"), "other-schema",
            "/s/hakaru.db: step 1 of its schema differs from this program's"),
        Rendering(
            .notAStore(fault), "not-a-store",
            "/s/hakaru.db: why: not a store of this program; nothing was changed"),
        Rendering(.refused("no"), "refused", "no"),
        Rendering(
            .closed(path: "/s/hakaru.db"), "closed",
            "/s/hakaru.db was closed; the program is ending"),
        Rendering(.failed(fault), "failed", "/s/hakaru.db: why"),
    ])
    func `an error says what, which file and what helps`(rendering: Rendering) {
        #expect(rendering.error.description == rendering.text)
        #expect(rendering.error.name == rendering.name)
    }

    @Test(
        arguments: [
            (ENOSPC, "disk-full"), (EDQUOT, "disk-full"), (EROFS, "read-only"),
            (EACCES, "read-only"),
            (EPERM, "read-only"), (ENOENT, "gone"), (ENOTDIR, "gone"), (EIO, "input-output"),
            (EMFILE, "input-output"), (ELOOP, "input-output"),
        ] as [(Int32, String)])
    func `the system's error decides what the caller can do`(number: Int32, name: String) {
        #expect(systemError(number, Self.fault).name == name)
        let text = fileError("open", "/s/hakaru.db", number).description
        #expect(text.contains(String(cString: strerror(number))))
        #expect(text.contains("/s/hakaru.db"))
    }

    @Test(
        arguments: [
            (13, "disk-full"), (8, "read-only"), (1_032, "gone"), (5, "busy"), (6, "busy"),
            (15, "busy"),
            (261, "busy"), (517, "busy"), (11, "damaged"), (26, "damaged"), (779, "damaged"),
            (3, "read-only"), (10, "input-output"), (14, "input-output"), (1, "failed"),
            (19, "failed"),
            (21, "failed"),
        ] as [(Int32, String)])
    func `SQLite's families of codes have one meaning each`(code: Int32, name: String) {
        let error = spoolError(code, nil, path: "/s/hakaru.db", during: "COMMIT")
        #expect(error.name == name)
        #expect(error.description.contains("(SQLite \(code)) during COMMIT"))
    }

    @Test func `an error text holds no value of a record`() async throws {
        let directory = TemporaryDirectory()
        try await withSpool(directory) { spool async throws in
            let error = await failure {
                try await spool.tamper("INSERT INTO counter(name, value) VALUES('secret', 'x')")
            }
            #expect(error?.name == "failed")
            try await spool.tamper("DROP TABLE raw_frame")
            let lost = await failure { try await spool.append([entry(1)], at: noon) }
            #expect(lost?.description.contains("INSERT INTO raw_frame") == true)
            #expect(lost?.description.contains("125") == false)
            #expect(lost?.description.contains("P0000001") == false)
        }
    }
}

@Suite struct RecordColumnsTests {
    @Test(arguments: [
        "", "{}", "[1]", "[{}]", "[{\"name\":\"weight\",\"unit\":\"kg\"}]",
        "[{\"name\":\"weight\",\"number\":\"72\",\"unit\":\"kg\"}]",
        "[{\"name\":\"wait\",\"number\":72,\"unit\":\"kg\"}]",
        "[{\"name\":\"weight\",\"number\":72,\"unit\":\"elephants\"}]",
        "[{\"name\":\"weight\",\"number\":1e999,\"unit\":\"kg\"}]",
        "[{\"name\":\"weight\",\"number\":99999999999999999999,\"unit\":\"kg\"}]",
        "[{\"name\":\"weight\",\"number\":72,\"unit\":\"kg\"}",
    ])
    func `a value that cannot be read back is an error, never an absent value`(text: String) {
        #expect(throws: UnreadableColumn("quantities")) { try RecordColumns.quantities(text) }
    }

    @Test func `every name and unit is kept with its digits`() throws {
        for (index, name) in QuantityName.allCases.enumerated() {
            let unit = MeasurementUnit.allCases[index % MeasurementUnit.allCases.count]
            let sent = [Quantity(name, ExactDecimal(Int64(index) * -7, exponent: -index), unit)]
            let back = try RecordColumns.quantities(RecordColumns.quantities(sent))
            #expect(back == sent)
            #expect(back[0].number?.exponent == -index)
        }
        #expect(
            RecordColumns.quantities([Quantity(.weight, ExactDecimal("72.50"), .kilogram)])
                == #"[{"name":"weight","number":72.50,"unit":"kg"}]"#)
    }

    @Test(arguments: ["", "{}", "[1]", "[\"a\",null]", "[\"a\""])
    func `flags that cannot be read back are no flags`(text: String) {
        #expect(RecordColumns.strings(text) == nil)
    }

    @Test(arguments: [
        "", "x", "1 2 3", "1 2 3 x", "1 2 3 4 5", "99999999999999999999 1 1 1", "\n\n",
    ])
    func `a clock step that cannot be read is left out`(text: String) {
        #expect(ClockStepText.read(text).isEmpty)
    }
}
