import DeviceProfile
import Measurement
import Testing

@Suite("What the shipped profiles cover") struct FieldShippedTests {
    @Test("At least 45 profiles name at least 120 models")
    func coverage() {
        #expect(Shipped.profiles.count >= 45)
        #expect(Shipped.profiles.flatMap(\.models).count >= 120)
    }

    @Test("A profile that nobody has checked says what is not checked")
    func honesty() {
        for profile in Shipped.profiles where profile.confidence == .unverified {
            #expect(profile.confidenceNote?.isEmpty == false, "\(profile.id)")
        }
    }

    @Test("A model that the gateway does not connect to has no session, and says why")
    func decodeOnly() {
        let names = Shipped.profiles.filter { $0.decodeOnly != nil }
        #expect(
            names.map(\.id).sorted() == [
                "bpm-188", "eufy-p2-pro", "renpho-es-26r", "renpho-r-msc04", "robi-s9",
                "sony-rc-s380", "tanita-bc-401",
            ])
        for profile in names {
            #expect(profile.session == nil, "\(profile.id)")
        }
        for profile in Shipped.profiles where profile.transport == .bluetoothGATT {
            #expect((profile.session == nil) == (profile.decodeOnly != nil), "\(profile.id)")
        }
    }

    @Test("Numbers out of a capture are read as IEEE 11073 says, special values by name")
    func numbers() throws {
        let layout = try #require(Shipped.loaded.index[id: "sig"]?.layout(for: .number))
        #expect(layout.decode(bytes("B0F0")).line == "device-state; value=17.6")
        #expect(layout.decode(bytes("2D1E00FE")).line == "device-state; value=77.25")
        #expect(layout.decode(bytes("FF07")).line == "device-state; special=NaN")
        #expect(layout.decode(bytes("0208")).line == "device-state; special=-Inf")
        #expect(layout.decode(bytes("020800")).outcome == .rejected)
    }

    @Test("An id whose other byte counts packets is matched by the bytes that stay")
    func companyFamily() throws {
        let source = try #require(FrameSource("manufacturer-data:xxc0"))
        #expect(source.description == "manufacturer-data:xxc0")
        for counter in ["00", "a3", "ff"] {
            let shown = try Advertisement(
                adStructures: bytes("020106 10ff c0\(counter) 0276138b000221 a4c138000001"))
            #expect(Shipped.loaded.index.match(shown)?.id == "xiaogui-tzc4")
        }
        let other = try Advertisement(
            adStructures: bytes("020106 10ff c0a3 0276138b0a0125 a4c138000001"))
        #expect(Shipped.loaded.index.match(other)?.id == "xiaogui-qj-j")
        let stranger = try Advertisement(adStructures: bytes("020106 05ff c0a3 0276"))
        #expect(Shipped.loaded.index.match(stranger) == nil)
    }
}
