import AllocationCounter
import BluetoothLink
import DataFiles
import DeviceLink
import DeviceProfile
import Glibc
import JSON
import Measurement

/// Measures what an advertisement costs, and writes the stream down for others to be measured on it.
///
///     DecodeBench PROFILES STREAM
@main struct DecodeBench {
    static let frames = 100_000
    static let rounds = 7

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else {
            print("usage: DecodeBench PROFILES STREAM")
            exit(2)
        }
        let shipped = ProfileSet(
            try FileReader.list(arguments[1], suffix: ".yaml").map {
                ProfileSet.Source(file: $0, bytes: try FileReader.read($0), isOwn: false)
            }
        ).index.profiles
        let examples = shipped.filter { $0.transport == .bluetoothAdvertisement }
            .flatMap(\.examples).map(\.advertisement)
        let air = Air(count: frames, foreign: 95, seed: 20_260_301, examples)
        try write(air, to: arguments[2])
        var writer = JSONWriter()
        writer.object { writer in
            for (count, cost) in foreign(air, shipped) {
                writer.member("foreign_ns_\(count)", number: decimal(cost))
            }
            let index = ProfileIndex(Variants.fill(shipped, to: 500))
            writer.member("shipped_profiles", shipped.count)
            let (allocations, passed) = allocated(air, index)
            writer.member("allocations", Int(allocations))
            writer.member("allocation_frames", passed)
            let whole = decode(air, index)
            writer.member("frame_ns", number: decimal(whole.nanoseconds))
            writer.member("frames", air.frames.count)
            writer.member("candidates", whole.candidates)
            writer.member("measurements", whole.measurements)
        }
        print(String(decoding: writer.bytes, as: UTF8.self))
    }

    private static func decimal(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }

    /// One packet behind the other: a length of two bytes, then so many.
    private static func write(_ air: Air, to path: String) throws {
        var bytes: [UInt8] = []
        for frame in air.frames {
            let count = frame.packet.count
            bytes += [UInt8(count & 0xFF), UInt8(count >> 8)] + frame.packet
        }
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard file >= 0 else { throw Unwritten(path: path, code: errno) }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes {
                Glibc.write(file, $0.baseAddress, $0.count)
            }
            guard count > 0 else { throw Unwritten(path: path, code: errno) }
            written += count
        }
    }

    private struct Unwritten: Error {
        var path: String
        var code: Int32
    }

    // MARK: Foreign frames

    @inline(never)
    private static func pass(_ packets: [[UInt8]], _ filter: AdvertisementFilter) -> Int {
        var foreign = 0
        for packet in packets where verdict(packet, filter) == .foreign { foreign += 1 }
        return foreign
    }

    private static func verdict(
        _ packet: [UInt8], _ filter: AdvertisementFilter
    ) -> AdvertisementFilter.Verdict? {
        guard let read = try? ManagementPacket(parsing: packet.span),
            case .deviceFound(let found) = read.content
        else { return nil }
        return filter.verdict(packet.span.extracting(found.data), address: found.address)
    }

    /// Nanoseconds for one foreign frame by number of profiles: the fastest of several passes in turn.
    private static func foreign(
        _ air: Air, _ shipped: [DeviceProfile]
    ) -> [(profiles: Int, nanoseconds: Double)] {
        let packets = air.frames.filter(\.isForeign).map(\.packet)
        let counts = [10, 100, 500]
        let filters = counts.map { AdvertisementFilter(Variants.fill(shipped, to: $0)) }
        var best = counts.map { _ in Double.infinity }
        for _ in 0..<rounds {
            for (number, filter) in filters.enumerated() {
                let start = now()
                precondition(pass(packets, filter) == packets.count, "a foreign frame was taken")
                best[number] = min(best[number], (now() - start) / Double(packets.count))
            }
        }
        return zip(counts, best).map { ($0, $1) }
    }

    /// Requests for memory during a million foreign frames.
    private static func allocated(_ air: Air, _ index: ProfileIndex) -> (UInt64, Int) {
        let packets = air.frames.filter(\.isForeign).map(\.packet)
        var passed = 0
        let before = allocation_count()
        while passed < 1_000_000 { passed += pass(packets, index.filter) }
        return (allocation_count() - before, passed)
    }

    // MARK: The whole stream

    private struct Whole {
        var nanoseconds = Double.infinity
        var candidates = 0
        var measurements = 0
    }

    /// Filter, match and decode, each frame for itself and nothing remembered between them.
    private static func decode(_ air: Air, _ index: ProfileIndex) -> Whole {
        var whole = Whole()
        for _ in 0..<3 {
            var (candidates, measurements) = (0, 0)
            let start = now()
            for frame in air.frames {
                guard let read = try? ManagementPacket(parsing: frame.packet.span),
                    case .deviceFound(let found) = read.content
                else { continue }
                let data = frame.packet.span.extracting(found.data)
                guard index.filter.verdict(data, address: found.address) == .candidate else {
                    continue
                }
                candidates += 1
                measurements += measure(data, found.address, index)
            }
            whole.nanoseconds = min(whole.nanoseconds, (now() - start) / Double(air.frames.count))
            whole.candidates = candidates
            whole.measurements = measurements
        }
        return whole
    }

    private static func measure(
        _ data: Span<UInt8>, _ address: BluetoothAddress, _ index: ProfileIndex
    ) -> Int {
        var advertisement = Advertisement()
        _ = advertisement.add(heard: data)
        guard let profile = index.match(advertisement, address: address) else { return 0 }
        return profile.layouts.count { layout in
            advertisement.payload(for: layout.source).map {
                layout.decode($0).outcome == .measurement
            } ?? false
        }
    }
}
