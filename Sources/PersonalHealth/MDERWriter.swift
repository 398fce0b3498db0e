/// Writes MDER; parts that carry their length get it when they are closed.
package struct MDERWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func uint8(_ value: UInt8) { bytes.append(value) }

    package mutating func uint16(_ value: UInt16) {
        bytes.append(UInt8(value >> 8))
        bytes.append(UInt8(value & 0xFF))
    }

    package mutating func uint32(_ value: UInt32) {
        uint16(UInt16(value >> 16))
        uint16(UInt16(value & 0xFFFF))
    }

    package mutating func raw(_ more: some Sequence<UInt8>) { bytes += more }

    /// What `body` writes, behind its length in two bytes.
    package mutating func lengthed(_ body: (inout MDERWriter) -> Void) {
        var inner = MDERWriter()
        body(&inner)
        uint16(UInt16(truncatingIfNeeded: inner.bytes.count))
        raw(inner.bytes)
    }

    package mutating func octets(_ value: some Sequence<UInt8>) { lengthed { $0.raw(value) } }

    /// Count, length, elements.
    package mutating func list<Element>(
        _ elements: [Element], _ write: (inout MDERWriter, Element) -> Void
    ) {
        uint16(UInt16(truncatingIfNeeded: elements.count))
        lengthed { writer in
            for element in elements { write(&writer, element) }
        }
    }
}
