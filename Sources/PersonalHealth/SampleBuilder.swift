import Measurement

/// Makes samples out of observations: those of one person and moment that belong together are one.
package struct SampleBuilder: Sendable {
    /// The first three bytes of the agent's system id; private codes mean something only with it.
    package var makerID: [UInt8]
    /// The association is for tests: nothing of it was measured on a person.
    package var isTest: Bool

    package init(makerID: [UInt8] = [], isTest: Bool = false) {
        self.makerID = makerID
        self.isTest = isTest
    }

    /// What a sample is about; observations of one family at one moment are one sample.
    enum Family {
        case pressure
        case body
        case glucose
        case hba1c
        case temperature
        case oxygen
        case activity
        case heart
        case other
    }

    struct Group {
        var person: UInt16?
        var time: AgentTime?
        var family: Family
        var observations: [Observation]
        var quantities: [Quantity] = []
    }

    package func samples(_ observations: [Observation]) -> [Sample] {
        var groups: [Group] = []
        for observation in observations { add(observation, to: &groups) }
        joinPulses(&groups)
        return groups.map(sample)
    }

    private func add(_ observation: Observation, to groups: inout [Group]) {
        let quantities = observation.values.compactMap { value in
            QuantityRules.quantity(value, label: observation.label, makerID: makerID)
        }
        let family = Self.family(observation, quantities)
        let index = groups.lastIndex { group in
            group.person == observation.person && group.time == observation.time
                && group.family == family
        }
        // The same quantity again is another measurement, even within the same second.
        let repeats = index.map { index in
            quantities.contains { new in groups[index].quantities.contains { $0.name == new.name } }
        }
        guard let index, repeats == false else {
            groups.append(
                Group(
                    person: observation.person, time: observation.time, family: family,
                    observations: [observation], quantities: quantities))
            return
        }
        groups[index].observations.append(observation)
        groups[index].quantities += quantities
    }

    private static func family(_ observation: Observation, _ quantities: [Quantity]) -> Family {
        if observation.type.partition == MetricType.disease { return .glucose }
        switch quantities.first?.name {
        case .systolic?, .diastolic?, .meanArterialPressure?: return .pressure
        case .pulseRate?, .heartRate?: return .heart
        case .glucose?: return .glucose
        case .hba1c?: return .hba1c
        case .bodyTemperature?: return .temperature
        case .oxygenSaturation?: return .oxygen
        case .steps?, .distance?, .calories?, .totalActiveDuration?: return .activity
        case .some: return .body
        case nil: return observation.type.partition == MetricType.fitness ? .activity : .other
        }
    }

    /// The pulse of a cuff or an oximeter belongs to the other values of the same moment.
    private func joinPulses(_ groups: inout [Group]) {
        for index in groups.indices.reversed() where groups[index].family == .heart {
            let pulse = groups[index]
            guard pulse.quantities.allSatisfy({ $0.name == .pulseRate }) else { continue }
            let whole = groups.firstIndex { group in
                (group.family == .pressure || group.family == .oxygen)
                    && group.person == pulse.person && group.time == pulse.time
                    && !group.quantities.contains { $0.name == .pulseRate }
            }
            guard let whole else { continue }
            groups[whole].observations += pulse.observations
            groups[whole].quantities += pulse.quantities
            groups.remove(at: index)
        }
    }

    // MARK: one sample

    private func sample(_ group: Group) -> Sample {
        var sample = Sample(.measured, kind: Self.kind(group))
        sample.quantities = group.quantities
        if group.family == .heart {
            sample.quantities = group.quantities.map { Quantity(.heartRate, $0.number, $0.unit) }
        }
        sample.time = group.time
        sample.person = group.person.flatMap { $0 == 0xFFFF ? nil : Int($0) }
        sample.isGuest = group.person == 0xFFFF
        for observation in group.observations { take(observation, into: &sample) }
        settle(&sample, group)
        return sample
    }

    private static func kind(_ group: Group) -> MeasurementKind? {
        func has(_ name: QuantityName) -> Bool { group.quantities.contains { $0.name == name } }
        switch group.family {
        case .pressure: return .bloodPressure
        case .glucose: return .glucose
        case .hba1c: return .hba1c
        case .temperature: return .temperature
        case .oxygen: return .oxygenSaturation
        case .activity: return .activity
        case .heart: return .heartRate
        case .body:
            let plain: Set<QuantityName> = [.weight, .height, .bodyMassIndex]
            let isPlain = group.quantities.allSatisfy { plain.contains($0.name) }
            return isPlain ? (has(.weight) ? .weight : nil) : .bodyComposition
        case .other: return nil
        }
    }

    private func take(_ observation: Observation, into sample: inout Sample) {
        for value in observation.values {
            sample.keyBytes += [UInt8(value.type.code >> 8), UInt8(value.type.code & 255)]
            sample.keyBytes += value.raw
            let known = QuantityRules.quantity(
                value, label: observation.label, makerID: makerID)
            if known == nil { sample.add("mdc-\(value.type.shown)", Self.shown(value)) }
            if value.number == .positiveInfinity { sample.flag("result-too-high") }
            if value.number == .negativeInfinity { sample.flag("result-too-low") }
        }
        if let bits = observation.bits {
            let digits = String(bits.word, radix: 16)
            let padding = String(repeating: "0", count: max(0, bits.width / 4 - digits.utf8.count))
            sample.add("mdc-\(observation.type.shown)", "bits " + padding + digits)
        }
        takeChoice(observation, into: &sample)
        takePeriod(observation, into: &sample)
    }

    private static func shown(_ value: Observation.Value) -> String {
        let number = value.number.number?.text ?? "no number"
        return value.unit.map { "\(number) unit \($0)" } ?? number
    }

    /// Meal and place of a glucose value; the words are those of the Bluetooth context.
    private func takeChoice(_ observation: Observation, into sample: inout Sample) {
        guard let chosen = observation.chosen else { return }
        let meals: [UInt16: (String, String)] = [
            29_260: ("1", "before-meal"), 29_264: ("2", "after-meal"), 29_268: ("3", "fasting"),
            29_272: ("4", "casual"), 29_261: ("5", "bedtime"),
        ]
        switch (observation.type.partition, observation.type.code) {
        case (MetricType.disease, 29_256) where meals[chosen] != nil:
            sample.mealCode = meals[chosen]?.0
            sample.flag(meals[chosen]?.1 ?? "")
        // MDC_CTXT_GLU_SAMPLELOCATION_CTRLSOLUTION
        case (MetricType.disease, 29_236) where chosen == 29_252: sample.outcome = .controlSolution
        default: sample.add("mdc-\(observation.type.shown)", "code \(chosen)")
        }
        sample.keyBytes += [UInt8(chosen >> 8), UInt8(chosen & 255)]
    }

    private func takePeriod(_ observation: Observation, into sample: inout Sample) {
        guard let seconds = observation.activeSeconds?.number,
            let micros = seconds.multiplied(by: ExactDecimal(1, exponent: 6))?.integer,
            micros >= 0
        else { return }
        sample.duration = Interval(microseconds: micros)
        // MDC_HF_ACT_WALK: the time in which the person walked.
        if observation.type.partition == MetricType.fitness, observation.chosen == 1_017 {
            sample.quantities.append(Quantity(.walkTime, seconds, .second))
        }
    }

    private func settle(_ sample: inout Sample, _ group: Group) {
        // A height that somebody typed once does not make a weighing typed.
        let shown = group.observations.filter { !$0.values.isEmpty }
        if !shown.isEmpty, shown.allSatisfy(\.isManual) { sample.flag("manual-entry") }
        let status = group.observations.reduce(UInt16(0)) { $0 | $1.status }
        func number(_ name: QuantityName) -> ExactDecimal? {
            sample.quantities.first { $0.name == name }?.number
        }
        if sample.kind == nil || sample.quantities.isEmpty {
            sample.outcome = sample.outcome == .controlSolution ? .controlSolution : .state
            return
        }
        let isControl = group.observations.contains {
            $0.type == MetricType(MetricType.physiology, QuantityRules.controlSolution)
        }
        let needed: [QuantityName] =
            switch sample.kind {
            case .bloodPressure?: [.systolic, .diastolic]
            case .oxygenSaturation?: [.oxygenSaturation]
            case .glucose?: [.glucose]
            case .weight?: [.weight]
            default: []
            }
        let zero = ExactDecimal(0)
        let isMissing =
            needed.contains { !(zero < number($0) ?? zero) }
            || sample.quantities.allSatisfy { $0.number == nil }
        if isControl { sample.outcome = .controlSolution }
        if isMissing || status & 0xA000 != 0 { sample.outcome = .failed }
        if status & 0x1060 != 0 { sample.outcome = .ongoing }
        if status & 0x4000 != 0 { sample.flag("questionable") }
        if status & 0x0C00 != 0 || isTest {
            sample.outcome = .state
            sample.flag("test-data")
        }
    }
}

extension Sample {
    mutating func add(_ name: String, _ value: String) {
        details.append(Detail(name: name, value: value))
    }

    mutating func flag(_ name: String) {
        if !name.isEmpty, !flags.contains(name) { flags.append(name) }
    }
}
