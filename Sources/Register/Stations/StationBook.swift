package import Measurement

/// Where devices stood and who had the sessions: says whose a reading is by when it was *taken*.
///
/// A pure value. Sessions are told to it in the order in which they began; it keeps those that a late
/// reading may still belong to, as its owner gives them.
package struct StationBook: Sendable, Equatable {
    package private(set) var stations: [Station]
    private var moves: [Move] = []
    private var sessions: [String: [StationSession]] = [:]
    /// The readings of each session, so that one that comes again does not count again.
    private var taken: [Int64: [MeasurementKind: Set<RecordKey>]] = [:]

    private struct Move: Equatable {
        var device: String
        var station: String
        var at: StationMoment
    }

    /// Why a reading is nobody's while an earlier one may still come.
    package static let doubt = "the person before may have measured only now"

    package init(_ stations: [Station] = []) { self.stations = stations }

    /// Takes other stations while sessions go on.
    ///
    /// What stood at a station has to stand there still: a reading from before would be judged by the
    /// new place. A device changes its place by a move, which knows its moment.
    package mutating func replace(_ stations: [Station]) { self.stations = stations }

    package subscript(_ name: String) -> Station? { stations.first { $0.name == name } }

    // MARK: what is told

    /// A device stands at another station from this moment on; an empty name takes it away.
    package mutating func move(_ device: String, to station: String, at moment: StationMoment) {
        moves.append(Move(device: device, station: station, at: moment))
    }

    /// A session began; the one that was open at this station ends with it.
    ///
    /// - Returns: the session that ended, with its end.
    @discardableResult
    package mutating func begin(_ session: StationSession) -> StationSession? {
        let ended = close(session.station, .nextCard, at: session.begun)
        sessions[session.station, default: []].append(session)
        return ended
    }

    /// Puts a session from the store back.
    package mutating func restore(_ session: StationSession) {
        sessions[session.station, default: []].append(session)
    }

    package mutating func restore(_ key: RecordKey, _ kind: MeasurementKind, in session: Int64) {
        taken[session, default: [:]][kind, default: []].insert(key)
    }

    /// Ends the session that is open at a station; nil where there is none.
    @discardableResult
    package mutating func close(
        _ station: String, _ end: SessionEnd, at moment: StationMoment
    ) -> StationSession? {
        guard var list = sessions[station], let last = list.indices.last,
            list[last].ended == nil
        else { return nil }
        let begun = list[last].begun
        let isLate = begun.instant(seenFrom: moment) + list[last].length <= moment.utc
        // One that ran out was over then, not now: nobody is waited for any more.
        list[last].end = isLate ? .time : end
        list[last].ended = isLate ? begun + list[last].length : moment
        sessions[station] = list
        return list[last]
    }

    /// Counts a reading of a session; a session that has all that it was to bring ends with it.
    ///
    /// - Returns: the session that ended.
    package mutating func note(
        _ key: RecordKey, _ kind: MeasurementKind, in session: Int64, at moment: StationMoment
    ) -> StationSession? {
        taken[session, default: [:]][kind, default: []].insert(key)
        for (name, list) in sessions {
            guard let open = list.last, open.id == session, open.ended == nil,
                let station = self[name], !station.expected.isEmpty
            else { continue }
            let isComplete = Set(station.expected).allSatisfy { kind in
                count(open, kind) >= station.due(kind)
                    + owed(list.count - 1, name, kind, at: moment.utc, moment)
            }
            return isComplete ? close(name, .complete, at: moment) : nil
        }
        return nil
    }

    /// The session that began last at a station, open or not.
    package func last(_ station: String) -> StationSession? { sessions[station]?.last }

    /// The session that is open at a station.
    package func open(_ station: String, at moment: StationMoment) -> StationSession? {
        sessions[station]?.last.flatMap { $0.isOpen(at: moment) ? $0 : nil }
    }

    // MARK: what is asked

    /// A reading, as far as it matters who stood before its device.
    package struct Question: Sendable {
        package var device: DeviceDescription
        package var kind: MeasurementKind
        /// Between which moments it was taken; nil where its time is not known.
        package var taken: (earliest: Instant, latest: Instant)?
        package var received: StationMoment

        package init(
            device: DeviceDescription, kind: MeasurementKind,
            taken: (earliest: Instant, latest: Instant)?, received: StationMoment
        ) {
            self.device = device
            self.kind = kind
            self.taken = taken
            self.received = received
        }
    }

    package enum Answer: Sendable, Equatable {
        /// The device stands at no station: other rules decide.
        case noStation
        case person(SessionPerson, session: Int64, station: String)
        /// Nobody's, and why; the session in which it was taken, where there was one.
        case nobody(String, session: Int64?, station: String?)
    }

    /// Whose a reading is.
    package func answer(_ question: Question) -> Answer {
        guard isAnywhere(question.device) else { return .noStation }
        guard let taken = question.taken else {
            return .nobody("its time is not known", session: nil, station: nil)
        }
        let moment = question.received
        let first = station(of: question.device, at: taken.earliest, seenFrom: moment)
        let last = station(of: question.device, at: taken.latest, seenFrom: moment)
        guard first == last else {
            return .nobody(
                "taken within a moment of the device's move", session: nil, station: nil)
        }
        guard let name = first else { return .noStation }
        return answer(question, taken, at: name)
    }

    private func answer(
        _ question: Question, _ taken: (earliest: Instant, latest: Instant), at name: String
    ) -> Answer {
        let list = sessions[name] ?? []
        let moment = question.received
        let touched = list.indices.filter { index in
            let span = list[index].span(seenFrom: moment)
            return span.from <= taken.latest && taken.earliest < span.to
        }
        guard let index = touched.last else {
            return .nobody("nobody had a session at \(name) then", session: nil, station: name)
        }
        let session = list[index]
        let span = session.span(seenFrom: moment)
        guard touched.count == 1, span.from <= taken.earliest, taken.latest < span.to else {
            return .nobody(
                touched.count == 1
                    ? "taken within a moment of a session's begin or end"
                    : "taken within a moment of a change of persons",
                session: nil, station: name)
        }
        guard owed(index, name, question.kind, at: taken.earliest, moment) == 0 else {
            return .nobody(
                Self.doubt, session: session.id, station: name)
        }
        return .person(session.person, session: session.id, station: name)
    }

    // MARK: what is still to come

    /// How many values of a kind the people before a session had not brought when they were cut off.
    ///
    /// Only a next card cuts off: after a session that ran out, was complete or was ended by
    /// somebody, nothing is waited for. After a session's length nobody is waited for any more.
    private func owed(
        _ index: Int, _ name: String, _ kind: MeasurementKind, at time: Instant,
        _ moment: StationMoment
    ) -> Int {
        guard let list = sessions[name], let station = self[name] else { return 0 }
        var first = index
        while first > 0, !list[first].isPreviousGone,
            list[first - 1].span(seenFrom: moment).end == .nextCard
        {
            first -= 1
        }
        let person = list[index].person
        return list[first..<index].reduce(0) { owed, session in
            // What the same person did not bring before is theirs now too.
            if session.person == person, person != .guest { return owed }
            guard time < session.span(seenFrom: moment).to + session.length else { return owed }
            return max(0, owed + station.due(kind) - count(session, kind))
        }
    }

    private func count(_ session: StationSession, _ kind: MeasurementKind) -> Int {
        taken[session.id]?[kind]?.count ?? 0
    }

    // MARK: where devices stand

    /// The devices that stand at a station now, by the names that somebody gave them.
    package func devices(at name: String) -> [String] {
        var places: [String: String] = [:]
        var names: [String] = []
        for station in stations {
            for device in station.devices {
                places[device.lowercased()] = station.name
                names.append(device)
            }
        }
        for move in moves {
            if places.updateValue(move.station, forKey: move.device.lowercased()) == nil {
                names.append(move.device)
            }
        }
        return names.filter { places[$0.lowercased()] == name }
    }

    private func isAnywhere(_ device: DeviceDescription) -> Bool {
        stations.contains { $0.devices.contains { device.isNamed($0) } }
            || moves.contains { device.isNamed($0.device) }
    }

    /// The station of a device at a time; nil where it stands at none.
    package func station(
        of device: DeviceDescription, at time: Instant, seenFrom moment: StationMoment
    ) -> String? {
        let last = moves.last {
            device.isNamed($0.device) && $0.at.instant(seenFrom: moment) <= time
        }
        if let last { return self[last.station]?.name }
        return stations.first { $0.devices.contains { device.isNamed($0) } }?.name
    }
}

extension DeviceDescription {
    /// Whether somebody who writes this means the device: its address, its serial or its id.
    package func isNamed(_ name: String) -> Bool {
        let wanted = name.lowercased()
        return [id.stable, address, serial].contains { $0?.lowercased() == wanted }
    }
}
