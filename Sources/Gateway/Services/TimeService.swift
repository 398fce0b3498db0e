import BluetoothLink
import EventLoop

/// Asks systemd whether the clock is synchronised, where the sandbox forbids to ask the kernel.
///
/// timedated answers from the kernel, so that it counts for any time service. The kernel itself calls a clock
/// unsynchronised only hours after the last word of its time service: a yes is asked for again after ten minutes,
/// a no after half a minute. Without an answer the mark of systemd-timesyncd is all there is.
@LoopActor final class TimeService {
    private let address: String?
    private let counters: Counters
    private let pauses: (afterYes: Duration, afterNo: Duration)
    private let heard = LoopCondition()
    private(set) var answers = 0
    private(set) var failures = 0
    private var wasSilent = false

    /// - Parameter address: a D-Bus address; nil for the system bus.
    init(
        counters: Counters, address: String? = nil,
        pauses: (afterYes: Duration, afterNo: Duration) = (.seconds(600), .seconds(30))
    ) {
        self.counters = counters
        self.address = address
        self.pauses = pauses
    }

    /// Runs until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let answer = await ask()
            GatewayClock.tell(synchronised: answer)
            heard.broadcast()
            let pause = answer == true ? pauses.afterYes : pauses.afterNo
            guard (try? await sleep(for: pause)) != nil else { return }
        }
    }

    /// Waits until the question was answered once, or failed, for the limit at most.
    func firstAnswer(within limit: Duration) async {
        _ = try? await heard.wait(for: limit) { self.answers + self.failures > 0 }
    }

    /// One connection for one question: none has to be looked after between two.
    private func ask() async -> Bool? {
        var call = BusCall(
            "org.freedesktop.timedate1", "/org/freedesktop/timedate1",
            "org.freedesktop.DBus.Properties", "Get",
            "org.freedesktop.timedate1", "NTPSynchronized")
        call.startsPeer = true
        do throws(BusError) {
            let answer = try await Bus.open(address).call(call, within: .seconds(10))
            guard let value = answer.first?.bool else {
                throw BusError(
                    name: "org.freedesktop.DBus.Error.InvalidSignature", message: "no boolean")
            }
            answers += 1
            wasSilent = false
            return value
        } catch {
            failures += 1
            counters.count("time_service_failures")
            if !wasSilent, !error.isCancelled {
                Log.warning("time-service-silent", ["reason": "\(error)"])
            }
            wasSilent = true
            return nil
        }
    }
}
