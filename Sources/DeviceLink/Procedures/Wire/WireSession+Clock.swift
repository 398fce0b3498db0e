import DeviceProfile
import Measurement

/// Setting the clock of a device on a cable, and what later sessions must know of it.
extension WireSession {
    /// What clocks around here show; unknown while the gateway's own clock is not right.
    mutating func timeOfDay() -> WireInput {
        guard now.synchronised else {
            let reason = "the gateway's own clock is not synchronised"
            actions.append(.note(.clockNotSet(because: reason)))
            return .timeUnknown
        }
        // To the nearest second.
        let zone = builder.engine.zone
        let rounded = zone.local(now.utc + .milliseconds(500))
        let local = rounded.adding(Interval(microseconds: -Int64(rounded.microsecond)))
        let ahead = zone.local(now.utc).localMicroseconds - now.utc.microseconds
        return .time(local, utcOffsetMinutes: Int(ahead / 60_000_000))
    }

    /// Remembers that the clock shows the gateway's time from now on, and what it showed until now.
    mutating func clockWasSet() {
        memory.clockSetAt = now.utc
        queue.memoryChanged = true
        clock.wasSet = true
        actions.append(.note(.clockSet(at: now.utc)))
        guard let check = clock.check, case .wall(let time) = check.reading,
            let offset = check.offset(rules: profile.time, zone: builder.engine.zone)
        else { return }
        let since = Interval(
            microseconds: now.utc.microseconds - check.gateway.utc.microseconds)
        let step = ClockStep(
            deviceBefore: time.adding(since), offset: offset, setAt: now.utc, drained: true)
        clock.steps.append(step)
        // A clock that was right needs no memory: it would push out the steps that matter.
        guard offset.magnitude > builder.engine.tolerance(latency: check.latency) else { return }
        memory.clockSteps.append(step)
        memory.clockSteps.removeFirst(
            max(0, memory.clockSteps.count - DeviceMemory.maximumClockSteps))
    }
}
