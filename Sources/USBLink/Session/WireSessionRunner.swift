package import DeviceLink
package import EventLoop
package import Measurement

/// Runs a session on a cable: performs its actions on a transport and feeds the answers back.
///
/// What is asked of the device goes out one thing after the other. The device is read only while
/// there is room for what it sends, so a flood is held up on the bus or in the line's own buffer.
@LoopActor package final class WireSessionRunner {
    /// What the runner needs besides the session and the transport.
    package struct Surroundings {
        package var maximumEvents = 64
        /// The gateway's clocks.
        package var clock: @LoopActor () -> GatewayTime
        /// Stores a commit; true once it is on disk.
        package var commit: @LoopActor @Sendable (SessionCommit) async -> Bool
        package var note: @LoopActor (SessionNote) -> Void

        package init(
            clock: @escaping @LoopActor () -> GatewayTime,
            commit: @escaping @LoopActor @Sendable (SessionCommit) async -> Bool,
            note: @escaping @LoopActor (SessionNote) -> Void = { _ in }
        ) {
            self.clock = clock
            self.commit = commit
            self.note = note
        }
    }

    private var session: WireSession
    private let transport: any WireTransport
    private let surroundings: Surroundings
    private var events: [WireEvent] = []
    private var requests: [WireAction] = []
    private var timers: [WireTimer: EventSource] = [:]
    private var tasks: [Task<Void, Never>] = []
    private var end: SessionEnd?
    private var isLost = false
    private var isStopped = false
    private let arrived = LoopCondition()
    private let room = LoopCondition()
    private let requested = LoopCondition()
    /// Reads in a row that failed although the device is there; then the link counts as lost.
    private static let mostFailures = 3

    package init(
        session: WireSession, transport: any WireTransport, surroundings: Surroundings
    ) {
        self.session = session
        self.transport = transport
        self.surroundings = surroundings
    }

    /// Runs the session to its end; the device is closed when it returns.
    package func run() async -> SessionEnd {
        do throws(USBError) {
            try await transport.open()
        } catch {
            await transport.close()
            return error.sessionEnd
        }
        feed(.opened(at: surroundings.clock()))
        if isLost { feed(.unplugged(at: surroundings.clock())) }
        tasks = [spawn { await self.read() }, spawn { await self.work() }]
        while end == nil {
            guard !events.isEmpty else {
                guard (try? await arrived.wait()) != nil else { break }
                continue
            }
            let event = events.removeFirst()
            room.broadcast()
            for action in session.handle(event) { perform(action) }
        }
        await finish()
        let reached = end ?? .interrupted("the session was stopped")
        if isStopped, case .interrupted = reached {
            return .interrupted("the session was stopped")
        }
        return reached
    }

    /// Ends the session gracefully: what has arrived is stored, the device is given back.
    package func stop() {
        isStopped = true
        unplugged()
    }

    /// The device has left; its transfers may say so too, before or after.
    package func unplugged() {
        guard !isLost else { return }
        isLost = true
        feed(.unplugged(at: surroundings.clock()))
    }

    private func finish() async {
        timers = [:]
        for task in tasks { task.cancel() }
        await transport.close()
        for task in tasks { await task.value }
        tasks = []
    }

    private func feed(_ event: WireEvent) {
        events.append(event)
        arrived.broadcast()
    }

    // MARK: from the device

    private func read() async {
        var failures = 0
        while !isLost, !Task.isCancelled {
            while events.count >= surroundings.maximumEvents {
                guard (try? await room.wait()) != nil else { return }
            }
            do throws(USBError) {
                let bytes = try await transport.receive()
                failures = 0
                feed(.received(bytes, at: surroundings.clock()))
            } catch {
                switch error {
                case .cancelled: return
                case .gone: return unplugged()
                case .timeOut: continue
                default:
                    failures += 1
                    surroundings.note(.refused(step: "read", error.description))
                    if failures >= Self.mostFailures { return unplugged() }
                }
            }
        }
    }

    // MARK: to the device

    private func perform(_ action: WireAction) {
        switch action {
        case .commit(let commit):
            tasks.append(spawn { await self.store(commit) })
        case .startTimer(let timer, let length):
            let limit = Duration.microseconds(max(0, length.microseconds))
            timers[timer] = EventLoop.shared.after(limit) { [weak self] in
                guard let self else { return }
                timers[timer] = nil
                feed(.timer(timer, at: surroundings.clock()))
            }
        case .cancelTimer(let timer): timers[timer] = nil
        case .note(let note): surroundings.note(note)
        case .finished(let end): self.end = end
        default:
            requests.append(action)
            requested.broadcast()
        }
    }

    private func work() async {
        while !Task.isCancelled {
            guard !requests.isEmpty else {
                guard (try? await requested.wait()) != nil else { return }
                continue
            }
            let request = requests.removeFirst()
            do throws(USBError) {
                if let answer = try await ask(request) { feed(answer) }
            } catch {
                switch error {
                case .cancelled: return
                case .gone: unplugged()
                default: feed(.refused(error.description, at: surroundings.clock()))
                }
            }
        }
    }

    private func ask(_ action: WireAction) async throws(USBError) -> WireEvent? {
        switch action {
        case .send(let bytes):
            try await transport.send(bytes)
            return nil
        case .setFeature(let report, let bytes):
            try await transport.setFeature(report: report, bytes)
        case .setOutput(let report, let bytes):
            try await transport.setOutput(report: report, bytes)
        case .getFeature(let report, let length):
            let bytes = try await transport.getFeature(report: report, length: length)
            return .feature(bytes, at: surroundings.clock())
        case .control(let transfer):
            let bytes = try await transport.control(transfer)
            if transfer.requestType & 0x80 != 0 { return .control(bytes, at: surroundings.clock()) }
        case .inquire: return .identity(try await transport.inquire(), at: surroundings.clock())
        case .readBlock(let address):
            return .block(try await transport.readBlock(address), at: surroundings.clock())
        case .writeBlock(let address, let bytes):
            try await transport.writeBlock(address, bytes)
        case .commit, .startTimer, .cancelTimer, .note, .finished: return nil
        }
        return .done(at: surroundings.clock())
    }

    private func store(_ commit: SessionCommit) async {
        let stored = await surroundings.commit(commit)
        let time = surroundings.clock()
        feed(stored ? .committed(commit.number, at: time) : .commitFailed(commit.number, at: time))
    }
}

extension USBError {
    /// How a session ends whose device cannot be opened.
    var sessionEnd: SessionEnd {
        switch self {
        case .permission: .needsPerson(description)
        default: .interrupted(description)
        }
    }
}
