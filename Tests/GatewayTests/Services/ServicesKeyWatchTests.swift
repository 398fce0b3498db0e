import DeviceLink
import DeviceProfile
import EventLoop
import Measurement
import Testing

@testable import Gateway

/// Keys and codes of owners: they reach their one device, are never shown, and a wrong one is said.
@Suite struct KeyWatchTests {
    private static let address = BluetoothAddress("A4:C1:38:00:00:01")

    private func register(_ devices: String) throws -> DeviceRegister {
        let (made, problems) = configure(
            minimal("participants:\n  - id: P0000001\n    devices:\n" + devices))
        #expect(problems == [])
        return DeviceRegister(try #require(made))
    }

    private func problems(_ device: String) -> [String] {
        configure(
            minimal("participants:\n  - id: P0000001\n    devices:\n      - { \(device) }\n")
        ).1
    }

    @Test func `a key, a model and the codes of users reach the device with their address alone`()
        throws
    {
        let register = try register(
            """
                  - { model: HEM-7155T, address: 'A4:C1:38:00:00:01', slot: 1, key: '00112233445566778899aabbccddeeff' }
                  - { model: HEM-7155T, address: 'A4:C1:38:00:00:01', slot: 2, consent-code: '1234' }

            """)
        let address = try #require(Self.address)
        let owner = register.owner(address, isPairing: true)
        #expect(owner.key?.count == 16 && owner.key?.first == 0 && owner.key?.last == 0xFF)
        #expect(owner.model == "HEM-7155T")
        #expect(owner.consents == [.init(index: 2, code: 1234)])
        #expect(owner.isPairing)
        let other = try #require(BluetoothAddress("A4:C1:38:00:00:02"))
        #expect(register.owner(other) == DeviceOwner())
        #expect(!"\(owner) \(register)".contains("1234"))
    }

    @Test func `a key that is none is refused with its place and without a word of it`() {
        for text in ["00112233445566778899aabbccddeef", "zz112233445566778899aabbccddeeff", "0011"]
        {
            let lines = problems("address: 'A4:C1:38:00:00:01', key: '\(text)'")
            #expect(lines.count == 1)
            #expect(lines.first?.contains("devices[0].key: is no key") == true, "\(lines)")
            #expect(!lines.joined().contains(text))
        }
    }

    @Test func `a consent code stands beside the user whose it is`() {
        let alone = problems("address: 'A4:C1:38:00:00:01', consent-code: '1234'")
        #expect(alone.first?.contains("consent-code: stands without a slot") == true, "\(alone)")
        let long = problems("address: 'A4:C1:38:00:00:01', slot: 1, consent-code: '12345'")
        #expect(long.first?.contains("consent-code: is no consent code") == true, "\(long)")
        #expect(!long.joined().contains("12345"))
    }

    // MARK: broadcasts under the owner's key

    /// A scale whose frames are under a key: six bytes in front, a tag of four behind.
    private static let locked = {
        var reading = Reading(.deviceState)
        reading.flags = ["encrypted"]
        return reading
    }()
    private static let wrong = Reading.rejected(
        DecodeError(
            "the authentication tag does not fit: another key, or a broken frame", offset: 5))

    @LoopActor private func watch(_ readings: [(Reading, hasKey: Bool)]) throws -> (
        trouble: String?, counters: Counters
    ) {
        var watch = KeyWatch()
        let counters = Counters()
        let device = DeviceDescription(id: DeviceID("ble:A4:C1:38:00:00:01"))
        let address = try #require(Self.address)
        for (reading, hasKey) in readings {
            let entry = SessionEntry(
                reading: reading, frames: [], received: GatewayTime.now(), record: nil,
                key: RecordKey(hex: "00"))
            watch.note([entry], hasKey: hasKey, device, address, counters)
        }
        return (watch.trouble(of: address), counters)
    }

    @Test func `a missing key and another one are told apart, and gone once a frame was read`()
        async throws
    {
        #expect(try await watch([(Self.locked, false)]).trouble == KeyWatch.missing)
        #expect(try await watch([(Self.wrong, true)]).trouble == KeyWatch.wrong)
        let read = Reading(.measurement, kind: .weight)
        #expect(try await watch([(Self.wrong, true), (read, true)]).trouble == nil)
    }

    @Test func `a broken frame of a device without a key is no matter of keys`() async throws {
        let broken = Reading.rejected(DecodeError("the checksum does not fit", offset: 3))
        #expect(try await watch([(broken, true), (broken, false)]).trouble == nil)
    }
}
