package import EventLoop
import Glibc
package import StationInput

/// A bar-code or magnetic reader that types like a keyboard: its event nodes, and no others, are grabbed,
/// so that what it reads reaches the gateway and nobody else.
@LoopActor package final class KeyboardReader: StationReader {
    private let nodes: [String]
    private let grab: (Int32) -> Int32
    private var input: KeyboardInput
    private var open: [OpenNode] = []
    private var give: @LoopActor (ReaderInput) -> Void = { _ in }
    private lazy var timer = PauseTimer { [weak self] in self?.paused() }
    private var end: USBError?
    private let changed = LoopCondition()

    private struct OpenNode {
        var descriptor: Int32
        var source: EventSource?
        /// Less than one event, where a read ends in the middle of one.
        var rest: [UInt8] = []
    }

    /// `EVIOCGRAB`: no other program and no console gets the events until the descriptor is closed.
    nonisolated static let exclusive: @Sendable (Int32) -> Int32 = { ioctl($0, 0x4004_4590, 1) }

    /// - Parameter nodes: the event nodes of one device, `/dev/input/event3`.
    package convenience init(nodes: [String], input: KeyboardInput) {
        self.init(nodes: nodes, input: input, grab: Self.exclusive)
    }

    init(nodes: [String], input: KeyboardInput, grab: @escaping (Int32) -> Int32) {
        self.nodes = nodes
        self.input = input
        self.grab = grab
    }

    package func run(
        opened: @escaping @LoopActor () -> Void,
        _ give: @escaping @LoopActor (ReaderInput) -> Void
    ) async -> USBError {
        self.give = give
        do throws(USBError) {
            for node in nodes { try openNode(node) }
        } catch {
            close()
            return error
        }
        opened()
        while end == nil { if (try? await changed.wait()) == nil { end = end ?? .cancelled } }
        close()
        return end ?? .cancelled
    }

    package func stop() {
        end = end ?? .cancelled
        changed.broadcast()
    }

    private func openNode(_ node: String) throws(USBError) {
        let descriptor = Glibc.open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.error(errno, node) }
        open.append(OpenNode(descriptor: descriptor))
        guard grab(descriptor) == 0 else { throw Self.error(errno, node) }
        let place = open.count - 1
        do {
            open[place].source = try EventLoop.shared.onReadable(descriptor) { [weak self] _ in
                self?.ready(place)
            }
        } catch {
            throw .failed("\(error)")
        }
    }

    private func ready(_ place: Int) {
        guard open.indices.contains(place) else { return }
        var buffer = [UInt8](repeating: 0, count: 64 * InputEvent.size)
        let count = read(open[place].descriptor, &buffer, buffer.count)
        guard count > 0 else {
            // A pulled reader ends its node.
            if count == 0 || (errno != EAGAIN && errno != EINTR) { finish(.gone) }
            return
        }
        open[place].rest += buffer[..<count]
        for event in InputEvent.take(&open[place].rest) {
            if let read = input.take(event) { give(read) }
        }
        timer.touch(isOpen: input.assembler.isOpen)
    }

    private func paused() {
        timer.touch(isOpen: false)
        if let read = input.paused() { give(read) }
    }

    private func finish(_ why: USBError) {
        // What was half typed when the cable was pulled is told as such.
        if let read = input.paused() { give(read) }
        end = end ?? why
        for place in open.indices { open[place].source?.cancel() }
        changed.broadcast()
    }

    private func close() {
        timer.touch(isOpen: false)
        for node in open {
            node.source?.cancel()
            Glibc.close(node.descriptor)
        }
        open = []
    }

    private static func error(_ code: Int32, _ node: String) -> USBError {
        switch code {
        case EACCES, EPERM: .permission(node: node)
        case ENOENT, ENXIO, ENODEV: .gone
        case EBUSY: .busy("\(node) is grabbed already; end the program that reads it")
        default: .failed("\(node): \(String(cString: strerror(code)))")
        }
    }
}
