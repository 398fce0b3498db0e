import DeviceProfile
import Measurement
import Testing

@Suite("Formats of cable protocols") struct WireFormatTests {
    private func read(_ format: WireFormat, _ hex: String, request: String = "") -> Reading {
        var context = FrameContext()
        context.request = bytes(request)
        return FrameLayout(source: .usb, format: .wire(format)).decode(bytes(hex), context)
    }

    private func detail(_ name: String, _ reading: Reading) -> String? {
        reading.details.first { $0.name == name }?.value
    }

    @Test("A cuff that answers a half-filled record gives no reading of 0/0/0")
    func zeros() {
        #expect(read(.omronHHX, "4f4b00 08041510 0a2e0000 000000 0000 3d").outcome == .rejected)
        #expect(read(.omronHHX, "4f4b000804151012260000774f4f00004b").outcome == .rejected)
    }

    @Test("The flags of a cuff's record are its irregular beat and its movement")
    func flags() {
        // 0x0003: both; the XOR follows from the record.
        let record = bytes("07010200082600007849430003")
        let frame = bytes("4f4b00") + record + [record.reduce(0, ^)]
        let reading = FrameLayout(source: .usb, format: .wire(.omronHHX)).decode(frame)
        #expect(reading.flags == ["irregular-pulse", "body-movement"])
    }

    @Test("The pedometer's row is the day it is read on less its index, under one key for the day")
    func days() {
        let row = "4f4b00140834805027004200308004210184800614700280ed"
        let reading = read(.omronHHX, row, request: "4754440000040400")
        #expect(reading.dayIndex == 4)
        #expect(reading.keyBytes == [0])
        #expect(
            reading.shown == ["steps 8348 {steps}", "calories 308 kcal", "distance 4.21 [mi_i]"])
    }

    @Test(
        "A scale in motion, under zero or of an unknown unit gives no weight",
        arguments: [
            ("03 03 02 00 6e03", ReadingOutcome.notFinal), ("03 05 0b ff 0000", .notFinal),
            ("03 04 00 00 9000", .notFinal), ("03 06 03 00 0100", .failedMeasurement),
            ("03 01 03 00 0100", .failedMeasurement), ("03 09 03 00 0100", .rejected),
            ("03 04 03 40 0100", .rejected), ("04 04 02 00 6e03", .rejected),
            ("03 04 02 00 6e", .rejected),
        ])
    func scales(hex: String, outcome: ReadingOutcome) {
        let reading = read(.hidScale, hex)
        #expect(reading.outcome == outcome)
        #expect(reading.quantities.isEmpty)
    }

    @Test("A scale's zero is no weighing, and it may be read into a full report")
    func zero() {
        #expect(read(.hidScale, "03 02 0b ff 0000 0000").outcome == .notFinal)
        #expect(read(.hidScale, "03 04 0b ff 4e00 0000").shown == ["weight 7.8 [oz_av]"])
    }

    @Test("A meter's HI, LO and control solution are nobody's glucose")
    func markers() {
        func result(_ value: String, _ markers: String) -> Reading {
            let text = "R|9|^^^Glucose|\(value)|mg/dL^P||\(markers)||201202052034"
            return FrameLayout(source: .usb, format: .wire(.ascensia)).decode(Array(text.utf8))
        }
        #expect(result("600", ">").outcome == .failedMeasurement)
        #expect(result("600", ">").flags == ["result-too-high"])
        #expect(result("20", "<").shown == ["glucose none mg/dL"])
        #expect(result("110", "C").outcome == .controlSolution)
        #expect(result("110", "A").flags == ["after-meal"])
    }

    @Test("A frame whose checksum is wrong in any of its bytes is refused")
    func checksums() {
        let frames: [(WireFormat, String)] = [
            (.taidoc, "51267b000040a5d7"), (.lifescan, "02090003200203d492"),
            (.port100, "0000ffffff0200fe31329d00"),
            (.libreHistory, "06a3900c80cf571005dccdffff5000d11f000008da"),
        ]
        for (format, hex) in frames {
            let good = bytes(hex)
            // The first byte of a Libre record says its table and is not summed.
            for index in good.indices {
                var bad = good
                bad[index] ^= 0x04
                let reading = FrameLayout(source: .usb, format: .wire(format)).decode(bad)
                #expect(reading.outcome == .rejected, "\(format) \(index)")
            }
        }
    }

    @Test("A cuff's clock that begins again on 2010-01-01 marks its records, both users are read")
    func memory() {
        let text = "M102" + "10010112021151102120" + "15110321300134097083" + "M200" + "1"
        let readings = FrameLayout(source: .usb, format: .wire(.jpiMemory))
            .readings(Array(text.utf8))
        #expect(readings.map(\.timeFault) == [true, false])
        #expect(readings.map(\.userSlot) == [1, 1])
        let short = Array(text.utf8.dropLast(3))
        #expect(
            FrameLayout(source: .usb, format: .wire(.jpiMemory)).decode(short).outcome == .rejected)
    }

    @Test("A stored number is widened to the newest record that it can be")
    func wide() {
        #expect(WideRecordNumber.widened(65_535, next: 65_537) == 65_535)
        #expect(WideRecordNumber.widened(0, next: 65_537) == 65_536)
        #expect(WideRecordNumber.widened(7, next: 7) == nil)
        #expect(WideRecordNumber.widened(0, next: 0) == nil)
    }

    @Test("Packets that the gateway builds are those of the maker's description")
    func packets() {
        #expect(LifeScan.packet([3, 0x20, 2]) == bytes("02090003200203d492"))
        #expect(LifeScan.packet([3, 0x27, 0]) == bytes("020900032700032671"))
        #expect(LifeScan.packet([3, 0x31, 2, 0, 0, 0]) == bytes("020c0003310200000003ed4c"))
        #expect(TaiDoc.frame(0x22) == bytes("512200000000a316"))
    }
}
