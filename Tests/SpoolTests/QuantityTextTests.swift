import GatewayTestKit
import Measurement
import Testing

@testable import Spool

/// The quick way of reading stored values gives what the thorough one gives, digit for digit.
@Suite struct QuantityTextTests {
    private func same(_ one: [Quantity]?, _ other: [Quantity]?) -> Bool {
        guard let one, let other else { return false }
        return one.count == other.count
            && zip(one, other).allSatisfy { a, b in
                a.name == b.name && a.unit == b.unit && a.number?.mantissa == b.number?.mantissa
                    && a.number?.exponent == b.number?.exponent
            }
    }

    @Test func `what is written is read quickly, each name and unit, to the last digit`() throws {
        var chance = SeededGenerator(seed: 3)
        let units = MeasurementUnit.allCases
        for (index, name) in QuantityName.allCases.enumerated() {
            for exponent in [0, -1, -2, -9] {
                let mantissa = Int64(chance.next() % 1_000_000) * (exponent == -9 ? -1 : 1)
                let quantities = [
                    Quantity(
                        name, ExactDecimal(mantissa, exponent: exponent),
                        units[index % units.count]),
                    Quantity(name, nil, units[(index + 1) % units.count]),
                ]
                let text = RecordColumns.quantities(quantities)
                let quick = QuantityText.read(text)
                #expect(same(quick, quantities), "\(text)")
                #expect(same(quick, try RecordColumns.quantities(asJSON: text)), "\(text)")
            }
        }
        #expect(QuantityText.read("[]")?.isEmpty == true)
    }

    @Test(arguments: [
        ExactDecimal(2, exponent: 1), ExactDecimal(Int64.max), ExactDecimal(Int64.min),
        ExactDecimal(1, exponent: -18), ExactDecimal(5, exponent: -19), ExactDecimal(0),
        ExactDecimal(0, exponent: -3),
    ])
    func `numbers beyond the quick way are read all the same`(number: ExactDecimal) throws {
        let written = [Quantity(.weight, number, .kilogram)]
        let read = try RecordColumns.quantities(RecordColumns.quantities(written))
        #expect(same(read, written))
    }

    @Test(arguments: [
        "", "[", "]", "[{}]", "{}", "null", "[{\"name\":\"weight\",\"number\":1,\"unit\":\"kg\"}",
        "[{\"name\":\"weight\",\"number\":1,\"unit\":\"kg\"}]]",
        "[{\"name\":\"weight\",\"number\":1.,\"unit\":\"kg\"}]",
        "[{\"name\":\"weight\",\"number\":.5,\"unit\":\"kg\"}]",
        "[{\"name\":\"weight\",\"number\":-,\"unit\":\"kg\"}]",
        "[{\"name\":\"weight\",\"number\":1,\"unit\":\"furlong\"}]",
        "[{\"name\":\"wisdom\",\"number\":1,\"unit\":\"kg\"}]",
        "[{\"name\":\"weight\",\"number\":nul,\"unit\":\"kg\"}]",
        "[{\"number\":1,\"name\":\"weight\",\"unit\":\"kg\"}]",
        "[{\"name\":\"weight\",\"number\":1,\"unit\":\"kg\"},]",
    ])
    func `what nobody wrote is left to the thorough way`(text: String) {
        #expect(QuantityText.read(text) == nil)
    }

    @Test func `a damaged text is never read as another value`() throws {
        let text = RecordColumns.quantities([
            Quantity(.systolic, ExactDecimal(1_255, exponent: -1), .millimetreOfMercury),
            Quantity(.meanArterialPressure, nil, .kilopascal),
        ])
        for index in text.utf8.indices {
            for replacement in "0\"]},.-n{" {
                var changed = text
                changed.replaceSubrange(index...index, with: String(replacement))
                guard let quick = QuantityText.read(changed) else { continue }
                let thorough = try? RecordColumns.quantities(asJSON: changed)
                #expect(same(quick, thorough), "\(changed)")
            }
        }
    }
}
