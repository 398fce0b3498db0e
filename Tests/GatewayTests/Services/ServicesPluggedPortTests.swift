import DeviceLink
import Testing
import USBLink

@testable import Gateway

@Suite("A port that is bound or unbound is looked at again") struct ServicesPluggedPortTests {
    static func port(binding: String? = nil, profile: String? = nil) -> PluggedPort {
        var port = PluggedPort(
            info: USBDeviceInfo(path: USBPath(bus: 1, ports: [1]), vendor: 1, product: 2))
        port.binding = binding
        port.profile = profile
        return port
    }
    static let ends: [SessionEnd] = [
        .complete, .interrupted("the session was stopped"), .needsPerson("pair it"),
    ]

    @Test("an unbound adapter does not go on with the model it had, however its session ended")
    func unbound() {
        let port = Self.port(binding: "and-standard-scale", profile: "and-standard-scale")
        for end in Self.ends {
            #expect(port.next(after: end, bound: nil) == .anew, "\(end)")
        }
    }

    @Test("a port bound to another model in a session is served with that model next")
    func rebound() {
        let port = Self.port(binding: "and-standard-scale", profile: "and-standard-scale")
        for end in Self.ends {
            #expect(port.next(after: end, bound: "taidoc-serial") == .anew, "\(end)")
        }
    }

    @Test("a device that was served by its numbers and is bound in its session is decided again")
    func boundMeanwhile() {
        let port = Self.port(profile: "omron-hem-7080it")
        for end in Self.ends {
            #expect(port.next(after: end, bound: "omron-hj-720it") == .anew, "\(end)")
        }
    }

    @Test(
        "a session whose binding stayed rests, is tried again or waits for a person",
        arguments: [nil, "and-standard-scale"])
    func unchanged(binding: String?) {
        let port = Self.port(binding: binding, profile: "and-standard-scale")
        #expect(port.next(after: .complete, bound: binding) == .rest)
        #expect(port.next(after: .interrupted("gone"), bound: binding) == .again("gone"))
        #expect(port.next(after: .needsPerson("pair it"), bound: binding) == .wait("pair it"))
    }

    @Test("binding one port leaves the sessions of all others alone, bound or not")
    func others() {
        // The profile in use is no binding: a cuff known by its numbers has none.
        #expect(!Self.port(profile: "omron-hem-7080it").isOutdated(bound: nil))
        #expect(!Self.port(binding: "a", profile: "a").isOutdated(bound: "a"))
        // Bound to what cannot be served yet: nothing has changed either.
        #expect(!Self.port(binding: "a").isOutdated(bound: "a"))
        #expect(Self.port(binding: "a").isOutdated(bound: nil))
        #expect(Self.port().isOutdated(bound: "a"))
    }

    @Test("a device that fails is left alone a second, then twice as long, and no longer than 16")
    func pauses() {
        var port = Self.port()
        let waits = (0..<7).map { _ in port.failed() }
        #expect(waits == [1, 2, 4, 8, 16, 16, 16].map { Duration.seconds($0) })
        port.succeeded()
        #expect(port.failed() == .seconds(1))
    }

    @Test("failures under the former model do not hold the new one up")
    func anew() {
        var port = Self.port(binding: "a", profile: "a")
        for _ in 0..<5 { _ = port.failed() }
        port.beginAnew()
        #expect(port.failures == 0)
        #expect(port.profile == nil)
        #expect(port.retry == nil)
    }

    @Test("a session that was about to begin under the former binding is given up")
    func attempts() {
        var port = Self.port()
        let first = port.nextAttempt()
        #expect(port.attempt == first)
        port.beginAnew()
        #expect(port.attempt != first)
        #expect(port.nextAttempt() != first)
    }

    @Test("a device whose interfaces came while the timer was set is decided, not forgotten")
    func settled() {
        let former = Self.port()
        var port = former
        port.info.isSettled = !former.info.isSettled
        port.info.productName = "known by now"
        #expect(port.isUndecided(since: former))
        port.profile = "omron-hem-7080it"
        #expect(!port.isUndecided(since: former), "it is served: a second session would begin")
        var another = former
        another.info.generation += 1
        #expect(!another.isUndecided(since: former), "it was put back; it has a timer of its own")
    }
}
