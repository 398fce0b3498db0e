import EventLoop
import JSON
import Register
import Spool
import StationInput

/// Takes what readers read, one after the other, and begins the sessions.
///
/// At most 64 reads wait; what comes beyond that is counted and dropped: nobody holds a card that long.
@LoopActor final class ReaderDesk {
    private unowned let service: ReaderService
    private var queue: [(input: ReaderInput, place: ReaderPlace, station: String)] = []
    private var working: Task<Void, Never>?
    private var last: [ReaderPlace: (hash: Int, at: ContinuousClock.Instant)] = [:]
    private var registrations: [String: Registration] = [:]
    private static let longestQueue = 64
    /// A scanner that reads the same label again and again means it once.
    private static let bounce = Duration.seconds(2)

    @LoopActor private final class Registration {
        let done = LoopCondition()
        var number: String?
        nonisolated init() {}
    }

    init(_ service: ReaderService) { self.service = service }

    func take(_ input: ReaderInput, from place: ReaderPlace, at station: String) {
        guard queue.count < Self.longestQueue else {
            return service.counters.count("reader_overrun")
        }
        queue.append((input, place, station))
        guard working == nil else { return }
        working = spawn { [self] in
            while !queue.isEmpty {
                let next = queue.removeFirst()
                await handle(next.input, next.place, next.station)
            }
            working = nil
        }
    }

    func stop() async {
        for registration in registrations.values { registration.done.broadcast() }
        await working?.value
    }

    private func handle(
        _ input: ReaderInput, _ place: ReaderPlace, _ station: String
    ) async {
        let who: People.Identification
        switch input {
        case .refused(.otherTrack): return service.counters.count("reader_other_track")
        case .refused(let refusal): return await refuse(refusal, place, station)
        case .code(let text): who = .card(text)
        case .card(let identifier): who = .identifier(identifier)
        }
        guard !isRepeated(who, place) else { return service.counters.count("reader_repeated") }
        if let registration = registrations[station] {
            registration.number = who.number
            service.counters.count("reader_registrations")
            return registration.done.broadcast()
        }
        do throws(PeopleRefusal) {
            let session = try await service.people.begin(
                who, at: station, since: nil, isPreviousGone: false, by: .reader("\(place)"))
            service.counters.count("reader_sessions")
            service.note(nil, from: place)
            tell(station, session: session.id, nil)
        } catch {
            refused(ReaderRefusal(error), place, station)
        }
    }

    /// The same label within a moment; only a hash of it is kept for that moment.
    private func isRepeated(_ who: People.Identification, _ place: ReaderPlace) -> Bool {
        let hash = (who.number ?? "").hashValue
        let now = ContinuousClock.now
        defer { last[place] = (hash, now) }
        guard case .card = who, let former = last[place] else { return false }
        return former.hash == hash && now - former.at < Self.bounce
    }

    private func refuse(
        _ refusal: ReaderInput.Refusal, _ place: ReaderPlace, _ station: String
    ) async {
        guard registrations[station] == nil else {
            return service.counters.count("reader_\(refusal.rawValue)")
        }
        // It ends the session: the same label begins it again.
        last[place] = nil
        await service.people.cutOff(at: station, by: .reader("\(place)"))
        refused(ReaderRefusal(refusal), place, station)
    }

    private func refused(_ refusal: ReaderRefusal, _ place: ReaderPlace, _ station: String) {
        let name = refusal.code.split(separator: "-").joined(separator: "_")
        service.counters.count("reader_\(name)")
        Log.notice("reader-refused", ["station": station, "code": refusal.code])
        service.note(refusal, from: place)
        tell(station, session: nil, refusal)
    }

    private func tell(_ station: String, session: Int64?, _ refusal: ReaderRefusal?) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("station", station)
            writer.member("session", session.map { Int($0) })
            writer.member("refused", refusal?.code)
        }
        service.onEvent(writer.bytes)
    }

    // MARK: registration

    func nextCard(at station: String) async -> String? {
        // A second one takes the place of the first.
        registrations[station]?.done.broadcast()
        let registration = Registration()
        registrations[station] = registration
        _ = try? await registration.done.wait(for: .seconds(25))
        if registrations[station] === registration { registrations[station] = nil }
        return registration.number
    }
}

extension ReaderRefusal {
    init(_ refusal: PeopleRefusal) {
        switch refusal {
        case .unknown(let code, let text), .wrong(let code, let text):
            self.init(code: code, text: text)
        case .store(let error): self.init(code: "store", text: "\(error)")
        }
    }

    init(_ refusal: ReaderInput.Refusal) {
        let text =
            switch refusal {
            case .tooLong: "what was read is longer than any code"
            case .unreadable: "what was read has characters that no code has; check the layout"
            case .incomplete: "what was read stopped in the middle; read it again"
            case .lost: "the machine could not keep up; read it again"
            case .otherTrack: "another track of the card than the one that counts"
            }
        self.init(code: refusal.rawValue, text: text)
    }
}
