/// A walk over the AD structures of raw advertising data that copies nothing.
///
/// Structures are a length, a type and data (Core Specification, volume 3, part C, 11). The walk ends
/// at a zero length, or before a structure that runs past the end; `isBroken` tells which.
package struct StructureWalk {
    /// Where the present structure's data begins and how long it is.
    package private(set) var start = 0
    package private(set) var count = 0
    package private(set) var type: UInt8 = 0
    /// The data ended in the middle of a structure.
    package private(set) var isBroken = false
    private var next = 0

    package init() {}

    /// Goes to the next structure; false where there is none.
    package mutating func advance(in bytes: Span<UInt8>) -> Bool {
        guard next < bytes.count else { return false }
        let length = Int(bytes[next])
        guard length > 0 else { return false }
        guard next + 1 + length <= bytes.count else {
            isBroken = true
            return false
        }
        type = bytes[next + 1]
        start = next + 2
        count = length - 1
        next += 1 + length
        return true
    }
}
