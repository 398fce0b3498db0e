import Measurement
import Register
import Testing

@Suite("Participant codes") struct CodeTests {
    @Test(
        "one code in every way in which a Japanese keyboard gives it",
        arguments: [
            "MDM-001", "mdm-001", "ＭＤＭ－００１", "MDM‐001", "MDM‑001", "MDM‒001", "MDM–001",
            "MDM—001", "MDM―001", "MDM−001", "MDMー001", "MDMｰ001", "MDM﹣001", " MDM-001\r\n",
            "　ｍｄｍ‐００１　",
        ])
    func normal(_ raw: String) {
        #expect(ParticipantCode(raw)?.text == "MDM-001")
    }

    @Test(
        "nothing else becomes a code",
        arguments: ["", " ", "山田太郎", "MDM 001", "MDM_001", "P000000000000000000001", "MDM\u{301}"])
    func none(_ raw: String) {
        #expect(ParticipantCode(raw) == nil)
    }

    static let event = CodeRegister((1...100).map { "MDM-" + String(1_000 + $0).dropFirst() })

    struct Typed: Sendable, CustomTestStringConvertible {
        var typed: String
        var near: [String]
        var testDescription: String { typed }
    }

    @Test(
        "an unknown code is refused with the nearest ones that are known",
        arguments: [
            Typed(typed: "MDM-0l7", near: ["MDM-017", "MDM-007", "MDM-010"]),
            Typed(typed: "MDM-71", near: ["MDM-071", "MDM-001", "MDM-010"]),
            Typed(typed: "MDN-042", near: ["MDM-042", "MDM-002", "MDM-012"]),
            Typed(typed: "0123456789ABCDEF", near: []),
        ])
    func unknown(_ sample: Typed) throws {
        do throws(CodeRefusal) {
            _ = try Self.event.find(sample.typed)
            Issue.record("it was taken")
        } catch {
            guard case .unknown(_, let near) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(near == sample.near)
        }
    }

    @Test("a code that was typed instead of a name is refused without being repeated")
    func malformed() {
        do throws(CodeRefusal) {
            _ = try Self.event.find("山田太郎")
        } catch {
            #expect(error == .malformed)
            #expect(!error.description.contains("山田"))
        }
    }

    @Test("a known code is taken in every spelling")
    func known() throws {
        #expect(try Self.event.find("ｍｄｍー０４２").text == "MDM-042")
    }

    @Test("the check digit finds every single wrong digit")
    func digits() throws {
        let right = Array("79927398713")
        #expect(CheckDigit.modulus10.fits(try #require(ParticipantCode(String(right)))))
        for place in right.indices {
            for digit in "0123456789" where digit != right[place] {
                var wrong = right
                wrong[place] = digit
                let code = try #require(ParticipantCode(String(wrong)))
                #expect(!CheckDigit.modulus10.fits(code), "\(code)")
                #expect(CheckDigit.none.fits(code))
            }
        }
    }

    @Test("the check character of letters and digits finds every single wrong one")
    func letters() throws {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        let right = try #require(
            alphabet.lazy.compactMap { ParticipantCode("AB-12\($0)") }
                .first { CheckDigit.modulus36.fits($0) })
        let text = Array(right.text)
        for place in [0, 1, 3, 4, 5] {
            for other in alphabet where other != text[place] {
                var wrong = text
                wrong[place] = other
                let code = try #require(ParticipantCode(String(wrong)))
                #expect(!CheckDigit.modulus36.fits(code), "\(code)")
            }
        }
    }
}

@Suite("Participation") struct ParticipationTests {
    private let book = ParticipationBook([
        Participation(participant: "P1", start: "20260401", end: "20260430"),
        Participation(participant: "P1", start: "20260601", wearingPosition: "31"),
        Participation(participant: "P2"),
    ])

    @Test(
        "the first and the last day count, the days around them do not",
        arguments: [
            ("P1", 3, 31, false), ("P1", 4, 1, true), ("P1", 4, 30, true), ("P1", 5, 1, false),
            ("P1", 6, 1, true), ("P2", 1, 1, true), ("P3", 1, 1, true),
        ])
    func days(_ person: String, _ month: Int, _ day: Int, _ takesPart: Bool) throws {
        for hour in [0, 23] {
            let time = try #require(LocalDateTime(year: 2026, month: month, day: day, hour: hour))
            #expect(book.includes(person, at: time) == takesPart)
        }
    }

    @Test("what holds in a period is that of the measurement's day")
    func position() throws {
        let may = try #require(LocalDateTime(year: 2026, month: 4, day: 3))
        let july = try #require(LocalDateTime(year: 2026, month: 7, day: 3))
        #expect(book.period(of: "P1", on: may)?.wearingPosition == nil)
        #expect(book.period(of: "P1", on: july)?.wearingPosition == "31")
    }
}

@Suite("Consent") struct ConsentBookTests {
    private let noon = Instant(seconds: 1_772_334_000)

    private func word(
        _ isGrant: Bool, _ kinds: Set<MeasurementKind>, _ hour: Int64, until: Int64? = nil
    ) -> ConsentWord {
        ConsentWord(
            participant: "P1", destination: "db", kinds: kinds, isGrant: isGrant,
            at: noon + .minutes(hour * 60), until: until.map { noon + .minutes($0 * 60) })
    }

    private func standing(
        _ book: ConsentBook, _ kind: MeasurementKind, _ hour: Int64, _ person: String = "P1",
        _ destination: String = "db", isConfigured: Bool = false
    ) -> String {
        book.standing(
            of: person, destination: destination, kind: kind, at: noon + .minutes(hour * 60),
            isConfigured: isConfigured
        ).word
    }

    @Test("without a word there is no consent, for nobody and nothing")
    func silence() {
        let book = ConsentBook()
        #expect(standing(book, .weight, 0) == "none")
        #expect(standing(book, .weight, 0, isConfigured: true) == "granted")
    }

    @Test("the newest word on a kind counts, and only for its kind, person and destination")
    func newest() {
        var book = ConsentBook()
        book.add(word(true, [.weight, .bloodPressure], 0))
        book.add(word(false, [.weight], 3))
        #expect(standing(book, .weight, 4) == "withdrawn")
        #expect(standing(book, .bloodPressure, 4) == "granted")
        #expect(standing(book, .glucose, 4) == "none")
        #expect(standing(book, .bloodPressure, 4, "P2") == "none")
        #expect(standing(book, .bloodPressure, 4, "P1", "other") == "none")
        book.add(word(true, [.weight], 5))
        #expect(standing(book, .weight, 6) == "granted")
    }

    @Test("a withdrawal is stronger than what the configuration grants")
    func configured() {
        var book = ConsentBook()
        book.add(word(false, [.weight], 0))
        #expect(standing(book, .weight, 1, isConfigured: true) == "withdrawn")
        #expect(standing(book, .glucose, 1, isConfigured: true) == "granted")
    }

    @Test("a grant is over at its end, to the moment")
    func expiry() {
        var book = ConsentBook()
        book.add(word(true, [.weight], 0, until: 5))
        #expect(standing(book, .weight, 4) == "granted")
        #expect(standing(book, .weight, 5) == "expired")
    }
}
