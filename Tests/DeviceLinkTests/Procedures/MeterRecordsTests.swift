import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// Meters that give one record for one question: TaiDoc by index, OneTouch by number.
@Suite struct MeterRecordsTests {
    // MARK: TaiDoc

    static let taidocUUID = BluetoothUUID(0x1524)
    static let taidoc = profile(
        """
        class: blood-pressure
        session:
          bond: none
          quiet: 2s
          steps:
            - procedure: taidoc-records
              with: { characteristic: "1524" }
        layouts:
          - source: gatt:1524
            fields:
              kind: blood-pressure
              length: 16
              time:
                format: parts
                day: { at: 2, type: u16le, bits: 0-4 }
                month: { at: 2, type: u16le, bits: 5-8 }
                year: { at: 2, type: u16le, bits: 9-15, base: 2000 }
                minute: { at: 4, bits: 0-5 }
                hour: { at: 5, bits: 0-4 }
              stored: true
              values:
                - { name: systolic, at: 10, type: u8, units: [{ unit: "mm[Hg]" }] }
                - { name: diastolic, at: 12, type: u8, units: [{ unit: "mm[Hg]" }] }
        time: { clock: local, resolution: minute, readings: stored }
        """)

    private static func stamp(day: Int, hour: Int, minute: Int) -> [UInt8] {
        let date = day | 3 << 5 | 26 << 9
        return [UInt8(date & 0xFF), UInt8(date >> 8), UInt8(minute), UInt8(hour)]
    }

    private static func taidocAnswer(_ command: UInt8, _ data: [UInt8]) -> [UInt8] {
        let body = [0x51, command] + data + [0xA5]
        return body + [body.reduce(0, &+)]
    }

    private func meter(
        _ systolics: [UInt8], broken: @escaping (_ command: UInt8, _ index: Int) -> Bool
    ) -> ScriptedPeer {
        var peer = ScriptedPeer(
            Self.taidoc, at: "2026-03-02T08:15:00", ["1524": "notify write"])
        peer.says = { uuid, bytes in
            let index = Int(bytes[2]) | Int(bytes[3]) << 8
            var answer: [UInt8]
            switch bytes[1] {
            case 0x23:
                answer = Self.taidocAnswer(0x23, Self.stamp(day: 2, hour: 8, minute: 15))
            case 0x2B: answer = Self.taidocAnswer(0x2B, [UInt8(systolics.count), 0, 0, 0])
            case 0x25:
                answer = Self.taidocAnswer(
                    0x25, Self.stamp(day: 1, hour: 8, minute: 59 - index))
            case 0x26: answer = Self.taidocAnswer(0x26, [systolics[index], 0, 80, 60])
            default: return []
            }
            if broken(bytes[1], index) { answer[7] ^= 1 }
            return [(uuid, answer)]
        }
        return peer
    }

    @Test func `every record comes with the time that the meter gives in another answer`() {
        var peer = meter([120, 131]) { _, _ in false }
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times == ["120 2026-03-01T08:59:00", "131 2026-03-01T08:58:00"])
        // Only questions: nothing is set and nothing erased.
        #expect(Set(peer.written.map { $0.1[1] }) == [0x23, 0x2B, 0x25, 0x26])
    }

    @Test func `a meter without records ends the session in peace`() {
        var peer = meter([]) { _, _ in false }
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.stored.isEmpty)
    }

    @Test func `a broken answer gives no value; what came before it is stored`() {
        var peer = meter([120, 131]) { $0 == 0x26 && $1 == 1 }
        peer.run()
        #expect(
            peer.end == .interrupted("command 0x26: a frame with a wrong checksum"))
        #expect(peer.times == ["120 2026-03-01T08:59:00"])
    }

    @Test func `a meter that leaves in the middle gives the rest next time, nothing twice`() {
        for step in 3..<30 {
            var peer = meter([120, 131, 142]) { _, _ in false }
            peer.leavesAt = step
            peer.run()
            peer.leavesAt = nil
            peer.run()
            #expect(peer.end == .complete)
            #expect(Set(peer.stored.map(\.key)).count == 3, "left at \(step)")
        }
    }

    // MARK: OneTouch

    static let verio = profile(
        """
        class: glucose
        session:
          bond: none
          quiet: 2s
          steps:
            - procedure: verio-records
              with: { write: f7a2, notify: f7a3 }
        layouts:
          - source: gatt:f7a3
            fields:
              kind: glucose
              length: 20
              time: { format: epoch, epoch-year: 2000, at: 6 }
              stored: true
              values:
                - { name: glucose, at: 10, type: u16le, units: [{ unit: mg/dL }] }
        time: { clock: local, readings: stored, unreadable-clock: unchanged }
        """)

    /// A meter whose records have these numbers; the value of each is a hundred more.
    private func verioPeer(
        _ numbers: ClosedRange<Int>, status: UInt8 = 6, broken: Int? = nil
    ) -> ScriptedPeer {
        var peer = ScriptedPeer(
            Self.verio, at: "2026-03-02T08:15:00", ["f7a2": "write", "f7a3": "notify"])
        let notify = BluetoothUUID(0xF7A3)
        peer.says = { uuid, bytes in
            guard bytes != [0x81], VerioRecords.isWhole(bytes) else { return [] }
            let payload = Array(bytes[5..<bytes.count - 3])
            var answer: [UInt8]
            switch payload[0] {
            case 0x0A: answer = [status, UInt8(numbers.upperBound), 0]
            case 0x27: answer = [status, UInt8(numbers.count), 0]
            default:
                let number = payload[1]
                answer = [status, number, 0x89, 0x43, 0x2B, 100 + number, 0, 0, 0, 0, 0]
            }
            var frame = VerioRecords.frame(answer)
            if payload[0] == 0xB3, Int(payload[1]) == broken { frame[frame.count - 1] ^= 1 }
            return [(notify, [0x81]), (notify, frame)]
        }
        return peer
    }

    private func asked(_ peer: ScriptedPeer) -> [Int] {
        peer.written.compactMap { $0.1.count > 1 && $0.1[5] == 0xB3 ? Int($0.1[6]) : nil }
    }

    @Test func `the check value of the meter's checksum is that of its description`() {
        #expect(VerioRecords.crc(Array("123456789".utf8)) == 0x29B1)
    }

    @Test func `records are asked for by number, acknowledged, and only the new ones next time`() {
        var peer = verioPeer(3...5)
        peer.run()
        #expect(peer.end == .complete)
        #expect(asked(peer) == [3, 4, 5])
        #expect(peer.written.filter { $0.1 == [0x81] }.count == 5)
        #expect(peer.stored.count == 3)
        peer.says = verioPeer(3...7).says
        peer.run()
        #expect(asked(peer) == [6, 7])
        peer.run()
        #expect(asked(peer) == [])
    }

    @Test func `a meter that was reset is read from its first record, not passed over`() {
        var peer = verioPeer(3...9)
        peer.run()
        peer.says = verioPeer(1...2).says
        peer.run()
        #expect(asked(peer) == [1, 2])
    }

    @Test func `a broken record ends the session, and the next one begins with it`() {
        var peer = verioPeer(1...4, broken: 3)
        peer.run()
        #expect(peer.end == .interrupted("the meter: a frame with a wrong checksum"))
        #expect(peer.memory.nextSequence == 3)
        peer.says = verioPeer(1...4).says
        peer.run()
        #expect(asked(peer) == [3, 4])
        #expect(peer.stored.count == 4)
    }

    @Test func `a meter that refuses is not asked again and again`() {
        var peer = verioPeer(1...2, status: 7)
        peer.run()
        #expect(peer.end == .interrupted("the meter answers with status 7"))
        #expect(peer.written.count == 2)
    }

    @Test func `a silent meter is asked five times and then left alone`() {
        var peer = verioPeer(1...2)
        peer.says = { _, _ in [] }
        peer.run()
        #expect(peer.end == .interrupted("the meter: it did not answer"))
        #expect(peer.written.count == 5)
    }

    @Test(arguments: [[], [0x01, 0x02], [0x01, 0x02, 0x08, 0, 3, 6, 3, 0, 0]] as [[UInt8]])
    func `bytes that are no frame are none`(bytes: [UInt8]) {
        #expect(!VerioRecords.isWhole(bytes))
    }
}
