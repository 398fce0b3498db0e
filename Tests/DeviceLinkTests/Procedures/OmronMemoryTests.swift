import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// A cuff's memory over its own protocol: every record once, nothing erased, no key given away.
@Suite struct OmronMemoryTests {
    private func cuff() -> FakeOmron {
        let device = FakeOmron()
        device.key = ScriptedPeer.ownersKey
        device.putClock("2026-03-02T08:10:00", at: 0x40)
        device.put(vital(121, minute: 1), at: 0x100)
        device.put(vital(122, minute: 2), at: 0x100 + 9 * 14)
        device.put(vital(131, minute: 3), at: 0x200)
        return device
    }

    @Test func `both users' records come under their slots and at the gateway's time`() {
        let device = cuff()
        var peer = ScriptedPeer.omron(device)
        peer.run()
        #expect(peer.end == .complete)
        #expect(
            peer.times == [
                "121 2026-03-01T08:06:01", "122 2026-03-01T08:07:01", "131 2026-03-01T08:08:01",
            ])
        #expect(peer.stored.map(\.record?.userSlot) == [1, 1, 2])
        #expect(peer.notes.contains(.recordAccess("17 slots of the memory are empty")))
    }

    @Test func `nothing is written into the memory, and the transmission is ended`() {
        let device = cuff()
        var peer = ScriptedPeer.omron(device)
        peer.run()
        #expect(device.kinds == [0x0000, 0x0100, 0x0F00])
        #expect(device.writes.isEmpty)
        #expect(device.programmed == nil)
    }

    @Test func `the receiving channels are subscribed before the lock, the first one first`() {
        var peer = ScriptedPeer.omron(cuff())
        peer.run()
        let subscribed = peer.log.filter { $0.hasPrefix("subscribe") }
        #expect(
            subscribed
                == (OmronChannels.receive + [OmronChannels.unlock]).map { "subscribe \($0)" })
    }

    // MARK: the lock

    @Test func `without a key in the configuration a person is asked and nothing is written`() {
        var peer = ScriptedPeer.omron(cuff())
        peer.owner.key = nil
        peer.run()
        #expect(
            peer.end
                == .needsPerson(
                    "the device needs a key of 16 bytes of its owner in the configuration"))
        #expect(peer.written.isEmpty)
    }

    @Test func `a device that has another key is not given ours behind its owner's back`() {
        let device = cuff()
        device.key = [UInt8](repeating: 9, count: 16)
        device.isInPairingMode = true
        var peer = ScriptedPeer.omron(device)
        peer.run()
        guard case .needsPerson(let what) = peer.end else {
            Issue.record("\(String(describing: peer.end))")
            return
        }
        #expect(what.contains("-P-"))
        #expect(device.programmed == nil)
        #expect(device.reads.isEmpty)
    }

    @Test func `while a person pairs, the owner's key goes in and the records come at once`() {
        let device = cuff()
        device.key = nil
        device.isInPairingMode = true
        var peer = ScriptedPeer.omron(device)
        peer.owner.isPairing = true
        peer.run()
        #expect(device.programmed == ScriptedPeer.ownersKey)
        #expect(peer.end == .complete)
        #expect(peer.times.count == 3)
    }

    @Test func `a device that is not in its pairing mode takes no key, and the session says so`() {
        let device = cuff()
        var peer = ScriptedPeer.omron(device)
        peer.owner.isPairing = true
        peer.run()
        #expect(
            peer.end == .interrupted("the pairing of the key: it is not in its pairing mode"))
        #expect(device.programmed == nil)
    }

    @Test func `no note and no end of a session shows a byte of the key`() {
        for isPairing in [false, true] {
            let device = cuff()
            device.isInPairingMode = true
            device.faults = [.everyChecksumWrong]
            var peer = ScriptedPeer.omron(device)
            peer.owner.isPairing = isPairing
            peer.run()
            let text = "\(peer.notes) \(String(describing: peer.end)) \(peer.owner)"
            #expect(!text.contains("10111213") && !text.contains("16, 17, 18"))
        }
    }

    @Test func `a token that comes back changed opens nothing`() {
        let device = FakeOmron(channels: 1)
        device.faults = [.otherToken]
        var peer = ScriptedPeer.omron(device, omronCuff(channels: 1, unlock: "token"))
        peer.run()
        #expect(peer.end == .interrupted("the unlock: another token came back"))
    }

    @Test func `a newer device is read over one channel after its token`() {
        let device = FakeOmron(channels: 1)
        device.putClock("2026-03-02T08:15:00", at: 0x40)
        device.put(vital(121, minute: 1), at: 0x100)
        var peer = ScriptedPeer.omron(device, omronCuff(channels: 1, unlock: "token"))
        peer.owner = DeviceOwner()
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times == ["121 2026-03-01T08:01:00"])
        #expect(peer.log.filter { $0.hasPrefix("subscribe") }.count == 2)
    }

    @Test func `a model of the family that has no lock is read without one`() {
        let device = FakeOmron(channels: 1)
        device.putClock("2026-03-02T08:15:00", at: 0x40)
        device.put(vital(121, minute: 1), at: 0x100)
        var peer = ScriptedPeer.omron(device, omronCuff(channels: 1, unlock: "token"))
        peer.errors["subscribe \(OmronChannels.unlock)"] = .noSuchCharacteristic(
            OmronChannels.unlock)
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times == ["121 2026-03-01T08:01:00"])
    }

    // MARK: broken sessions

    @Test func `an answer with a wrong checksum is asked for again and counts once`() {
        let device = cuff()
        device.faults = [.wrongChecksum(at: 2)]
        var peer = ScriptedPeer.omron(device)
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times.count == 3)
        #expect(device.reads.filter { $0 == device.reads[2] }.count == 2)
    }

    @Test func `checksums that stay wrong end the session and give no number`() {
        let device = cuff()
        device.faults = [.everyChecksumWrong]
        var peer = ScriptedPeer.omron(device)
        peer.run()
        #expect(peer.end == .interrupted("the clock: a frame with a wrong checksum"))
        #expect(peer.stored.isEmpty)
    }

    @Test func `a device that falls silent is asked three times, and what came is kept`() {
        let device = cuff()
        device.faults = [.silentFrom(3)]
        var peer = ScriptedPeer.omron(device)
        peer.run()
        #expect(peer.end == .interrupted("the memory at 0x154: it did not answer"))
        #expect(device.reads.suffix(3) == [0x154, 0x154, 0x154])
        #expect(peer.times == ["121 2026-03-01T08:06:01"])
    }

    @Test func `an answer with fewer bytes than asked for is asked for again`() {
        let device = cuff()
        device.faults = [.shortData(at: 1)]
        var peer = ScriptedPeer.omron(device)
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times.count == 3)
    }

    @Test(arguments: [false, true])
    func `a user whose memory is refused does not cost the other one's`(byEnd: Bool) {
        let device = cuff()
        device.faults = [.refuses(0x200, byEnd: byEnd)]
        var peer = ScriptedPeer.omron(device)
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times.count == 2)
        #expect(
            peer.notes.contains {
                if case .refused("omron-memory", let text) = $0 {
                    text.contains("user 2")
                } else {
                    false
                }
            })
    }

    @Test func `a refusal in the middle of a ring ends the session; the next one asks again`() {
        let device = cuff()
        device.faults = [.refuses(0x100 + 3 * 14, byEnd: false)]
        var peer = ScriptedPeer.omron(device)
        peer.run()
        #expect(
            peer.end
                == .interrupted("the device refused to give its memory at 0x12a, result 3"))
        #expect(peer.memory.nextSequence == 3)
        device.faults = []
        peer.run()
        #expect(peer.end == .complete)
        #expect(Set(peer.stored.map(\.key)).count == 3)
    }

    @Test func `wherever the device leaves, the next session gets the rest, nothing twice`() {
        let whole = 3
        for step in 0..<60 {
            let device = cuff()
            var peer = ScriptedPeer.omron(device)
            peer.leavesAt = step
            peer.run()
            if peer.end == .complete { break }
            peer.leavesAt = nil
            peer.run()
            #expect(peer.end == .complete, "after leaving at step \(step)")
            #expect(Set(peer.stored.map(\.key)).count == whole, "after leaving at step \(step)")
        }
    }

    @Test func `a broken session goes on at its slot, and a whole one starts anew`() {
        let device = cuff()
        device.faults = [.silentFrom(3)]
        var peer = ScriptedPeer.omron(device)
        peer.run()
        #expect(peer.memory.nextSequence == 6)
        device.faults = []
        let before = device.reads.count
        peer.run()
        // The clock first, then the slot that was not read, and at last those before it.
        #expect(device.reads[before] == 0x40)
        #expect(device.reads[before + 1] == 0x100 + 6 * 14)
        #expect(device.reads.last == 0x100 + 3 * 14)
        #expect(peer.memory.nextSequence == nil)
    }

    @Test func `records that the store does not take are not passed over`() {
        let device = cuff()
        var peer = ScriptedPeer.omron(device)
        peer.refusedCommits = [1]
        peer.run()
        #expect(peer.end == .interrupted("the store takes nothing"))
        #expect(peer.memory.nextSequence == nil)
    }
}
