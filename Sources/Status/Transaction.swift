import CMicrohttpd
import EventLoop
import Glibc

/// One request from its first header line to the last byte of its answer.
///
/// libmicrohttpd calls back several times for a request; this object is the state between the calls.
/// The connection is suspended while a handler works, so nothing is polled meanwhile.
@LoopActor final class Transaction {
    private enum State {
        case receiving
        /// A handler works and the connection is suspended.
        case working(Task<Void, Never>)
        case ready(SocketResponse)
        case streaming(EventQueue)
        case finished
    }

    private let server: StatusServer
    private let connection: OpaquePointer
    private var state = State.receiving
    private var request: SocketRequest
    private var target: Router.Target?
    private var isSuspended = false
    private var limit: EventSource?

    private init(_ server: StatusServer, _ connection: OpaquePointer, _ request: SocketRequest) {
        self.server = server
        self.connection = connection
        self.request = request
    }

    /// Decides from the headers alone; a refusal does not wait for the body.
    private func begin() {
        switch server.router.match(request.method, request.path) {
        case .none:
            state = .ready(.notFound(request.path))
            return
        case .otherMethods(let methods):
            let allowed = methods.joined(separator: ", ")
            state = .ready(
                .failure(
                    405, "method-not-allowed", "\(request.path) takes \(allowed)",
                    headers: ["Allow": allowed]))
            return
        case .found(let found, let rest):
            target = found
            request.rest = rest
        }
        let isChange = request.method != "GET"
        if isChange, !request.peer.isAdministrator(adminGroup: server.adminGroup) {
            server.count(\.refusedPeers)
            state = .ready(
                .failure(
                    403, "not-permitted",
                    "changing needs root or the administration group (status.admin-group)"))
        } else if let length = header("Content-Length"), Int(length) ?? Int.max > bodyLimit {
            refuseBody()
        }
    }

    /// Only in the first call may an answer come before the body; the connection ends with it.
    private var answersBeforeBody: Bool {
        guard case .ready = state else { return false }
        return header("Transfer-Encoding") != nil || header("Content-Length") ?? "0" != "0"
    }

    private var bodyLimit: Int { server.options.bodyBytes }

    private func header(_ name: String) -> String? {
        MHD_lookup_connection_value(connection, .HEADER_KIND, name).map { String(cString: $0) }
    }

    private func refuseBody() {
        server.count(\.refusedBodies)
        request.body = []
        state = .ready(
            .failure(413, "body-too-large", "a body has at most \(bodyLimit) bytes"))
    }

    /// Takes a piece of the body; false ends a connection that sends on without end.
    private func receive(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        received += bytes.count
        guard received <= 16 * bodyLimit else { return false }
        guard case .receiving = state else { return true }
        request.body.append(contentsOf: bytes)
        if request.body.count > bodyLimit { refuseBody() }
        return true
    }
    private var received = 0

    /// The body is whole, or the handler has answered: works or answers.
    private func proceed() -> MHD_Result {
        switch state {
        case .receiving: return work()
        case .working: return .YES
        case .ready(let response):
            state = .finished
            return send(response)
        case .streaming, .finished: return .NO
        }
    }

    private func work() -> MHD_Result {
        switch target {
        case .events: return stream()
        case .handler(let handler):
            let request = request
            suspend()
            state = .working(spawn { self.answer(await handler(request)) })
            limit = EventLoop.shared.after(server.options.handlerTime) { [weak self] in
                self?.giveUp()
            }
            return .YES
        case nil: return .NO
        }
    }

    private func answer(_ response: SocketResponse) {
        limit = nil
        // The client may have gone, or have been answered for, while the handler worked.
        guard case .working = state else { return }
        state = .ready(response)
        resume()
    }

    private func giveUp() {
        guard case .working(let task) = state else { return }
        server.count(\.timedOutHandlers)
        answer(.failure(504, "timed-out", "the daemon did not answer in time"))
        task.cancel()
    }

    private func send(_ response: SocketResponse) -> MHD_Result {
        let made = response.body.withUnsafeBytes { bytes in
            // Copied at once: the pointer that the library wants to be mutable is only read.
            MHD_create_response_from_buffer(
                bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                .RESPMEM_MUST_COPY)
        }
        guard let made else { return .NO }
        defer { MHD_destroy_response(made) }
        MHD_add_response_header(made, "Content-Type", response.contentType)
        MHD_add_response_header(made, "Cache-Control", "no-store")
        for (name, value) in response.headers { MHD_add_response_header(made, name, value) }
        return MHD_queue_response(connection, UInt32(response.status), made)
    }

    private func suspend() {
        MHD_suspend_connection(connection)
        isSuspended = true
    }

    private func resume() {
        guard isSuspended else { return }
        isSuspended = false
        MHD_resume_connection(connection)
        server.resumed()
    }

    /// Makes the connection one that the library can close.
    func abandon() {
        limit = nil
        if case .working(let task) = state { task.cancel() }
        state = .finished
        resume()
    }

    private func completed() {
        limit = nil
        if case .working(let task) = state { task.cancel() }
        state = .finished
        isSuspended = false
        server.closed(self)
    }
}

// MARK: - The stream of events

extension Transaction {
    private func stream() -> MHD_Result {
        guard server.joined(self) else {
            return send(.failure(503, "too-many-clients", "the event stream has no place left"))
        }
        let me = Unmanaged.passUnretained(self).toOpaque()
        guard
            let made = MHD_create_response_from_callback(
                hakaru_mhd_size_unknown, 4_096, Self.onRead, me, nil)
        else { return .NO }
        defer { MHD_destroy_response(made) }
        state = .streaming(EventQueue(limit: server.options.eventBytes))
        MHD_add_response_header(made, "Content-Type", "text/event-stream")
        MHD_add_response_header(made, "Cache-Control", "no-store")
        return MHD_queue_response(connection, 200, made)
    }

    /// Puts a frame into the client's queue; a client whose queue is full is dropped.
    /// - Returns: False when the client was dropped.
    func push(_ frame: [UInt8]) -> Bool {
        guard case .streaming(var queue) = state else { return true }
        guard queue.append(frame) else {
            // The library may be blocked in sending to this client: the kernel ends that.
            shutdown(hakaru_mhd_connection_fd(connection), Int32(SHUT_RDWR))
            state = .finished
            resume()
            return false
        }
        state = .streaming(queue)
        resume()
        return true
    }

    /// Fills the library's buffer; with nothing to send the connection sleeps.
    private func read(into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        guard case .streaming(var queue) = state else { return -1 }
        let count = queue.take(into: buffer)
        state = .streaming(queue)
        if count == 0 { suspend() }
        return count
    }
}

// MARK: - Callbacks of the library, all on the loop's thread inside MHD_run

extension Transaction {
    nonisolated static let onRequest: MHD_AccessHandlerCallback = {
        context, connection, url, method, _, data, size, slot in
        guard let context, let connection, let slot, let size else { return .NO }
        nonisolated(unsafe) let call = (context, connection, url, method, data, size, slot)
        return LoopActor.assumeIsolated {
            let (context, connection, url, method, data, size, slot) = call
            if let known = slot.pointee {
                let transaction = Unmanaged<Transaction>.fromOpaque(known).takeUnretainedValue()
                guard size.pointee > 0 else { return transaction.proceed() }
                let bytes = UnsafeRawPointer(data)?.assumingMemoryBound(to: UInt8.self)
                let piece = UnsafeBufferPointer(start: bytes, count: size.pointee)
                size.pointee = 0
                return transaction.receive(piece) ? .YES : .NO
            }
            let server = Unmanaged<StatusServer>.fromOpaque(context).takeUnretainedValue()
            guard let url, let method,
                let peer = PeerCredentials(descriptor: hakaru_mhd_connection_fd(connection))
            else { return .NO }
            let name = String(cString: method)
            let request = SocketRequest(
                method: name == "HEAD" ? "GET" : name, path: String(cString: url),
                query: query(of: connection), peer: peer)
            let transaction = Transaction(server, connection, request)
            slot.pointee = Unmanaged.passRetained(transaction).toOpaque()
            server.opened(transaction)
            transaction.begin()
            return transaction.answersBeforeBody ? transaction.proceed() : .YES
        }
    }

    nonisolated static let onCompleted: MHD_RequestCompletedCallback = { _, _, slot, _ in
        nonisolated(unsafe) let slot = slot
        LoopActor.assumeIsolated {
            guard let known = slot?.pointee else { return }
            slot?.pointee = nil
            Unmanaged<Transaction>.fromOpaque(known).takeRetainedValue().completed()
        }
    }

    nonisolated private static let onRead: MHD_ContentReaderCallback = {
        context, _, buffer, size in
        guard let context, let buffer else { return -1 }
        nonisolated(unsafe) let call = (context, buffer)
        return LoopActor.assumeIsolated {
            let transaction = Unmanaged<Transaction>.fromOpaque(call.0).takeUnretainedValue()
            let bytes = UnsafeMutableRawPointer(call.1).assumingMemoryBound(to: UInt8.self)
            return transaction.read(into: UnsafeMutableBufferPointer(start: bytes, count: size))
        }
    }

    private static func query(of connection: OpaquePointer) -> [String: String] {
        var found: [String: String] = [:]
        withUnsafeMutablePointer(to: &found) { place in
            _ = MHD_get_connection_values(
                connection, .GET_ARGUMENT_KIND,
                { context, _, name, value in
                    guard let context, let name else { return .YES }
                    let found = context.assumingMemoryBound(to: [String: String].self)
                    found.pointee[String(cString: name)] = value.map { String(cString: $0) } ?? ""
                    return .YES
                }, place)
        }
        return found
    }
}
