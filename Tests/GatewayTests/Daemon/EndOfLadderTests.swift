import GatewayTestKit
import Measurement
import Testing

@testable import Gateway

/// When the daemon may end itself for want of an adapter: never in a loop, never by a clock that was set.
@Suite struct EndOfLadderTests {
    static let boot = "0f0e0d0c-0b0a-0908-0706-050403020100"
    static let other = "ffffffff-0b0a-0908-0706-050403020100"

    static func at(_ minutes: Int64) -> Instant { Instant(seconds: minutes * 60) }

    /// Ends at these minutes of the same run of the machine.
    static func ended(_ minutes: Int64...) -> EndOfLadder? {
        var state: EndOfLadder?
        for minute in minutes { state = .after(state, boot: boot, now: at(minute)) }
        return state
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var before: EndOfLadder?
        var boot = EndOfLadderTests.boot
        var now: Int64
        var minutes: Int64
    }

    static let cases = [
        Case(testDescription: "for the first time", before: nil, now: 5, minutes: 10),
        Case(testDescription: "after one end", before: ended(12), now: 13, minutes: 20),
        Case(testDescription: "after two", before: ended(12, 40), now: 41, minutes: 40),
        Case(testDescription: "after three", before: ended(12, 40, 90), now: 91, minutes: 80),
        Case(
            testDescription: "after very many",
            before: ended(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
            now: 13, minutes: 240),
        Case(
            testDescription: "half a day after the last one", before: ended(12, 40), now: 760,
            minutes: 10),
        Case(
            testDescription: "just before that", before: ended(12, 40), now: 759, minutes: 40),
        Case(
            testDescription: "after the machine was started anew", before: ended(12, 40),
            boot: other, now: 50, minutes: 10),
        Case(
            testDescription: "where nobody knows which run of the machine it is",
            before: ended(12, 40), boot: "", now: 50, minutes: 10),
        Case(
            testDescription: "a time that has not come yet", before: ended(12, 40), now: 39,
            minutes: 10),
    ]

    @Test(arguments: cases)
    func `each end makes the next one wait longer, and a new start of the machine forgets them`(
        _ each: Case
    ) {
        #expect(
            EndOfLadder.run(before: each.before, boot: each.boot, now: Self.at(each.now))
                == .minutes(each.minutes))
    }

    @Test func `a radio that is broken for good ends the daemon at most ten times in a day`() {
        var state: EndOfLadder?
        var (now, ends) = (Self.at(0), 0)
        // The daemon is started anew each time; the ladder comes to its end at every minute.
        var started = now
        for minute in 1...1_440 {
            now = Self.at(Int64(minute))
            guard now - started >= EndOfLadder.run(before: state, boot: Self.boot, now: now) else {
                continue
            }
            state = .after(state, boot: Self.boot, now: now)
            (started, ends) = (now, ends + 1)
        }
        #expect((5...10).contains(ends), "\(ends)")
    }

    @Test func `what is remembered survives the end of the daemon`() throws {
        let folder = ScratchDirectory()
        let path = EndOfLadder.path(folder.path)
        #expect(EndOfLadder(reading: path) == nil)
        let state = try #require(Self.ended(12, 40))
        try StateFile.write(state.document, to: path)
        #expect(EndOfLadder(reading: path) == state)
        let next = EndOfLadder.after(EndOfLadder(reading: path), boot: Self.boot, now: Self.at(99))
        #expect(next.ends == 3)
    }

    static let broken = [
        "", "{", "[]", "{}", "null", #"{"boot":"x"}"#,
        #"{"boot":"x","ends":"1","last_ms":1}"#, #"{"boot":"x","ends":0,"last_ms":1}"#,
        #"{"boot":"x","ends":-3,"last_ms":1}"#, #"{"boot":"x","ends":1,"last_ms":-1}"#,
        #"{"boot":"x","ends":1,"last_ms":9223372036854775807}"#,
        #"{"boot":"x","ends":9223372036854775807,"last_ms":1}"#,
        #"{"boot":7,"ends":1,"last_ms":1}"#, #"{"boot":"x","ends":1.5,"last_ms":1}"#,
    ]

    @Test(arguments: broken)
    func `a file that makes no sense is as none, and never a reason not to start`(_ text: String) {
        let folder = ScratchDirectory()
        folder.write("ladder.json", text)
        let read = EndOfLadder(reading: EndOfLadder.path(folder.path))
        #expect(read == nil)
        #expect(EndOfLadder.run(before: read, boot: Self.boot, now: Self.at(1)) == .minutes(10))
    }
}

/// Which run of the machine it is: without that no reading that waits for the clock outlives a restart.
@Suite struct BootTests {
    static let kernel = "0f0e0d0c-0b0a-0908-0706-050403020100"

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var file: String?
        var told: String?
        var name: String
    }

    static let cases = [
        Case(testDescription: "the kernel's file", file: kernel + "\n", name: kernel),
        Case(
            testDescription: "the file before what is told", file: kernel + "\n",
            told: "ffffffff0b0a09080706050403020100", name: kernel),
        Case(
            testDescription: "a sandbox hides the file",
            told: "0f0e0d0c0b0a09080706050403020100", name: kernel),
        Case(testDescription: "told in capitals", told: kernel.uppercased(), name: kernel),
        Case(testDescription: "nobody says it", name: ""),
        Case(testDescription: "systemd did not expand it", told: "%b", name: ""),
        Case(testDescription: "an empty file", file: "", name: ""),
        Case(testDescription: "an empty word", told: "", name: ""),
        Case(testDescription: "cut off", told: String(kernel.dropLast()), name: ""),
        Case(testDescription: "too long", told: kernel + "0", name: ""),
        Case(testDescription: "no number", told: kernel.replacing("f", with: "g"), name: ""),
    ]

    @Test(arguments: cases)
    func `the run is named alike whoever tells it, and by nothing that is none`(_ each: Case) {
        let folder = ScratchDirectory()
        if let text = each.file { folder.write("boot_id", text) }
        let file = folder.path + "/boot_id"
        #expect(Boot.name(file: file, told: each.told) == each.name)
    }
}
