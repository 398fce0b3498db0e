package import Measurement

/// One measurement in the project's own words, made of the observations of one moment and person.
package struct Sample: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
        case measured
        /// The agent says that it could not measure.
        case failed
        /// Still measuring, or calibrating.
        case ongoing
        case controlSolution
        /// Nothing that a record could hold; the details tell what came.
        case state
    }

    package var outcome: Outcome
    package var kind: MeasurementKind?
    package var quantities: [Quantity] = []
    package var time: AgentTime?
    package var duration: Interval?
    /// Person on the device; nil where it knows none.
    package var person: Int?
    /// The device keeps people apart and does not know who this was.
    package var isGuest = false
    package var flags: [String] = []
    package var mealCode: String?
    package var details: [Detail] = []
    /// What tells this measurement from another one of the same moment: types and raw values.
    package var keyBytes: [UInt8] = []

    package struct Detail: Sendable, Equatable {
        package var name: String
        package var value: String
    }

    init(_ outcome: Outcome, kind: MeasurementKind?) {
        self.outcome = outcome
        self.kind = kind
    }
}
