import JSON
import Measurement
import Spool
import Testing

@testable import Gateway

/// What the ledger is told of a configuration that changed, and how people type a time.
@Suite struct ConsentTextTests {
    private struct Told: Equatable {
        var participant: String
        var details: String
    }

    private func told(_ now: String, since before: String?) -> [Told] {
        ConsentText(text: now).notes(since: before).map { note in
            var writer = JSONWriter()
            writer.object { note.details(&$0) }
            return Told(participant: note.subject, details: writer.text)
        }
    }

    @Test func `a first consent, more kinds and a withdrawal are each one line`() {
        #expect(
            told("P0000001 db weight", since: nil) == [
                Told(
                    participant: "P0000001",
                    details: #"{"destination":"db","kinds_before":[],"kinds":["weight"]}"#)
            ])
        #expect(
            told("P0000001 db glucose,weight", since: "P0000001 db weight") == [
                Told(
                    participant: "P0000001",
                    details: #"{"destination":"db","kinds_before":["weight"],"#
                        + #""kinds":["glucose","weight"]}"#)
            ])
        #expect(
            told("", since: "P0000001 db weight\nP0000002 other weight") == [
                Told(
                    participant: "P0000001",
                    details: #"{"destination":"db","kinds_before":["weight"],"kinds":[]}"#),
                Told(
                    participant: "P0000002",
                    details: #"{"destination":"other","kinds_before":["weight"],"kinds":[]}"#),
            ])
    }

    @Test func `what stays is not told, nor is another order`() {
        #expect(told("P1 db weight", since: "P1 db weight").isEmpty)
        #expect(told("P1 a x\nP2 b y", since: "P2 b y\nP1 a x").isEmpty)
        // Two consents for one destination are one.
        #expect(told("P1 a x\nP1 a y", since: "P1 a x,y").isEmpty)
        #expect(told("P1 a b weight", since: "P1 a b glucose").map(\.participant) == ["P1"])
    }

    struct Typed: Sendable {
        var text: String
        var expected: Int64?
        init(_ text: String, _ expected: Int64?) { (self.text, self.expected) = (text, expected) }
    }

    @Test(arguments: [
        Typed("2026-03-01T08:15:00+09:00", 1_772_320_500),
        Typed("2026-02-28T23:15:00Z", 1_772_320_500),
        Typed("2026-03-01T08:15:00", 1_772_352_900),
        Typed("2026-03-01T08:15", 1_772_352_900),
        Typed("2026-03-01 08:15", 1_772_352_900),
        Typed("08:15", nil), Typed("2026-03-01", nil), Typed("2026-02-30T08:15", nil),
        Typed("2026-03-01T24:00", nil), Typed("", nil), Typed("yesterday", nil),
        Typed("2026-03-01T08:15:00+9", nil),
    ])
    func `a time is taken with a zone or of the gateway's own, and nothing is guessed`(
        typed: Typed
    ) {
        let made = TimeZoneRules.utc.instant(typed: typed.text)
        #expect(made == typed.expected.map { Instant(seconds: $0) })
    }

    @Test func `a time without a zone is of the gateway's`() {
        let tokyo = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)
        #expect(tokyo.instant(typed: "2026-03-01T08:15") == Instant(seconds: 1_772_320_500))
        #expect(tokyo.instant(typed: "2026-02-28T23:15:00Z") == Instant(seconds: 1_772_320_500))
    }
}
