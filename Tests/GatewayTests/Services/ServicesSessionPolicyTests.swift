import DeviceLink
import DeviceProfile
import GatewayTestKit
import Measurement
import Testing

@testable import Gateway

/// When a device in range is connected: a missed window is a reading that comes hours later.
@Suite struct SessionPolicyTests {
    static let device = address(1)

    static func address(_ number: Int) -> BluetoothAddress {
        let digits = String(number, radix: 16, uppercase: true)
        let text = "A4C13800" + String(repeating: "0", count: 4 - digits.count) + digits
        guard let address = BluetoothAddress(text) else { preconditionFailure(text) }
        return address
    }

    /// One device that is seen and served, with the time in seconds since its first sighting.
    final class Play {
        var policy = SessionPolicy()
        var now = Instant(seconds: 1_000)

        func seen(after seconds: Double = 0) -> Bool {
            now = now + Interval(microseconds: Int64(seconds * 1_000_000))
            return policy.seen(SessionPolicyTests.device, at: now) == .now
        }

        /// What a service does: a sighting that comes too early is asked about again in time.
        func served(after seconds: Double) -> Double? {
            now = now + Interval(microseconds: Int64(seconds * 1_000_000))
            switch policy.seen(SessionPolicyTests.device, at: now) {
            case .now: return 0
            case .no: return nil
            case .later(let wait):
                now = now + wait
                let isDue = policy.isDue(SessionPolicyTests.device, at: now)
                return isDue ? Double(wait.microseconds) / 1_000_000 : nil
            }
        }

        func session(_ end: SessionEnd, new: Int = 0, lasts seconds: Double = 4) {
            policy.began(SessionPolicyTests.device)
            now = now + Interval(microseconds: Int64(seconds * 1_000_000))
            policy.ended(SessionPolicyTests.device, end, new: new, at: now)
        }

        /// Seconds until the next session, of a device that advertises all the time.
        func wait(every interval: Double = 0.5, atMost limit: Double = 1_000) -> Double {
            let start = now
            while !seen(after: interval) {
                if (now - start).microseconds > Int64(limit * 1_000_000) { return .infinity }
            }
            return Double((now - start).microseconds) / 1_000_000
        }
    }

    @Test func `how long a device has been heard counts from its first sign of life`() {
        let play = Play()
        _ = play.seen()
        let first = play.now
        _ = play.seen(after: 5)
        #expect(play.policy.devices[Self.device]?.heardSince == first)
        play.session(.complete, new: 1)
        #expect(play.policy.devices[Self.device]?.heardSince == nil)
        _ = play.seen(after: 2)
        #expect(play.policy.devices[Self.device]?.heardSince == play.now)
        _ = play.seen(after: 20)
        #expect(play.policy.devices[Self.device]?.heardSince == play.now)
    }

    @Test func `the first advertisement of a device is answered at once`() {
        let play = Play()
        #expect(play.seen())
    }

    @Test func `a device in session is not connected a second time`() {
        let play = Play()
        #expect(play.seen())
        play.policy.began(Self.device)
        #expect(!play.seen(after: 1))
        #expect(!play.seen(after: 100))
    }

    @Test func `whoever weighs again a moment later is served again`() {
        let play = Play()
        #expect(play.seen())
        play.session(.complete, new: 1)
        #expect(play.wait() == 1)
        play.session(.complete, new: 1)
        #expect(play.wait() == 1)
    }

    @Test func `a device that advertises on without news is asked less and less often`() {
        let play = Play()
        #expect(play.seen())
        var waits: [Double] = []
        for _ in 0..<8 {
            play.session(.complete)
            waits.append(play.wait())
        }
        #expect(waits == [8, 16, 32, 64, 128, 256, 300, 300])
    }

    @Test func `news end the long rests`() {
        let play = Play()
        #expect(play.seen())
        for _ in 0..<6 {
            play.session(.complete)
            _ = play.wait()
        }
        play.session(.complete, new: 3)
        #expect(play.wait() == 1)
        play.session(.complete)
        #expect(play.wait() == 8)
    }

    @Test func `a device that was silent and is heard again was used again`() {
        let play = Play()
        #expect(play.seen())
        play.session(.complete)
        _ = play.wait()
        play.session(.complete)
        #expect(!play.seen(after: 14))
        #expect(play.seen(after: 15))
    }

    @Test
    func `one advertisement in a round of discovery is enough, also one that comes too early`() {
        let play = Play()
        #expect(play.seen())
        play.session(.complete, new: 2)
        // Heard 0.2 s after the end; the kernel reports the next one ten seconds later.
        #expect(play.served(after: 0.2) == 0.8)
        play.session(.interrupted("the link was lost"))
        #expect(play.served(after: 0.5) == 0.5)
    }

    @Test func `a device that has gone meanwhile, or is in session, is not connected`() {
        let play = Play()
        #expect(play.seen())
        play.session(.complete)
        let isTooEarly = play.policy.isDue(Self.device, at: play.now + .seconds(7))
        #expect(!isTooEarly)
        let isDue = play.policy.isDue(Self.device, at: play.now + .seconds(8))
        #expect(isDue)
        let isGone = !play.policy.isDue(Self.device, at: play.now + .seconds(13))
        #expect(isGone)
        play.policy.began(Self.device)
        let isFree = play.policy.isDue(Self.device, at: play.now + .seconds(8))
        #expect(!isFree)
        let isKnown = play.policy.isDue(Self.address(2), at: play.now)
        #expect(!isKnown)
    }

    @Test func `nothing is put off for longer than a device stays in reach`() {
        let play = Play()
        #expect(play.seen())
        play.session(.needsPerson("pairing failed"))
        #expect(play.policy.seen(Self.device, at: play.now + .seconds(1)) == .no)
    }

    @Test func `a device with slow advertisements is not taken for used again every time`() {
        let play = Play()
        #expect(play.seen())
        var sessions = 0
        // One advertisement in twenty seconds, for an hour, and never anything new.
        for _ in 0..<180 where play.seen(after: 20) {
            sessions += 1
            play.session(.complete, lasts: 0)
        }
        #expect(sessions < 20)
        #expect(sessions > 10)
    }

    @Test func `an interrupted session is tried again at once, then with longer pauses`() {
        let play = Play()
        #expect(play.seen())
        var waits: [Double] = []
        for _ in 0..<8 {
            play.session(.interrupted("the link was lost"))
            waits.append(play.wait())
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30, 30])
    }

    @Test func `the failures of yesterday do not cost today's window`() {
        let play = Play()
        #expect(play.seen())
        for _ in 0..<7 {
            play.session(.interrupted("out of range"))
            _ = play.wait()
        }
        #expect(play.seen(after: 86_400))
        play.session(.interrupted("out of range"))
        #expect(play.wait() == 1)
    }

    @Test func `a complete session forgets the failures before it`() {
        let play = Play()
        #expect(play.seen())
        for _ in 0..<4 {
            play.session(.interrupted("out of range"))
            _ = play.wait()
        }
        play.session(.complete, new: 1)
        _ = play.wait()
        play.session(.interrupted("out of range"))
        #expect(play.wait() == 1)
    }

    @Test func `a device that needs a person is left alone, and says what is to do`() {
        let play = Play()
        #expect(play.seen())
        play.session(.needsPerson("pairing failed"))
        #expect(play.policy.devices[Self.device]?.needsPerson == "pairing failed")
        #expect(play.wait() == 300)
        play.session(.complete, new: 1)
        #expect(play.policy.devices[Self.device]?.needsPerson == nil)
    }

    @Test func `the person who puts it into pairing mode does not have to wait five minutes`() {
        let play = Play()
        #expect(play.seen())
        play.session(.needsPerson("pairing failed"))
        // Heard in every round of discovery: nobody has touched it.
        #expect(!play.seen(after: 1))
        #expect(!play.seen(after: 10.24))
        #expect(!play.seen(after: 10.24))
        #expect(play.seen(after: 20))
    }

    @Test func `an interrupted session is not hurried by silence: the pauses hold`() {
        let play = Play()
        #expect(play.seen())
        for _ in 0..<6 {
            play.session(.interrupted("out of range"))
            _ = play.wait()
        }
        play.session(.interrupted("out of range"))
        #expect(!play.seen(after: 16))
        #expect(play.seen(after: 16))
    }

    @Test func `the end of a session of an unknown device changes nothing`() {
        var policy = SessionPolicy()
        policy.began(Self.device)
        policy.ended(Self.device, .complete, new: 1, at: Instant(seconds: 5))
        #expect(policy.devices.isEmpty)
    }

    @Test func `a hall full of devices does not fill the memory, nor forget a running session`() {
        var policy = SessionPolicy()
        _ = policy.seen(Self.address(0), at: Instant(seconds: 0))
        policy.began(Self.address(0))
        for number in 1...3_000 {
            let answer = policy.seen(Self.address(number), at: Instant(seconds: Int64(number)))
            #expect(answer == .now)
        }
        #expect(policy.devices.count == SessionPolicy.maximumDevices)
        #expect(policy.devices[Self.address(0)]?.inSession == true)
        #expect(policy.devices[Self.address(3_000)] != nil)
        #expect(policy.devices[Self.address(1)] == nil)
    }

    @Test func `whatever happens, no device waits longer than the longest pause`() {
        var generator = SeededGenerator(seed: 7)
        let play = Play()
        _ = play.seen()
        for _ in 0..<500 {
            let end: SessionEnd =
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: .complete
                case 1: .interrupted("x")
                default: .needsPerson("x")
                }
            play.session(
                end, new: Int.random(in: 0...1, using: &generator),
                lasts: Double(Int.random(in: 0..<100, using: &generator)))
            #expect(play.wait(every: 1) <= 301)
        }
    }
}
