import Testing

@testable import Uplink

@Suite("Destination schedule") struct SchedulerTests {
    typealias Scheduler = DestinationScheduler

    /// One event at one second, what the machine must do then and in which state it must be.
    struct Step: Sendable {
        var second: Int
        var event: Scheduler.Event
        var action: Scheduler.Action
        var state: Scheduler.State
        var chance = 1.0
        init(
            _ second: Int, _ event: Scheduler.Event, _ action: Scheduler.Action,
            _ state: Scheduler.State, chance: Double = 1
        ) {
            self.second = second
            self.event = event
            self.action = action
            self.state = state
            self.chance = chance
        }
    }
    struct Story: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var steps: [Step]
        init(_ name: String, _ steps: [Step]) {
            testDescription = name
            self.steps = steps
        }
    }
    static func at(_ seconds: Int) -> Duration { .seconds(seconds) }
    static let trouble = Scheduler.Event.attemptEnded(.trouble(after: nil))
    static let sending = Scheduler.State.sending(isProbe: false)
    static let probing = Scheduler.State.sending(isProbe: true)

    static let stories = [
        Story(
            "records go until none wait",
            [
                Step(0, .workArrived, .send, sending),
                Step(1, .attemptEnded(.delivered), .send, sending),
                Step(2, .attemptEnded(.nothingWaiting), .sleep, .idle),
                Step(3, .workArrived, .send, sending),
            ]),
        Story(
            "a record that comes while sending is not forgotten",
            [
                Step(0, .workArrived, .send, sending), Step(1, .workArrived, .nothing, sending),
                Step(1, .attemptEnded(.nothingWaiting), .send, sending),
                Step(2, .attemptEnded(.nothingWaiting), .sleep, .idle),
            ]),
        Story(
            "pauses double up to the maximum and never end",
            [
                Step(0, .workArrived, .send, sending),
                Step(0, trouble, .wait(until: at(1)), .retrying(until: at(1))),
                Step(1, .timerFired, .send, probing),
                Step(1, trouble, .wait(until: at(3)), .retrying(until: at(3))),
                Step(3, .timerFired, .send, probing),
                Step(3, trouble, .wait(until: at(7)), .retrying(until: at(7))),
                Step(7, .timerFired, .send, probing),
                Step(7, trouble, .wait(until: at(15)), .retrying(until: at(15))),
                Step(15, .timerFired, .send, probing),
                Step(15, trouble, .wait(until: at(25)), .retrying(until: at(25))),
                Step(25, .timerFired, .send, probing),
                Step(25, trouble, .wait(until: at(35)), .retrying(until: at(35))),
            ]),
        Story(
            "a success starts the pauses anew",
            [
                Step(0, .workArrived, .send, sending),
                Step(0, trouble, .wait(until: at(1)), .retrying(until: at(1))),
                Step(1, .timerFired, .send, probing),
                Step(1, trouble, .wait(until: at(3)), .retrying(until: at(3))),
                Step(3, .timerFired, .send, probing),
                Step(4, .attemptEnded(.delivered), .send, sending),
                Step(5, trouble, .wait(until: at(6)), .retrying(until: at(6))),
            ]),
        Story(
            "new records do not shorten a pause, and one probe goes before the flood",
            [
                Step(0, .workArrived, .send, sending),
                Step(
                    0, .attemptEnded(.trouble(after: at(30))), .wait(until: at(31)),
                    .retrying(until: at(31))),
                Step(1, .workArrived, .wait(until: at(31)), .retrying(until: at(31))),
                Step(30, .workArrived, .wait(until: at(31)), .retrying(until: at(31))),
                Step(31, .workArrived, .send, probing),
                Step(32, .workArrived, .nothing, probing),
            ]),
        Story(
            "what the receiver asks for is kept even when the dice say zero",
            [
                Step(0, .workArrived, .send, sending),
                Step(
                    0, .attemptEnded(.trouble(after: at(120))), .wait(until: at(120)),
                    .retrying(until: at(120)), chance: 0),
            ]),
        Story(
            "full jitter reaches down to nothing",
            [
                Step(5, .workArrived, .send, sending),
                Step(5, trouble, .wait(until: at(5)), .retrying(until: at(5)), chance: 0),
                Step(5, .timerFired, .send, probing),
            ]),
        Story(
            "a destination that does not let the gateway in is tried once per step",
            [
                Step(0, .workArrived, .send, sending),
                Step(0, .attemptEnded(.notLetIn), .wait(until: at(1)), .held(until: at(1))),
                Step(0, .workArrived, .wait(until: at(1)), .held(until: at(1))),
                Step(1, .timerFired, .send, probing),
                Step(1, .attemptEnded(.notLetIn), .wait(until: at(3)), .held(until: at(3))),
                Step(3, .timerFired, .send, probing),
                Step(3, .attemptEnded(.delivered), .send, sending),
            ]),
        Story(
            "a person's wish goes before the schedule",
            [
                Step(0, .workArrived, .send, sending),
                Step(0, .attemptEnded(.notLetIn), .wait(until: at(1)), .held(until: at(1))),
                Step(0, .kicked, .send, probing),
                Step(0, .kicked, .nothing, probing),
            ]),
        Story(
            "a divided batch goes on at once, still as a probe after trouble",
            [
                Step(0, .workArrived, .send, sending),
                Step(0, .attemptEnded(.rearranged), .send, sending),
                Step(0, trouble, .wait(until: at(1)), .retrying(until: at(1))),
                Step(1, .timerFired, .send, probing),
                Step(1, .attemptEnded(.rearranged), .send, probing),
            ]),
        Story(
            "the end of an attempt that never was changes nothing",
            [Step(0, .attemptEnded(.delivered), .nothing, .idle)]),
    ]

    @Test("a destination is tried when it should be", arguments: stories)
    func story(_ story: Story) {
        var scheduler = Scheduler(steps: RetrySteps(initial: .seconds(1), maximum: .seconds(10)))
        for (index, step) in story.steps.enumerated() {
            let action = scheduler.handle(
                step.event, now: Self.at(step.second), chance: step.chance)
            #expect(action == step.action, "step \(index)")
            #expect(scheduler.state == step.state, "step \(index)")
        }
    }

    @Test("a pause lies between nothing and the step, whatever the numbers")
    func bounds() {
        let all = [
            RetrySteps(), RetrySteps(initial: .zero, maximum: .seconds(1)),
            RetrySteps(initial: .seconds(10), maximum: .seconds(1)),
            RetrySteps(initial: .milliseconds(1), maximum: .seconds(86_400 * 365)),
        ]
        for steps in all {
            for failures in [0, 1, 9, 10, 63, 64, 1_000_000] {
                for chance in [-1, 0, 0.3, 0.999, 7] {
                    let pause = steps.pause(
                        afterFailures: failures, asked: nil, chance: chance)
                    #expect(pause >= .zero && pause <= max(steps.initial, steps.maximum))
                }
            }
        }
        #expect(RetrySteps().step(0) == .seconds(1))
        #expect(RetrySteps().step(9) == .seconds(512))
        #expect(RetrySteps().step(10) == .seconds(900))
    }

    @Test("the next attempt is shown only while one is planned")
    func nextAttempt() {
        var scheduler = Scheduler(steps: RetrySteps(initial: .seconds(4), maximum: .seconds(10)))
        #expect(scheduler.nextAttempt == nil)
        _ = scheduler.handle(.workArrived, now: .zero, chance: 0)
        #expect(scheduler.nextAttempt == nil)
        _ = scheduler.handle(Self.trouble, now: .seconds(2), chance: 0.5)
        #expect(scheduler.nextAttempt == .seconds(4))
        #expect(scheduler.failures == 1)
    }
}
