/// A configuration that a device of IEEE 11073-20601 told of itself, with the bytes of its report.
///
/// Numbers above 4000 are a device's own: they mean something only together with its system id.
package struct KnownConfiguration: Sendable, Hashable {
    package var systemID: [UInt8]
    package var id: UInt16
    package var apdu: [UInt8]
    /// The firmware of the device when it told; another one may report otherwise under the same number.
    package var firmware: String?

    package init(systemID: [UInt8], id: UInt16, apdu: [UInt8], firmware: String? = nil) {
        self.systemID = systemID
        self.id = id
        self.apdu = apdu
        self.firmware = firmware
    }
}
