import DeviceProfile
import Testing

@Suite("Which profile a device on a cable gets") struct CableMatchTests {
    private let index = Shipped.loaded.index

    private func ids(_ device: CableDevice) -> [String] { index.match(device).map(\.id).sorted() }

    @Test("A bridge chip alone gets no profile, however many models stand behind such chips")
    func bridges() {
        for code in [(0x0403, 0x6001), (0x067B, 0x2303), (0x10C4, 0xEA60), (0x1A86, 0x7523)] {
            let device = CableDevice(
                vendorID: UInt16(code.0), productID: UInt16(code.1))
            #expect(ids(device) == [])
            let near = index.candidates(device)
            #expect(near.count > 1)
            #expect(near.allSatisfy { $0.score == 0 && !$0.against.isEmpty })
        }
    }

    @Test("A bound port gets its model and no other")
    func bound() {
        let device = CableDevice(
            vendorID: 0x0403, productID: 0x6001, boundTo: "omron-hbp-9020")
        #expect(ids(device) == ["omron-hbp-9020"])
    }

    @Test("A cuff and a pedometer on one cable number are both tried by the same talk")
    func shared() {
        let device = CableDevice(vendorID: 0x0590, productID: 0x0028)
        #expect(ids(device) == ["omron-hem-7080it", "omron-hj-720it"])
    }

    @Test("A scale that nobody has seen is known by its usage page")
    func usage() {
        let device = CableDevice(vendorID: 0x1234, productID: 1, usagePages: [0x8D])
        #expect(ids(device) == ["hid-scale"])
        #expect(ids(CableDevice(vendorID: 0x1234, productID: 1, usagePages: [0x0C])) == [])
    }

    @Test("Descriptors that lie about their length are refused at the byte")
    func descriptors() throws {
        let good = bytes("120110010000000890052800010201030001")
        #expect(try USBDescriptors.device(good).productID == 0x0028)
        #expect(throws: DecodeError.self) { _ = try USBDescriptors.device(Array(good.dropLast())) }
        let configuration = bytes("0902290001010080320904000002030000000705810308000a")
        #expect(try USBDescriptors.interfaces(configuration)[0].endpoints[0].address == 0x81)
        for count in [10, 17, 24] {
            #expect(throws: DecodeError.self) {
                _ = try USBDescriptors.interfaces(Array(configuration.prefix(count)))
            }
        }
        #expect(throws: DecodeError.self) { _ = try USBDescriptors.report([0x06, 0x00]) }
    }
}
