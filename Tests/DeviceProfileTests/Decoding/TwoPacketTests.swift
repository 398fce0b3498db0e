import DeviceProfile
import Measurement
import Testing

@Suite("Body composition in two packets") struct TwoPacketTests {
    private static let time = "E9070C1F173B3A"

    private func lines(_ frames: [String]) -> [String] {
        var sequence = FrameSequence(
            FrameLayout(source: .usb, format: .bodyCompositionMeasurement))
        return (frames.flatMap { sequence.take(bytes($0)) } + sequence.end()).map(\.line)
    }

    @Test("Two packets are one reading with the values of both")
    func both() {
        #expect(
            lines(["0614 EB00 \(Self.time) 02 C832", "1810 EB00 DF1A 9701"]) == [
                "measurement; body_fat 23.5 %; weight 65.000 kg; basal_metabolism 6879 kJ; "
                    + "muscle 40.7 %; at 2025-12-31T23:59:58; user 2; #multiple-packets"
            ])
        #expect(
            lines(["1810 EB00 DF1A 9701", "0614 EB00 \(Self.time) 02 C832"]) == [
                "measurement; body_fat 23.5 %; basal_metabolism 6879 kJ; muscle 40.7 %; "
                    + "weight 65.000 kg; at 2025-12-31T23:59:58; user 2; #multiple-packets"
            ])
    }

    @Test("Where both say a value, the second packet's counts")
    func secondWins() {
        #expect(
            lines(["0014 EB00 C832", "0810 EC00 DF1A"]) == [
                "measurement; body_fat 23.6 %; weight 65.000 kg; basal_metabolism 6879 kJ; "
                    + "#multiple-packets"
            ])
    }

    @Test("A packet without its companion is no measurement, and says so")
    func alone() {
        let half = "not-final; body_fat 23.5 %; weight 65.000 kg; #multiple-packets; #incomplete"
        #expect(lines(["0014 EB00 C832"]) == [half])
        // The same packet twice is not two halves.
        #expect(lines(["0014 EB00 C832", "0014 EB00 C832"]) == [half])
        let single = read(.bodyCompositionMeasurement, "0014 EB00 C832")
        #expect(single.outcome == .notFinal)
        #expect(single.part?.isHalf == true)
    }

    @Test(
        "Packets of two persons or two moments are never put together",
        arguments: [
            ["0414 EB00 01 C832", "0C10 EB00 02 DF1A"],
            ["0214 EB00 \(time) C832", "0A10 EB00 E9070C1F173B3B DF1A"],
        ])
    func mixed(_ frames: [String]) {
        let found = lines(frames)
        #expect(found.count == 2)
        #expect(found.allSatisfy { $0.hasPrefix("not-final") && $0.contains("#incomplete") })
        #expect(found.first?.contains("basal_metabolism") == false)
        #expect(found.last?.contains("weight") == false)
    }

    @Test("Two weighings after one another are two pairs")
    func pairs() {
        let found = lines([
            "0014 EB00 C832", "0810 EB00 DF1A", "0014 F000 D832", "0810 F000 E01A",
        ])
        #expect(
            found == [
                "measurement; body_fat 23.5 %; weight 65.000 kg; basal_metabolism 6879 kJ; "
                    + "#multiple-packets",
                "measurement; body_fat 24.0 %; weight 65.080 kg; basal_metabolism 6880 kJ; "
                    + "#multiple-packets",
            ])
    }

    @Test("A weighing without bare feet that comes in two packets of zeros measured nothing")
    func zeros() {
        #expect(
            lines(["0014 0000 C832", "1810 0000 0000 0000"]) == [
                "failed-measurement; body_fat none %; basal_metabolism none kJ; muscle none %; "
                    + "#multiple-packets"
            ])
    }

    @Test("An unsuccessful measurement is whole in one packet, and carries no values")
    func unsuccessful() {
        #expect(
            lines(["0610 FFFF \(Self.time) 02"])
                == ["failed-measurement; body_fat none %; at 2025-12-31T23:59:58; user 2"])
        #expect(lines(["0014 FFFF C832"]) == ["rejected"])
    }

    @Test("The key of the whole is the same each time, and another than that of a half")
    func keys() {
        func key(_ frames: [String]) -> [UInt8] {
            var sequence = FrameSequence(
                FrameLayout(source: .usb, format: .bodyCompositionMeasurement))
            let found = frames.flatMap { sequence.take(bytes($0)) } + sequence.end()
            return found.first?.keyBytes ?? []
        }
        let whole = ["0014 EB00 C832", "0810 EB00 DF1A"]
        #expect(key(whole) == key(whole))
        #expect(key(whole) != key(["0014 EB00 C832"]))
        #expect(key(whole) == bytes("0014EB00C832 0810EB00DF1A"))
    }
}
