import CLinux
import Glibc

/// The gateway's own clocks: what a device's time is compared with.
package enum GatewayClock {
    /// One look at all clocks.
    package struct Reading: Sendable, Hashable {
        /// Microseconds since 1970-01-01T00:00:00Z.
        package var utcMicroseconds: Int64
        /// Nanoseconds since the machine started, suspended time included (CLOCK_BOOTTIME).
        package var monotonicNanoseconds: Int64
        /// Whether a time service disciplines the clock.
        package var synchronised: Bool
    }

    /// Reads the clocks.
    package static func now() -> Reading {
        Reading(
            utcMicroseconds: nanoseconds(CLOCK_REALTIME) / 1000,
            monotonicNanoseconds: nanoseconds(CLOCK_BOOTTIME),
            synchronised: isSynchronised(kernelStatus(), told: told.withLock { $0 }))
    }

    /// Whether this process may ask the kernel; a sandbox that guards the clock forbids it.
    package static var mayAskKernel: Bool { kernelStatus() != nil }

    /// Takes another's word for whether the clock is synchronised; nil takes it back.
    ///
    /// It counts only where the kernel may not be asked.
    package static func tell(synchronised: Bool?) { told.withLock { $0 = synchronised } }

    private static let told = Locked<Bool?>(nil)

    /// Nanoseconds since the machine started, suspended time included.
    package static func monotonicNanoseconds() -> Int64 { nanoseconds(CLOCK_BOOTTIME) }

    /// Microseconds of CLOCK_MONOTONIC, the clock in which the service manager counts.
    static func monotonicMicroseconds() -> Int64 { nanoseconds(CLOCK_MONOTONIC) / 1000 }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The kernel's status bits; nil where a sandbox forbids to ask.
    private static func kernelStatus() -> Int32? {
        var state = timex()
        return adjtimex(&state) < 0 ? nil : state.status
    }

    /// Decides from the kernel's status (STA_UNSYNC), or else from what was told, or from the time service's mark.
    static func isSynchronised(
        _ status: Int32?, told: Bool? = nil, mark: String = "/run/systemd/timesync/synchronized"
    ) -> Bool {
        guard let status else { return told ?? (access(mark, F_OK) == 0) }
        return status & STA_UNSYNC == 0
    }
}
