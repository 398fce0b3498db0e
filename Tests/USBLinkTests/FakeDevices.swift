import EventLoop

@testable import USBLink

/// Devices made of code: what each endpoint answers is written down before, what is sent is kept.
final class FakeDevices: USBDevices, Sendable {
    struct State {
        var opened: [(path: USBPath, claimed: [UInt8])] = []
        var closed = 0
        var answers: [UInt8: [Result<[UInt8], USBError>]] = [:]
        var written: [(endpoint: UInt8, bytes: [UInt8], closing: Bool)] = []
        var controls: [(setup: USBSetup, bytes: [UInt8], length: Int)] = []
        var controlAnswers: [Result<[UInt8], USBError>] = []
        var cleared: [UInt8] = []
        var refusal: USBError?
        /// Answers to each command of a storage, made from the wrapper that was written.
        var storage: (@Sendable ([UInt8]) -> [Result<[UInt8], USBError>])?
    }
    let state = Locked(State())

    func answer(_ endpoint: UInt8, _ results: Result<[UInt8], USBError>...) {
        state.withLock { $0.answers[endpoint, default: []] += results }
    }

    var written: [[UInt8]] { state.withLock { $0.written.map(\.bytes) } }

    func open(_ info: USBDeviceInfo, claiming: [UInt8]) async throws(USBError) -> USBHandle {
        try state.withLock { state throws(USBError) in
            if let refusal = state.refusal { throw refusal }
            state.opened.append((info.path, claiming))
            return USBHandle(number: state.opened.count)
        }
    }

    func close(_ handle: USBHandle) async { state.withLock { $0.closed += 1 } }

    func read(
        _ handle: USBHandle, _ endpoint: USBEndpoint, upTo length: Int, limit: Duration
    ) async throws(USBError) -> [UInt8] {
        let next = state.withLock { state -> Result<[UInt8], USBError>? in
            guard let first = state.answers[endpoint.address]?.first else { return nil }
            state.answers[endpoint.address]?.removeFirst()
            return first
        }
        return try (next ?? .failure(.gone)).get()
    }

    func write(
        _ handle: USBHandle, _ endpoint: USBEndpoint, _ bytes: [UInt8], limit: Duration,
        closing: Bool
    ) async throws(USBError) {
        state.withLock { state in
            state.written.append((endpoint.address, bytes, closing))
            let answers = state.storage?(bytes) ?? []
            state.answers[0x81, default: []] += answers
        }
    }

    func control(
        _ handle: USBHandle, _ setup: USBSetup, _ bytes: [UInt8], length: Int, limit: Duration
    ) async throws(USBError) -> [UInt8] {
        let next = state.withLock { state -> Result<[UInt8], USBError> in
            state.controls.append((setup, bytes, length))
            return state.controlAnswers.isEmpty
                ? .success(bytes) : state.controlAnswers.removeFirst()
        }
        return try next.get()
    }

    func clearHalt(_ handle: USBHandle, _ endpoint: USBEndpoint) async throws(USBError) {
        state.withLock { $0.cleared.append(endpoint.address) }
    }
}

extension USBDeviceInfo {
    /// A device with interfaces of these classes, each with the endpoints that are given.
    static func made(
        vendor: UInt16 = 0x1209, product: UInt16 = 1, _ interfaces: USBInterface...
    ) -> USBDeviceInfo {
        USBDeviceInfo(
            path: USBPath(bus: 1, ports: [1]), vendor: vendor, product: product,
            interfaces: interfaces)
    }
}

extension USBInterface {
    static func made(
        _ number: UInt8, _ code: UInt8, _ kind: USBEndpoint.Kind, packet: Int = 64,
        out: Bool = true, sub: UInt8 = 0, protocolCode: UInt8 = 0, name: String? = nil
    ) -> USBInterface {
        var made = USBInterface(
            number: number, classCode: code, subclass: sub, protocolCode: protocolCode,
            endpoints: [USBEndpoint(address: 0x81, kind: kind, maximumPacket: packet)])
        if out {
            made.endpoints.append(USBEndpoint(address: 0x02, kind: kind, maximumPacket: packet))
        }
        made.name = name
        return made
    }
}
