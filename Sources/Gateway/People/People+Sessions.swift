import Crypto
import JSON
import Measurement
import Register
import Spool

/// Why something that a person asked for was not done; the texts are for people.
enum PeopleRefusal: Error, Equatable {
    case unknown(code: String, String)
    case wrong(code: String, String)
    case store(SpoolError)
}

/// Who stands at which station.
extension People {
    /// Who a card, a code or a word says that it is.
    enum Identification {
        case code(String)
        case card(String)
        /// The identifier of a contactless card.
        case identifier([UInt8])
        case guest

        /// A card's number as text; nil for what is no card.
        var number: String? {
            switch self {
            case .card(let text): text
            case .identifier(let bytes): hexadecimal(bytes)
            case .code, .guest: nil
            }
        }
    }

    func begin(
        _ who: Identification, at name: String, since given: Instant?, isPreviousGone: Bool,
        by actor: LedgerActor
    ) async throws(PeopleRefusal) -> StationSession {
        try await loaded()
        let station = try station(name)
        let begun = try moment(given)
        let person: SessionPerson
        do throws(PeopleRefusal) {
            person = try await self.person(who)
        } catch {
            // Somebody else stands there now, whoever it is: the person before gets nothing of theirs.
            await cutOff(name, at: begun, by: actor)
            throw error
        }
        if let last = book.last(name), last.begun.instant(seenFrom: begun) > begun.utc {
            throw .wrong(
                code: "out-of-order", "another session at \(name) began after that time")
        }
        lastSession += 1
        let session = StationSession(
            id: lastSession, station: name, person: person, begun: begun, length: station.length,
            isPreviousGone: isPreviousGone)
        // First here: what is measured from now on is nobody else's, whatever the disk says.
        let closed = book.begin(session)
        do throws(SpoolError) {
            try await spool.beginSession(
                StoredSession(session), closing: closed.map { StoredSession($0) },
                notes: [session.beginNote(by: actor)], at: clock().utc)
        } catch {
            book.close(name, .ended, at: now).map(onSession)
            throw .store(error)
        }
        onSession(session)
        return session
    }

    /// Something was read at a station that is nobody's code: the session there ends.
    func cutOff(at name: String, by actor: LedgerActor) async {
        guard (try? await loaded()) != nil else { return }
        await cutOff(name, at: now, by: actor)
    }

    private func cutOff(
        _ name: String, at moment: StationMoment, by actor: LedgerActor
    ) async {
        guard let closed = book.close(name, .nextCard, at: moment) else { return }
        unwrittenEnds.append(closed)
        onSession(closed)
        await writeEnds()
    }

    func end(
        at name: String, since given: Instant?, by actor: LedgerActor
    ) async throws(PeopleRefusal) -> StationSession {
        try await loaded()
        _ = try station(name)
        let moment = try moment(given)
        guard let session = book.close(name, .ended, at: moment) else {
            throw .unknown(code: "no-session", "nobody has a session at \(name)")
        }
        onSession(session)
        do throws(SpoolError) {
            try await spool.endSession(
                StoredSession(session), notes: [session.endNote(by: actor)], at: clock().utc)
        } catch {
            throw .store(error)
        }
        return session
    }

    /// A device stands at another station from now on, or at none.
    func move(
        _ device: String, to name: String?, since given: Instant?, by actor: LedgerActor
    ) async throws(PeopleRefusal) {
        try await loaded()
        if let name { _ = try station(name) }
        let moment = try moment(given)
        guard try await isKnown(device) else {
            throw .unknown(code: "not-found", "no device \(device) is known")
        }
        do throws(SpoolError) {
            let move = StoredMove(device: device, station: name ?? "", at: StoredMoment(moment))
            try await spool.move(
                move,
                note: LedgerNote(.deviceMoved, by: actor, on: device) { writer in
                    writer.member("station", name)
                }, at: clock().utc)
        } catch {
            throw .store(error)
        }
        book.move(device, to: name ?? "", at: moment)
    }

    private func isKnown(_ device: String) async throws(PeopleRefusal) -> Bool {
        let isConfigured = configuration.stations.contains {
            $0.devices.contains { $0.lowercased() == device.lowercased() }
        }
        if isConfigured { return true }
        do throws(SpoolError) {
            return try await spool.devices().contains { $0.description.isNamed(device) }
        } catch {
            throw .store(error)
        }
    }

    // MARK: cards

    func registerCard(
        _ number: String, of raw: String, by actor: LedgerActor
    ) async throws(PeopleRefusal) -> String {
        try await loaded()
        let code = try code(raw)
        guard let number = Self.cardNumber(number) else { throw Self.noCard }
        do throws(SpoolError) {
            let digest = try await digest(number)
            try await spool.registerCard(
                digest, of: code, note: LedgerNote(.cardRegistered, by: actor, on: code),
                at: clock().utc)
        } catch {
            throw .store(error)
        }
        return code
    }

    /// A keyed hash: the same card gives the same digits in this store and in no other.
    private func digest(_ number: String) async throws(SpoolError) -> String {
        let secret = try await spool.secret("card-key") {
            hexadecimal((0..<32).map { _ in UInt8.random(in: 0...255) })
        }
        let inner = SHA256.digest(Array((secret + number).utf8))
        return hexadecimal(SHA256.digest(Array(secret.utf8) + inner))
    }

    /// Digits and letters only: readers put colons, blanks or nothing between the bytes.
    private static func cardNumber(_ raw: String) -> String? {
        let kept = raw.uppercased().unicodeScalars.filter {
            $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0))
        }
        return (4...128).contains(kept.count) ? String(String.UnicodeScalarView(kept)) : nil
    }

    private static let noCard = PeopleRefusal.wrong(
        code: "no-card", "this is no card's number; accepted: 4 to 128 letters and digits")

    // MARK: parts

    func loaded() async throws(PeopleRefusal) {
        do throws(SpoolError) { try await load() } catch { throw .store(error) }
    }

    func code(_ raw: String) throws(PeopleRefusal) -> String {
        do throws(CodeRefusal) {
            return try codes.find(raw).text
        } catch {
            throw .unknown(code: error.code, error.description)
        }
    }

    private func person(_ who: Identification) async throws(PeopleRefusal) -> SessionPerson {
        switch who {
        case .guest: return .guest
        case .code(let raw): return .participant(try code(raw))
        case .card(let raw):
            // A card may carry the code itself, as a bar code does.
            if let known = try? codes.find(raw) { return .participant(known.text) }
            return try await owner(ofCard: raw)
        case .identifier(let bytes): return try await owner(ofCard: hexadecimal(bytes))
        }
    }

    private func owner(ofCard raw: String) async throws(PeopleRefusal) -> SessionPerson {
        guard let number = Self.cardNumber(raw) else { throw Self.noCard }
        do throws(SpoolError) {
            if let owner = try await spool.owner(ofCard: try await digest(number)),
                codes.holds(owner)
            {
                return .participant(owner)
            }
        } catch {
            throw .store(error)
        }
        throw .unknown(code: "unknown-card", "this card belongs to nobody who is registered")
    }

    private func station(_ name: String) throws(PeopleRefusal) -> Station {
        if let station = book[name] { return station }
        let known = book.stations.map(\.name).sorted().joined(separator: ", ")
        throw .unknown(
            code: "unknown-station",
            "there is no station \(name); the configuration names "
                + (known.isEmpty ? "none" : known))
    }

    /// Now, or a time that somebody wrote down.
    private func moment(_ given: Instant?) throws(PeopleRefusal) -> StationMoment {
        guard let given else { return now }
        guard given <= clock().utc + .minutes(1) else {
            throw .wrong(code: "future", "this time has not come yet")
        }
        return StationMoment(utc: given)
    }
}

extension StationSession {
    func beginNote(by actor: LedgerActor) -> LedgerNote {
        LedgerNote(.sessionBegun, by: actor, on: person.participant ?? "guest") { writer in
            writer.member("session", Int(id))
            writer.member("station", station)
        }
    }

    func endNote(by actor: LedgerActor) -> LedgerNote {
        LedgerNote(.sessionEnded, by: actor, on: person.participant ?? "guest") { writer in
            writer.member("session", Int(id))
            writer.member("station", station)
            writer.member("end", end?.rawValue)
        }
    }
}
