import DeviceLink
import Testing

@testable import BluetoothLink

/// What is said of a bond: nobody is sent to pair a cuff anew that only stood in the next room.
@Suite struct BondEvidenceTests {
    enum Event: Sendable {
        case signal(Int?)
        case early, outOfReach, refused, worked

        func happen(to evidence: inout BondEvidence) {
            switch self {
            case .signal(let strength): evidence.signal = strength
            case .early: evidence.linkEndedEarly()
            case .outOfReach: evidence.wasOutOfReach()
            case .refused: evidence.keysWereRefused()
            case .worked: evidence.linkWorked()
            }
        }
    }

    struct Story: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var events: [Event]
        /// Nil: nothing is said of the bond. True: it is lost. False: it may be.
        var isCertain: Bool?
    }

    static let stories = [
        Story(testDescription: "nothing has happened", events: [], isCertain: nil),
        Story(testDescription: "the kernel names the keys", events: [.refused], isCertain: true),
        Story(
            testDescription: "the keys do not fit, then the device is taken away",
            events: [.refused, .outOfReach, .outOfReach], isCertain: true),
        Story(
            testDescription: "the keys do not fit, heard faintly",
            events: [.signal(-95), .refused], isCertain: true),
        Story(
            testDescription: "the keys did not fit, and fit again", events: [.refused, .worked],
            isCertain: nil),
        Story(
            testDescription: "two links ended early", events: [.signal(-60), .early, .early],
            isCertain: nil),
        Story(
            testDescription: "three links in a row ended early beside the gateway",
            events: [.signal(-60), .early, .early, .early], isCertain: false),
        Story(
            testDescription: "the same where the radio tells no strength",
            events: [.signal(nil), .early, .early, .early], isCertain: false),
        Story(
            testDescription: "just strong enough",
            events: [.signal(-80), .early, .early, .early], isCertain: false),
        Story(
            testDescription: "at the edge of the radio's reach",
            events: [.signal(-81), .early, .early, .early, .early], isCertain: nil),
        Story(
            testDescription: "carried away and back",
            events: [.signal(-60), .early, .early, .signal(-90), .early, .signal(-60), .early],
            isCertain: nil),
        Story(
            testDescription: "not reached in between",
            events: [.signal(-60), .early, .early, .outOfReach, .early, .early], isCertain: nil),
        Story(
            testDescription: "a session in between",
            events: [.signal(-60), .early, .early, .worked, .early, .early], isCertain: nil),
        Story(
            testDescription: "the doubt ends with a session that works",
            events: [.signal(-60), .early, .early, .early, .worked], isCertain: nil),
        Story(
            testDescription: "the doubt ends when the device is out of reach",
            events: [.signal(-60), .early, .early, .early, .outOfReach], isCertain: nil),
        Story(
            testDescription: "the doubt becomes certain",
            events: [.signal(-60), .early, .early, .early, .refused], isCertain: true),
    ]

    @Test(arguments: stories)
    func
        `a bond is called lost where that is known, and doubted only where nothing else explains it`(
            _ story: Story
        )
    {
        var evidence = BondEvidence()
        for event in story.events { event.happen(to: &evidence) }
        let isCertain: Bool? =
            switch evidence.verdict {
            case .staleBond: true
            case .doubtfulBond: false
            default: nil
            }
        #expect(isCertain == story.isCertain)
        #expect((evidence.verdict == nil) == (story.isCertain == nil))
    }

    @Test func `the doubt says how often, so that who reads it can judge`() {
        var evidence = BondEvidence()
        for _ in 0..<5 { evidence.linkEndedEarly() }
        #expect(
            evidence.verdict
                == .doubtfulBond(
                    "it is near and ended 5 connections before its services were known"))
    }

    /// Any order of what was seen before: no loss of reach can make a bond look lost.
    @Test(arguments: 0..<64)
    func `without three early ends in a row near the gateway no order of events says anything`(
        _ seed: Int
    ) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        var evidence = BondEvidence()
        var inARow = 0
        for _ in 0..<200 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            switch state >> 61 {
            case 0...2 where inARow < 2:
                inARow += 1
                evidence.linkEndedEarly()
            case 3: evidence.signal = -60
            default:
                inARow = 0
                evidence.wasOutOfReach()
            }
            #expect(evidence.verdict == nil)
        }
    }
}
