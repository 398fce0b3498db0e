import DeviceProfile
import Measurement
import Testing

@Suite("Frames that the owner's key opens") struct FieldEncryptionTests {
    private static let key = bytes("58305740b64e4b425e518aa1f4e51339")
    private static let frame = bytes("4859d53b2d3314943c58b133638c7457a4000000c3e670dc")

    private func layout() throws -> FrameLayout {
        let profile = try #require(Shipped.loaded.index[id: "xiaomi-s400"])
        return try #require(FrameSource("service-data:fe95").flatMap { profile.layout(for: $0) })
    }

    private func context(
        _ address: String? = "84:46:93:64:A5:E6", key: [UInt8]? = key
    ) -> FrameContext {
        FrameContext(address: address.flatMap { BluetoothAddress($0) }, key: key)
    }

    @Test("With key and address a weighing is read")
    func opened() throws {
        let reading = try layout().decode(Self.frame, context())
        #expect(
            reading.shown == ["weight 74.2 kg", "heart_rate 52 /min", "impedance_high 400.9 Ohm"])
        #expect(reading.outcome == .measurement)
        #expect(reading.userSlot == 1)
        #expect(reading.deviceTime?.description == "2025-07-07T19:01:13")
    }

    @Test("Half of a weighing, the one with the low-frequency impedance alone, is no record")
    func lowFrequency() throws {
        let reading = try layout().decode(
            bytes("4859d53b0bd6ef0b25db72785e7e2f46d6000000d8642df6"),
            FrameContext(
                address: BluetoothAddress("8C:D0:B2:F6:BE:EF"),
                key: bytes("0728974d657a4b60964c1b1677f35f7c")))
        #expect(
            reading.shown == ["weight none kg", "heart_rate none /min", "impedance_low 497.6 Ohm"])
        #expect(reading.outcome == .notFinal)
    }

    @Test("Without the key, or without the address, the frame stays closed and says what it needs")
    func locked() throws {
        for context in [FrameContext(), context(nil), context(key: nil)] {
            let reading = try layout().decode(Self.frame, context)
            #expect(reading.outcome == .deviceState)
            #expect(reading.flags == ["encrypted"])
            #expect(reading.quantities == [])
            #expect(reading.reason?.contains("owner's key") == true)
        }
    }

    @Test(
        "Another key, another address or a key of another length give no number",
        arguments: [
            (String(repeating: "00", count: 16), "84:46:93:64:A5:E6"),
            ("58305740b64e4b425e518aa1f4e51338", "84:46:93:64:A5:E6"),
            ("58305740b64e4b425e518aa1f4e51339", "84:46:93:64:A5:E7"),
            ("58305740b64e4b425e518aa1f4e513", "84:46:93:64:A5:E6"),
        ])
    func wrongKey(_ key: String, _ address: String) throws {
        let reading = try layout().decode(Self.frame, context(address, key: bytes(key)))
        #expect(reading.outcome == .rejected)
        #expect(reading.quantities == [])
    }

    @Test("Every bit that changes on the way is noticed")
    func tampered() throws {
        let layout = try layout()
        for bit in 0..<Self.frame.count * 8 {
            var frame = Self.frame
            frame[bit / 8] ^= 1 << UInt8(bit % 8)
            let reading = layout.decode(frame, context())
            let isHeader = bit < 16
            #expect(isHeader || reading.outcome == .rejected, "bit \(bit)")
            #expect(isHeader || reading.quantities == [], "bit \(bit)")
        }
    }
}
