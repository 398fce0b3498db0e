package import EventLoop
package import StationInput

/// A contactless card reader: looks for a card a few times a second while it is bound to a station.
@LoopActor package final class CardReader: StationReader {
    private let transport: BulkTransport
    private let model: CardReaderModel
    private let systemCode: UInt16
    private var talk: any CardTalk
    private var presence = CardPresence()
    private var isStopping = false
    private let stopped = LoopCondition()
    /// Faults since the last whole look.
    private var faults = 0
    /// Looks in a row that found something which could not be understood.
    private var disturbed = 0
    /// Faults and disturbed looks since the start, for the status.
    package private(set) var troubles = 0

    /// Between two looks.
    private let pause: Duration
    /// The reader answers within this or is set up anew.
    private static let limit = Duration.seconds(1)
    private static let mostFaults = 4
    /// A card at the edge of the field is understood before that; a reader that lost its state is not.
    private static let mostDisturbed = 8

    /// - Parameter pause: between two looks; by default what a person does not notice, and the
    ///   machine hardly.
    /// - Returns: nil for a device that is no such reader.
    package init?(
        _ devices: any USBDevices, _ info: USBDeviceInfo, systemCode: UInt16,
        pause: Duration = .milliseconds(250)
    ) {
        // The reader's own interface, not the one that a smart-card service holds.
        guard let model = CardReaderModel(vendor: info.vendor, product: info.product),
            let transport = BulkTransport(devices, info, classCode: 0xFF)
        else { return nil }
        self.transport = transport
        self.model = model
        self.systemCode = systemCode
        self.pause = pause
        talk = model.talk(systemCode: systemCode)
    }

    package func run(
        opened: @escaping @LoopActor () -> Void,
        _ give: @escaping @LoopActor (ReaderInput) -> Void
    ) async -> USBError {
        let end: USBError
        do throws(USBError) {
            try await transport.open()
            opened()
            try await watch(give)
            end = .cancelled
        } catch {
            end = isStopping ? .cancelled : error
        }
        if isStopping { for bytes in talk.farewell() { try? await transport.send(bytes) } }
        await transport.close()
        return end
    }

    package func stop() {
        isStopping = true
        stopped.broadcast()
    }

    private func watch(_ give: @LoopActor (ReaderInput) -> Void) async throws(USBError) {
        if let opening = talk.opening { try await transport.send(opening) }
        while !isStopping {
            do throws(LookFailure) {
                let look = try await look()
                faults = 0
                if let input = presence.saw(look) { give(input) }
                try await note(look)
            } catch {
                try await recover(from: error)
            }
            guard !isStopping else { return }
            do { _ = try await stopped.wait(for: pause) } catch { throw .cancelled }
        }
    }

    /// What goes on being disturbed may be the reader's own state: it is set up anew.
    private func note(_ look: CardLook) async throws(LookFailure) {
        guard look == .disturbed else { return disturbed = 0 }
        troubles += 1
        disturbed += 1
        guard disturbed % Self.mostDisturbed == 0 else { return }
        do throws(USBError) { try await begin() } catch { throw .device(error) }
    }

    /// Begins the talk from its start.
    private func begin() async throws(USBError) {
        talk = model.talk(systemCode: systemCode)
        if let opening = talk.opening { try await transport.send(opening) }
    }

    private enum LookFailure: Error {
        case device(USBError)
        case talk(CardFault)
    }

    /// A reader that has lost the thread is set up anew; one that never finds it is given up.
    private func recover(from failure: LookFailure) async throws(USBError) {
        troubles += 1
        faults += 1
        switch failure {
        case .device(.timeOut), .device(.overflow): break
        case .device(let error): throw error
        case .talk(let fault) where faults >= Self.mostFaults: throw .failed(fault.description)
        case .talk: break
        }
        guard faults < Self.mostFaults else { throw .timeOut }
        try await begin()
    }

    private func look() async throws(LookFailure) -> CardLook {
        var step = try told { talk throws(CardFault) in try talk.look() }
        while true {
            if case .looked(let look) = step { return look }
            let bytes = try await exchange(step)
            step = try told { talk throws(CardFault) in try talk.received(bytes) }
        }
    }

    private func exchange(_ step: CardStep) async throws(LookFailure) -> [UInt8] {
        do throws(USBError) {
            if case .send(let bytes) = step { try await transport.send(bytes) }
            return try await transport.receive(limit: Self.limit)
        } catch {
            throw .device(error)
        }
    }

    private func told(
        _ body: (inout any CardTalk) throws(CardFault) -> CardStep
    ) throws(LookFailure) -> CardStep {
        do throws(CardFault) { return try body(&talk) } catch { throw .talk(error) }
    }
}
