import BluetoothLink
import DeviceLink
import JSON
import Measurement
import Testing

@testable import Gateway

/// What the event stream tells of a session: where the seconds went, and nothing that was measured.
@Suite struct ConnectionReportTests {
    static let began = GatewayTime(
        utc: Instant(seconds: 1_772_352_900), monotonicNanoseconds: 60_000_000_000,
        synchronised: true)

    static func report(_ end: SessionEnd, heard: Instant?) -> ConnectionReport {
        var times = SessionTimes(began: began)
        for (index, stage) in SessionTimes.Stage.allCases.enumerated() where stage != .bonded {
            times.reach(
                stage,
                at: GatewayTime(
                    utc: began.utc,
                    monotonicNanoseconds: began.monotonicNanoseconds + Int64(index + 1)
                        * 100_000_000,
                    synchronised: true))
        }
        return ConnectionReport(
            device: DeviceID("ble:A4:C1:38:00:00:01"), end: end, new: 2, heardAt: heard,
            times: times)
    }

    static func text(_ report: ConnectionReport) -> String {
        String(decoding: report.document, as: UTF8.self)
    }

    @Test func `stages count from the moment at which the device was heard`() {
        let text = Self.text(Self.report(.complete, heard: Instant(microseconds: 59_500_000)))
        #expect(
            text == #"{"device":"ble:A4:C1:38:00:00:01","end":"complete","new_records":2,"#
                + #""heard_at_ms":1772352899500,"milliseconds":{"began":500,"adapter":600,"quiet":700,"#
                + #""linked":800,"services":1000,"subscribed":1100,"first_value":1200,"ended":1300}}"#
        )
    }

    @Test(arguments: [nil, Instant(seconds: 90)])
    func `a session that nothing was heard before counts from its own beginning`(heard: Instant?) {
        let text = Self.text(Self.report(.complete, heard: heard))
        #expect(text.contains(#""heard_at_ms":1772352900000"#))
        #expect(text.contains(#""began":0,"adapter":100"#))
    }

    @Test(arguments: [
        (SessionEnd.interrupted("the link was lost: secret"), "interrupted"),
        (.needsPerson("pairing failed: secret"), "needs-person"),
    ])
    func `the end is one word; the reason stays in the log`(end: SessionEnd, word: String) {
        let text = Self.text(Self.report(end, heard: nil))
        #expect(text.contains(#""end":"\#(word)""#))
        #expect(!text.contains("secret"))
    }
}
