/// A descriptor of a device that cannot be what it says.
package struct DescriptorError: Error, Sendable, Equatable, CustomStringConvertible {
    package var reason: String
    package var offset: Int
    package var description: String { "\(reason) at byte \(offset)" }
}

/// Reads the device descriptor and its first configuration, as sysfs hands them out.
///
/// A device may lie in every byte: nothing is taken on trust but the length of the bytes themselves.
package enum DescriptorReader {
    private enum Kind {
        static let device: UInt8 = 1
        static let configuration: UInt8 = 2
        static let interface: UInt8 = 4
        static let endpoint: UInt8 = 5
    }

    /// - Parameter bytes: a device descriptor, then configurations; only the first one is read.
    package static func read(
        _ bytes: [UInt8], path: USBPath
    ) throws(DescriptorError) -> USBDeviceInfo {
        guard bytes.count >= 18, bytes[0] >= 18, bytes[1] == Kind.device else {
            throw DescriptorError(reason: "no device descriptor", offset: 0)
        }
        var info = USBDeviceInfo(
            path: path, vendor: word(bytes, 8), product: word(bytes, 10),
            release: word(bytes, 12), classCode: bytes[4])
        let start = Int(bytes[0])
        guard start < bytes.count else { return info }
        guard bytes.count >= start + 9, bytes[start] >= 9, bytes[start + 1] == Kind.configuration
        else { throw DescriptorError(reason: "no configuration descriptor", offset: start) }
        let end = min(bytes.count, start + Int(word(bytes, start + 2)))
        info.interfaces = try interfaces(bytes, from: start + Int(bytes[start]), to: end)
        return info
    }

    private static func interfaces(
        _ bytes: [UInt8], from start: Int, to end: Int
    ) throws(DescriptorError) -> [USBInterface] {
        var found: [USBInterface] = []
        var isAlternate = false
        var offset = start
        while offset < end {
            let length = Int(bytes[offset])
            guard length >= 2, offset + length <= end else {
                throw DescriptorError(reason: "a descriptor runs past the end", offset: offset)
            }
            switch bytes[offset + 1] {
            case Kind.interface:
                guard length >= 9 else {
                    throw DescriptorError(reason: "an interface is too short", offset: offset)
                }
                isAlternate = bytes[offset + 3] != 0
                if !isAlternate { found.append(interface(bytes, offset)) }
            case Kind.endpoint:
                guard length >= 7 else {
                    throw DescriptorError(reason: "an endpoint is too short", offset: offset)
                }
                if !isAlternate, !found.isEmpty {
                    found[found.count - 1].endpoints.append(endpoint(bytes, offset))
                }
            // Class descriptors are not needed, and those of serial adapters are often broken.
            default: break
            }
            offset += length
        }
        return found
    }

    private static func interface(_ bytes: [UInt8], _ offset: Int) -> USBInterface {
        USBInterface(
            number: bytes[offset + 2], classCode: bytes[offset + 5], subclass: bytes[offset + 6],
            protocolCode: bytes[offset + 7])
    }

    private static func endpoint(_ bytes: [UInt8], _ offset: Int) -> USBEndpoint {
        USBEndpoint(
            address: bytes[offset + 2],
            kind: USBEndpoint.Kind(rawValue: bytes[offset + 3] & 3) ?? .control,
            maximumPacket: Int(word(bytes, offset + 4) & 0x7FF))
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt16 {
        UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
    }
}

extension HIDUsage {
    /// The outermost collection of a HID report descriptor; nil where it has none.
    package init?(reportDescriptor bytes: [UInt8]) {
        var page: UInt16 = 0
        var usage: UInt16?
        var first: (page: UInt16, usage: UInt16)?
        var ids = false
        var offset = 0
        while offset < bytes.count {
            let prefix = bytes[offset]
            if prefix == 0xFE {  // A long item: its length is in the next byte.
                guard offset + 1 < bytes.count else { break }
                offset += 3 + Int(bytes[offset + 1])
                continue
            }
            let size = prefix & 3 == 3 ? 4 : Int(prefix & 3)
            guard offset + 1 + size <= bytes.count else { return nil }
            var value: UInt32 = 0
            for place in 0..<size {
                value |= UInt32(bytes[offset + 1 + place]) << UInt32(8 * place)
            }
            switch prefix & 0xFC {
            case 0x04: page = UInt16(truncatingIfNeeded: value)
            case 0x08: usage = UInt16(truncatingIfNeeded: value)
            case 0x84: ids = true
            case 0xA0:
                if first == nil { first = (page, usage ?? 0) }
                usage = nil
            default: break
            }
            offset += 1 + size
        }
        guard let first else { return nil }
        self.init(page: first.page, usage: first.usage, hasReportIDs: ids)
    }
}
