import Glibc

/// Reads what the kernel knows of USB devices from `/sys/bus/usb/devices`; opens no device.
package struct DeviceTree: Sendable {
    private let root: String
    /// Longest descriptor file that is read: more than any real device has.
    private static let longest = 16_384

    package init(root: String = "/sys/bus/usb/devices") { self.root = root }

    /// A device; nil where it has gone in the meantime.
    package func device(_ path: USBPath) throws(DescriptorError) -> USBDeviceInfo? {
        let folder = "\(root)/\(path)"
        guard let bytes = bytes(folder + "/descriptors"), !bytes.isEmpty else { return nil }
        var info = try DescriptorReader.read(bytes, path: path)
        info.manufacturerName = text(folder + "/manufacturer")
        info.productName = text(folder + "/product")
        info.serial = text(folder + "/serial")
        info.node = node(path)
        // The kernel tells of a device before it has made the interfaces.
        let chosen = text(folder + "/bConfigurationValue")
        info.isSettled = chosen != nil && !info.interfaces.isEmpty
        let configuration = chosen ?? "1"
        for index in info.interfaces.indices {
            let number = info.interfaces[index].number
            let place = "\(root)/\(path):\(configuration).\(number)"
            if access(place, F_OK) != 0 { info.isSettled = false }
            info.interfaces[index].name = text(place + "/interface")
            info.interfaces[index].driver = link(place + "/driver")
            if info.interfaces[index].classCode == 3 {
                info.interfaces[index].usage = usage(place)
                if info.interfaces[index].usage == nil { info.isSettled = false }
            }
        }
        return info
    }

    /// The serial lines (`ttyUSB0`) that the kernel made for a device, in the order of interfaces.
    package func lines(_ path: USBPath) -> [String] {
        entries(root).filter { $0.hasPrefix("\(path):") }.sorted().flatMap { place in
            // Bridges have the line as a folder of the interface, CDC below `tty`.
            let own = entries("\(root)/\(place)").filter { $0.hasPrefix("ttyUSB") }
            let below = entries("\(root)/\(place)/tty").filter { $0.hasPrefix("tty") }
            return Set(own + below).sorted()
        }
    }

    /// The event nodes of a device that types: digits and Enter are among their keys.
    ///
    /// Buttons for sound and power have nodes of their own, which are none of them.
    package func keyboards(_ path: USBPath) -> [String] {
        entries(root).filter { $0.hasPrefix("\(path):") }.sorted().flatMap { place in
            entries("\(root)/\(place)").filter { $0.contains(".") }.sorted().flatMap { hid in
                let inputs = "\(root)/\(place)/\(hid)/input"
                return entries(inputs).filter { types("\(inputs)/\($0)") }.flatMap { input in
                    entries("\(inputs)/\(input)").filter { $0.hasPrefix("event") }
                        .map { "/dev/input/" + $0 }
                }
            }
        }.sorted()
    }

    /// `KEY_1` to `KEY_0` and `KEY_ENTER` are bits of the last word of the kernel's list of keys.
    private func types(_ input: String) -> Bool {
        let wanted: UInt64 = 0x1000_0FFC
        let words = text(input + "/capabilities/key")?.split(separator: " ")
        let last = words?.last.flatMap { UInt64($0, radix: 16) } ?? 0
        return last & wanted == wanted
    }

    /// The paths of all plugged devices; hubs and interfaces are among the names and are left out.
    package func paths() -> [USBPath] { entries(root).compactMap { USBPath($0) } }

    private func usage(_ place: String) -> HIDUsage? {
        for name in entries(place) where name.contains(":") && name.contains(".") {
            guard let bytes = bytes("\(place)/\(name)/report_descriptor") else { continue }
            return HIDUsage(reportDescriptor: bytes)
        }
        return nil
    }

    /// The device's node; another one after it was put back.
    package func node(_ path: USBPath) -> String? {
        let folder = "\(root)/\(path)"
        guard let bus = text(folder + "/busnum").flatMap({ Int($0) }),
            let device = text(folder + "/devnum").flatMap({ Int($0) })
        else { return nil }
        return "/dev/bus/usb/" + Self.three(bus) + "/" + Self.three(device)
    }

    private static func three(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 3 - digits.utf8.count)) + digits
    }

    private func entries(_ folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 1_024)
        let length = buffer.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlink(path, $0, text.count) } ?? -1
            }
        }
        guard length > 0 else { return nil }
        let target = String(decoding: buffer.prefix(length), as: UTF8.self)
        return target.split(separator: "/").last.map(String.init)
    }

    private func text(_ path: String) -> String? {
        guard var bytes = bytes(path) else { return nil }
        while let last = bytes.last, last == 0x0A || last == 0x20 { bytes.removeLast() }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    private func bytes(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var found: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while found.count < Self.longest {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return count == 0 ? found : nil }
            found += buffer[..<count]
        }
        return found
    }
}
