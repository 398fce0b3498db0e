import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Testing

@testable import BluetoothLink

/// Where the time of a session went: without it nobody can tell a busy adapter from a slow device.
@Suite struct SessionTimesTests {
    init() { LoopThread.start() }

    static let start = GatewayTime(
        utc: Instant(seconds: 1_000), monotonicNanoseconds: 5_000_000_000, synchronised: true)

    static func later(_ milliseconds: Int64) -> GatewayTime {
        GatewayTime(
            utc: start.utc,
            monotonicNanoseconds: start.monotonicNanoseconds + milliseconds * 1_000_000,
            synchronised: true)
    }

    static let uuid = BluetoothUUID(0x2A35)
    static let events: [(SessionEvent, SessionTimes.Stage?)] = [
        (.connected(bonded: false, at: later(10)), .linked),
        (.bonded(at: later(10)), .bonded),
        (.services([], at: later(10)), .services),
        (.subscribed(uuid, at: later(10)), .subscribed),
        (.notification(uuid, [1], at: later(10)), .firstValue),
        (.leftOver(uuid, [1], at: later(10)), nil),
        (.written(uuid, at: later(10)), nil),
        (.committed(1, at: later(10)), nil),
        (.connectFailed(.unreachable("x")), nil),
    ]

    @Test(arguments: events.indices)
    func `each stage is reached by its own event and by no other`(index: Int) {
        let (event, stage) = Self.events[index]
        var times = SessionTimes(began: Self.start)
        times.take(event)
        for other in SessionTimes.Stage.allCases {
            #expect(times[other] == (other == stage ? .milliseconds(10) : nil), "\(other)")
        }
    }

    @Test func `only the first subscription and the first value count`() {
        var times = SessionTimes(began: Self.start)
        for delay: Int64 in [200, 900] {
            times.take(.subscribed(Self.uuid, at: Self.later(delay)))
            times.take(.notification(Self.uuid, [1], at: Self.later(delay + 50)))
        }
        #expect(times[.subscribed] == .milliseconds(200))
        #expect(times[.firstValue] == .milliseconds(250))
    }

    @Test func `a clock that is set during the session changes no length`() {
        var times = SessionTimes(began: Self.start)
        let set = GatewayTime(
            utc: Self.start.utc + .minutes(60), monotonicNanoseconds: 5_300_000_000,
            synchronised: true)
        times.reach(.linked, at: set)
        #expect(times[.linked] == .milliseconds(300))
    }

    @Test func `a session that ran knows its stages in order`() async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.onRead = { stage.clock.advance(.seconds(2)) }
            stage.device.onSubscribe = { device in
                device.send(0x2A35, Stage.backlog[0])
                device.leave()
            }
            let runner = try stage.makeRunner()
            #expect(await runner.run() == .complete)
            #expect(runner.times[.linked] == .zero)
            #expect(runner.times[.subscribed] == .seconds(2))
            #expect(runner.times[.ended] == .seconds(2))
        }
    }

    @Test func `waiting for other devices and waiting for discovery to stop are told apart`()
        async throws
    {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.onSubscribe = { $0.leave() }
            let runner = try stage.makeRunner()
            var moment = stage.clock.now()
            moment.monotonicNanoseconds += 300_000_000
            stage.device.adapterFreeAt = moment
            moment.monotonicNanoseconds += 200_000_000
            stage.device.radioQuietAt = moment
            _ = await runner.run()
            #expect(runner.times[.adapter] == .milliseconds(300))
            #expect(runner.times[.quiet] == .milliseconds(500))
        }
    }

    @Test func `a device that was never reached has no stage but the end`() async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.failures["connect"] = .unreachable("x")
            let runner = try stage.makeRunner()
            _ = await runner.run()
            let reached = SessionTimes.Stage.allCases.filter { runner.times[$0] != nil }
            #expect(reached == [.ended])
        }
    }
}
