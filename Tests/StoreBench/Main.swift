import Glibc
import Measurement
import Spool

/// What scripts/bench store and uplink measure of the store; not shipped.
///
/// `append DIR COUNT [CALLERS]`: one durable append per record, each caller one after the other; prints the seconds
/// and the transactions. `fill DIR COUNT`: as many waiting records, a thousand at a time. `empty DIR`: a store
/// without records.
@main struct StoreBench {
    static func main() async {
        let words = CommandLine.arguments
        guard words.count >= 3 else { exit(2) }
        let configuration = SpoolConfiguration(
            directory: words[2], maximumBytes: 64 << 30, reserveBytes: 1 << 20)
        let spool = Spool(configuration, now: { Instant(seconds: 1_772_000_000) })
        let count = words.count > 3 ? Int(words[3]) ?? 0 : 0
        do {
            try await spool.open()
            let began = now()
            switch words[1] {
            case "append":
                let callers = words.count > 4 ? Int(words[4]) ?? 1 : 1
                await withTaskGroup(of: Void.self) { group in
                    for caller in 0..<callers {
                        group.addTask {
                            for number in stride(from: caller, to: count, by: callers) {
                                _ = try? await spool.append([entry(number + 1)], at: moment(number))
                            }
                        }
                    }
                }
                let stored = try await spool.counts().stored
                guard stored == count else { throw SpoolError.refused("\(stored) of \(count)") }
            case "fill":
                for start in stride(from: 0, to: count, by: 1_000) {
                    let some = (start..<min(start + 1_000, count)).map { entry($0 + 1) }
                    _ = try await spool.append(some, at: moment(start))
                }
            default: break
            }
            let seconds = now() - began
            print("\(seconds) \(await spool.transactions)")
        } catch {
            print("error \(error)")
            exit(1)
        }
        await spool.shutDown()
    }

    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func moment(_ number: Int) -> Instant {
        Instant(seconds: 1_772_334_000 + Int64(number))
    }

    static func entry(_ number: Int) -> SpoolEntry {
        let digits = String(number, radix: 16)
        let key = String(repeating: "0", count: 32 - digits.utf8.count) + digits
        let at = moment(number)
        let record = Record(
            key: RecordKey(hex: key),
            device: DeviceDescription(
                id: DeviceID("ble:A4:C1:38:00:00:01"), address: "A4:C1:38:00:00:01",
                manufacturer: "A&D", model: "UA-651BLE", serial: "5180200001"),
            kind: .bloodPressure,
            quantities: [
                Quantity(.systolic, ExactDecimal(125), .millimetreOfMercury),
                Quantity(.diastolic, ExactDecimal(80), .millimetreOfMercury),
                Quantity(.pulseRate, ExactDecimal(64), .perMinute),
            ],
            sequenceNumber: number,
            deviceTime: LocalDateTime(year: 2026, month: 3, day: 1, hour: 12),
            received: GatewayTime(utc: at, monotonicNanoseconds: 1, synchronised: true),
            time: RecordTime(observed: at, basis: .deviceClock, origin: .device),
            profile: "and-ua-651ble", profileRevision: 3)
        return SpoolEntry(
            record: record,
            frames: [RawFrame(source: "gatt:2a35", bytes: [UInt8](repeating: 0x16, count: 20))],
            participant: "P0000001", participantRule: "device-owner",
            destinations: [EntryDestination("db", .waiting)])
    }
}
