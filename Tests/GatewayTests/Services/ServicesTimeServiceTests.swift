import BluetoothLink
import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import Gateway

/// A bus with somebody in the place of timedated.
@LoopActor private final class Stage {
    let bus: PrivateBus
    let peer: Bus
    var answer: BusValue = .variant(.bool(true))
    var refusal: BusError?
    private(set) var questions: [[BusValue]] = []
    private var slot: BusSlot?
    let counters = Counters()

    init() async throws {
        bus = try PrivateBus()
        peer = try Bus.open(bus.address)
        try await peer.requestName("org.freedesktop.timedate1")
        slot = try peer.export("/org/freedesktop/timedate1") {
            [unowned self] message throws(BusError) in
            questions.append(message.body)
            if let refusal { throw refusal }
            return [answer]
        }
    }

    func service(afterYes: Duration = .seconds(60), afterNo: Duration = .seconds(60)) -> TimeService
    {
        TimeService(counters: counters, address: bus.address, pauses: (afterYes, afterNo))
    }
}

@Suite("The clock's state from systemd", .timeLimit(.minutes(1))) struct ServicesTimeServiceTests {
    init() { LoopThread.start() }

    /// Runs the service until a condition holds, then ends it.
    @LoopActor private static func run(
        _ service: TimeService, until done: @LoopActor () -> Bool
    ) async -> Bool {
        let task = spawn { await service.run() }
        let came = await eventually { done() }
        task.cancel()
        await task.value
        GatewayClock.tell(synchronised: nil)
        return came
    }

    @Test("the one question is whether the clock is synchronised, and it is asked at once")
    func question() async throws {
        try await spawn { @LoopActor in
            let stage = try await Stage()
            let service = stage.service()
            #expect(await Self.run(service) { service.answers == 1 })
            #expect(
                stage.questions == [
                    [.string("org.freedesktop.timedate1"), .string("NTPSynchronized")]
                ])
            #expect(stage.counters.values["time_service_failures"] == nil)
        }.value
    }

    @Test("a yes is believed for long, a no is asked again soon")
    func pauses() async throws {
        try await spawn { @LoopActor in
            let stage = try await Stage()
            stage.answer = .variant(.bool(false))
            let service = stage.service(afterYes: .seconds(60), afterNo: .milliseconds(5))
            #expect(
                await Self.run(service) {
                    if service.answers == 3 { stage.answer = .variant(.bool(true)) }
                    return stage.questions.count >= 4 && service.answers >= 4
                })
            // The yes came with the fourth or the fifth answer; nothing was asked after it.
            let asked = stage.questions.count
            #expect((4...5).contains(asked))
        }.value
    }

    @Test(
        "an answer that is none, an error and an empty bus are failures, and are asked again",
        arguments: ["no boolean", "refused", "nobody"])
    func failures(kind: String) async throws {
        try await spawn { @LoopActor in
            let stage = try await Stage()
            switch kind {
            case "no boolean": stage.answer = .variant(.string("yes"))
            case "refused":
                stage.refusal = BusError(
                    name: "org.freedesktop.DBus.Error.AccessDenied", message: "no")
            default: stage.bus.kill()
            }
            let service = stage.service(afterNo: .milliseconds(5))
            #expect(await Self.run(service) { service.failures >= 2 })
            #expect(service.answers == 0)
            #expect((stage.counters.values["time_service_failures"] ?? 0) >= 2)
        }.value
    }

    @Test("it goes on with the answers when systemd comes back")
    func recovery() async throws {
        try await spawn { @LoopActor in
            let stage = try await Stage()
            stage.refusal = BusError(name: "org.freedesktop.DBus.Error.NoReply", message: "gone")
            let service = stage.service(afterNo: .milliseconds(5))
            #expect(
                await Self.run(service) {
                    if service.failures >= 2 { stage.refusal = nil }
                    return service.answers == 1
                })
        }.value
    }

    @Test("the start waits for the first answer, and not for ever")
    func firstAnswer() async throws {
        try await spawn { @LoopActor in
            let stage = try await Stage()
            let silent = stage.service()
            let begun = ContinuousClock.now
            await silent.firstAnswer(within: .milliseconds(50))
            #expect(ContinuousClock.now - begun >= .milliseconds(50))
            let service = stage.service()
            let task = spawn { await service.run() }
            await service.firstAnswer(within: .seconds(20))
            #expect(service.answers == 1)
            task.cancel()
            await task.value
            GatewayClock.tell(synchronised: nil)
        }.value
    }
}
