import DeviceProfile
import Measurement
import Testing

@testable import BluetoothLink

/// What is remembered of a device between its frames.
@Suite struct AirStateTests {
    private func at(_ seconds: Int64) -> GatewayTime {
        GatewayTime(
            utc: Instant(seconds: seconds), monotonicNanoseconds: seconds * 1_000_000_000,
            synchronised: true)
    }

    private func address(_ number: UInt64) -> BluetoothAddress { BluetoothAddress(value: number) }

    private func complete(
        _ air: inout AirState, _ number: UInt64, at seconds: Int64, name: String? = nil
    ) -> Advertisement {
        var advertisement = Advertisement()
        advertisement.name = name
        air.complete(&advertisement, of: address(number), at: at(seconds))
        return advertisement
    }

    @Test func `a name is remembered as long as the device is heard, and not when it was silent`() {
        var air = AirState()
        _ = complete(&air, 1, at: 0, name: "Cuff")
        #expect(complete(&air, 1, at: 179).name == "Cuff")
        #expect(complete(&air, 1, at: 358).name == "Cuff")
        #expect(air.isOfInterest(address(1), at: at(500)))
        #expect(!air.isOfInterest(address(1), at: at(538)))
        #expect(complete(&air, 1, at: 538).name == nil)
    }

    @Test func `devices do not get each other's names`() {
        var air = AirState()
        _ = complete(&air, 1, at: 0, name: "Cuff")
        #expect(complete(&air, 2, at: 0).name == nil)
        #expect(!air.isOfInterest(address(3), at: at(0)))
    }

    @Test func `a bonded device is of interest however long it was silent, until it is forgotten`()
    {
        var air = AirState()
        air.pin([address(1)], at: at(0))
        #expect(air.isOfInterest(address(1), at: at(100_000)))
        _ = complete(&air, 1, at: 100_000, name: "Cuff")
        _ = complete(&air, 1, at: 300_000)
        #expect(air.isOfInterest(address(1), at: at(900_000)))
        air.pin([], at: at(900_000))
        #expect(!air.isOfInterest(address(1), at: at(900_000)))
    }

    @Test func `a crowd pushes out who was heard longest ago, never the bonded ones`() {
        var air = AirState()
        air.pin([address(1)], at: at(0))
        for number in 2..<1_000 { _ = complete(&air, UInt64(number), at: Int64(number) / 10) }
        #expect(air.companions.count == 256)
        #expect(air.isOfInterest(address(1), at: at(100)))
        #expect(air.isOfInterest(address(999), at: at(100)))
        #expect(!air.isOfInterest(address(2), at: at(100)))
    }
}
