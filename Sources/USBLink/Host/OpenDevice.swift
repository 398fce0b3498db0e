import CUSB

/// An open device; touched on the USB thread only.
///
/// The library's handle is given out only until the device begins to close, and asked for right where
/// it is used: between two steps of a transfer the device may have been closed by another task.
final class OpenDevice {
    let descriptor: Int32
    let claimed: [Int32]
    var transfers: [Int: UnsafeMutablePointer<libusb_transfer>] = [:]
    private var handle: OpaquePointer?
    private var numbers = 0
    private var drained: [CheckedContinuation<Void, Never>] = []

    init(handle: OpaquePointer, descriptor: Int32, claimed: [Int32]) {
        self.handle = handle
        self.descriptor = descriptor
        self.claimed = claimed
    }

    /// The handle, not to be kept; `.gone` once the device closes.
    func usable() throws(USBError) -> OpaquePointer {
        guard let handle else { throw .gone }
        return handle
    }

    /// Gives the handle to the one caller that closes the device, nil to every later one.
    func beginClosing() -> OpaquePointer? {
        defer { handle = nil }
        return handle
    }

    /// A number for a transfer, never used before.
    func nextNumber() -> Int {
        numbers += 1
        return numbers
    }

    /// Resumes once no transfer is under way; at once where none is.
    func whenDrained(_ continuation: CheckedContinuation<Void, Never>) {
        guard !transfers.isEmpty else { return continuation.resume() }
        drained.append(continuation)
    }

    /// Takes a transfer off that has ended.
    func ended(_ number: Int) {
        transfers[number] = nil
        guard transfers.isEmpty else { return }
        let waiting = drained
        drained = []
        for continuation in waiting { continuation.resume() }
    }
}
