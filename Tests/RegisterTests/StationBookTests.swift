import Measurement
import Register
import Testing

/// One table of an event, told minute by minute.
private struct Table {
    static let noon = Instant(seconds: 1_772_334_000)
    static let cuff = DeviceDescription(
        id: DeviceID("ble:A4:C1:38:00:00:01"), address: "A4:C1:38:00:00:01", serial: "52601")
    static let twin = DeviceDescription(
        id: DeviceID("ble:A4:C1:38:00:00:02"), address: "A4:C1:38:00:00:02", serial: "52602")
    var book: StationBook
    var number: Int64 = 0
    var readings = 0

    init(expected: [MeasurementKind] = [.bloodPressure]) {
        book = StationBook([
            Station(name: "one", devices: [Self.cuff.address ?? ""], expected: expected),
            Station(name: "two", devices: ["52602"], expected: expected),
        ])
    }

    static func at(_ seconds: Int64) -> StationMoment {
        StationMoment(utc: noon + .seconds(seconds))
    }

    @discardableResult
    mutating func card(
        _ person: String?, _ seconds: Int64, at station: String = "one",
        isPreviousGone: Bool = false
    ) -> StationSession? {
        number += 1
        return book.begin(
            StationSession(
                id: number, station: station, person: person.map { .participant($0) } ?? .guest,
                begun: Self.at(seconds), isPreviousGone: isPreviousGone))
    }

    /// Whose a reading is, in a word; it is counted where it belongs to a session.
    mutating func measure(
        _ seconds: Int64, received: Int64? = nil, device: DeviceDescription = cuff,
        kind: MeasurementKind = .bloodPressure, uncertainty: Int64 = 0
    ) -> String {
        let moment = Self.at(received ?? seconds)
        let taken = Self.noon + .seconds(seconds)
        readings += 1
        let key = RecordKey(hex: "\(readings)")
        let answer = book.answer(
            .init(
                device: device, kind: kind,
                taken: (taken - .seconds(uncertainty), taken + .seconds(uncertainty)),
                received: moment))
        switch answer {
        case .noStation: return "no station"
        case .nobody(let why, let session, _):
            if let session { _ = book.note(key, kind, in: session, at: moment) }
            return why
        case .person(let person, let session, _):
            _ = book.note(key, kind, in: session, at: moment)
            return person.participant ?? "guest"
        }
    }
}

@Suite("Stations") struct StationBookTests {
    private static let late = "the person before may have measured only now"
    private static let nobody = "nobody had a session at one then"

    @Test("each person's value is their own")
    func turns() {
        var table = Table()
        table.card("P1", 0)
        #expect(table.measure(60) == "P1")
        table.card("P2", 90)
        #expect(table.measure(150) == "P2")
        table.card(nil, 180)
        #expect(table.measure(240) == "guest")
    }

    @Test("a session ends with what it was to bring; what comes then is nobody's")
    func complete() {
        var table = Table()
        table.card("P1", 0)
        #expect(table.measure(60) == "P1")
        #expect(table.measure(120) == Self.nobody)
        #expect(table.book.open("one", at: Table.at(121)) == nil)
    }

    @Test("without an expectation a person may measure as often as there is time")
    func open() {
        var table = Table(expected: [])
        table.card("P1", 0)
        for second in [60, 120, 299] { #expect(table.measure(Int64(second)) == "P1") }
        #expect(table.measure(300) == Self.nobody, "five minutes are over")
        #expect(table.measure(-1) == Self.nobody, "before the card")
    }

    @Test("two kinds are waited for, in any order")
    func kinds() {
        var table = Table(expected: [.weight, .bloodPressure])
        table.card("P1", 0)
        #expect(table.measure(30, kind: .bloodPressure) == "P1")
        #expect(table.measure(60, kind: .weight) == "P1")
        #expect(table.measure(90, kind: .weight) == Self.nobody)
    }

    @Test("what comes late goes to the person of its own time")
    func lateArrival() {
        var table = Table(expected: [])
        table.card("P1", 0)
        table.card("P2", 100)
        table.card("P3", 200)
        #expect(table.measure(50, received: 250) == "P1")
        #expect(table.measure(150, received: 250) == "P2")
        #expect(table.measure(250) == "P3")
    }

    @Test("who measures after the next card was read gives nobody a wrong value")
    func measuredLate() {
        var table = Table()
        table.card("P1", 0)
        table.card("P2", 30)
        #expect(table.measure(60) == Self.late, "this is P1, sitting in P2's session")
        #expect(table.measure(120) == Self.late, "this is P2: nobody can know")
        table.card("P3", 150)
        #expect(table.measure(200) == "P3", "both have measured: the table is clear again")
    }

    @Test("a queue of people who are all late is never sorted out by guessing")
    func chain() {
        var table = Table()
        table.card("P1", 0)
        table.card("P2", 30)
        #expect(table.measure(40) == Self.late)
        table.card("P3", 60)
        #expect(table.measure(70) == Self.late, "P2 may still be sitting there")
        #expect(table.measure(130) == Self.late)
        table.card("P4", 160)
        #expect(table.measure(220) == "P4")
    }

    @Test("a card that is read twice takes nothing from its owner")
    func twice() {
        var table = Table()
        table.card("P1", 0)
        table.card("P1", 20)
        #expect(table.measure(60) == "P1")
    }

    @Test("who left without a word does not keep the whole queue from measuring")
    func forgotten() {
        var table = Table()
        table.card("P1", 0)
        table.card("P2", 200)
        #expect(table.measure(260) == Self.late)
        table.card("P3", 480)
        #expect(table.measure(520) == "P3", "P1 was cut off five minutes before")
    }

    @Test("only the kind that is missing is doubtful")
    func otherKind() {
        var table = Table(expected: [.weight, .bloodPressure])
        table.card("P1", 0)
        #expect(table.measure(10, kind: .weight) == "P1")
        table.card("P2", 30)
        #expect(table.measure(40, kind: .weight) == "P2")
        #expect(table.measure(60, kind: .bloodPressure) == Self.late)
    }

    @Test("a reading that comes again does not count as the one that is missing")
    func duplicate() {
        var table = Table()
        table.card("P0", 0)
        #expect(table.measure(10) == "P0")
        table.card("P1", 30)
        table.card("P2", 60)
        _ = table.book.note(RecordKey(hex: "1"), .bloodPressure, in: 1, at: Table.at(61))
        #expect(table.measure(90) == Self.late)
    }

    @Test("the person who was cut off has left: said by 'end', by the next card, or by the time")
    func gone() {
        var ended = Table()
        ended.card("P1", 0)
        ended.book.close("one", .ended, at: Table.at(20))
        ended.card("P2", 30)
        #expect(ended.measure(60) == "P2")

        var said = Table()
        said.card("P1", 0)
        said.card("P2", 30, isPreviousGone: true)
        #expect(said.measure(60) == "P2")

        var over = Table()
        over.card("P1", 0)
        let closed = over.card("P2", 301)
        #expect(closed?.end == .time)
        #expect(over.measure(360) == "P2")
    }

    @Test("a value across a change of persons is nobody's, however small the doubt")
    func edges() {
        var table = Table(expected: [])
        table.card("P1", 0)
        #expect(table.measure(20) == "P1")
        table.card("P2", 100)
        #expect(
            table.measure(100, uncertainty: 1) == "taken within a moment of a change of persons")
        #expect(table.measure(102, uncertainty: 1) == "P2")
        #expect(
            table.measure(400, uncertainty: 1)
                == "taken within a moment of a session's begin or end")
        #expect(
            table.measure(0, uncertainty: 1) == "taken within a moment of a session's begin or end")
    }

    @Test("the same model at the next table is the next table's")
    func twins() {
        var table = Table()
        table.card("P1", 0, at: "one")
        table.card("P2", 0, at: "two")
        #expect(table.measure(60, device: Table.twin) == "P2")
        #expect(table.measure(60) == "P1")
        let other = DeviceDescription(id: DeviceID("ble:A4:C1:38:00:00:03"))
        #expect(table.measure(60, device: other) == "no station")
    }

    @Test("two cuffs that are exchanged bring each value to the table where it was taken")
    func exchanged() {
        var table = Table(expected: [])
        table.card("P1", 0, at: "one")
        table.card("P2", 0, at: "two")
        table.book.move("A4:C1:38:00:00:01", to: "two", at: Table.at(100))
        table.book.move("52602", to: "one", at: Table.at(100))
        table.card("P3", 110, at: "one")
        table.card("P4", 110, at: "two")
        #expect(table.measure(50, received: 200) == "P1", "it stood at table one then")
        #expect(table.measure(50, received: 200, device: Table.twin) == "P2")
        #expect(table.measure(150) == "P4" || table.measure(150) == Self.late)
        #expect(
            table.measure(100, uncertainty: 1) == "taken within a moment of the device's move")
    }

    @Test("a device that was taken away belongs to no table any more")
    func takenAway() {
        var table = Table(expected: [])
        table.card("P1", 0)
        table.book.move("A4:C1:38:00:00:01", to: "", at: Table.at(100))
        #expect(table.measure(50, received: 200) == "P1")
        #expect(table.measure(150) == "no station")
    }

    @Test("a reading without a time is nobody's")
    func timeless() {
        var table = Table()
        table.card("P1", 0)
        let answer = table.book.answer(
            .init(device: Table.cuff, kind: .weight, taken: nil, received: Table.at(10)))
        #expect(answer == .nobody("its time is not known", session: nil, station: nil))
    }

    @Test("a step of the gateway's clock between card and value changes nothing")
    func clockStep() {
        var book = StationBook([Station(name: "one", devices: ["52601"])])
        func moment(_ utc: Int64, _ seconds: Int64, _ boot: String = "b") -> StationMoment {
            StationMoment(
                utc: Instant(seconds: utc), monotonicNanoseconds: seconds * 1_000_000_000,
                boot: boot)
        }
        // The card was read while the clock was in 1970; 60 s later it is right.
        book.begin(
            StationSession(
                id: 1, station: "one", person: .participant("P1"), begun: moment(1_000, 500)))
        func ask(_ taken: Int64, _ received: StationMoment) -> StationBook.Answer {
            let time = Instant(seconds: taken)
            return book.answer(
                .init(device: Table.cuff, kind: .weight, taken: (time, time), received: received))
        }
        #expect(
            ask(1_772_334_050, moment(1_772_334_060, 560))
                == .person(.participant("P1"), session: 1, station: "one"))
        #expect(
            ask(1_772_333_990, moment(1_772_334_060, 560))
                == .nobody("nobody had a session at one then", session: nil, station: "one"))
        // After a restart of the machine its monotonic clock says nothing any more.
        #expect(
            ask(1_772_334_050, moment(1_772_334_060, 560, "other"))
                == .nobody("nobody had a session at one then", session: nil, station: "one"))
    }

    @Test("what the store gives back after a restart decides as before")
    func restored() {
        var table = Table()
        table.card("P1", 0)
        table.card("P2", 30)
        #expect(table.measure(40) == Self.late)
        var again = StationBook(table.book.stations)
        let first = StationSession(
            id: 1, station: "one", person: .participant("P1"), begun: Table.at(0),
            ended: Table.at(30), end: .nextCard)
        again.restore(first)
        again.restore(
            StationSession(
                id: 2, station: "one", person: .participant("P2"), begun: Table.at(30)))
        again.restore(RecordKey(hex: "1"), .bloodPressure, in: 2)
        #expect(again == table.book)
    }

    /// Many people, cards and values in any order of arrival: no value is ever a wrong person's.
    @Test("no order of cards and values gives a value to the wrong person", arguments: 1...40)
    func anyOrder(_ seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        func random(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        var table = Table()
        var time: Int64 = 0
        var pending: String?
        var right = 0
        for person in 0..<60 {
            let name = "P\(person)"
            table.card(name, time)
            time += 5
            // The person before sits down only now, as one in ten does.
            if let late = pending {
                let given = table.measure(time)
                #expect(given == late || !given.hasPrefix("P"))
                pending = nil
                time += 5
            }
            if random(10) == 0 {
                pending = name
            } else {
                let given = table.measure(time)
                #expect(given == name || !given.hasPrefix("P"), "\(name) got \(given)")
                if given == name { right += 1 }
            }
            time += 30
        }
        #expect(right > 30, "most values find their person")
    }

    @Test func `a station that is added while somebody measures leaves their session alone`() {
        var table = Table()
        table.card("P1", 0)
        table.book.replace(
            table.book.stations + [Station(name: "three", devices: ["52609"], expected: [])])
        #expect(table.book.open("one", at: Table.at(10))?.person == .participant("P1"))
        table.card("P2", 20, at: "three")
        #expect(table.book.open("three", at: Table.at(30))?.person == .participant("P2"))
        #expect(table.book.open("one", at: Table.at(30))?.person == .participant("P1"))
        #expect(
            table.book.station(of: Table.cuff, at: Table.noon, seenFrom: Table.at(30)) == "one")
    }
}
