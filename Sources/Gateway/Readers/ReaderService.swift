import EventLoop
import JSON
import Measurement
import Register
import Spool
import StationInput
import USBLink

/// The readers of all stations: opened when they are plugged in, and what they read begins sessions.
///
/// Nothing is watched and nothing wakes up while no reader is bound.
@LoopActor final class ReaderService {
    let bindings: ReaderBindings
    let people: People
    let counters: Counters
    var finder: ReaderFinder
    private(set) var seats: [ReaderPlace: ReaderSeat] = [:]
    private var messages: KernelMessages?
    private var lines: LineWatcher?
    private var isStopping = false
    private let changed = LoopCondition()
    private(set) lazy var desk = ReaderDesk(self)
    /// Tells whoever listens at the socket what came of a card.
    var onEvent: @LoopActor ([UInt8]) -> Void = { _ in }

    init(
        people: People, counters: Counters, bindings: ReaderBindings,
        finder: ReaderFinder = ReaderFinder(host: { nil })
    ) {
        self.people = people
        self.counters = counters
        self.bindings = bindings
        self.finder = finder
    }

    // MARK: start and end

    /// Opens what is bound and plugged in, and waits for the rest.
    func start() {
        for binding in bindings.bindings {
            seats[binding.settings.place] = ReaderSeat(binding)
        }
        watch()
        look()
    }

    /// Ends all readers; each device is given back.
    func stop() async {
        isStopping = true
        watch()
        for seat in seats.values { seat.reader?.stop() }
        for seat in seats.values { await seat.task?.value }
        await desk.stop()
    }

    /// Whether anything is waited for.
    var isWatching: Bool { messages != nil || lines != nil }

    private func watch() {
        guard !seats.isEmpty, !isStopping else {
            messages = nil
            lines = nil
            return
        }
        guard messages == nil else { return }
        // Without the kernel's messages a reader that is plugged in later is found at the next binding.
        messages = try? KernelMessages { [weak self] in self?.look() }
        if messages == nil { counters.count("reader_no_messages") }
        lines = LineWatcher { [weak self] in self?.look() }
    }

    // MARK: bindings

    func bind(
        _ settings: ReaderSettings, to station: String
    ) async throws(StateFileFailure) -> ReaderSeat? {
        try bindings.bind(settings, to: station)
        await close(settings.place)
        guard let binding = bindings[settings.place] else { return nil }
        seats[settings.place] = ReaderSeat(binding)
        watch()
        look()
        _ = try? await changed.wait(for: .seconds(2)) {
            self.seats[settings.place]?.state != ReaderSeat.opening
        }
        return seats[settings.place]
    }

    /// Takes what the configuration says now: readers that left it are given back, new ones are opened.
    func take(_ configured: [ReaderBinding]) async {
        bindings.configure(configured)
        for (place, seat) in seats where bindings[place] != seat.binding { await close(place) }
        for binding in bindings.bindings where seats[binding.settings.place] == nil {
            seats[binding.settings.place] = ReaderSeat(binding)
        }
        watch()
        look()
    }

    func unbind(_ place: ReaderPlace) async throws(StateFileFailure) {
        try bindings.unbind(place)
        await close(place)
        watch()
    }

    private func close(_ place: ReaderPlace) async {
        guard let seat = seats.removeValue(forKey: place) else { return }
        seat.reader?.stop()
        await seat.task?.value
    }

    /// The station whose reader a plugged device is.
    func station(of info: USBDeviceInfo) -> String? {
        bindings.bindings.first { $0.settings.place.means(info) }?.station
    }

    /// What a device shows that it is; nil where it is not plugged in or shows nothing.
    func kind(at place: ReaderPlace) -> ReaderSettings.Kind? { finder.kind(place) }

    func device(at place: ReaderPlace) -> USBDeviceInfo? { finder.device(place) }

    // MARK: readers

    /// Looks for every reader that is not open.
    func look() {
        guard !isStopping else { return }
        for (place, seat) in seats where seat.reader == nil && seat.retry == nil {
            begin(place, seat)
        }
    }

    private func begin(_ place: ReaderPlace, _ seat: ReaderSeat) {
        guard people.book[seat.binding.station] != nil else {
            let name = seat.binding.station
            return show("needs-person: the configuration names no station \(name)", place)
        }
        switch finder.reader(seat.binding.settings) {
        case .absent(let why): show(why, place)
        case .found(let reader, let device):
            let attempt = seat.attempt + 1
            seats[place]?.attempt = attempt
            seats[place]?.device = device
            seats[place]?.reader = reader
            show(ReaderSeat.opening, place)
            seats[place]?.task = spawn { [self] in
                let end = await reader.run(
                    opened: { [weak self] in self?.opened(place, attempt) },
                    { [weak self] in self?.took($0, place, attempt) })
                ended(place, attempt, end)
            }
        }
    }

    private func show(_ state: String, _ place: ReaderPlace) {
        guard let seat = seats[place], seat.state != state else { return }
        seats[place]?.state = state
        if state.hasPrefix("needs-person") {
            Log.warning("reader-needs-person", ["station": seat.binding.station, "why": state])
        }
        changed.broadcast()
    }

    private func isCurrent(_ place: ReaderPlace, _ attempt: Int) -> Bool {
        seats[place]?.attempt == attempt
    }

    private func opened(_ place: ReaderPlace, _ attempt: Int) {
        guard isCurrent(place, attempt), let seat = seats[place] else { return }
        seats[place]?.failures = 0
        seats[place]?.wasOpen = true
        counters.count("reader_opened")
        Log.notice(
            "reader-opened",
            ["station": seat.binding.station, "kind": seat.binding.settings.kind.rawValue])
        show(ReaderSeat.ready, place)
    }

    private func took(_ input: ReaderInput, _ place: ReaderPlace, _ attempt: Int) {
        guard isCurrent(place, attempt), let seat = seats[place] else { return }
        desk.take(input, from: place, at: seat.binding.station)
    }

    private func ended(_ place: ReaderPlace, _ attempt: Int, _ end: USBError) {
        guard isCurrent(place, attempt), let seat = seats[place] else { return }
        seats[place]?.reader = nil
        seats[place]?.task = nil
        seats[place]?.wasOpen = false
        guard !isStopping else { return }
        counters.count("reader_ended_\(end.name)")
        Log.notice("reader-ended", ["station": seat.binding.station, "reason": end.name])
        switch end {
        case .gone:
            show(ReaderSeat.absent, place)
            // The kernel may show it for a moment longer; what comes back tells of itself.
            if seat.wasOpen { retry(place, after: .seconds(1)) }
        case .permission(let node):
            let info = finder.device(place)
            let remedy = ReaderRemedy.permission(node, seat.binding.settings, info)
            show("needs-person: " + remedy, place)
        default:
            let failures = seat.failures + 1
            seats[place]?.failures = failures
            var isBusy = false
            if case .busy = end { isBusy = true }
            show((isBusy ? "needs-person: " : "again soon: ") + end.description, place)
            retry(place, after: PortRules.pause(after: failures))
        }
    }

    private func retry(_ place: ReaderPlace, after wait: Duration) {
        seats[place]?.retry = EventLoop.shared.after(wait, tolerance: wait / 10) { [weak self] in
            self?.seats[place]?.retry = nil
            self?.look()
        }
    }

    // MARK: what came of it

    /// Notes what a reader gave; nil where it began a session.
    func note(_ refusal: ReaderRefusal?, from place: ReaderPlace) {
        let now = people.clock().utc
        seats[place]?.reads += 1
        seats[place]?.lastRead = now
        guard let refusal else { return }
        seats[place]?.refusals += 1
        seats[place]?.lastRefusal = (refusal, now)
    }

    /// Waits for the next card at a station, which then begins no session; nil where none came.
    func nextCard(at station: String) async -> String? { await desk.nextCard(at: station) }

    func hasReader(_ station: String) -> Bool {
        seats.values.contains { $0.binding.station == station }
    }
}

/// A reader's place at a station, and how it is doing.
struct ReaderSeat {
    static let ready = "ready"
    static let opening = "opening"
    static let absent = "not plugged in"

    var binding: ReaderBinding
    /// What `hakaru station readers` says of it.
    var state = ReaderSeat.absent
    /// What is plugged in there, for people.
    var device: String?
    var reader: (any StationReader)?
    var task: Task<Void, Never>?
    /// Counts openings: what a former one still says is not heard.
    var attempt = 0
    var wasOpen = false
    var failures = 0
    var retry: EventSource?
    var reads = 0
    var refusals = 0
    var lastRead: Instant?
    var lastRefusal: (refusal: ReaderRefusal, at: Instant)?

    init(_ binding: ReaderBinding) { self.binding = binding }
}

/// Why what was read began no session; neither holds what was read.
struct ReaderRefusal: Equatable {
    var code: String
    var text: String
}
