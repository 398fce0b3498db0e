import DeviceProfile
import EventLoop
import Measurement

/// Listens to what the kernel tells on the management socket, with one buffer for all messages.
@LoopActor final class AirListener {
    typealias Handler = @LoopActor (ManagementPacket, Span<UInt8>, GatewayTime) -> Void

    /// What could not be used, counted.
    struct Counters: Sendable, Equatable {
        var malformed = 0
        var tooLong = 0
    }
    private(set) var counters = Counters()
    private let socket: ManagementSocket
    private var source: EventSource?
    /// As long as the longest that the kernel sends: an extended advertisement of 1,650 bytes.
    private var buffer = [UInt8](repeating: 0, count: 4_096)
    private let handler: Handler
    private let onClose: @LoopActor (ManagementRefusal) -> Void
    private var answer: UInt8?
    private let answered = LoopCondition()
    /// Read at one wake-up; the rest waits until others on the loop had their turn.
    private static let messagesAtOnce = 64

    /// - Parameters:
    ///   - handler: called for each message, with the bytes that it lies in.
    ///   - onClose: called once when the socket has ended by itself.
    init(
        _ socket: consuming ManagementSocket, _ handler: @escaping Handler,
        onClose: @escaping @LoopActor (ManagementRefusal) -> Void
    ) throws(ManagementRefusal) {
        self.socket = socket
        self.handler = handler
        self.onClose = onClose
        do {
            source = try EventLoop.shared.onReadable(self.socket.descriptor) { [weak self] _ in
                self?.readable()
            }
        } catch {
            throw .unavailable(0)
        }
    }

    // The source ends before the socket that it watches is closed.
    isolated deinit { source?.cancel() }

    /// Asks whether this socket is shown what is on the air; returns where it is.
    ///
    /// The kernel looks at the permission before it looks for the controller: any other answer is a yes,
    /// also that there is no controller yet.
    func probe(within limit: Duration) async throws(ManagementRefusal) {
        answer = nil
        try socket.send(ManagementCommand.bytes(ManagementCommand.getConnections, controller: 0))
        _ = try? await answered.wait(for: limit) { self.answer != nil || self.source == nil }
        guard let answer else { throw .silent }
        guard answer != ManagementCommand.permissionDenied else { throw .denied }
    }

    /// Sends a command that is no question; the kernel's answer is counted with what else it says.
    func send(_ bytes: [UInt8]) throws(ManagementRefusal) { try socket.send(bytes) }

    private func readable() {
        let now = GatewayTime.now()
        // Taken out while it is written to, so that no copy is made of it.
        var bytes: [UInt8] = []
        swap(&bytes, &buffer)
        defer { swap(&bytes, &buffer) }
        for _ in 0..<Self.messagesAtOnce {
            switch socket.receive(&bytes) {
            case .nothing: return
            case .tooLong: counters.tooLong += 1
            case .message(let count): take(bytes.span.extracting(0..<count), now)
            case .closed(let code):
                source = nil
                answered.broadcast()
                return onClose(.unavailable(code))
            }
        }
    }

    private func take(_ bytes: Span<UInt8>, _ now: GatewayTime) {
        do throws(ManagementPacket.Malformed) {
            let packet = try ManagementPacket(parsing: bytes)
            if case .answer(ManagementCommand.getConnections, let status) = packet.content {
                answer = status
                answered.broadcast()
            } else {
                handler(packet, bytes, now)
            }
        } catch {
            counters.malformed += 1
        }
    }
}
