import Measurement

/// The times a device's clock was set, as text in one column: a step a line, four numbers each.
enum ClockStepText {
    static func write(_ steps: [ClockStep]) -> String? {
        guard !steps.isEmpty else { return nil }
        return steps.map { step in
            let drained = step.drained ? 1 : 0
            return "\(step.deviceBefore.localMicroseconds) \(step.offset.microseconds) "
                + "\(step.setAt.microseconds) \(drained)"
        }.joined(separator: "\n")
    }

    /// A line that cannot be read is left out: the device is then dated by its current offset.
    static func read(_ text: String) -> [ClockStep] {
        text.split(separator: "\n").compactMap { line in
            let numbers = line.split(separator: " ").compactMap { Int64($0) }
            guard numbers.count == 4 else { return nil }
            return ClockStep(
                deviceBefore: LocalDateTime(localMicroseconds: numbers[0]),
                offset: Interval(microseconds: numbers[1]),
                setAt: Instant(microseconds: numbers[2]), drained: numbers[3] == 1)
        }
    }
}
