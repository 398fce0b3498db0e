package import Measurement

/// Terms that must all hold: a bit is set, a value is there, a number compares.
package struct FieldCondition: Sendable, Equatable {
    package enum Comparison: String, Sendable, CaseIterable {
        case equal = "=="
        case notEqual = "!="
        case lessOrEqual = "<="
        case greaterOrEqual = ">="
        case less = "<"
        case greater = ">"

        func holds(_ a: ExactDecimal, _ b: ExactDecimal) -> Bool {
            switch self {
            case .equal: a == b
            case .notEqual: a != b
            case .lessOrEqual: a <= b
            case .greaterOrEqual: a >= b
            case .less: a < b
            case .greater: a > b
            }
        }
    }
    package enum Test: Sendable, Equatable {
        /// A bit is set, another number is not 0, a value has a number.
        case isSet
        case isNotSet
        case compares(Comparison, ExactDecimal)
    }
    package struct Term: Sendable, Equatable {
        package var name: String
        package var test: Test
        package init(_ name: String, _ test: Test) {
            self.name = name
            self.test = test
        }
    }
    package var terms: [Term]
    package init(_ terms: [Term] = []) { self.terms = terms }

    /// Whether every term holds; a comparison with something that is not there does not.
    func holds(_ names: FieldNames) -> Bool {
        terms.allSatisfy { term in
            let number = names[term.name]
            switch term.test {
            case .isSet: return number.map { names.isValue(term.name) || !$0.isZero } ?? false
            case .isNotSet: return number.map { !names.isValue(term.name) && $0.isZero } ?? true
            case .compares(let comparison, let other):
                return number.map { comparison.holds($0, other) } ?? false
            }
        }
    }
}

/// What the conditions of one record may name: its bits and numbers, and its values once read.
struct FieldNames {
    private var numbers: [String: ExactDecimal] = [:]
    private var values: [String: ExactDecimal] = [:]

    subscript(name: String) -> ExactDecimal? { values[name] ?? numbers[name] }

    /// A value counts by being there, whatever its number is.
    func isValue(_ name: String) -> Bool { values[name] != nil }

    mutating func set(_ name: String, _ number: ExactDecimal?) { numbers[name] = number }

    mutating func take(_ quantity: Quantity) { values[quantity.name.rawValue] = quantity.number }
}
