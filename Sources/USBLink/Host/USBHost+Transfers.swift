import CUSB
import EventLoop
import Glibc

extension USBHost {
    /// Reads once from an interrupt or bulk endpoint; fewer bytes than asked for are normal.
    ///
    /// - Parameter limit: zero waits until something comes, the device leaves or the task is cancelled.
    package func read(
        _ token: USBHandle, _ endpoint: USBEndpoint, upTo length: Int, limit: Duration
    ) async throws(USBError) -> [UInt8] {
        try await transfer(
            token, Request(endpoint: endpoint, bytes: [], length: length, limit: limit))
    }

    /// Writes all bytes to an interrupt or bulk endpoint.
    ///
    /// - Parameter closing: end a message that fills its last packet with an empty one.
    package func write(
        _ token: USBHandle, _ endpoint: USBEndpoint, _ bytes: [UInt8], limit: Duration,
        closing: Bool = false
    ) async throws(USBError) {
        var request = Request(
            endpoint: endpoint, bytes: bytes, length: bytes.count, limit: limit)
        request.flags = closing ? UInt8(LIBUSB_TRANSFER_ADD_ZERO_PACKET.rawValue) : 0
        let sent = try await transfer(token, request)
        guard sent.count == bytes.count else {
            throw .failed("the device took \(sent.count) of \(bytes.count) bytes")
        }
    }

    /// A request on the control pipe.
    ///
    /// - Returns: what the device sent; for requests towards the device what it took.
    package func control(
        _ token: USBHandle, _ setup: USBSetup, _ bytes: [UInt8] = [], length: Int = 0,
        limit: Duration = .seconds(2)
    ) async throws(USBError) -> [UInt8] {
        let size = setup.isIn ? length : bytes.count
        var request = Request(
            endpoint: USBEndpoint(address: 0, kind: .control, maximumPacket: 64),
            bytes: setup.bytes(length: size) + (setup.isIn ? [] : bytes),
            length: 8 + size, limit: limit)
        request.skip = 8
        return try await transfer(token, request)
    }

    /// Lets a stalled endpoint work again.
    package func clearHalt(_ token: USBHandle, _ endpoint: USBEndpoint) throws(USBError) {
        guard let device = opened[token] else { throw .gone }
        let result = libusb_clear_halt(try device.usable(), endpoint.address)
        guard result == 0 else { throw USBError(result, node: nil) }
    }

    struct Request {
        var endpoint: USBEndpoint
        var bytes: [UInt8]
        var length: Int
        var limit: Duration
        var flags: UInt8 = 0
        /// Bytes before the data: the set-up packet of a control transfer.
        var skip = 0
    }

    /// Longest transfer; what devices here send at once is far below.
    private static let longest = 65_536

    private func transfer(
        _ token: USBHandle, _ request: Request
    ) async throws(USBError) -> [UInt8] {
        guard let device = opened[token] else { throw .gone }
        guard (0...Self.longest).contains(request.length) else {
            throw .failed("a transfer of \(request.length) bytes")
        }
        let number = device.nextNumber()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                submit(
                    request, on: device, Pending(device, number, request.skip, continuation))
            }
        } onCancel: {
            spawn { await self.cancel(number, on: token) }
        }
        return try result.get()
    }

    private func cancel(_ number: Int, on token: USBHandle) {
        guard let transfer = opened[token]?.transfers[number] else { return }
        libusb_cancel_transfer(transfer)
    }

    /// Hands a transfer to the library.
    ///
    /// Other jobs of this actor may have run since the request was let in, a close among them; the
    /// library would use what it has freed. From here on nothing comes in between.
    func submit(_ request: Request, on device: OpenDevice, _ pending: Pending) {
        let handle: OpaquePointer
        do throws(USBError) { handle = try device.usable() } catch {
            return pending.resume(.failure(error))
        }
        // The task was cancelled before there was a transfer that could have been.
        guard !Task.isCancelled else { return pending.resume(.failure(.cancelled)) }
        guard let transfer = libusb_alloc_transfer(0) else {
            return pending.resume(.failure(.failed("no memory for a transfer")))
        }
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, request.length))
        buffer.initialize(repeating: 0, count: max(1, request.length))
        for (place, byte) in request.bytes.enumerated() { buffer[place] = byte }
        let limit = UInt32(clamping: request.limit.wholeMilliseconds)
        transfer.pointee.dev_handle = handle
        transfer.pointee.endpoint = request.endpoint.address
        transfer.pointee.type = request.endpoint.kind.rawValue
        transfer.pointee.timeout = limit
        transfer.pointee.flags = request.flags
        transfer.pointee.buffer = buffer
        transfer.pointee.length = Int32(request.length)
        transfer.pointee.user_data = Unmanaged.passRetained(pending).toOpaque()
        transfer.pointee.callback = { transfer in
            guard let transfer, let context = transfer.pointee.user_data else { return }
            Unmanaged<Pending>.fromOpaque(context).takeRetainedValue().ended(transfer)
        }
        device.transfers[pending.number] = transfer
        let result = libusb_submit_transfer(transfer)
        guard result != 0 else { return }
        Unmanaged.passUnretained(pending).release()
        buffer.deallocate()
        libusb_free_transfer(transfer)
        device.ended(pending.number)
        pending.resume(.failure(USBError(result, node: nil)))
    }
}

/// A transfer under way; ended once, on the USB thread.
final class Pending {
    private let device: OpenDevice
    let number: Int
    private let skip: Int
    private let continuation: CheckedContinuation<Result<[UInt8], USBError>, Never>

    init(
        _ device: OpenDevice, _ number: Int, _ skip: Int,
        _ continuation: CheckedContinuation<Result<[UInt8], USBError>, Never>
    ) {
        self.device = device
        self.number = number
        self.skip = skip
        self.continuation = continuation
    }

    func resume(_ result: Result<[UInt8], USBError>) { continuation.resume(returning: result) }

    func ended(_ transfer: UnsafeMutablePointer<libusb_transfer>) {
        let result = outcome(transfer.pointee)
        transfer.pointee.buffer?.deallocate()
        libusb_free_transfer(transfer)
        device.ended(number)
        resume(result)
    }

    private func outcome(_ transfer: libusb_transfer) -> Result<[UInt8], USBError> {
        let count = Int(transfer.actual_length)
        switch transfer.status {
        case LIBUSB_TRANSFER_COMPLETED:
            return .success(Array(UnsafeBufferPointer(start: transfer.buffer + skip, count: count)))
        // What came before the time was over has left the device: it must not be dropped.
        case LIBUSB_TRANSFER_TIMED_OUT where count > 0 && transfer.endpoint & 0x80 != 0:
            return .success(Array(UnsafeBufferPointer(start: transfer.buffer, count: count)))
        case LIBUSB_TRANSFER_TIMED_OUT: return .failure(.timeOut)
        case LIBUSB_TRANSFER_CANCELLED: return .failure(.cancelled)
        case LIBUSB_TRANSFER_STALL: return .failure(.stalled)
        case LIBUSB_TRANSFER_NO_DEVICE: return .failure(.gone)
        case LIBUSB_TRANSFER_OVERFLOW: return .failure(.overflow)
        default: return .failure(.failed("the transfer failed"))
        }
    }
}

/// The set-up packet of a control request, without its length.
package struct USBSetup: Sendable, Hashable {
    package var type: UInt8
    package var request: UInt8
    package var value: UInt16
    package var index: UInt16

    package init(type: UInt8, request: UInt8, value: UInt16, index: UInt16) {
        self.type = type
        self.request = request
        self.value = value
        self.index = index
    }

    var isIn: Bool { type & 0x80 != 0 }

    func bytes(length: Int) -> [UInt8] {
        let words = [value, index, UInt16(clamping: length)].flatMap {
            [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
        }
        return [type, request] + words
    }
}

extension Duration {
    /// Milliseconds, rounded up: a limit that is not zero never becomes none.
    fileprivate var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
