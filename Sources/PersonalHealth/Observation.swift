package import Measurement

/// What one object of an agent showed at one moment, as it was sent.
package struct Observation: Sendable, Equatable {
    package var handle: UInt16
    package var type: MetricType
    package var label: String?
    package var isManual = false
    package var values: [Value] = []
    /// A code that was chosen out of a list: a meal, an activity.
    package var chosen: UInt16?
    /// A word of named bits, and how many there are.
    package var bits: Bits?
    package var time: AgentTime?
    /// Length of the period that was measured, in seconds.
    package var activeSeconds: MedicalFloat?
    package var status: UInt16 = 0
    /// Whose it is, where the agent keeps people apart; FFFF: it does not know.
    package var person: UInt16?
    /// Attributes that say nothing a reading could hold.
    package var ignored: [UInt16] = []

    package struct Bits: Sendable, Equatable {
        package var word: UInt32
        package var width: Int
    }

    package struct Value: Sendable, Equatable {
        package var type: MetricType
        package var number: MedicalFloat
        package var unit: UInt16?
        /// The bytes of the number, which tell it from another one of the same moment.
        package var raw: [UInt8]
    }

    init(_ object: AgentObject, person: UInt16? = nil) {
        // An object without a type cannot be told from any other: it is kept, as nothing known.
        type = object.type ?? MetricType(0, 0)
        handle = object.handle
        label = object.label
        isManual = object.isManual
        self.person = person
    }
}

/// Puts the attributes of a report into an observation.
struct ObservationReader {
    private let object: AgentObject
    private(set) var observation: Observation
    private var unit: UInt16?
    private var partition: UInt16
    private var parts: [UInt16]

    init(_ object: AgentObject, person: UInt16? = nil) {
        self.object = object
        observation = Observation(object, person: person)
        unit = object.unit
        partition = observation.type.partition
        parts = object.parts
    }

    /// A report of variable format: each attribute with its id and length.
    mutating func take(_ attributes: [Attribute]) throws(APDUError) {
        // A unit that stands behind its value still belongs to it.
        for attribute in attributes.sorted(by: { Self.rank($0.id) < Self.rank($1.id) }) {
            var value = attribute.value
            try take(attribute.id, &value)
        }
    }

    /// A report of fixed format: the bytes of the mapped attributes, one behind the other.
    mutating func take(_ map: [MappedAttribute], _ data: inout MDERReader) throws(APDUError) {
        for entry in map {
            var value = try data.part(entry.length, "attribute \(shownCode(entry.id))")
            try take(entry.id, &value)
        }
    }

    private static func rank(_ id: UInt16) -> Int {
        switch id {
        case AttributeCode.type, AttributeCode.metricPartition, AttributeCode.unit,
            AttributeCode.metricID, AttributeCode.metricIDs:
            0
        default: 1
        }
    }

    private mutating func take(_ id: UInt16, _ value: inout MDERReader) throws(APDUError) {
        switch id {
        case AttributeCode.type:
            observation.type = try MetricType(parsing: &value)
            partition = observation.type.partition
        case AttributeCode.metricPartition: partition = try value.uint16("a partition")
        case AttributeCode.metricID:
            observation.type = MetricType(partition, try value.uint16("a metric id"))
        case AttributeCode.metricIDs:
            parts = try value.list("the parts") { (item) throws(APDUError) in
                try item.uint16("a part")
            }
        case AttributeCode.unit: unit = try value.uint16("a unit")
        case AttributeCode.measurementStatus:
            observation.status |= try value.uint16("the measurement status")
        case AttributeCode.activePeriod:
            observation.activeSeconds = try Self.float(&value).0
        default:
            var isKnown = try takeTime(id, &value)
            if !isKnown { isKnown = try takeNumber(id, &value) }
            if !isKnown { isKnown = try takeChoice(id, &value) }
            guard isKnown else {
                observation.ignored.append(id)
                return
            }
        }
        try value.finish("attribute \(shownCode(id))")
    }

    private mutating func takeTime(
        _ id: UInt16, _ value: inout MDERReader
    ) throws(APDUError) -> Bool {
        switch id {
        case AttributeCode.absoluteStamp: observation.time = try AgentTime.absolute(&value)
        case AttributeCode.baseOffsetStamp: observation.time = try AgentTime.baseOffset(&value)
        case AttributeCode.relativeStamp:
            observation.time = .relative(try value.uint32("a relative time"))
        case AttributeCode.hiResStamp: observation.time = try AgentTime.hiRes(&value)
        default: return false
        }
        return true
    }

    // MARK: numbers

    private mutating func takeNumber(
        _ id: UInt16, _ value: inout MDERReader
    ) throws(APDUError) -> Bool {
        switch id {
        case AttributeCode.basicValue: add(observation.type.code, try Self.sfloat(&value))
        case AttributeCode.simpleValue: add(observation.type.code, try Self.float(&value))
        case AttributeCode.value: try takeWhole(&value)
        case AttributeCode.basicCompound, AttributeCode.simpleCompound:
            let start = value.offset
            let isBasic = id == AttributeCode.basicCompound
            let numbers = try value.list("a compound value") { (item) throws(APDUError) in
                isBasic ? try Self.sfloat(&item) : try Self.float(&item)
            }
            guard numbers.count == parts.count else {
                throw APDUError(
                    "\(numbers.count) values where the object has \(parts.count) parts",
                    offset: start)
            }
            for (part, number) in zip(parts, numbers) { add(part, number) }
        case AttributeCode.compoundValue:
            // The elements are whole values, each with its own type and unit.
            let count = Int(try value.uint16("the count of a compound value"))
            var body = try value.lengthed("a compound value")
            for _ in 0..<count { try takeWhole(&body) }
            try body.finish("a compound value")
        default: return false
        }
        return true
    }

    /// metric id u16, status u16, unit u16, FLOAT.
    private mutating func takeWhole(_ value: inout MDERReader) throws(APDUError) {
        let code = try value.uint16("a metric id")
        observation.status |= try value.uint16("the status of a value")
        let unit = try value.uint16("the unit of a value")
        let number = try Self.float(&value)
        observation.values.append(
            Observation.Value(
                type: MetricType(partition, code), number: number.0, unit: unit, raw: number.1))
    }

    private mutating func add(_ code: UInt16, _ number: (MedicalFloat, [UInt8])) {
        observation.values.append(
            Observation.Value(
                type: MetricType(partition, code), number: number.0, unit: unit, raw: number.1))
    }

    private static func sfloat(
        _ value: inout MDERReader
    ) throws(APDUError) -> (MedicalFloat, [UInt8]) {
        let raw = try value.uint16("an SFLOAT")
        return (MedicalFloat(sfloat: raw), [UInt8(raw >> 8), UInt8(raw & 255)])
    }

    private static func float(
        _ value: inout MDERReader
    ) throws(APDUError) -> (MedicalFloat, [UInt8]) {
        var writer = MDERWriter()
        let raw = try value.uint32("a FLOAT")
        writer.uint32(raw)
        return (MedicalFloat(float: raw), writer.bytes)
    }

    // MARK: codes and bits

    private mutating func takeChoice(
        _ id: UInt16, _ value: inout MDERReader
    ) throws(APDUError) -> Bool {
        switch id {
        case AttributeCode.objectEnumeration: observation.chosen = try value.uint16("a code")
        case AttributeCode.bits16:
            observation.bits = .init(word: UInt32(try value.uint16("a word of bits")), width: 16)
        case AttributeCode.bits32:
            observation.bits = .init(word: try value.uint32("a word of bits"), width: 32)
        case AttributeCode.textEnumeration: _ = try value.lengthed("a text")
        case AttributeCode.enumeration:
            observation.type = MetricType(partition, try value.uint16("a metric id"))
            observation.status |= try value.uint16("the status of a value")
            try takeEnumeration(&value)
        default: return false
        }
        return true
    }

    /// choice u16 (1 code, 2 text, 16 bits), then the value with its length.
    private mutating func takeEnumeration(_ value: inout MDERReader) throws(APDUError) {
        let start = value.offset
        let choice = try value.uint16("the kind of an enumeration")
        var inner = try value.lengthed("an enumeration")
        switch choice {
        case 1: observation.chosen = try inner.uint16("a code")
        case 2: _ = try inner.lengthed("a text")
        case 16: observation.bits = .init(word: try inner.uint32("a word of bits"), width: 32)
        default: throw APDUError("no enumeration is of this kind", offset: start)
        }
        try inner.finish("an enumeration")
    }
}
