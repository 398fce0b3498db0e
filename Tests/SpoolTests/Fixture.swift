import CLinux
import Glibc
import Measurement

@testable import Spool

/// A directory that goes away with the value.
final class TemporaryDirectory: Sendable {
    let path: String
    init() {
        var template = Array("/tmp/spool-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    deinit { removeTree(path) }

    var store: String { path + "/hakaru.db" }
    /// Names of what lies in it, in order.
    var entries: [String] { directoryEntries(path) }
}

func directoryEntries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
            String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

func removeTree(_ path: String) {
    for name in directoryEntries(path) { removeTree(path + "/" + name) }
    _ = remove(path)
}

func readFile(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return bytes }
        bytes.append(contentsOf: buffer[..<count])
    }
}

func writeFile(_ path: String, _ bytes: [UInt8]) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o640)
    precondition(descriptor >= 0, "cannot write \(path)")
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeBytes { raw in
            write(descriptor, raw.baseAddress?.advanced(by: done), bytes.count - done)
        }
        precondition(count > 0, "cannot write \(path)")
        done += count
    }
}

/// Whether a text stands in a file, byte for byte.
func file(_ path: String, holds text: String) -> Bool {
    let bytes = readFile(path)
    let wanted = Array(text.utf8)
    return bytes.withUnsafeBytes { raw in
        guard let start = raw.baseAddress, raw.count >= wanted.count else { return false }
        var offset = 0
        while offset <= raw.count - wanted.count,
            let hit = memchr(
                start + offset, Int32(wanted[0]), raw.count - wanted.count - offset + 1)
        {
            if memcmp(hit, wanted, wanted.count) == 0 { return true }
            offset = start.distance(to: UnsafeRawPointer(hit)) + 1
        }
        return false
    }
}

func permissions(_ path: String) -> UInt32 {
    var status = stat()
    return stat(path, &status) == 0 ? UInt32(status.st_mode) & 0o777 : 0
}

/// The moment at which most tests play.
let noon = Instant(seconds: 1_772_334_000)

/// Runs a body with a store in a directory and closes it properly.
@discardableResult
func withSpool<T>(
    _ directory: TemporaryDirectory, configure: (inout SpoolConfiguration) -> Void = { _ in },
    _ body: (Spool) async throws -> T
) async throws -> T {
    var configuration = SpoolConfiguration(directory: directory.path)
    configuration.busyTimeout = .milliseconds(50)
    configure(&configuration)
    let spool = Spool(configuration, now: { noon })
    do {
        let result = try await body(spool)
        await spool.shutDown()
        return result
    } catch {
        await spool.shutDown()
        throw error
    }
}

/// The error that a call ends with; nil when it ends well.
func failure<T>(_ body: () async throws -> T) async -> SpoolError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? SpoolError ?? .refused("another error: \(error)")
    }
}

let cuff = DeviceID("ble:A4:C1:38:00:00:01")
let scale = DeviceID("ble:A4:C1:38:00:00:02")

func key(_ number: Int) -> RecordKey {
    let digits = String(number, radix: 16)
    return RecordKey(hex: String(repeating: "0", count: 32 - digits.utf8.count) + digits)
}

/// A blood-pressure record; `number` makes its key, its sequence and its time.
func bloodPressure(
    _ number: Int, device: DeviceID = cuff, secondsAfterNoon: Int64? = nil
) -> Record {
    let at = noon + .seconds(secondsAfterNoon ?? Int64(number))
    return Record(
        key: key(number),
        device: DeviceDescription(
            id: device, address: String(device.stable.dropFirst(4)), manufacturer: "A&D",
            model: "UA-651BLE", serial: "5180200001"),
        kind: .bloodPressure,
        quantities: [
            Quantity(.systolic, ExactDecimal(125), .millimetreOfMercury),
            Quantity(.diastolic, ExactDecimal(80), .millimetreOfMercury),
        ],
        sequenceNumber: number,
        deviceTime: LocalDateTime(year: 2026, month: 3, day: 1, hour: 12),
        received: GatewayTime(utc: at, monotonicNanoseconds: 1, synchronised: true),
        time: RecordTime(observed: at, basis: .deviceClock, origin: .device),
        profile: "and-ua-651ble", profileRevision: 3)
}

/// An entry that waits for the destination `db`.
func entry(_ number: Int, device: DeviceID = cuff, secondsAfterNoon: Int64? = nil) -> SpoolEntry {
    SpoolEntry(
        record: bloodPressure(number, device: device, secondsAfterNoon: secondsAfterNoon),
        frames: [RawFrame(source: "gatt:2a35", bytes: [0x16, UInt8(truncatingIfNeeded: number)])],
        participant: "P0000001", participantRule: "device-owner",
        destinations: [EntryDestination("db", .waiting)])
}

func entries(_ numbers: ClosedRange<Int>) -> [SpoolEntry] { numbers.map { entry($0) } }

func quarantined(_ number: Int, _ reason: QuarantineReason = .noClockSync) -> SpoolEntry {
    var made = entry(number)
    made.record.time = nil
    made.record.quarantine = reason
    return made
}

extension Batch {
    func all(_ outcome: RecordResult.Outcome) -> [RecordResult] {
        items.map { RecordResult($0.rowID, outcome) }
    }
    var keys: [RecordKey] { items.map(\.record.key) }
}
