import DeviceProfile
import Measurement
import Testing

@Suite("Things on a scale") struct ObjectModeTests {
    private func record(_ id: String, _ source: String, _ hex: String) throws -> Record {
        let profile = try #require(Shipped.loaded.index[id: id])
        let layout = try #require(FrameSource(source).flatMap { profile.layout(for: $0) })
        let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)
        let builder = RecordBuilder(profile: profile, zone: zone, simulated: false)
        let received = GatewayTime(
            utc: Instant(seconds: 1_772_000_000), monotonicNanoseconds: 0, synchronised: true)
        let device = DeviceDescription(
            id: DeviceID("ble:C8:47:8C:11:22:33"), address: "C8:47:8C:11:22:33", serial: nil)
        return try #require(
            builder.record(
                layout.decode(bytes(hex)), device: device, received: received,
                evidence: TimeEvidence(.pushed)))
    }

    @Test(
        "What the scale takes for an object waits for a person, and a person's weight does not",
        arguments: [
            (
                "xiaomi-mi-body-composition-scale-2", "service-data:181b",
                "06 24 E607020E10293A 0000 9A38", true
            ),
            (
                "xiaomi-mi-body-composition-scale-2", "service-data:181b",
                "02 24 E607020E10293A 0000 9A38", false
            ),
            ("xiaomi-mi-smart-scale", "service-data:181d", "62 2044 E607020E10293A", true),
            ("xiaomi-mi-smart-scale", "service-data:181d", "22 2044 E607020E10293A", false),
        ])
    func objects(_ id: String, _ source: String, _ hex: String, _ isObject: Bool) throws {
        let record = try record(id, source, hex)
        #expect(record.quarantine == (isObject ? .implausible : nil))
        #expect((record.time == nil) == isObject)
        #expect(record.flags.contains("object-mode") == isObject)
    }
}
