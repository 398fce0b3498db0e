package import DeviceProfile
package import EventLoop
package import StationInput

/// A bar-code scanner on a serial line.
@LoopActor package final class LineReader: StationReader {
    private let transport: SerialTransport
    private var input: LineInput
    private var give: @LoopActor (ReaderInput) -> Void = { _ in }
    private lazy var timer = PauseTimer { [weak self] in self?.paused() }
    private var isStopping = false

    package init(node: String, line: WirePlan.Line, input: LineInput) {
        transport = SerialTransport(node: node, line: line)
        self.input = input
    }

    package func run(
        opened: @escaping @LoopActor () -> Void,
        _ give: @escaping @LoopActor (ReaderInput) -> Void
    ) async -> USBError {
        self.give = give
        let end: USBError
        do throws(USBError) {
            try await transport.open()
            opened()
            while true { take(try await transport.receive()) }
        } catch {
            end = isStopping ? .cancelled : error
        }
        await transport.close()
        paused()
        return end
    }

    package func stop() {
        isStopping = true
        // Ends the wait for bytes.
        spawn { await self.transport.close() }
    }

    private func take(_ bytes: [UInt8]) {
        for byte in bytes { if let read = input.take(byte) { give(read) } }
        timer.touch(isOpen: input.assembler.isOpen)
    }

    private func paused() {
        timer.touch(isOpen: false)
        if let read = input.paused() { give(read) }
    }
}
