import CMicrohttpd
package import EventLoop
import Glibc

/// The status socket: HTTP/1.1 over a Unix socket, driven by the loop.
///
/// It knows nothing of what it serves: routes give it bytes. Reading needs the file permissions of
/// the socket; every other method than `GET` and `HEAD` needs root or the administration group by
/// the kernel's word. Nothing wakes the process while no client is connected.
@LoopActor package final class StatusServer {
    package struct Options: Sendable {
        package var path: String
        package var mode: UInt32 = 0o660
        /// The socket's group; nil leaves the one that the directory gives.
        package var group: String?
        package var adminGroup: String?
        /// Further clients wait in the kernel's queue; where descriptors are few, there are fewer
        /// places.
        package var connections: UInt32 = 1_024
        /// A connection on which nothing moves for so many seconds is closed.
        package var idleSeconds: UInt32 = 15
        package var bodyBytes = 1 << 20
        /// A handler that takes longer is answered for with 504.
        package var handlerTime: Duration = .seconds(30)
        package var eventClients = 16
        /// What may wait for one event client before it is dropped.
        package var eventBytes = 256 << 10
        package var eventHeartbeat: Duration = .seconds(30)

        package init(path: String) { self.path = path }
    }

    /// What happened at the socket since the start; nothing is refused without a count.
    package struct Counters: Sendable, Equatable {
        package var requests = 0
        package var refusedPeers = 0
        package var refusedBodies = 0
        package var timedOutHandlers = 0
        package var eventClients = 0
        package var droppedEventClients = 0
    }

    package private(set) var counters = Counters()
    let options: Options
    /// Who may change things beside root; the group's number.
    package let adminGroup: UInt32?
    let feed: EventFeed
    private(set) var router = Router()
    private var socket: ListeningSocket?
    private var daemon: OpaquePointer?
    private var readable: EventSource?
    private var timer: EventSource?
    fileprivate var isRunDue = false
    private var active: [ObjectIdentifier: Transaction] = [:]

    /// Binds the socket; it answers after ``start()``.
    package init(_ options: Options) throws(StatusError) {
        self.options = options
        adminGroup = try groupID(named: options.adminGroup)
        let group = try groupID(named: options.group)
        socket = try ListeningSocket(path: options.path, mode: options.mode, group: group)
        feed = EventFeed(options)
    }

    isolated deinit { stop() }

    /// Offers a path; with `subpaths` also everything below it.
    package func route(
        _ method: String, _ path: String, subpaths: Bool = false,
        _ handler: @escaping SocketHandler
    ) {
        router.add(method, path, subpaths: subpaths, .handler(handler))
    }

    /// Offers the stream of events (server-sent events) at a path.
    package func routeEvents(_ path: String) {
        router.add("GET", path, subpaths: false, .events)
    }

    /// Sends an event to every client of the stream; `data` is one JSON object.
    package func publish(_ event: String, _ data: [UInt8]) {
        feed.publish(event, data)
        counters.droppedEventClients = feed.dropped
    }

    /// Begins to answer.
    package func start() throws(StatusError) {
        guard daemon == nil, let listening = socket?.descriptor else { return }
        let me = Unmanaged.passUnretained(self).toOpaque()
        guard
            let made = hakaru_mhd_start(
                // The library closes the socket that it is given; this one's owner closes it too.
                dup(listening), min(options.connections, Self.affordable), options.idleSeconds,
                Transaction.onRequest, me, Transaction.onCompleted)
        else { throw .server(path: options.path) }
        daemon = made
        let descriptor = hakaru_mhd_epoll_fd(made)
        do throws(EventLoopError) {
            readable = try EventLoop.shared.onReadable(descriptor) { [weak self] _ in self?.run() }
        } catch {
            stop()
            throw .system(call: error.operation, path: options.path, code: error.code)
        }
    }

    /// What clients may take of the descriptors that the process may open.
    private static var affordable: UInt32 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 64 }
        return affordable(of: limit.rlim_cur)
    }

    /// Half of those beyond the first 32, which devices, the store and deliveries need; at least 4.
    nonisolated static func affordable(of descriptors: rlim_t) -> UInt32 {
        UInt32(clamping: max(4, (max(descriptors, 32) - 32) / 2))
    }

    /// Ends every connection and removes the socket's name; the server cannot be started again.
    package func stop() {
        socket = nil
        guard let daemon else { return }
        self.daemon = nil
        readable?.cancel()
        timer?.cancel()
        // The library stops the program if a suspended connection is left.
        for transaction in active.values { transaction.abandon() }
        MHD_stop_daemon(daemon)
        active.removeAll()
    }

    /// Lets the library work, and come back when it says so.
    fileprivate func run() {
        guard let daemon else { return }
        // A client may have waited for the place that another one leaves: the library looks for it
        // only when it is run again.
        var before: UInt32
        repeat {
            before = hakaru_mhd_connections(daemon)
            MHD_run(daemon)
        } while hakaru_mhd_connections(daemon) < before
        var milliseconds: UInt64 = 0
        guard MHD_get_timeout(daemon, &milliseconds) == .YES else { return }
        let delay = Duration.milliseconds(Int64(min(milliseconds, 3_600_000)))
        if let timer {
            timer.rearm(after: delay)
        } else {
            timer = EventLoop.shared.after(delay) { [weak self] in self?.run() }
        }
    }
}

// MARK: - What transactions tell

extension StatusServer {
    /// Lets the library see resumed connections: driven from outside, it does not wake itself.
    func resumed() {
        guard !isRunDue else { return }
        isRunDue = true
        spawn { [weak self] in
            self?.isRunDue = false
            self?.run()
        }
    }

    func opened(_ transaction: Transaction) {
        active[ObjectIdentifier(transaction)] = transaction
        counters.requests += 1
    }

    func closed(_ transaction: Transaction) {
        active[ObjectIdentifier(transaction)] = nil
        feed.remove(transaction)
        counters.eventClients = feed.count
    }

    func joined(_ transaction: Transaction) -> Bool {
        let fits = feed.add(transaction)
        counters.eventClients = feed.count
        return fits
    }

    func count(_ counter: WritableKeyPath<Counters, Int>) {
        counters[keyPath: counter] += 1
    }
}
