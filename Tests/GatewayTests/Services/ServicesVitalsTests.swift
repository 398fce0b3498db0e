import EventLoop
import GatewayTestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct ServicesVitalsTests {
    init() { LoopThread.start() }

    /// A part whose state a test sets.
    @LoopActor private final class Part {
        var reading: WorkMeter.Reading? = .init(done: 0, steps: 0, isBusy: false)
    }

    @LoopActor private final class Answers { var count = 0 }

    @LoopActor private func vitals(_ parts: [(String, Part)]) -> (Vitals, Answers) {
        let answers = Answers()
        let vitals = Vitals { answers.count += 1 }
        for (name, part) in parts { vitals.watch(name) { part.reading } }
        return (vitals, answers)
    }

    @Test @LoopActor func `idle parts are alive and are not woken to prove it`() {
        let (vitals, answers) = vitals([("store", Part()), ("usb", Part())])
        for _ in 0..<5 { vitals.look() }
        #expect(answers.count == 5)
        #expect(vitals.stuck.isEmpty)
    }

    @Test @LoopActor
    func `a part with work that does nothing between two looks keeps the answer back`() {
        let store = Part()
        let (vitals, answers) = vitals([("store", store), ("usb", Part())])
        vitals.look()
        store.reading = .init(done: 7, steps: 0, isBusy: true)
        vitals.look()
        #expect(answers.count == 2, "work has only just come")
        vitals.look()
        vitals.look()
        #expect(answers.count == 2)
        #expect(vitals.stuck == ["store"])
        store.reading = .init(done: 8, steps: 0, isBusy: true)
        vitals.look()
        #expect(answers.count == 3, "it goes on")
        #expect(vitals.stuck.isEmpty)
    }

    @Test @LoopActor func `a long job that gets on step by step is no hang`() {
        let store = Part()
        let (vitals, answers) = vitals([("store", store)])
        for step in 0..<10 {
            store.reading = .init(done: 1, steps: step, isBusy: true)
            vitals.look()
        }
        #expect(answers.count == 10)
    }

    @Test @LoopActor func `a part that is not there, and one that has gone, are not missed`() {
        let usb = Part()
        usb.reading = nil
        let (vitals, answers) = vitals([("usb", usb)])
        vitals.look()
        usb.reading = .init(done: 0, steps: 0, isBusy: true)
        vitals.look()
        usb.reading = nil
        vitals.look()
        vitals.look()
        #expect(answers.count == 4)
    }

    @Test @LoopActor func `two parts that hang are both named`() {
        let busy = WorkMeter.Reading(done: 0, steps: 0, isBusy: true)
        let parts = [Part(), Part()]
        for part in parts { part.reading = busy }
        let (vitals, answers) = vitals([("store", parts[0]), ("usb", parts[1])])
        vitals.look()
        vitals.look()
        #expect(vitals.stuck == ["store", "usb"])
        #expect(answers.count == 1)
    }

    @Test @LoopActor func `without a watchdog nobody is answered`() {
        let (vitals, answers) = vitals([("store", Part())])
        vitals.start(nil)
        #expect(answers.count == 0)
        vitals.start(.seconds(60))
        #expect(answers.count == 1, "the first answer comes at once")
    }
}
