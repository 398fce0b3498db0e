/// An event report with measurements: data request u16, report number u16, then the observations in
/// one of the standard's formats.
package enum ScanReport {
    /// How the observations of an event type are laid out.
    struct Format {
        enum Shape {
            case fixed
            case variable
            case grouped
        }
        var shape: Shape
        var hasPersons: Bool
    }

    /// 0D1D–0D20 from the system itself, 0D22–0D27 unbuffered and 0D28–0D2D buffered from a scanner.
    static func format(_ event: UInt16) -> Format? {
        switch event {
        case 0x0D1D, 0x0D23, 0x0D29: Format(shape: .fixed, hasPersons: false)
        case 0x0D1E, 0x0D22, 0x0D28: Format(shape: .variable, hasPersons: false)
        case 0x0D1F, 0x0D26, 0x0D2C: Format(shape: .fixed, hasPersons: true)
        case 0x0D20, 0x0D25, 0x0D2B: Format(shape: .variable, hasPersons: true)
        case 0x0D24, 0x0D2A: Format(shape: .grouped, hasPersons: false)
        case 0x0D27, 0x0D2D: Format(shape: .grouped, hasPersons: true)
        default: nil
        }
    }

    /// The observations of a report; nil where the event is no report with measurements.
    package static func observations(
        _ event: DataMessage.EventReport, _ configuration: Configuration
    ) throws(APDUError) -> [Observation]? {
        guard let format = format(event.type) else { return nil }
        var reader = event.information
        _ = try reader.uint16("the data request's id")
        _ = try reader.uint16("the report's number")
        let scanner = configuration.object(event.handle)
        let found: [Observation]
        if format.hasPersons {
            let persons = try reader.list("the persons") {
                (item) throws(APDUError) -> [Observation] in
                let person = try item.uint16("a person's id")
                // A grouped report has one group for a person, the others a list.
                guard format.shape == .grouped else {
                    return try list(&item, format.shape, configuration, scanner, person)
                }
                return try group(&item, configuration, scanner, person)
            }
            found = persons.flatMap { $0 }
        } else {
            found = try list(&reader, format.shape, configuration, scanner, nil)
        }
        try reader.finish("the report")
        return found
    }

    private static func list(
        _ reader: inout MDERReader, _ shape: Format.Shape, _ configuration: Configuration,
        _ scanner: AgentObject?, _ person: UInt16?
    ) throws(APDUError) -> [Observation] {
        try reader.list("the observations") { (item) throws(APDUError) -> [Observation] in
            switch shape {
            case .fixed: [try fixed(&item, configuration, person)]
            case .variable: [try variable(&item, configuration, person)]
            case .grouped: try group(&item, configuration, scanner, person)
            }
        }.flatMap { $0 }
    }

    /// handle u16, the mapped bytes with their length.
    private static func fixed(
        _ reader: inout MDERReader, _ configuration: Configuration, _ person: UInt16?
    ) throws(APDUError) -> Observation {
        let object = try object(&reader, configuration)
        let start = reader.offset
        var data = try reader.lengthed("an observation")
        guard !object.valueMap.isEmpty else {
            throw APDUError(
                "object \(object.handle) has no map for a report of fixed format", offset: start)
        }
        var observation = ObservationReader(object, person: person)
        try observation.take(object.valueMap, &data)
        try data.finish("an observation")
        return observation.observation
    }

    /// handle u16, a list of attributes.
    private static func variable(
        _ reader: inout MDERReader, _ configuration: Configuration, _ person: UInt16?
    ) throws(APDUError) -> Observation {
        let object = try object(&reader, configuration)
        var observation = ObservationReader(object, person: person)
        try observation.take(try Attribute.list(&reader))
        return observation.observation
    }

    /// The mapped bytes of all objects of a scanner, one behind the other.
    private static func group(
        _ reader: inout MDERReader, _ configuration: Configuration, _ scanner: AgentObject?,
        _ person: UInt16?
    ) throws(APDUError) -> [Observation] {
        let start = reader.offset
        var data = try reader.lengthed("a group")
        guard let scanner, !scanner.scanMap.isEmpty else {
            throw APDUError("no scanner with a map sends this report", offset: start)
        }
        var found: [Observation] = []
        for entry in scanner.scanMap {
            guard let object = configuration.object(entry.handle) else {
                throw APDUError("the scanner maps an unknown object \(entry.handle)", offset: start)
            }
            var observation = ObservationReader(object, person: person)
            try observation.take(entry.map, &data)
            found.append(observation.observation)
        }
        try data.finish("a group")
        return found
    }

    private static func object(
        _ reader: inout MDERReader, _ configuration: Configuration
    ) throws(APDUError) -> AgentObject {
        let start = reader.offset
        let handle = try reader.uint16("an object's handle")
        guard let object = configuration.object(handle) else {
            throw APDUError("the configuration has no object \(handle)", offset: start)
        }
        return object
    }
}
