import DataFiles
import DeviceProfile
import Glibc
import JSON
import Measurement

/// Measures what decoding cable messages costs, beside a copy of the same bytes.
///
///     CableBench PROFILES
@main struct CableBench {
    private static let rounds = 5
    private static let messages = 40_000

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 2 else {
            print("usage: CableBench PROFILES")
            exit(2)
        }
        let index = ProfileSet(
            try FileReader.list(arguments[1], suffix: ".yaml").map {
                ProfileSet.Source(file: $0, bytes: try FileReader.read($0), isOwn: false)
            }
        ).index
        var writer = JSONWriter()
        writer.object { writer in
            for stream in Stream.all(messages) {
                guard let profile = index[id: stream.profile],
                    let layout = profile.layout(for: .usb) ?? profile.layout(for: .serial)
                else { continue }
                let framing = profile.wire?.framing ?? .transfer
                let result = measure(stream, layout, stream.isFramed ? framing : .transfer)
                writer.key(stream.name)
                writer.object { writer in
                    writer.member("messages", result.records)
                    writer.member("bytes", stream.byteCount)
                    writer.member("decode_ns", number: decimal(result.decode))
                    writer.member("copy_ns", number: decimal(result.copy))
                }
            }
        }
        print(String(decoding: writer.bytes, as: UTF8.self))
    }

    private static func decimal(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }

    /// The time that this thread has worked: what else the machine does counts on neither side.
    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }

    private struct Result {
        var decode = Double.infinity
        var copy = Double.infinity
        var records = 0
    }

    /// The fastest of several passes: transfers to readings, and the same transfers copied.
    private static func measure(
        _ stream: Stream, _ layout: FrameLayout, _ framing: WirePlan.Framing
    ) -> Result {
        var result = Result()
        for _ in 0..<rounds {
            var start = now()
            result.records = decode(stream, layout, framing)
            result.decode = min(result.decode, now() - start)
            start = now()
            let copied = copy(stream)
            result.copy = min(result.copy, now() - start)
            precondition(copied == stream.byteCount, "the copy is short")
        }
        guard result.records == stream.records else {
            print("\(stream.name): \(result.records) of \(stream.records) messages were understood")
            exit(1)
        }
        return result
    }

    @inline(never)
    private static func decode(
        _ stream: Stream, _ layout: FrameLayout, _ framing: WirePlan.Framing
    ) -> Int {
        var framer = WireFramer(framing)
        var context = FrameContext()
        context.request = stream.request
        var records = 0
        for transfer in stream.transfers {
            for message in framer.take(transfer) {
                for reading in layout.readings(message, context)
                where reading.outcome == .measurement { records += 1 }
            }
        }
        return records
    }

    /// Every transfer copied behind the one before, as a reader that looks at nothing would.
    @inline(never)
    private static func copy(_ stream: Stream) -> Int {
        let room = UnsafeMutableRawBufferPointer.allocate(
            byteCount: stream.byteCount, alignment: 16)
        defer { room.deallocate() }
        var place = 0
        for transfer in stream.transfers {
            transfer.withUnsafeBytes { bytes in
                if let from = bytes.baseAddress, let to = room.baseAddress {
                    memcpy(to + place, from, bytes.count)
                }
            }
            place += transfer.count
        }
        return place
    }
}
