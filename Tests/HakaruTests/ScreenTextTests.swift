import DataFiles
import Testing

@testable import hakaru

@Suite("The screen of a station, drawn") struct ScreenTextTests {
    private func text(
        _ screen: StationScreen, _ language: Language = .english, width: Int = 80, height: Int = 24
    ) -> [String] {
        ScreenText(language: language, width: width, height: height).lines(screen)
    }

    static let pressure = """
        {"systolic":{"value":125,"unit":"mm[Hg]"},"diastolic":{"value":80,"unit":"mm[Hg]"},
         "mean_arterial_pressure":{"value":95,"unit":"mm[Hg]"},"pulse_rate":{"value":64,"unit":"/min"}}
        """

    private func measured(_ values: String, state: String = "waiting") -> StationScreen {
        var screen = StationScreenTests.turn()
        screen.record(
            StationScreenTests.record(of: "MDM-001", values, state: state),
            now: StationScreenTests.after(6))
        return screen
    }

    @Test("every state has its sentence in both languages")
    func sentences() {
        var screen = StationScreen(station: "table-1")
        #expect(text(screen).contains { $0.contains("does not answer") })
        #expect(text(screen, .japanese).contains { $0.contains("応答しません") })
        screen.connected(StationScreenTests.free, now: StationScreenTests.noon)
        #expect(text(screen).contains { $0.contains("scan your card") })
        #expect(text(screen, .japanese).contains { $0.contains("読み取ってください") })
        screen.session(StationScreenTests.session("MDM-001"), now: StationScreenTests.noon)
        #expect(text(screen).contains { $0.contains("MDM-001") })
        #expect(text(screen).contains { $0.contains("Please measure.") })
        #expect(text(screen, .japanese).contains { $0.contains("MDM-001 さん") })
        screen.session(StationScreenTests.session(nil), now: StationScreenTests.noon)
        #expect(text(screen, .japanese).contains { $0.contains("ゲスト") })
        screen.reader(
            json(#"{"station":"table-1","refused":"unknown-code"}"#), now: StationScreenTests.noon)
        #expect(text(screen).contains { $0.contains("not known") })
    }

    @Test("pressure is one large number, the pulse another, and no word judges them")
    func large() {
        let lines = text(measured(Self.pressure), height: 40)
        #expect(lines.count { $0.contains("█") } == 10)
        #expect(lines.contains { $0.contains("Blood pressure  mmHg") })
        #expect(lines.contains { $0.contains("Pulse  per minute") })
        #expect(!lines.contains { $0.contains("95") }, "what nobody asked for is not on the screen")
        for word in ["high", "low", "normal", "高", "低", "正常"] {
            #expect(!lines.contains { $0.lowercased().contains(word) })
        }
    }

    @Test(
        "what does not fit is smaller, then plain, and nothing is ever wider or longer than the screen",
        arguments: [200, 100, 60, 47, 20, 4, 1], [60, 24, 14, 6, 3, 1])
    func sizes(_ width: Int, _ height: Int) {
        let lines = text(measured(Self.pressure), width: width, height: height)
        #expect(lines.count <= height)
        for line in lines where line.contains("█") { #expect(TextTable.width(line) <= width) }
        if width >= 60, height >= 24 { #expect(lines.contains { $0.contains("█") }) }
        if width < 48 { #expect(!lines.contains { $0.contains("█") && $0.count > width }) }
    }

    @Test("a narrow screen still has every number, in plain digits")
    func plain() {
        let lines = text(measured(Self.pressure), width: 30, height: 24)
        #expect(lines.contains { $0.contains("125/80 mmHg") })
        #expect(lines.contains { $0.contains("64 per minute") })
    }

    @Test("a value that the device did not give is a dash, never a number")
    func absent() {
        let lines = text(
            measured(
                #"{"systolic":{"value":125,"unit":"mm[Hg]"},"diastolic":{"value":null,"unit":"mm[Hg]"}}"#
            ))
        #expect(lines.contains { $0.contains("125/–") })
    }

    @Test("digits are kept as the device sent them, units are those of people")
    func units() {
        let scale = text(measured(#"{"weight":{"value":36.0,"unit":"kg"}}"#), width: 20)
        #expect(scale.contains { $0.contains("36.0 kg") })
        let steps = text(
            measured(#"{"steps":{"value":8123,"unit":"{steps}"}}"#), .japanese, width: 20)
        #expect(steps.contains { $0.contains("歩数  8123 歩") })
        let warm = text(measured(#"{"body_temperature":{"value":36.5,"unit":"Cel"}}"#), width: 10)
        #expect(warm.contains { $0.contains("36.5 ℃") })
    }

    @Test("where it is not certain when it was taken, staff is named below the value")
    func staff() {
        #expect(
            text(measured(Self.pressure, state: "quarantined"), .japanese).last?
                .contains("係員にお声がけください") == true)
        #expect(!text(measured(Self.pressure)).contains { $0.contains("staff") })
    }

    @Test("a code that would steer the terminal is made harmless")
    func hostile() {
        var screen = StationScreenTests.turn()
        screen.session(StationScreenTests.session("M\\u001B[2J"), now: StationScreenTests.noon)
        #expect(!text(screen).contains { $0.contains("\u{1B}") })
    }

    // MARK: digits

    @Test("every digit has a shape of its own, five rows high")
    func digits() {
        var seen: Set<[String]> = []
        for digit in "0123456789./-" {
            let rows = BigText.rows(String(digit), scale: 1, width: 80)
            #expect(rows?.count == 5)
            seen.insert(rows ?? [])
        }
        #expect(seen.count == 13)
    }

    @Test("a large number is as wide as it says at each scale, or it is not drawn")
    func scales() {
        #expect(BigText.rows("125/80", scale: 1, width: 46)?.map(\.count) == [46, 46, 46, 46, 46])
        #expect(BigText.rows("125/80", scale: 1, width: 45) == nil)
        #expect(BigText.rows("125/80", scale: 2, width: 92)?.count == 10)
        #expect(BigText.rows("8", scale: 3, width: 18)?.allSatisfy { $0.count == 18 } == true)
        for text in ["", "–", "12a", "1 2", "١"] {
            #expect(BigText.rows(text, scale: 1, width: 80) == nil, "\(text)")
        }
        #expect(BigText.rows("1", scale: 0, width: 80) == nil)
    }

    @Test("a one is drawn as a one")
    func one() {
        #expect(
            BigText.rows("1", scale: 1, width: 6) == [
                "  ██  ", "████  ", "  ██  ", "  ██  ", "██████",
            ])
    }
}
