import DeviceLink
import DeviceProfile
import Measurement
import Testing

@testable import TapeLink

/// A captured tape is what a maker of a profile works from: it has to be read again, and to betray nothing.
@Suite struct TapeWriterTests {
    private let start = Instant(seconds: 1_772_320_500)

    private func writer() throws -> TapeWriter {
        TapeWriter(
            address: try #require(BluetoothAddress("A4:C1:38:00:00:01")), addressIsRandom: true,
            note: "captured by hakaru", zone: tokyo)
    }

    private let services = [
        GATTService(
            uuid: .bloodPressureService,
            characteristics: [
                GATTCharacteristic(uuid: .bloodPressureMeasurement, properties: [.indicate]),
                GATTCharacteristic(uuid: .dateTime, properties: [.read, .write]),
            ])
    ]

    private var session: [Tape.Entry] {
        [
            .gatewayClock(synchronised: false), .advertisement([2, 1, 6], rssi: -61),
            .advertisement([2, 1, 5], rssi: nil), .connected, .bonded(method: "just-works"),
            .services(services), .read(.dateTime, [0xEA, 7, 3, 1, 8, 15, 0]),
            .notification(.bloodPressureMeasurement, [0x16, 0x7D, 0]),
            .disconnected(byDevice: true),
        ]
    }

    @Test func `each line that is written is read again as the same`() throws {
        var writer = try writer()
        for (index, entry) in session.enumerated() {
            writer.add(entry, at: start + .seconds(Int64(index)))
        }
        let tape = try TapeParser.parse(Array(writer.text.utf8), file: "captured.tape")
        #expect(tape.header.address?.description == "A4:C1:38:00:00:01")
        #expect(tape.header.addressIsRandom)
        #expect(tape.lines.map(\.entry) == session)
        #expect(tape.lines.map(\.at) == session.indices.map { start + .seconds(Int64($0)) })
        #expect(writer.count == session.count)
    }

    @Test func `times carry the zone of the gateway and their milliseconds`() throws {
        var writer = try writer()
        writer.add(.connected, at: start + Interval(microseconds: 250_000))
        #expect(writer.text.contains("\"at\":\"2026-03-01T08:15:00.25"))
        #expect(writer.text.contains("+09:00\""))
    }

    @Test(arguments: [BluetoothUUID.dateTime, BluetoothUUID(0x2A9F), BluetoothUUID(0xFFF1)])
    func `no key, code or time that the gateway wrote gets into a tape`(uuid: BluetoothUUID) throws
    {
        var writer = try writer()
        writer.add(.write(uuid, [0xDE, 0xAD, 0xBE, 0xEF]), at: start)
        #expect(!writer.text.contains("deadbeef"))
        let tape = try TapeParser.parse(Array(writer.text.utf8), file: "captured.tape")
        #expect(tape.lines.map(\.entry) == [.write(uuid, nil)])
    }

    @Test func `a request for records is kept, because the answers make sense only with it`() throws
    {
        var writer = try writer()
        writer.add(.write(.recordAccessControlPoint, [1, 3, 1, 5, 0]), at: start)
        let tape = try TapeParser.parse(Array(writer.text.utf8), file: "captured.tape")
        #expect(tape.lines.map(\.entry) == [.write(.recordAccessControlPoint, [1, 3, 1, 5, 0])])
    }

    @Test func `a characteristic that only indicates is written as indicating`() throws {
        var writer = try writer()
        writer.add(.services(services), at: start)
        writer.add(.notification(.bloodPressureMeasurement, [1]), at: start)
        writer.add(.notification(.glucoseMeasurement, [2]), at: start)
        #expect(writer.text.contains("{\"indicate\":") || writer.text.contains("\"indicate\":{"))
        #expect(writer.text.contains("\"notify\":{\"uuid\":\"2a18\""))
    }

    @Test func `a device that never stops fills no memory`() throws {
        var writer = try writer()
        let big = [UInt8](repeating: 0xAB, count: 60_000)
        for _ in 0..<200 { writer.add(.notification(.glucoseMeasurement, big), at: start) }
        #expect(writer.isFull)
        #expect(writer.text.utf8.count < TapeWriter.maximumCharacters + 200_000)
        let count = writer.count
        writer.add(.connected, at: start)
        #expect(writer.count == count)
    }

    @Test func `what USB devices do is no line of a Bluetooth tape`() throws {
        var writer = try writer()
        let before = writer.text
        writer.add(.input(endpoint: "0x81", [1]), at: start)
        #expect(writer.text == before)
        #expect(writer.count == 0)
    }
}
