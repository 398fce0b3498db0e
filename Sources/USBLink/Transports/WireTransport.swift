package import DeviceLink
package import EventLoop

/// One way to talk with a device on a cable, open or not yet; each performs the actions it can.
@LoopActor package protocol WireTransport: AnyObject {
    /// Opens the device and claims it; kernel drivers give it up until `close`.
    func open() async throws(USBError)
    /// Waits for the next bytes from the device; the one call that may wait without end.
    func receive() async throws(USBError) -> [UInt8]
    func send(_ bytes: [UInt8]) async throws(USBError)
    /// Report ids, where reports have them, are the first of the bytes.
    func setFeature(report: UInt8, _ bytes: [UInt8]) async throws(USBError)
    func setOutput(report: UInt8, _ bytes: [UInt8]) async throws(USBError)
    func getFeature(report: UInt8, length: Int) async throws(USBError) -> [UInt8]
    func control(_ transfer: ControlTransfer) async throws(USBError) -> [UInt8]
    func inquire() async throws(USBError) -> StorageIdentity
    func readBlock(_ address: UInt32) async throws(USBError) -> [UInt8]
    func writeBlock(_ address: UInt32, _ bytes: [UInt8]) async throws(USBError)
    /// Ends what is under way and gives the device back; a second call does nothing.
    func close() async
}

extension WireTransport {
    package func setFeature(report: UInt8, _ bytes: [UInt8]) async throws(USBError) {
        throw .failed("this link has no feature reports")
    }
    package func setOutput(report: UInt8, _ bytes: [UInt8]) async throws(USBError) {
        throw .failed("this link has no output reports")
    }
    package func getFeature(report: UInt8, length: Int) async throws(USBError) -> [UInt8] {
        throw .failed("this link has no feature reports")
    }
    package func control(_ transfer: ControlTransfer) async throws(USBError) -> [UInt8] {
        throw .failed("this link has no control pipe")
    }
    package func inquire() async throws(USBError) -> StorageIdentity {
        throw .failed("this link is no storage")
    }
    package func readBlock(_ address: UInt32) async throws(USBError) -> [UInt8] {
        throw .failed("this link is no storage")
    }
    package func writeBlock(_ address: UInt32, _ bytes: [UInt8]) async throws(USBError) {
        throw .failed("this link is no storage")
    }
}
