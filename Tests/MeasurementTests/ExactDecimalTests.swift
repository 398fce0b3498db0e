import GatewayTestKit
import Measurement
import Testing

@Suite struct ExactDecimalTests {
    struct Text: Sendable {
        var input: String
        var mantissa: Int64
        var exponent: Int
        var output: String
        init(_ input: String, _ mantissa: Int64, _ exponent: Int, _ output: String? = nil) {
            self.input = input
            self.mantissa = mantissa
            self.exponent = exponent
            self.output = output ?? input
        }
    }

    @Test(arguments: [
        Text("0", 0, 0), Text("125", 125, 0), Text("36.0", 360, -1), Text("36.00", 3600, -2),
        Text("-0.005", -5, -3), Text("0.005", 5, -3), Text("+7", 7, 0, "7"),
        Text("007", 7, 0, "7"), Text(".5", 5, -1, "0.5"), Text("1e3", 1, 3, "1000"),
        Text("2E1", 2, 1, "20"), Text("125e-1", 125, -1, "12.5"), Text("0.0", 0, -1),
        Text("9223372036854775807", .max, 0), Text("-9223372036854775808", .min, 0),
        Text("1.000000000000000001", 1_000_000_000_000_000_001, -18),
        Text("1e127", 1, 127, "1" + String(repeating: "0", count: 127)),
        Text("5e-30", 5, -30, "0." + String(repeating: "0", count: 29) + "5"),
    ])
    func `the digits that went in come out`(text: Text) throws {
        let number = try #require(ExactDecimal(text.input))
        #expect(number.mantissa == text.mantissa)
        #expect(number.exponent == text.exponent)
        #expect(number.text == text.output)
        #expect("\(number)" == text.output)
    }

    @Test(arguments: [
        "", "-", "+", ".", "-.", "e", "e5", "1e", "1ee2", "1.2.3", "1 ", " 1", "1,5", "12a", "0x10",
        "NaN", "inf", "-inf", "１２", "٣", "--1", "+-1", "1e999", "1e-999", "1e1.5",
        "9223372036854775808", "-9223372036854775809", "99999999999999999999", "1\u{0}",
    ])
    func `what is not a number, or does not fit, is no number`(text: String) {
        #expect(ExactDecimal(text) == nil)
    }

    struct Rounding: Sendable {
        var input: String
        var decimals: Int
        var expected: String
        init(_ input: String, _ decimals: Int, _ expected: String) {
            self.input = input
            self.decimals = decimals
            self.expected = expected
        }
    }

    @Test(arguments: [
        Rounding("72.44", 1, "72.4"), Rounding("72.45", 1, "72.5"), Rounding("72.46", 1, "72.5"),
        Rounding("72.449999", 1, "72.4"), Rounding("0.5", 0, "1"), Rounding("0.49", 0, "0"),
        Rounding("-0.5", 0, "-1"), Rounding("-0.45", 1, "-0.5"), Rounding("-72.44", 1, "-72.4"),
        Rounding("99.95", 1, "100.0"), Rounding("5", 2, "5.00"), Rounding("36.0", 3, "36.000"),
        Rounding("2e1", 1, "20.0"), Rounding("125", -1, "130"), Rounding("0", 3, "0.000"),
        Rounding("1e-40", 2, "0.00"), Rounding("9000000000000000000e-19", 0, "1"),
        Rounding("4999999999999999999e-19", 0, "0"), Rounding("-5000000000000000000e-19", 0, "-1"),
        Rounding("9223372036854775807e-20", 0, "0"), Rounding("9223372036854775807e-18", 0, "9"),
        Rounding("-9223372036854775808e-1", 0, "-922337203685477581"),
    ])
    func `halves are rounded away from zero, once, from the exact digits`(case rounding: Rounding) {
        let number = ExactDecimal(rounding.input)?.rounded(toDecimals: rounding.decimals)
        #expect(number?.text == rounding.expected)
    }

    @Test func `a number that cannot be written with so many decimals is none, not another one`() {
        #expect(ExactDecimal(.max).rounded(toDecimals: 1) == nil)
        #expect(ExactDecimal(1, exponent: 30).rounded(toDecimals: 0) == nil)
        #expect(ExactDecimal(0, exponent: 30).rounded(toDecimals: 2)?.text == "0.00")
    }

    @Test func `products and sums are exact, and none at all when they do not fit`() {
        let pound = ExactDecimal(45_359_237, exponent: -8)
        #expect(ExactDecimal("160.5")?.multiplied(by: pound)?.text == "72.801575385")
        #expect(ExactDecimal(.max).multiplied(by: ExactDecimal(2)) == nil)
        #expect(ExactDecimal("0.1")?.adding(ExactDecimal(2, exponent: -1))?.text == "0.3")
        #expect(ExactDecimal("1.05")?.adding(ExactDecimal(-2))?.text == "-0.95")
        #expect(ExactDecimal(.max).adding(ExactDecimal(1)) == nil)
        #expect(ExactDecimal(1, exponent: 20).adding(ExactDecimal(1, exponent: -3)) == nil)
        #expect(ExactDecimal(0, exponent: 99).adding(ExactDecimal(5))?.text == "5")
    }

    struct Division: Sendable {
        var top: String
        var bottom: String
        var decimals: Int
        var expected: String?
        init(_ top: String, _ bottom: String, _ decimals: Int, _ expected: String?) {
            self.top = top
            self.bottom = bottom
            self.decimals = decimals
            self.expected = expected
        }
    }

    @Test(arguments: [
        Division("1", "3", 2, "0.33"), Division("2", "3", 2, "0.67"), Division("1", "8", 2, "0.13"),
        Division("-1", "8", 2, "-0.13"), Division("100.5", "18.0182", 1, "5.6"),
        Division("5.55", "1", 1, "5.6"), Division("2e3", "4e1", 0, "50"),
        Division("1", "1e15", 2, "0.00"), Division("0", "7", 1, "0.0"), Division("7", "0", 1, nil),
        Division("7", "0.000", 1, nil), Division("9223372036854775807", "1", 1, nil),
        Division("1e20", "1", 0, nil),
    ])
    func `a quotient is rounded half up, and none when it cannot be had`(case division: Division)
        throws
    {
        let top = try #require(ExactDecimal(division.top))
        let bottom = try #require(ExactDecimal(division.bottom))
        #expect(top.divided(by: bottom, decimals: division.decimals)?.text == division.expected)
    }

    @Test func `dividing the smallest number by minus one does not stop the program`() {
        let smallest = ExactDecimal(.min, exponent: -1)
        #expect(smallest.divided(by: ExactDecimal(-1), decimals: 0) == nil)
    }

    @Test func `an integer is one only without a fraction`() {
        #expect(ExactDecimal("36.0")?.integer == 36)
        #expect(ExactDecimal("36.5")?.integer == nil)
        #expect(ExactDecimal("2e3")?.integer == 2_000)
        #expect(ExactDecimal("1e40")?.integer == nil)
        #expect(ExactDecimal("0e-40")?.integer == 0)
        #expect(ExactDecimal("1e-40")?.integer == nil)
    }

    /// In rising order; neighbours of one row are equal.
    private static let ladder: [[ExactDecimal]] = [
        [ExactDecimal(-1, exponent: 40)], [ExactDecimal(.min)], [ExactDecimal(-1, exponent: 18)],
        [ExactDecimal(-36), ExactDecimal(-360, exponent: -1)], [ExactDecimal(-1, exponent: -40)],
        [ExactDecimal(0), ExactDecimal(0, exponent: 50), ExactDecimal(0, exponent: -50)],
        [ExactDecimal(1, exponent: -40)],
        [ExactDecimal(36), ExactDecimal(360, exponent: -1), ExactDecimal(3600, exponent: -2)],
        [ExactDecimal(1, exponent: 18)], [ExactDecimal(.max)], [ExactDecimal(1, exponent: 19)],
        [ExactDecimal(1, exponent: 40)],
    ]

    @Test func `numbers compare by value, however they are written`() {
        for (i, lower) in Self.ladder.enumerated() {
            for (j, upper) in Self.ladder.enumerated() {
                for a in lower {
                    for b in upper {
                        #expect(
                            (a < b) == (i < j),
                            "\(a.mantissa)e\(a.exponent) \(b.mantissa)e\(b.exponent)")
                        #expect(
                            (a == b) == (i == j),
                            "\(a.mantissa)e\(a.exponent) \(b.mantissa)e\(b.exponent)")
                    }
                }
            }
        }
        #expect(ExactDecimal(0).isZero)
        #expect(!ExactDecimal(1, exponent: -9).isZero)
    }

    @Test func `random numbers survive writing and reading`() {
        var generator = SeededGenerator(seed: 20_260_301)
        for _ in 0..<5_000 {
            let mantissa =
                Int64.random(in: .min ... .max, using: &generator)
                >> Int64.random(in: 0...62, using: &generator)
            let number = ExactDecimal(
                mantissa, exponent: Int.random(in: -30...0, using: &generator))
            let read = ExactDecimal(number.text)
            #expect(read?.mantissa == number.mantissa)
            #expect(read?.exponent == number.exponent)
        }
    }
}
