import Glibc
import Measurement
import Spool

/// A process that uses a store until it is killed; each line it prints is a promise kept so far.
///
/// `append DIR`: stores and delivers without end. `hold DIR`: opens the store and waits to be killed.
/// `nobody DIR`: opens the store as a user without rights and prints the error.
@main struct SpoolTorture {
    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { exit(2) }
        var configuration = SpoolConfiguration(directory: arguments[2])
        configuration.busyTimeout = .milliseconds(200)
        if arguments[1] == "nobody",
            setgid(65_534) != 0
                || setuid(65_534) != 0
        {
            say("cannot become nobody")
            exit(2)
        }
        let spool = Spool(configuration, now: { Instant(seconds: 1_772_000_000) })
        do {
            let report = try await spool.open()
            say("open \(report.wasUnclean)")
            switch arguments[1] {
            case "append": try await appendForEver(spool)
            case "nobody":
                _ = try await spool.append([entry(1)], at: Instant(seconds: 1))
                say("appended")
            default:
                // Until nobody reads what it says; its own input may be closed from the start.
                var output = pollfd(fd: 1, events: 0, revents: 0)
                poll(&output, 1, -1)
            }
        } catch let error as SpoolError {
            say("error \(error.name)")
            say("\(error)")
        } catch {
            say("error \(error)")
        }
        await spool.shutDown()
    }

    static func appendForEver(_ spool: Spool) async throws {
        var next = try await spool.counts().stored + 1
        while true {
            let size = next % 3 + 1
            var memory = DeviceMemory()
            memory.nextSequence = next + size
            _ = try await spool.append(
                (next..<next + size).map(entry), at: Instant(seconds: Int64(next)),
                memory: (DeviceID("ble:A4:C1:38:00:00:01"), memory))
            next += size
            say("stored \(next - 1)")
            guard next % 5 == 0 else { continue }
            let now = Instant(seconds: Int64(next))
            guard let batch = try await spool.formBatch("db", max: 7, at: now) else { continue }
            let rows = batch.items.map { String($0.rowID.number) }.joined(separator: ",")
            say("sending \(batch.idempotencyKey) \(rows)")
            try await spool.resolve(
                batch, batch.items.map { RecordResult($0.rowID, .accepted) }, at: now)
            say("delivered \(batch.idempotencyKey) \(rows)")
        }
    }

    static func entry(_ number: Int) -> SpoolEntry {
        let digits = String(number, radix: 16)
        let at = Instant(seconds: 1_772_000_000 + Int64(number))
        let record = Record(
            key: RecordKey(hex: String(repeating: "0", count: 32 - digits.utf8.count) + digits),
            device: DeviceDescription(id: DeviceID("ble:A4:C1:38:00:00:01"), model: "UA-651BLE"),
            kind: .bloodPressure,
            quantities: [Quantity(.systolic, ExactDecimal(125), .millimetreOfMercury)],
            sequenceNumber: number,
            received: GatewayTime(utc: at, monotonicNanoseconds: 0, synchronised: true),
            time: RecordTime(observed: at, basis: .deviceClock, origin: .device),
            profile: "and-ua-651ble", profileRevision: 1)
        return SpoolEntry(
            record: record,
            frames: [RawFrame(source: "gatt:2a35", bytes: Array(repeating: 7, count: 19))],
            participant: "P0000001", destinations: [EntryDestination("db", .waiting)])
    }

    /// One line in one write, so that a kill never leaves half a promise.
    static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(1, bytes, bytes.count)
    }
}
