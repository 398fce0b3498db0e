import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// An encrypted broadcast is read with its owner's key and with no other one.
@Suite struct OwnersKeyTests {
    private static let scale = profile(
        """
        class: scale
        layouts:
          - source: service-data:fe95
            fields:
              kind: weight
              length: 12
              encryption:
                method: aes-128-ccm
                from: 2
                trailing: 4
                tag: { at: -4, length: 4 }
                nonce: [address-reversed, { at: 0, length: 2 }, { bytes: "0000000000" }]
              values: [ { name: weight, at: 2, type: u16le, units: [ { unit: kg, scale: 0.1 } ] } ]
        time: { clock: none, readings: live }
        """, transport: "ble-advertisement")

    private func outcome(_ owner: DeviceOwner) -> Reading? {
        var collector = AdvertisementCollector(zone: tokyo, simulated: false)
        var seen = Advertisement()
        seen.serviceData[BluetoothUUID(0xFE95)] = [UInt8](1...12)
        let device = DeviceDescription(
            id: DeviceID("ble:A4:C1:38:00:00:01"), address: "A4:C1:38:00:00:01")
        return collector.take(
            seen, of: device, at: gateway("2026-03-02T08:15:00"), profile: Self.scale,
            context: owner.context(BluetoothAddress("A4:C1:38:00:00:01"))
        ).first?.reading
    }

    @Test func `without a key the frame is locked, and nobody takes it for a measurement`() {
        let reading = outcome(DeviceOwner())
        #expect(reading?.outcome == .deviceState)
        #expect(reading?.flags == ["encrypted"])
    }

    @Test func `with another key the frame is refused and says that the key does not fit`() {
        var owner = DeviceOwner()
        owner.key = [UInt8](repeating: 7, count: 16)
        let reading = outcome(owner)
        #expect(reading?.outcome == .rejected)
        #expect(reading?.reason?.hasPrefix("the authentication tag does not fit") == true)
        #expect(reading?.quantities.isEmpty == true)
    }
}
