/// Bytes that the standard does not allow: what is wrong, and at which offset of the APDU.
package struct APDUError: Error, Sendable, Equatable, CustomStringConvertible {
    package var reason: String
    package var offset: Int

    package init(_ reason: String, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "byte \(offset): \(reason)" }
}
