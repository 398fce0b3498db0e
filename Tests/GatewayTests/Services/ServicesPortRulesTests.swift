import DataFiles
import DeviceProfile
import Testing
import USBLink

@testable import Gateway

@Suite("Which device gets which commands") struct ServicesPortRulesTests {
    /// The repository.
    static let root = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
    static let index: ProfileIndex = {
        let files = (try? FileReader.list(root + "/device-profiles", suffix: ".yaml")) ?? []
        let sources = files.compactMap { file in
            (try? FileReader.read(file)).map {
                ProfileSet.Source(file: file, bytes: $0, isOwn: false)
            }
        }
        return ProfileSet(sources).index
    }()

    static func device(
        _ vendor: UInt16, _ product: UInt16, code: UInt8 = 3, name: String? = nil
    ) -> USBDeviceInfo {
        var interface = USBInterface(number: 0, classCode: code)
        interface.name = name
        return USBDeviceInfo(
            path: USBPath(bus: 1, ports: [1]), vendor: vendor, product: product,
            interfaces: [interface])
    }

    static func decide(
        _ info: USBDeviceInfo, bound: String? = nil, lines: [String] = []
    ) -> PortRules.Decision {
        PortRules.decide(
            info, bound: bound.flatMap { index[id: $0] },
            fitting: index.match(CableDevice(info)), lines: lines)
    }

    static func isLeft(_ decision: PortRules.Decision, _ part: String) -> Bool {
        guard case .leave(let why) = decision else { return false }
        return why.contains(part)
    }

    @Test("models that share their numbers are served together until the device says which it is")
    func sharedNumbers() {
        #expect(
            Self.decide(Self.device(0x0590, 0x0028)).isServed(
                by: ["omron-hem-7080it", "omron-hj-720it"]))
    }

    @Test("an adapter is never served by its numbers, and the remedy is named")
    func adapters() {
        for (vendor, product) in [
            (UInt16(0x0403), UInt16(0x6001)), (0x067B, 0x2303), (0x10C4, 0xEA60), (0x1A86, 0x7523),
        ] {
            let decision = Self.decide(
                Self.device(vendor, product, code: 0xFF), lines: ["ttyUSB0"])
            #expect(Self.isLeft(decision, "hakaru port bind 1-1 MODEL"))
        }
    }

    @Test("a bound adapter gets the one model it is bound to, once its line is there")
    func bound() {
        let adapter = Self.device(0x0403, 0x6001, code: 0xFF)
        #expect(
            Self.decide(adapter, bound: "and-standard-scale", lines: ["ttyUSB0"])
                == .serve(["and-standard-scale"]))
        #expect(
            Self.isLeft(Self.decide(adapter, bound: "and-standard-scale"), "no serial line yet"))
    }

    @Test("a stick with a meter's numbers and another interface is not even opened")
    func lookAlike() {
        for name in [nil, "", "Mass Storage", "LifeScan MSC "] {
            let decision = Self.decide(Self.device(0x2766, 0x0004, code: 8, name: name))
            #expect(Self.isLeft(decision, "not opened"), "\(name ?? "no name")")
        }
        #expect(
            Self.decide(Self.device(0x2766, 0x0004, code: 8, name: "LifeScan MSC"))
                == .serve(["onetouch-verio-usb"]))
    }

    @Test("a card reader is no device that measures: it is left to a station, and the way is named")
    func cardReaders() {
        for product in [UInt16(0x06C1), 0x06C3, 0x0DC8, 0x0DC9] {
            let decision = Self.decide(Self.device(0x054C, product, code: 0xFF))
            #expect(Self.isLeft(decision, "hakaru station bind STATION 1-1"), "\(product)")
        }
    }

    @Test("a device that nobody knows is left alone")
    func unknown() {
        #expect(Self.isLeft(Self.decide(Self.device(0x1234, 0x5678)), "no profile fits"))
    }

    @Test("a port bound to a profile of the radio is refused with the reason")
    func boundToRadio() {
        let decision = Self.decide(
            Self.device(0x0403, 0x6001), bound: "and-ua-651ble", lines: ["ttyUSB0"])
        #expect(Self.isLeft(decision, "nothing of a cable"))
    }

    @Test("no profile of an adapter is served by itself")
    func everyProfile() {
        for profile in Self.index.profiles where profile.wire?.binding == .operator {
            for rule in profile.match.compactMap(\.cable) {
                for code in rule.codes {
                    let info = Self.device(code.vendor, code.product, code: 0xFF)
                    guard case .leave = Self.decide(info, lines: ["ttyUSB0"]) else {
                        Issue.record("\(profile.id) is served by \(code) alone")
                        continue
                    }
                }
            }
        }
    }
}

extension PortRules.Decision {
    fileprivate func isServed(by ids: Set<String>) -> Bool {
        guard case .serve(let found) = self else { return false }
        return Set(found) == ids
    }
}
