import EventLoop
import GatewayTestKit
import Measurement
import Testing

@testable import Gateway
@testable import Spool

@Suite struct MetricsTextTests {
    @Test func `a value that is not known gives no line instead of a wrong zero`() {
        var text = MetricsText()
        text.add("battery", nil as Int?, [("device", "a")])
        text.add("offset", nil as Double?)
        text.add("seen", nil as Instant?)
        #expect(text.lines.isEmpty)
    }

    @Test(arguments: [
        ("usb_refused_ieee-11073-20601", "usb_refused_ieee_11073_20601"),
        ("usb_refused_left over", "usb_refused_left_over"), ("a\nb{c}", "a_b_c_"), ("x9", "x9"),
        ("血圧", "__"),
    ])
    func `a counter's name is one that a collector reads, or it would refuse every line`(
        name: String, written: String
    ) async throws {
        LoopThread.start()
        try await LoopThread.run {
            let counters = Counters()
            counters.count(name)
            counters.count(name, by: 2)
            #expect(counters.values == [written: 3])
        }
    }

    @Test(arguments: [
        ("plain", "plain"), ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"), ("a\nb\u{1B}[2J", "a?b?[2J"),
        ("血圧計 …00:01", "血圧計 …00:01"), ("\u{9B}31m\u{7F}", "?31m?"),
    ])
    func `a label cannot break the line or steer a terminal`(raw: String, written: String) {
        var text = MetricsText()
        text.add("x", 1, [("device", raw)])
        #expect(text.lines == ["hakaru_x{device=\"\(written)\"} 1"])
    }

    @Test func `an instant is the second that a collector compares with its own time`() {
        var text = MetricsText()
        text.add("seen_timestamp_seconds", Instant(microseconds: 1_700_000_000_900_000))
        #expect(text.lines == ["hakaru_seen_timestamp_seconds 1700000000"])
    }

    @Test func `the lines of a family stand together under their kind, however they came`() {
        let histogram = Histogram(bounds: [0.5])
        let lines =
            ["hakaru_a_total{x=\"1\"} 1", "hakaru_b 2", "hakaru_a_total{x=\"2\"} 3"]
            + histogram.lines("hakaru_t_seconds")
        #expect(
            MetricsText.document(lines) == """
                # TYPE hakaru_a_total counter
                hakaru_a_total{x="1"} 1
                hakaru_a_total{x="2"} 3
                # TYPE hakaru_b gauge
                hakaru_b 2
                # TYPE hakaru_t_seconds histogram
                hakaru_t_seconds_bucket{le="0.5"} 0
                hakaru_t_seconds_bucket{le="+Inf"} 0
                hakaru_t_seconds_sum 0.0
                hakaru_t_seconds_count 0

                """)
    }

    @Test func `a name that only ends like a histogram's is a gauge of its own`() {
        #expect(
            MetricsText.document(["hakaru_x_count 4"])
                == "# TYPE hakaru_x_count gauge\nhakaru_x_count 4\n")
    }

    @Test func `a histogram counts each duration once and below every bound it fits`() {
        var histogram = Histogram(bounds: [0.01, 1, 60])
        for seconds in [0.0078125, 0.0078125, 0.5, 59, 61, 7_200] { histogram.add(seconds) }
        #expect(
            histogram.lines("t") == [
                "t_bucket{le=\"0.01\"} 2", "t_bucket{le=\"1\"} 3", "t_bucket{le=\"60\"} 4",
                "t_bucket{le=\"+Inf\"} 6", "t_sum 7320.515625", "t_count 6",
            ])
    }

    @Test(arguments: [-5.0, -Double.infinity, Double.nan, Double.infinity])
    func `a clock that was put back, or no number, does not spoil the sum`(seconds: Double) {
        var histogram = Histogram(bounds: [1])
        histogram.add(seconds)
        histogram.add(0.5)
        #expect(histogram.sum == 0.5)
        #expect(histogram.count == 2)
    }

    @Test func `devices are named by model and the end of the address, each once`() {
        var labels = DeviceLabels()
        func device(_ id: String, model: String?) -> StoredDevice {
            var description = DeviceDescription(id: DeviceID(id))
            description.model = model
            return StoredDevice(
                description: description, profile: "some-profile", firstSeen: Instant(seconds: 0),
                lastSeen: Instant(seconds: 0), lastRecord: nil, records: 0, memory: DeviceMemory())
        }
        let first = labels.label(device("ble:A4:C1:38:00:00:01", model: "UA-651BLE"))
        let twin = labels.label(device("ble:A4:C1:39:00:00:01", model: "UA-651BLE"))
        let unnamed = labels.label(device("ble:A4:C1:39:00:00:07", model: nil))
        #expect(first.hasPrefix("UA-651BLE …"))
        #expect(!first.contains("A4:C1"))
        #expect(twin == first + " #2")
        #expect(unnamed.hasPrefix("some-profile …"))
    }
}
