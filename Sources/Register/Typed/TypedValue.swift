package import Measurement

/// Why a typed value was not taken; the texts are for people and repeat only what was typed.
package struct TypedRefusal: Error, Equatable, CustomStringConvertible {
    /// `unknown-value`, `not-a-number`, `wrong-unit`, `missing-value`, `impossible`, `unusual` …
    package var code: String
    package var description: String

    package init(_ code: String, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// Values as a person types them: `weight=72.5`, `systolic=16.7kPa`.
package enum TypedValue {
    /// Stands in the place of a profile's id where no device gave the value.
    package static let profile = "typed"

    /// What was typed, brought to numbers and units; what it means is not looked at.
    ///
    /// - Parameter values: name and text of each, in the order in which they were typed.
    /// - Parameter known: the values of the record that is edited; they give the unit.
    package static func quantities(
        _ values: [(name: String, text: String)], of form: TypedForm?, known: [Quantity] = []
    ) throws(TypedRefusal) -> [Quantity] {
        var found: [Quantity] = []
        for (name, text) in values {
            let quantity = try quantity(name, text, form, known)
            guard !found.contains(where: { $0.name == quantity.name }) else {
                throw TypedRefusal("value-twice", "\(name) was given twice")
            }
            found.append(quantity)
        }
        return found
    }

    /// The form to which names of values belong.
    package static func form(_ names: [String]) throws(TypedRefusal) -> TypedForm {
        let wanted = Set(names.map { standardName($0) })
        let near = TypedForm.all.filter { form in
            !wanted.isEmpty && wanted.isSubset(of: form.rules.map(\.name.rawValue))
        }
        func missing(_ form: TypedForm) -> [String] {
            form.needed.map(\.name.rawValue).filter { !wanted.contains($0) }
        }
        if let form = near.first(where: { missing($0).isEmpty }) { return form }
        if let form = near.first {
            throw TypedRefusal(
                "missing-value",
                "\(form.kind.rawValue) needs \(missing(form).joined(separator: ", ")) too")
        }
        let forms = TypedForm.all.map { form in
            form.needed.map(\.name.rawValue).joined(separator: " ")
                + form.further.map { " [" + $0.name.rawValue + "]" }.joined()
        }
        throw TypedRefusal(
            "unknown-value",
            "these values are no measurement that can be typed; accepted: "
                + forms.joined(separator: "; "))
    }

    /// `pulse` is what people say.
    private static func standardName(_ name: String) -> String {
        let name = name.lowercased().replacing("-", with: "_")
        return name == "pulse" ? QuantityName.pulseRate.rawValue : name
    }

    private static func quantity(
        _ name: String, _ text: String, _ form: TypedForm?, _ known: [Quantity]
    ) throws(TypedRefusal) -> Quantity {
        let standard = standardName(name)
        let rule = form?.rules.first { $0.name.rawValue == standard }
        let former = known.first { $0.name.rawValue == standard }
        guard let named = rule?.name ?? former?.name else {
            let names = (form?.rules.map(\.name.rawValue) ?? []) + known.map(\.name.rawValue)
            throw TypedRefusal(
                "unknown-value",
                "\(name) is no value of this record; accepted: \(listed(names))")
        }
        let typed = plain(text)
        let digits = typed.prefix { "0123456789.".contains($0) }
        guard !digits.isEmpty, digits.last != ".", digits.first != ".",
            digits.utf8.count <= 12, let number = ExactDecimal(digits)
        else {
            throw TypedRefusal(
                "not-a-number", "\(name) is no number; accepted: 72.5, with a unit behind it or not"
            )
        }
        let unit = String(typed.dropFirst(digits.count).drop { $0 == " " })
        return Quantity(named, number, try self.unit(unit, name, rule, former))
    }

    private static func unit(
        _ text: String, _ name: String, _ rule: TypedRule?, _ former: Quantity?
    ) throws(TypedRefusal) -> MeasurementUnit {
        let meant = former?.unit ?? rule?.unit
        if text.isEmpty, let meant { return meant }
        let accepted = ([meant, rule?.unit].compactMap { $0 } + (rule?.units ?? []))
        let wanted = spelling(text)
        if let unit = accepted.first(where: { $0.rawValue.lowercased() == wanted }) { return unit }
        throw TypedRefusal(
            "wrong-unit",
            "\(name) is not given in that unit; accepted: \(listed(accepted.map(\.rawValue)))")
    }

    /// Each name once, in its order.
    private static func listed(_ names: [String]) -> String {
        var seen: [String] = []
        for name in names where !seen.contains(name) { seen.append(name) }
        return seen.joined(separator: ", ")
    }

    private static func spelling(_ text: String) -> String {
        switch text.lowercased() {
        case "mmhg": "mm[hg]"
        case "lb", "lbs": "[lb_av]"
        case "bpm": "/min"
        case let other: other
        }
    }

    /// Full-width digits, letters and points as keyboards for Japanese give them.
    private static func plain(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let value = scalar.value
            let half = (0xFF01...0xFF5E).contains(value) ? Unicode.Scalar(value - 0xFEE0) : nil
            out.append(value == 0x3000 ? " " : half ?? scalar)
        }
        return String(out)
    }

    // MARK: limits

    /// Refuses what no person has, and what is unusual until it was confirmed.
    ///
    /// - Parameter convert: a number in another unit; nil where there is no way.
    package static func check(
        _ quantities: [Quantity], isConfirmed: Bool,
        convert: (ExactDecimal, MeasurementUnit, MeasurementUnit) -> ExactDecimal?
    ) throws(TypedRefusal) {
        var unusual: [String] = []
        for quantity in quantities {
            guard let number = quantity.number, let rule = rule(quantity.name) else { continue }
            guard let judged = convert(number, quantity.unit, rule.unit) else { continue }
            let name = quantity.name.rawValue
            guard rule.possible.contains(judged) else {
                throw TypedRefusal(
                    "impossible",
                    "\(name) \(number) \(quantity.unit.rawValue) is none that a person can have; "
                        + "accepted: \(text(rule.possible)) \(rule.unit.rawValue)")
            }
            guard !rule.isWhole || number.integer != nil else {
                throw TypedRefusal("not-whole", "\(name) is counted in whole numbers")
            }
            if !rule.usual.contains(judged) {
                unusual.append(
                    "\(name) \(number) \(quantity.unit.rawValue) is outside "
                        + "\(text(rule.usual)) \(rule.unit.rawValue)")
            }
        }
        try checkPressures(quantities, convert)
        guard unusual.isEmpty || isConfirmed else {
            throw TypedRefusal(
                "unusual", "\(unusual.joined(separator: "; ")): confirm it if it is right")
        }
    }

    private static func checkPressures(
        _ quantities: [Quantity],
        _ convert: (ExactDecimal, MeasurementUnit, MeasurementUnit) -> ExactDecimal?
    ) throws(TypedRefusal) {
        func pressure(_ name: QuantityName) -> ExactDecimal? {
            quantities.first { $0.name == name }.flatMap { quantity in
                quantity.number.flatMap { convert($0, quantity.unit, .millimetreOfMercury) }
            }
        }
        guard let upper = pressure(.systolic), let lower = pressure(.diastolic) else { return }
        guard lower < upper else {
            throw TypedRefusal("impossible", "systolic has to be above diastolic")
        }
    }

    private static func rule(_ name: QuantityName) -> TypedRule? {
        TypedForm.all.lazy.flatMap(\.rules).first { $0.name == name }
    }

    private static func text(_ range: ClosedRange<ExactDecimal>) -> String {
        "\(range.lowerBound) to \(range.upperBound)"
    }
}
