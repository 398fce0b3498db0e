import CLinux
import Glibc
import Testing

@testable import EventLoop

@Suite struct ClockTests {
    @Test func `the gateway's clocks run forward together`() async throws {
        let first = GatewayClock.now()
        usleep(20_000)
        let second = GatewayClock.now()
        let monotonic = second.monotonicNanoseconds - first.monotonicNanoseconds
        #expect(monotonic >= 20_000_000 && monotonic < 5_000_000_000)
        #expect(first.utcMicroseconds > 1_700_000_000_000_000)
        #expect(abs(first.utcMicroseconds / 1_000_000 - Int64(time(nil))) < 10)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var status: Int32?
        var told: Bool?
        var mark: String
        var expected: Bool
    }

    @Test(arguments: [
        Case(testDescription: "disciplined", status: 0, mark: "/nowhere", expected: true),
        Case(testDescription: "PLL", status: STA_PLL, mark: "/nowhere", expected: true),
        Case(testDescription: "unsynchronised", status: STA_UNSYNC, mark: "/", expected: false),
        Case(
            testDescription: "unsynchronised with other bits", status: STA_UNSYNC | STA_NANO,
            mark: "/", expected: false),
        Case(
            testDescription: "forbidden to ask, no mark", status: nil, mark: "/no", expected: false),
        Case(testDescription: "forbidden to ask, mark", status: nil, mark: "/", expected: true),
        Case(
            testDescription: "forbidden to ask, told yes", status: nil, told: true, mark: "/no",
            expected: true),
        Case(
            testDescription: "forbidden to ask, told no: an old mark does not count", status: nil,
            told: false, mark: "/", expected: false),
        Case(
            testDescription: "the kernel counts, whatever was told", status: STA_UNSYNC, told: true,
            mark: "/", expected: false),
        Case(
            testDescription: "the kernel says yes, whatever was told", status: 0, told: false,
            mark: "/no", expected: true),
    ])
    func `a clock that nobody disciplines is never called synchronised`(_ test: Case) {
        #expect(
            GatewayClock.isSynchronised(test.status, told: test.told, mark: test.mark)
                == test.expected)
    }

    @Test func `where the kernel may be asked nobody's word changes the answer`() throws {
        try #require(GatewayClock.mayAskKernel, "this machine guards its clock")
        let before = GatewayClock.now().synchronised
        defer { GatewayClock.tell(synchronised: nil) }
        GatewayClock.tell(synchronised: !before)
        #expect(GatewayClock.now().synchronised == before)
    }
}
