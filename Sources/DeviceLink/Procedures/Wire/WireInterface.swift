package import Measurement

/// What happened on a cable; fed into a `WireSession`.
package enum WireEvent: Sendable {
    /// The interface is claimed, or the line is open with the settings of the profile.
    case opened(at: GatewayTime)
    /// Bytes as they came: one report, one bulk transfer, or whatever the line had at the moment.
    case received([UInt8], at: GatewayTime)
    /// The answer to `.getFeature`.
    case feature([UInt8], at: GatewayTime)
    /// The answer to `.control` in the direction to the host.
    case control([UInt8], at: GatewayTime)
    /// The answer to `.inquire`.
    case identity(StorageIdentity, at: GatewayTime)
    /// The answer to `.readBlock`.
    case block([UInt8], at: GatewayTime)
    /// An action without an answer of its own is done: a feature set, a block written.
    case done(at: GatewayTime)
    /// The device or the kernel refused the last action.
    case refused(String, at: GatewayTime)
    /// The entries of the commit with this number are on disk.
    case committed(Int, at: GatewayTime)
    /// The store cannot take them now; the session takes nothing more from the device.
    case commitFailed(Int, at: GatewayTime)
    case timer(WireTimer, at: GatewayTime)
    /// The device, or its cable, is gone.
    case unplugged(at: GatewayTime)
}

/// What a `WireSession` wants done.
package enum WireAction: Sendable {
    /// To the OUT endpoint, as a report where the interface is HID, or to the line. No answer.
    case send([UInt8])
    /// HID SET_REPORT (feature): answered by `.done`.
    case setFeature(report: UInt8, [UInt8])
    /// HID SET_REPORT (output) over endpoint 0, for devices without an OUT endpoint: `.done`.
    case setOutput(report: UInt8, [UInt8])
    case getFeature(report: UInt8, length: Int)
    case control(ControlTransfer)
    /// SCSI INQUIRY and the interface's string; nothing is written before its answer fits.
    case inquire
    /// SCSI READ(10) and WRITE(10) of one block of 512 bytes.
    case readBlock(UInt32)
    case writeBlock(UInt32, [UInt8])
    /// Store all entries and the memory in one transaction, then answer with `.committed`.
    case commit(SessionCommit)
    /// Start (or start again) a timer; `.cancelTimer` stops it.
    case startTimer(WireTimer, Interval)
    case cancelTimer(WireTimer)
    /// Something a person may want to know; no answer.
    case note(SessionNote)
    /// Release the interface, give it back to the kernel; no event will be taken any more.
    case finished(SessionEnd)
}

package enum WireTimer: Sendable, Hashable {
    /// An answer of the device is due.
    case reply
    /// A pause that the protocol asks for.
    case pause
}

/// A control transfer on endpoint 0, in the words of the USB specification.
package struct ControlTransfer: Sendable, Equatable {
    package var requestType: UInt8
    package var request: UInt8
    package var value: UInt16
    package var index: UInt16
    /// What goes to the device; empty in the other direction.
    package var data: [UInt8]
    /// How much may come from the device.
    package var length: Int

    package init(
        requestType: UInt8, request: UInt8, value: UInt16 = 0, index: UInt16 = 0,
        data: [UInt8] = [], length: Int = 0
    ) {
        self.requestType = requestType
        self.request = request
        self.value = value
        self.index = index
        self.data = data
        self.length = length
    }
}

/// What a mass-storage device says of itself before anything is written to it.
package struct StorageIdentity: Sendable, Equatable {
    /// Vendor and product of the INQUIRY answer, without the blanks at their ends.
    package var vendor: String
    package var product: String
    /// The string of the interface (iInterface).
    package var interface: String

    package init(vendor: String, product: String, interface: String) {
        self.vendor = vendor
        self.product = product
        self.interface = interface
    }
}
