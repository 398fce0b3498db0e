/// The descriptors of a USB device, as the device sends them; broken ones name the byte.
package struct USBDescriptors: Sendable, Equatable {
    package struct Endpoint: Sendable, Equatable {
        package var address: UInt8
        package var packetSize: Int
        package var interval: Int
    }
    package struct Interface: Sendable, Equatable {
        package var number: UInt8
        package var interfaceClass: UInt8
        package var endpoints: [Endpoint] = []
    }
    package struct Device: Sendable, Equatable {
        package var usbVersion: UInt16
        package var packetSize0: UInt8
        package var vendorID: UInt16
        package var productID: UInt16
        package var version: UInt16
        package var manufacturerIndex: UInt8
        package var productIndex: UInt8
        package var serialIndex: UInt8
        package var configurations: UInt8
    }

    /// Reads a device descriptor of 18 bytes.
    package static func device(_ bytes: [UInt8]) throws(DecodeError) -> Device {
        guard bytes.count == 18, bytes[0] == 18, bytes[1] == 1 else {
            throw DecodeError("a device descriptor has 18 bytes and type 1", offset: 0)
        }
        let places = try Places(bytes, atLeast: 18)
        func word(_ at: Int) -> UInt16 { UInt16(places.le16(at)) }
        return Device(
            usbVersion: word(2), packetSize0: bytes[7], vendorID: word(8), productID: word(10),
            version: word(12), manufacturerIndex: bytes[14], productIndex: bytes[15],
            serialIndex: bytes[16], configurations: bytes[17])
    }

    /// Reads the interfaces of a configuration descriptor with all that follows it.
    package static func interfaces(_ bytes: [UInt8]) throws(DecodeError) -> [Interface] {
        var found: [Interface] = []
        var at = 0
        while at < bytes.count {
            let length = Int(bytes[at])
            guard length >= 2, at + length <= bytes.count else {
                throw DecodeError("a descriptor of \(length) bytes", offset: at)
            }
            switch bytes[at + 1] {
            case 4 where length >= 9:
                found.append(Interface(number: bytes[at + 2], interfaceClass: bytes[at + 5]))
            case 5 where length >= 7 && !found.isEmpty:
                found[found.count - 1].endpoints.append(
                    Endpoint(
                        address: bytes[at + 2],
                        packetSize: Int(bytes[at + 4]) | Int(bytes[at + 5]) << 8,
                        interval: Int(bytes[at + 6])))
            default: break
            }
            at += length
        }
        return found
    }

    /// Usage pages of the collections, and the bytes of the feature reports, of a report descriptor.
    package static func report(
        _ bytes: [UInt8]
    ) throws(DecodeError) -> (usagePages: Set<UInt16>, featureBytes: Int) {
        var pages: Set<UInt16> = []
        var size = 0
        var count = 0
        var featureBits = 0
        var at = 0
        while at < bytes.count {
            let prefix = bytes[at]
            let width = [0, 1, 2, 4][Int(prefix & 3)]
            guard at + 1 + width <= bytes.count else {
                throw DecodeError("the report descriptor ends inside an item", offset: at)
            }
            let value = (0..<width).reduce(0) { $0 | Int(bytes[at + 1 + $1]) << (8 * $1) }
            switch prefix & 0xFC {
            case 0x04: pages.insert(UInt16(truncatingIfNeeded: value))
            case 0x74: size = min(value, 4_096)
            case 0x94: count = min(value, 4_096)
            case 0xB0: featureBits += size * count
            default: break
            }
            at += 1 + width
        }
        return (pages, featureBits / 8)
    }
}
