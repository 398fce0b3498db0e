import Measurement
import Testing

@testable import Exchange

@Suite("Unit conversion") struct UnitConversionTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var number: String
        var unit: MeasurementUnit
        var wanted: MeasurementUnit
        var decimals: Int
        var result: String?
        init(
            _ number: String, _ unit: MeasurementUnit, _ wanted: MeasurementUnit, _ decimals: Int,
            _ result: String?
        ) {
            self.number = number
            self.unit = unit
            self.wanted = wanted
            self.decimals = decimals
            self.result = result
        }
        var testDescription: String { "\(number) \(unit.rawValue) in \(wanted.rawValue)" }
    }
    @Test(
        "a unit is converted exactly and rounded once",
        arguments: [
            Case("1", .pound, .kilogram, 8, "0.45359237"),
            Case("154.3", .pound, .kilogram, 2, "69.99"),
            Case("1", .stone, .kilogram, 8, "6.35029318"),
            Case("16", .ounce, .kilogram, 8, "0.45359237"),
            Case("1", .jin, .kilogram, 1, "0.5"),
            Case("1234", .gram, .kilogram, 2, "1.23"), Case("1235", .gram, .kilogram, 2, "1.24"),
            Case("1", .kilopascal, .millimetreOfMercury, 4, "7.5006"),
            Case("16.0", .kilopascal, .millimetreOfMercury, 0, "120"),
            Case("10.7", .kilopascal, .millimetreOfMercury, 0, "80"),
            Case("1", .millimolePerLitre, .milligramPerDecilitre, 4, "18.0156"),
            Case("5.5", .millimolePerLitre, .milligramPerDecilitre, 1, "99.1"),
            Case("33.3", .millimolePerLitre, .milligramPerDecilitre, 1, "599.9"),
            Case("4.184", .kilojoule, .kilocalorie, 3, "1.000"),
            Case("1000", .kilojoule, .kilocalorie, 1, "239.0"),
            Case("90", .second, .minute, 0, "2"), Case("89", .second, .minute, 0, "1"),
            Case("86400", .second, .minute, 0, "1440"),
            Case("65.005", .kilogram, .kilogram, 2, "65.01"),
            // No way, or no room: refused, never guessed.
            Case("1", .ohm, .kilogram, 2, nil), Case("1", .kilogram, .pound, 2, nil),
            Case("1", .percent, .one, 0, nil), Case("1", .celsius, .fahrenheit, 1, nil),
            Case("9000000000000000000", .pound, .kilogram, 2, nil),
        ])
    func convert(_ row: Case) throws {
        let number = try #require(ExactDecimal(row.number))
        let result = UnitConversion.convert(
            number, from: row.unit, to: row.wanted, decimals: row.decimals)
        #expect(result?.text == row.result)
    }
}
