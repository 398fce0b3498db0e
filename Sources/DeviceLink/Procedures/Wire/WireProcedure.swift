package import DeviceProfile
package import Measurement

/// The talk of one protocol: what comes in, what goes out. It knows no store, no time zone, no keys.
///
/// `WireSession` runs it, decodes what it hands out, and commits before `.stored` is answered.
package protocol WireProcedure: Sendable {
    /// Takes one input and says what to do next, in order.
    mutating func take(_ input: WireInput) -> [WireStep]
    /// Nothing is half done: a device that is unplugged now gave all that it had.
    var isAtRest: Bool { get }
    /// Takes what devices told of themselves in earlier sessions, before anything else.
    mutating func know(_ configurations: [KnownConfiguration])
}

extension WireProcedure {
    /// A talk that fetches records is under way until it says that it is complete.
    package var isAtRest: Bool { false }

    /// Most protocols say the same to every device.
    package mutating func know(_ configurations: [KnownConfiguration]) {}
}

/// What a procedure is told.
package enum WireInput: Sendable, Equatable {
    case opened
    case received([UInt8])
    case feature([UInt8])
    case control([UInt8])
    case identity(StorageIdentity)
    case block([UInt8])
    case done
    case refused(String)
    /// The profile that the answer to `.identify` chose.
    case identified(WirePlan)
    /// All that was handed out before `.store` is on disk.
    case stored
    case timedOut
    case paused
    /// The answer to `.askTime`: what clocks around here show.
    case time(LocalDateTime, utcOffsetMinutes: Int)
    /// The answer to `.askTime` while the gateway's own clock is not right.
    case timeUnknown
}

/// What a procedure wants.
package enum WireStep: Sendable, Equatable {
    case send([UInt8])
    case setFeature(report: UInt8, [UInt8])
    case setOutput(report: UInt8, [UInt8])
    case getFeature(report: UInt8, length: Int)
    case control(ControlTransfer)
    case inquire
    case readBlock(UInt32)
    case writeBlock(UInt32, [UInt8])
    /// Without a further input within this time `.timedOut` comes.
    case expect(Interval)
    /// `.paused` comes after this time.
    case pause(Interval)
    /// A message of the device, to be decoded by the profile's layout, and what it answers.
    ///
    /// `isPushed`: the device sent it by itself, at the moment of measuring or soon behind it.
    case message([UInt8], request: [UInt8] = [], isPushed: Bool = false)
    /// Messages that came together: what one of them says of changes of the clock holds for all.
    case messages([[UInt8]], request: [UInt8] = [])
    /// The device's clock as it is now, with its offset from UTC where the device knows it.
    case clock(LocalDateTime, utcOffsetMinutes: Int? = nil)
    /// What the device's counter shows now, and how long a count of it is.
    case ticks(UInt32, length: Interval)
    /// The time is asked for, to set the device's clock: `.time` or `.timeUnknown` comes.
    case askTime
    /// The device has taken over the time that `.time` told.
    case clockSet
    /// What the device calls itself; counts where the profile is for any model.
    case model(manufacturer: String?, name: String?)
    case serial(String)
    case firmware(String)
    /// What the device says it is; where several profiles fit, this chooses among them.
    case identify(String)
    /// Put all messages so far on disk, then `.stored` comes: before anything that lets the device
    /// forget, or takes the record from it.
    case store
    case note(SessionNote)
    /// The device gave all that it has.
    case complete
    /// The link stands, but the device does not do what it must; the next session resumes.
    case broken(String)
    /// A person has to act.
    case needsPerson(String)
}
