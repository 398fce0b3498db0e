import DeviceProfile
import EventLoop
import Measurement
import Register
import Registry
import Spool

/// Everything that says whose a reading is and where it may go: configuration, lists, sessions, words.
///
/// What was decided lies in the store; here is the copy that readings and batches are held against.
/// It is read before the first of them.
@LoopActor final class People {
    private(set) var configuration: Configuration
    let spool: Spool
    private(set) var roster: Roster
    let profiles: @LoopActor () -> ProfileIndex
    let clock: @LoopActor () -> GatewayTime
    let boot: String
    var codes = CodeRegister()
    var participations = ParticipationBook()
    /// 機器リスト and 活動量機器記録時間リスト, which documents are made with.
    var deviceList = ListTable(.devices)
    var activityTimes = ListTable(.activityTimes)
    var consents = ConsentBook()
    var book: StationBook
    var lastSession: Int64 = 0
    /// Sessions that ended by what was measured, not yet written down.
    var unwrittenEnds: [StationSession] = []
    private var isLoaded = false
    /// Told of each session at a station that has begun or ended.
    var onSession: @LoopActor (StationSession) -> Void = { _ in }

    /// The newest sessions, for readings that come late; ten days of a busy event have as many.
    static let memory = 5_000

    init(
        _ configuration: Configuration, spool: Spool, roster: Roster,
        profiles: @escaping @LoopActor () -> ProfileIndex, boot: String = Boot.current,
        clock: @escaping @LoopActor () -> GatewayTime = { GatewayTime.now() }
    ) {
        self.configuration = configuration
        self.spool = spool
        self.roster = roster
        self.profiles = profiles
        self.boot = boot
        self.clock = clock
        book = StationBook(configuration.stations.map(\.asStation))
    }

    var zone: TimeZoneRules { configuration.gateway.timeZone }
    var now: StationMoment { StationMoment(clock(), boot: boot) }

    // MARK: from the store

    /// Reads what the store holds, once.
    func load() async throws(SpoolError) {
        guard !isLoaded else { return }
        let participants = try await table(.participants)
        let devices = try await table(.devices)
        let activity = try await table(.activityTimes)
        let words = try await spool.consents()
        let moves = try await spool.moves()
        let oldest = try await spool.session(beforeNewest: Self.memory)
        var sessions: [StoredSession] = []
        while true {
            let page = try await spool.sessions(after: sessions.last?.id ?? oldest, limit: 1_000)
            if page.isEmpty { break }
            sessions += page
        }
        let taken = try await spool.takenInSessions(from: oldest)
        guard !isLoaded else { return }
        deviceList = devices
        activityTimes = activity
        take(participants)
        consents = ConsentBook()
        for word in words { consents.add(word.asWord) }
        book = StationBook(configuration.stations.map(\.asStation))
        for move in moves { book.move(move.device, to: move.station, at: move.at.asMoment) }
        for session in sessions { book.restore(session.asSession) }
        for reading in taken { book.restore(reading.key, reading.kind, in: reading.session) }
        lastSession = sessions.last?.id ?? oldest
        isLoaded = true
    }

    /// Waits until the store gives what is needed; nothing is sent before.
    func whenLoaded() async throws(CancellationError) {
        while true {
            do throws(SpoolError) {
                return try await load()
            } catch {
                try await sleep(for: .seconds(1))
            }
        }
    }

    func table(_ kind: ListKind) async throws(SpoolError) -> ListTable {
        ListTable(kind, rows: try await spool.listRows(kind.rawValue))
    }

    /// Takes a list of participants: codes and periods.
    func take(_ participants: ListTable) {
        let periods = participants.participations
        participations = ParticipationBook(periods)
        codes = CodeRegister(
            configuration.participants.map(\.id.text) + periods.map(\.participant),
            checkDigit: configuration.participantCodes.checkDigit)
    }

    // MARK: from a configuration that was read again

    /// Takes other owners, consent, codes and stations; open sessions go on.
    ///
    /// - Throws: The store does not answer; nothing has changed then.
    func take(_ new: Configuration) async throws(SpoolError) {
        let participants = try await table(.participants)
        configuration = new
        roster = Roster(new)
        take(participants)
        book.replace(new.stations.map(\.asStation))
    }

    // MARK: consent and participation

    func standing(
        of participant: String, destination: String, kind: MeasurementKind,
        at now: Instant? = nil
    ) -> ConsentStanding {
        consents.standing(
            of: participant, destination: destination, kind: kind, at: now ?? clock().utc,
            isConfigured: roster.permits(
                participant: participant, destination: destination, kind: kind))
    }

    /// Why a person's record may not go to a destination now; nil where it may.
    func obstacle(
        _ record: Record, _ participant: String, to destination: String,
        at now: Instant? = nil
    ) -> String? {
        let standing = standing(
            of: participant, destination: destination, kind: record.kind, at: now)
        guard standing.permits else { return Spool.noConsent }
        if let time = record.time,
            !participations.includes(participant, at: zone.local(time.observed))
        {
            return Spool.outsideParticipation
        }
        return nil
    }
}

extension Configuration.Station {
    var asStation: Station {
        Station(name: name, devices: devices, expected: expected, length: Interval(session))
    }
}

extension StoredConsent {
    var asWord: ConsentWord {
        ConsentWord(
            participant: participant, destination: destination, kinds: kinds, isGrant: isGrant,
            at: at, until: until)
    }
}

extension StoredMoment {
    init(_ moment: StationMoment) {
        self.init(
            utc: moment.utc, monotonicNanoseconds: moment.monotonicNanoseconds, boot: moment.boot)
    }

    var asMoment: StationMoment {
        StationMoment(utc: utc, monotonicNanoseconds: monotonicNanoseconds, boot: boot)
    }
}

extension StoredSession {
    init(_ session: StationSession) {
        self.init(
            id: session.id, station: session.station, participant: session.person.participant,
            begun: StoredMoment(session.begun), ended: session.ended.map { StoredMoment($0) },
            end: session.end?.rawValue, length: session.length,
            isPreviousGone: session.isPreviousGone)
    }

    var asSession: StationSession {
        StationSession(
            id: id, station: station, person: participant.map { .participant($0) } ?? .guest,
            begun: begun.asMoment, ended: ended?.asMoment,
            end: end.flatMap { SessionEnd(rawValue: $0) }, length: length,
            isPreviousGone: isPreviousGone)
    }
}
