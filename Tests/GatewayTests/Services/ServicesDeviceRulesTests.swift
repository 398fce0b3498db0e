import DataFiles
import DeviceProfile
import Testing

@testable import Gateway

/// `udev/60-hakaru-devices.rules` beside the profiles: both must name the same devices.
@Suite("The rules that open devices to the gateway") struct ServicesDeviceRulesTests {
    static let lines: [String] = {
        let path = ServicesPortRulesTests.root + "/udev/60-hakaru-devices.rules"
        let bytes = (try? FileReader.read(path)) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { !$0.hasPrefix("#") }
    }()

    /// The vendors and products of the rows for device nodes.
    static let rows: [(vendor: String, products: Set<String>)] = lines.compactMap { line in
        guard line.hasPrefix("SUBSYSTEM==\"usb\", ATTR{idVendor}"),
            let vendor = value("ATTR{idVendor}", line)
        else {
            return nil
        }
        let products = value("ATTR{idProduct}", line)?.split(separator: "|").map(String.init)
        return (vendor, Set(products ?? []))
    }

    static func value(_ name: String, _ line: String) -> String? {
        guard let start = line.range(after: name + "==\"") else { return nil }
        return String(line[start...].prefix { $0 != "\"" })
    }

    @Test("every device that a profile names may be opened by the gateway's group")
    func everyProfile() {
        #expect(Self.rows.count > 10)
        for profile in ServicesPortRulesTests.index.profiles {
            for code in profile.match.compactMap(\.cable).flatMap(\.codes) {
                let parts = code.description.split(separator: ":").map(String.init)
                let isNamed = Self.rows.contains {
                    $0.vendor == parts[0] && $0.products.contains(parts[1])
                }
                #expect(isNamed, "\(profile.id): \(code) is in no row")
            }
        }
    }

    @Test("nodes are the group's and nobody else's, and no modem manager probes them")
    func modes() {
        let granting = Self.lines.filter { $0.contains("GROUP=") || $0.contains("MODE=") }
        #expect(granting.count == 3)
        for line in granting {
            #expect(line.contains("GROUP=\"hakaru\"") && line.contains("MODE=\"0660\""))
            let isReader = line.contains("ATTRS{idVendor}==\"05e0|")
            #expect(isReader || line.contains("ENV{ID_MM_DEVICE_IGNORE}=\"1\""))
        }
        #expect(!Self.lines.contains { $0.contains("0666") || $0.contains("uaccess") })
    }

    @Test("of keyboards only those of makers of readers are given to the group")
    func keyboards() throws {
        let jump = try #require(Self.lines.first { $0.contains("SUBSYSTEM==\"input\"") })
        #expect(jump.contains("KERNEL==\"event*\"") && jump.contains("hakaru_devices_input"))
        let grant = try #require(Self.lines.first { $0.contains("ATTRS{idVendor}==\"05e0|") })
        #expect(grant.hasPrefix("ATTRS{idVendor}==") && !grant.contains("*"))
    }

    @Test(
        "a serial line has the name of its socket, and no rule names anything outside /dev/hakaru")
    func names() throws {
        let path = ServicesPortRulesTests.root + "/udev/95-hakaru-devices.rules"
        let late = String(decoding: try FileReader.read(path), as: UTF8.self)
            .split(separator: "\n").filter { !$0.hasPrefix("#") }
        let naming = (Self.lines + late.map(String.init)).filter { $0.contains("SYMLINK") }
        #expect(naming.count == 2)
        for line in naming {
            #expect(line.contains("SYMLINK+=\"hakaru/$id"))
            #expect(line.contains("ENV{HAKARU_DEVICE}==\"1\""), "other people's lines keep theirs")
            // `$id` is the socket only where the device itself is what the line matched.
            #expect(line.contains("SUBSYSTEMS==\"usb\", ATTRS{idVendor}==\"?*\""))
        }
    }

    @Test("rows name makers and products by four small digits, so that they ever match")
    func digits() {
        for row in Self.rows {
            for number in row.products.union([row.vendor]) {
                #expect(number.count == 4, "\(number)")
                #expect(number.allSatisfy { "0123456789abcdef".contains($0) }, "\(number)")
            }
            #expect(!row.products.isEmpty)
        }
    }
}

extension String {
    /// Where the text after the first occurrence of another one begins.
    fileprivate func range(after text: String) -> String.Index? {
        var place = startIndex
        while place < endIndex {
            if self[place...].hasPrefix(text) { return index(place, offsetBy: text.count) }
            place = index(after: place)
        }
        return nil
    }
}
