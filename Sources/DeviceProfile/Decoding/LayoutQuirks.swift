/// How a model departs from the Bluetooth SIG layout it claims, as its profile says.
package struct LayoutQuirks: Sendable, Equatable {
    /// Reserved flag bits may be set; they are ignored.
    package var ignoreReservedFlags = false
    /// Pulse rate and measurement status are big-endian (Beurer BM48, BM59, BM85, ELITE 900).
    package var pulseAndStatusBigEndian = false
    /// The user id is there although its flag is clear (same models).
    package var userIDAlwaysPresent = false
    /// The step of a weight in SI units, where it is not 0.005 kg; digits as text.
    package var weightStep: String?
    /// Flag bit 4 of a weight means "below zero" (Detecto).
    package var weightBit4IsNegative = false
    /// Bytes after the last field are allowed.
    package var ignoreTrailingBytes = false
    package init() {}
}

/// Refuses reserved bits that are set, unless the profile allows them.
func checkReserved(
    _ flags: Int, allowed: Int, quirks: LayoutQuirks, field: String, offset: Int
) throws(DecodeError) {
    guard quirks.ignoreReservedFlags || flags & ~allowed == 0 else {
        throw DecodeError("reserved bits are set in \(field)", offset: offset)
    }
}
