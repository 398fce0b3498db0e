import Crypto
import DataFiles
import DeviceProfile
import JSON
import Measurement
import TapeLink

/// Which profile a device on a cable gets: by its numbers, its descriptors, or a recorded session.
extension ExplainCommand {
    static func cable(_ options: [String: String]) throws(CommandError) -> CableDevice? {
        if let file = options["tape"] { return try cable(tape: file) }
        guard options["usb"] != nil || options["device-descriptor"] != nil else { return nil }
        var device = CableDevice(product: options["product"])
        if let text = options["usb"] {
            guard let code = CableRule.ProductCode(text) else {
                throw CommandError.usage("--usb is '\(text)'; accepted: VID:PID such as 0590:0028")
            }
            device.vendorID = code.vendor
            device.productID = code.product
        }
        do throws(DecodeError) {
            if let bytes = try hex("device-descriptor", options) {
                let descriptor = try USBDescriptors.device(bytes)
                device.vendorID = descriptor.vendorID
                device.productID = descriptor.productID
            }
            if let bytes = try hex("configuration", options) {
                device.interfaceClasses = Set(
                    try USBDescriptors.interfaces(bytes).map(\.interfaceClass))
            }
            if let bytes = try hex("report-descriptor", options) {
                device.usagePages = try USBDescriptors.report(bytes).usagePages
            }
        } catch {
            throw CommandError.failed("a descriptor is broken: \(error)")
        }
        device.boundTo = try options["bound-to"].map { model throws(CommandError) in
            try DecodeCommand.profile(model).id
        }
        return device
    }

    private static func hex(
        _ name: String, _ options: [String: String]
    ) throws(DecodeError) -> [UInt8]? {
        guard let text = options[name] else { return nil }
        guard let bytes = hexBytes(text) else {
            throw DecodeError("--\(name) is not pairs of hexadecimal digits", offset: 0)
        }
        return bytes
    }

    private static func cable(tape file: String) throws(CommandError) -> CableDevice? {
        do {
            let tape = try TapeParser.parse(try FileReader.read(file), file: file)
            return tape.header.transport == .bluetoothLE ? nil : tape.header.cable
        } catch {
            throw CommandError.failed("\(error)")
        }
    }

    static func explain(
        _ device: CableDevice, _ options: [String: String]
    ) throws(CommandError) -> String {
        let profiles = try DecodeCommand.loadedProfiles().index
        let shown = try? descriptors(options)
        return json(profiles.match(device), profiles.candidates(device)) { writer in
            guard let shown, !shown.isEmpty else { return }
            writer.member(
                "descriptors",
                object: { writer in
                    for (name, value) in shown {
                        if let number = Int(value), String(number) == value {
                            writer.member(name, number)
                        } else {
                            writer.member(name, value)
                        }
                    }
                })
        }
    }

    /// What the descriptors say, under the names of the USB specification.
    private static func descriptors(
        _ options: [String: String]
    ) throws(DecodeError) -> [(String, String)] {
        var out: [(String, String)] = []
        func word(_ value: UInt16) -> String {
            hexadecimal([UInt8(value >> 8), UInt8(value & 0xFF)])
        }
        if let bytes = try hex("device-descriptor", options) {
            let device = try USBDescriptors.device(bytes)
            out += [
                ("vid", word(device.vendorID)), ("pid", word(device.productID)),
                ("bcdUSB", word(device.usbVersion)), ("bcdDevice", word(device.version)),
                ("bMaxPacketSize0", String(device.packetSize0)),
                ("iManufacturer", String(device.manufacturerIndex)),
                ("iProduct", String(device.productIndex)), ("iSerial", String(device.serialIndex)),
                ("numConfigurations", String(device.configurations)),
            ]
        }
        if let bytes = try hex("configuration", options) {
            let interfaces = try USBDescriptors.interfaces(bytes)
            if let first = interfaces.first {
                out.append(("interfaceClass", String(first.interfaceClass)))
            }
            let endpoints = interfaces.flatMap(\.endpoints)
            if let endpoint = endpoints.first(where: { $0.address & 0x80 != 0 }) {
                out.append(("ep_in", "0x" + hexadecimal([endpoint.address])))
                out.append(("interval_ms", String(endpoint.interval)))
                out.append(("max_packet", String(endpoint.packetSize)))
            }
            if let endpoint = endpoints.first(where: { $0.address & 0x80 == 0 }) {
                out.append(("ep_out", "0x" + hexadecimal([endpoint.address])))
            }
        }
        if let bytes = try hex("report-descriptor", options) {
            out.append(
                ("feature_report_bytes", String(try USBDescriptors.report(bytes).featureBytes)))
        }
        return out
    }
}
