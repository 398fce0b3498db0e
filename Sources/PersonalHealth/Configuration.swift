/// The objects of an agent, as its configuration report lists them: what it measures, and how its
/// reports are laid out.
package struct Configuration: Sendable {
    package var id: UInt16
    package var objects: [AgentObject]

    package init(id: UInt16, objects: [AgentObject]) {
        self.id = id
        self.objects = objects
    }

    /// configuration id u16; list of (class u16, handle u16, attributes).
    package init(parsing information: MDERReader) throws(APDUError) {
        var reader = information
        id = try reader.uint16("the configuration's id")
        objects = try reader.list("the objects") { (item) throws(APDUError) in
            try AgentObject(parsing: &item)
        }
        try reader.finish("the configuration")
    }

    /// The configuration out of a whole APDU; nil where the APDU holds something else.
    package init?(apdu: [UInt8]) throws(APDUError) {
        guard case .data(let message) = try APDU(apdu),
            case .eventReport(let report, _) = message.body,
            report.type == EventCode.configuration
        else { return nil }
        try self.init(parsing: report.information)
    }

    package func object(_ handle: UInt16) -> AgentObject? {
        objects.first { $0.handle == handle }
    }

    package var stores: [AgentObject] { objects.filter { $0.classCode == ObjectClass.store } }

    /// Extended configurations are an agent's own: they are known only together with its system id.
    package static func isExtended(_ id: UInt16) -> Bool { (0x4000...0x7FFF).contains(id) }
}

/// An attribute of an object and the bytes it takes in a report of fixed format.
package struct MappedAttribute: Sendable, Equatable {
    package var id: UInt16
    package var length: Int

    package init(_ id: UInt16, _ length: Int) {
        self.id = id
        self.length = length
    }

    static func list(_ reader: inout MDERReader) throws(APDUError) -> [MappedAttribute] {
        try reader.list("the value map") { (item) throws(APDUError) in
            let id = try item.uint16("a mapped attribute")
            return MappedAttribute(id, Int(try item.uint16("the length of a mapped attribute")))
        }
    }
}

/// One object of a configuration.
package struct AgentObject: Sendable {
    package var classCode: UInt16
    package var handle: UInt16
    package var type: MetricType?
    package var unit: UInt16?
    /// What the values of a compound measure, in their order.
    package var parts: [UInt16] = []
    package var valueMap: [MappedAttribute] = []
    /// Layout of a scanner's grouped reports: objects in their order, each with its attributes.
    package var scanMap: [(handle: UInt16, map: [MappedAttribute])] = []
    package var label: String?
    package var specification: UInt16 = 0
    /// Milliseconds that a transfer of a segment may take.
    package var transferMilliseconds: Int?
    /// Entries that a store can hold.
    package var storeCapacity: UInt32?

    package init(
        class classCode: UInt16 = ObjectClass.numeric, handle: UInt16, type: MetricType,
        unit: UInt16?, parts: [UInt16] = [], valueMap: [MappedAttribute]
    ) {
        self.classCode = classCode
        self.handle = handle
        self.type = type
        self.unit = unit
        self.parts = parts
        self.valueMap = valueMap
    }

    init(parsing reader: inout MDERReader) throws(APDUError) {
        classCode = try reader.uint16("an object's class")
        handle = try reader.uint16("an object's handle")
        for attribute in try Attribute.list(&reader) { try take(attribute) }
    }

    /// The value was typed into the agent by hand (mss-cat-manual).
    package var isManual: Bool { specification & 0x0008 != 0 }

    private mutating func take(_ attribute: Attribute) throws(APDUError) {
        var value = attribute.value
        switch attribute.id {
        case AttributeCode.type: type = try MetricType(parsing: &value)
        case AttributeCode.unit: unit = try value.uint16("a unit")
        case AttributeCode.metricIDs:
            parts = try value.list("the parts") { (item) throws(APDUError) in
                try item.uint16("a part")
            }
        case AttributeCode.valueMap: valueMap = try MappedAttribute.list(&value)
        case AttributeCode.scanMap:
            scanMap = try value.list("the scanner's map") { (item) throws(APDUError) in
                (handle: try item.uint16("a handle"), map: try MappedAttribute.list(&item))
            }
        case AttributeCode.label: label = shownText(try value.lengthed("a label").rest)
        case AttributeCode.metricSpecification:
            specification = try value.uint16("a metric's specification")
        case AttributeCode.storeCapacity: storeCapacity = try value.uint32("a store's capacity")
        case AttributeCode.transferTimeout:
            transferMilliseconds = Int(try value.uint32("a transfer's time")) / 8
        // What does not change how reports are read may have any form.
        default: return
        }
        try value.finish("attribute \(shownCode(attribute.id))")
    }
}
