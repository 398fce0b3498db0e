package import Measurement

/// A frame and what it means: the profile's own test, which `hakaru decode` would print the same.
package struct ProfileVector: Sendable {
    package var source: FrameSource
    package var bytes: [UInt8]
    package var outcome: ReadingOutcome
    package var kind: MeasurementKind?
    /// Exactly these values with exactly these digits; nil where the author did not say.
    package var values: [Quantity]?
    package var deviceTime: LocalDateTime?
    package var userSlot: Int?
    package var sequenceNumber: Int?
    package var flags: [String]?
    package var note: String?
}

/// A recorded session of the model, in a file beside the profile.
package struct ProfileTape: Sendable, Equatable {
    /// The file, relative to the directory of the profile.
    package var file: String
    /// The tape goes on where this one ended: it is played after it, with what the gateway remembers.
    package var after: String?
    /// How many results of each outcome `hakaru replay` prints; nil where the author did not say.
    package var gives: [String: Int]?
    /// Every record that it gives, with time and values; nil where the author did not say.
    package var records: [String]?

    package init(
        file: String, after: String? = nil, gives: [String: Int]? = nil, records: [String]? = nil
    ) {
        self.file = file
        self.after = after
        self.gives = gives
        self.records = records
    }
}

extension ProfileVector {
    /// What `reading` has that the vector does not say, one line each; empty where they agree.
    package func differences(from reading: Reading) -> [String] {
        var lines: [String] = []
        func compare<T: Equatable>(_ what: String, _ expected: T, _ got: T) {
            if expected != got { lines.append("\(what): expected \(expected), got \(got)") }
        }
        compare("outcome", outcome.rawValue, reading.outcome.rawValue)
        if let kind { compare("kind", kind.rawValue, reading.kind?.rawValue ?? "none") }
        if let values {
            compare("values", Self.text(values), Self.text(reading.quantities))
        }
        compare("device-time", text(deviceTime), text(reading.deviceTime))
        compare("user-slot", text(userSlot), text(reading.userSlot))
        compare("sequence-number", text(sequenceNumber), text(reading.sequenceNumber))
        if let flags { compare("flags", flags, reading.flags) }
        return lines
    }

    private func text(_ value: (some CustomStringConvertible)?) -> String {
        value?.description ?? "none"
    }

    /// The values in an order of their own, with the digits as they were sent.
    private static func text(_ quantities: [Quantity]) -> [String] {
        quantities.map { "\($0.name.rawValue) \($0.number?.text ?? "none") \($0.unit.rawValue)" }
            .sorted()
    }
}
