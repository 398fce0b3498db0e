import CCurl
package import EventLoop
import Exchange
import Glibc

/// HTTPS by libcurl on the event loop: no thread of its own, one connection kept per destination.
///
/// TLS is always verified and redirects are never followed. Proxies come from the environment
/// (`https_proxy`, `no_proxy`).
@LoopActor package final class HTTPClient {
    private let userAgent: String
    private let multi: UnsafeMutableRawPointer
    private var sources: [curl_socket_t: EventSource] = [:]
    private var timer: EventSource?
    private var transfers: [UnsafeMutableRawPointer: Transfer] = [:]

    /// libcurl wants to be initialised once, before any of its threads exist. It is told to leave
    /// signals alone, so a connection that breaks under a write must not end the program.
    private nonisolated static let isInitialised: Bool = {
        SignalMask.ignoreBrokenPipes()
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }()

    /// - Parameter userAgent: `hakaru/VERSION`.
    package init(userAgent: String) throws(HTTPFailure) {
        guard Self.isInitialised, let multi = curl_multi_init() else {
            throw HTTPFailure(.request, "libcurl cannot be initialised")
        }
        self.userAgent = userAgent
        self.multi = multi
        let me = Unmanaged.passUnretained(self).toOpaque()
        hakaru_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, me)
        hakaru_multi_set_socket(multi) { _, socket, what, context, _ in
            HTTPClient.with(context) { $0.watch(socket, what) }
        }
        hakaru_multi_set_pointer(multi, CURLMOPT_TIMERDATA, me)
        hakaru_multi_set_timer(multi) { _, milliseconds, context in
            HTTPClient.with(context) { $0.arm(milliseconds) }
        }
    }

    isolated deinit {
        for transfer in transfers.values {
            curl_multi_remove_handle(multi, transfer.easy)
            transfer.finish(.failure(HTTPFailure(.cancelled, "the client has ended")))
        }
        curl_multi_cleanup(multi)
    }

    /// Sends one request and waits for the whole answer.
    ///
    /// Cancelling the task ends the exchange at once; what the server did with it is not known then.
    package func post(_ request: HTTPRequest) async -> HTTPOutcome {
        guard let transfer = Transfer(request) else {
            return .failure(HTTPFailure(.request, "no memory"))
        }
        if let failure = transfer.prepare(userAgent: userAgent) { return .failure(failure) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { start(transfer, $0) }
        } onCancel: {
            // Runs on any thread, even before `start`: the job below comes after it on the loop.
            spawn { self.cancel(transfer) }
        }
    }

    private func start(
        _ transfer: Transfer, _ continuation: CheckedContinuation<HTTPOutcome, Never>
    ) {
        transfer.waitsFor(continuation)
        guard !Task.isCancelled else {
            transfer.finish(.failure(HTTPFailure(.cancelled, "cancelled")))
            return
        }
        transfers[transfer.easy] = transfer
        guard curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else {
            transfers[transfer.easy] = nil
            transfer.finish(.failure(HTTPFailure(.request, "libcurl did not take the request")))
            return
        }
        act(curl_socket_t(-1), 0)  // begins at once, not at the timer that libcurl has just set
    }

    private func cancel(_ transfer: Transfer) {
        guard transfers.removeValue(forKey: transfer.easy) != nil else { return }
        curl_multi_remove_handle(multi, transfer.easy)
        transfer.finish(.failure(HTTPFailure(.cancelled, "cancelled")))
    }

    // MARK: libcurl and the loop

    private nonisolated static func with(
        _ context: UnsafeMutableRawPointer?, _ body: @LoopActor (HTTPClient) -> Void
    ) -> Int32 {
        guard let context else { return 0 }
        nonisolated(unsafe) let onLoop = context  // libcurl calls on the thread that calls it
        LoopActor.assumeIsolated {
            body(Unmanaged<HTTPClient>.fromOpaque(onLoop).takeUnretainedValue())
        }
        return 0
    }

    /// libcurl says which descriptor it waits for, and for what.
    private func watch(_ socket: curl_socket_t, _ what: Int32) {
        guard what != CURL_POLL_REMOVE else {
            sources.removeValue(forKey: socket)?.cancel()
            return
        }
        var events: IOEvents = []
        if what == CURL_POLL_IN || what == CURL_POLL_INOUT { events.insert(.readable) }
        if what == CURL_POLL_OUT || what == CURL_POLL_INOUT { events.insert(.writable) }
        if let source = sources[socket] {
            source.watch(for: events)
            return
        }
        // Where the kernel refuses, libcurl's own time-out ends the exchange.
        sources[socket] = try? EventLoop.shared.onReadable(socket, events: events) {
            [unowned self] events in
            var ready: Int32 = 0
            if events.contains(.readable) { ready |= CURL_CSELECT_IN }
            if events.contains(.writable) { ready |= CURL_CSELECT_OUT }
            if !events.isDisjoint(with: [.error, .hangUp]) { ready |= CURL_CSELECT_ERR }
            act(socket, ready)
        }
    }

    /// libcurl says when it wants to be called at the latest; it must not be called from here.
    private func arm(_ milliseconds: Int) {
        guard milliseconds >= 0 else {
            timer?.cancel()
            timer = nil
            return
        }
        if let timer {
            timer.rearm(after: .milliseconds(milliseconds))
        } else {
            // It asks for no delay at all several times in a transfer.
            timer = EventLoop.shared.after(
                .milliseconds(milliseconds), tolerance: .microseconds(1)
            ) { [unowned self] in
                act(curl_socket_t(-1), 0)  // CURL_SOCKET_TIMEOUT
            }
        }
    }

    private func act(_ socket: curl_socket_t, _ ready: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(multi, socket, ready, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let transfer = transfers.removeValue(forKey: easy)
            else { continue }
            let outcome = transfer.outcome(message.pointee.data.result)
            curl_multi_remove_handle(multi, easy)
            transfer.finish(outcome)
        }
    }
}
