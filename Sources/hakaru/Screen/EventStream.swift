import CCurl
import Glibc

/// The daemon's events as they happen, read on the caller's thread.
final class EventStream {
    private final class Received {
        var lines = EventLines()
        var events: [ServerEvent] = []
    }

    private let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private let received = Received()

    /// Asks for the stream; what happens from here on is not missed once `wait` was called.
    init(_ client: SocketClient) throws(CommandError) {
        easy = try client.handle(for: "/v1/events", seconds: 0)
        guard let multi = curl_multi_init() else {
            curl_easy_cleanup(easy)
            throw .failed("libcurl cannot be started")
        }
        self.multi = multi
        hakaru_easy_set_pointer(
            easy, CURLOPT_WRITEDATA, Unmanaged.passUnretained(received).toOpaque())
        hakaru_easy_set_write(easy, CURLOPT_WRITEFUNCTION) { data, size, count, context in
            guard let data, let context else { return 0 }
            let received = Unmanaged<Received>.fromOpaque(context).takeUnretainedValue()
            let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
            received.events += received.lines.take(bytes)
            return size * count
        }
        curl_multi_add_handle(multi, easy)
    }

    deinit {
        curl_multi_remove_handle(multi, easy)
        curl_easy_cleanup(easy)
        curl_multi_cleanup(multi)
    }

    /// Waits for events; the empty list after so long, nil where the daemon has ended the stream.
    func wait(milliseconds: Int32) -> [ServerEvent]? {
        var running: Int32 = 0
        curl_multi_perform(multi, &running)
        if received.events.isEmpty, running > 0 {
            curl_multi_poll(multi, nil, 0, milliseconds, nil)
            curl_multi_perform(multi, &running)
        }
        defer { received.events = [] }
        return received.events.isEmpty && running == 0 ? nil : received.events
    }
}
