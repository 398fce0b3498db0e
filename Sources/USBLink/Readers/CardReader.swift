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
    /// Faults and disturbed looks since the start, for the status.
    package private(set) var troubles = 0

    /// Between two looks: what a person does not notice, and the machine hardly.
    static let betweenLooks = Duration.milliseconds(250)
    /// The reader answers within this or is set up anew.
    private static let limit = Duration.seconds(1)
    private static let mostFaults = 4

    /// - Returns: nil for a device that is no such reader.
    package init?(_ devices: any USBDevices, _ info: USBDeviceInfo, systemCode: UInt16) {
        // The reader's own interface, not the one that a smart-card service holds.
        guard let model = CardReaderModel(vendor: info.vendor, product: info.product),
            let transport = BulkTransport(devices, info, classCode: 0xFF)
        else { return nil }
        self.transport = transport
        self.model = model
        self.systemCode = systemCode
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
                if look == .disturbed { troubles += 1 }
                if let input = presence.saw(look) { give(input) }
            } catch {
                try await recover(from: error)
            }
            guard !isStopping else { return }
            do { _ = try await stopped.wait(for: Self.betweenLooks) } catch { throw .cancelled }
        }
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
        talk = model.talk(systemCode: systemCode)
        if let opening = talk.opening { try await transport.send(opening) }
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
