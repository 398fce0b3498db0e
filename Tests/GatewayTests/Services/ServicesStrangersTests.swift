import DeviceProfile
import Measurement
import Testing

@testable import Gateway

/// Devices that are in range and not served: whoever asks why must find them.
@Suite struct StrangersTests {
    private func sighting(
        _ number: Int, name: String? = nil, services: [BluetoothUUID] = [], at seconds: Int64 = 0
    ) -> Sighting {
        var advertisement = Advertisement()
        advertisement.name = name
        advertisement.serviceUUIDs = services
        return Sighting(
            address: SessionPolicyTests.address(number), advertisement: advertisement,
            at: GatewayTime(
                utc: Instant(seconds: seconds), monotonicNanoseconds: 0, synchronised: true))
    }

    @Test func `a device is there once, however often it is heard, with the latest reason`() {
        var strangers = Strangers()
        strangers.note(sighting(1, at: 1), because: "no profile fits")
        strangers.note(sighting(1, at: 2), because: "not registered")
        let entry = strangers.entries[SessionPolicyTests.address(1)]
        #expect(strangers.entries.count == 1)
        #expect(entry?.count == 2)
        #expect(entry?.because == "not registered")
        #expect(entry?.sighting.at.utc == Instant(seconds: 2))
    }

    @Test func `name and services that came apart are shown together`() {
        var strangers = Strangers()
        let uuid = BluetoothUUID(0x1810)
        strangers.note(sighting(1, services: [uuid]), because: "no profile fits")
        strangers.note(sighting(1, name: "BM-1"), because: "no profile fits")
        strangers.note(sighting(1), because: "no profile fits")
        let seen = strangers.entries[SessionPolicyTests.address(1)]?.sighting.advertisement
        #expect(seen?.name == "BM-1")
        #expect(seen?.serviceUUIDs == [uuid])
    }

    @Test func `a new name takes the place of the old one`() {
        var strangers = Strangers()
        strangers.note(sighting(1, name: "old"), because: "no profile fits")
        strangers.note(sighting(1, name: "new"), because: "no profile fits")
        let seen = strangers.entries[SessionPolicyTests.address(1)]?.sighting.advertisement
        #expect(seen?.name == "new")
    }

    @Test func `in a crowd the ones heard last are kept, and no more than 64`() {
        var strangers = Strangers()
        for number in 0..<500 {
            strangers.note(sighting(number, at: Int64(number)), because: "no profile fits")
        }
        #expect(strangers.entries.count == 64)
        #expect(strangers.entries[SessionPolicyTests.address(499)] != nil)
        #expect(strangers.entries[SessionPolicyTests.address(436)] != nil)
        #expect(strangers.entries[SessionPolicyTests.address(435)] == nil)
    }

    @Test func `one that is heard again and again outlives those that passed by`() {
        var strangers = Strangers()
        for number in 1..<500 {
            strangers.note(sighting(0, at: Int64(number)), because: "not registered")
            strangers.note(sighting(number, at: Int64(number)), because: "no profile fits")
        }
        #expect(strangers.entries[SessionPolicyTests.address(0)]?.count == 499)
    }
}
