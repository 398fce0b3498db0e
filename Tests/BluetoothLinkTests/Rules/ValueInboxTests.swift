import Measurement
import Testing

@testable import BluetoothLink

/// Which values are the device's own, as a table of what may happen around a read.
@Suite struct ValueInboxTests {
    enum Event: Sendable {
        case value(UInt8)
        case readBegins
        case readEnds(UInt8?)
        case subscribed
    }
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var events: [Event]
        /// What is delivered, in order.
        var expected: [UInt8]
        var unclaimed = 0
    }
    static let cases = [
        Case(
            testDescription: "subscribed values pass", events: [.subscribed, .value(1), .value(1)],
            expected: [1, 1]),
        Case(
            testDescription: "values before the subscription come with it",
            events: [.value(1), .value(2), .subscribed, .value(3)], expected: [1, 2, 3]),
        Case(
            testDescription: "values nobody asks for are counted", events: [.value(1), .value(2)],
            expected: [], unclaimed: 2),
        Case(
            testDescription: "the echo of a read is no value",
            events: [.subscribed, .readBegins, .value(7), .readEnds(7)], expected: []),
        Case(
            testDescription: "an echo without a subscription is not kept",
            events: [.readBegins, .value(7), .readEnds(7), .subscribed], expected: []),
        Case(
            testDescription: "only one value is the echo",
            events: [.subscribed, .readBegins, .value(7), .value(7), .readEnds(7)], expected: [7]),
        Case(
            testDescription: "the last equal value is the echo, others keep their order",
            events: [
                .subscribed, .readBegins, .value(7), .value(8), .value(7), .readEnds(7),
            ], expected: [7, 8]),
        Case(
            testDescription: "in doubt a value is delivered",
            events: [.subscribed, .readBegins, .value(8), .readEnds(7), .value(7)],
            expected: [8, 7]),
        Case(
            testDescription: "a failed read has no echo",
            events: [.subscribed, .readBegins, .value(7), .readEnds(nil)], expected: [7]),
        Case(
            testDescription: "two reads at once",
            events: [
                .subscribed, .readBegins, .readBegins, .value(7), .readEnds(7), .value(7),
                .readEnds(7), .value(9),
            ], expected: [9]),
        Case(
            testDescription: "a value during a read, before the subscription, comes with it",
            events: [.readBegins, .value(5), .readEnds(7), .subscribed], expected: [5]),
    ]

    @Test(arguments: cases)
    func `no value is lost and no read is taken for one`(_ test: Case) {
        var inbox = ValueInbox()
        var delivered: [UInt8] = []
        let time = GatewayTime.now()
        for event in test.events {
            switch event {
            case .value(let byte):
                let value = inbox.arrived(.init(bytes: [byte], at: time), at: "/c")
                delivered += value?.bytes ?? []
            case .readBegins: inbox.readBegan("/c")
            case .readEnds(let answer):
                delivered += inbox.readEnded("/c", with: answer.map { [$0] }).flatMap(\.bytes)
            case .subscribed: delivered += inbox.subscribe("/c").flatMap(\.bytes)
            }
        }
        #expect(delivered == test.expected)
        #expect(inbox.unclaimed == test.unclaimed)
    }

    @Test func `a read of one characteristic holds up no other`() {
        var inbox = ValueInbox()
        _ = inbox.subscribe("/other")
        inbox.readBegan("/c")
        #expect(inbox.arrived(.init(bytes: [1], at: .now()), at: "/other") != nil)
    }

    @Test func `values before a subscription are bounded, and what is beyond is counted`() {
        var inbox = ValueInbox()
        let time = GatewayTime.now()
        for _ in 0..<ValueInbox.maximumEarly + 3 {
            _ = inbox.arrived(.init(bytes: [1], at: time), at: "/c")
        }
        #expect(inbox.overflow == 3)
        #expect(inbox.subscribe("/c").count == ValueInbox.maximumEarly)
        #expect(inbox.unclaimed == 3)
    }
}
