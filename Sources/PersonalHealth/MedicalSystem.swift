import Measurement

/// What an agent tells of itself: the attributes of its medical device system (MDS).
package struct MedicalSystem: Sendable, Equatable {
    package var systemID: [UInt8] = []
    package var manufacturer: String?
    package var model: String?
    package var serial: String?
    package var firmware: String?
    package var hardware: String?
    package var software: String?
    package var configuration: UInt16?
    package var batteryPercent: Int?
    package var onMains: Bool?
    package var specialisations: [Specialisation] = []
    package var time: TimeInformation?
    /// The clocks as they were at the answer.
    package var clock: AgentTime?
    package var relativeClock: AgentTime?
    package var hiResClock: AgentTime?

    package init() {}

    package init(_ attributes: [Attribute]) throws(APDUError) {
        for attribute in attributes { try take(attribute) }
    }

    /// The first three bytes of the system id name its maker.
    package var makerID: [UInt8] { Array(systemID.prefix(3)) }

    private mutating func take(_ attribute: Attribute) throws(APDUError) {
        var value = attribute.value
        switch attribute.id {
        case AttributeCode.systemID: systemID = try value.lengthed("the system id").rest
        case AttributeCode.model:
            manufacturer = try Self.text(&value, "the manufacturer")
            model = try Self.text(&value, "the model")
        case AttributeCode.production: try takeProduction(&value)
        case AttributeCode.configuration: configuration = try value.uint16("the configuration")
        case AttributeCode.battery: batteryPercent = Int(try value.uint16("the battery"))
        case AttributeCode.powerStatus:
            onMains = try value.uint16("the power status") & 0x8000 != 0
        case AttributeCode.specialisations:
            specialisations = try value.list("the specialisations") { (item) throws(APDUError) in
                let type = try item.uint16("a specialisation")
                _ = try item.uint16("the version of a specialisation")
                return Specialisation(rawValue: type)
            }.compactMap { $0 }
        case AttributeCode.timeInformation: time = try TimeInformation(parsing: &value)
        case AttributeCode.absoluteTime: clock = try AgentTime.absolute(&value)
        case AttributeCode.baseOffsetTime: clock = try AgentTime.baseOffset(&value)
        case AttributeCode.relativeTime:
            relativeClock = .relative(try value.uint32("the relative time"))
        case AttributeCode.hiResTime: hiResClock = try AgentTime.hiRes(&value)
        default: return
        }
        try value.finish("attribute \(shownCode(attribute.id))")
    }

    private static func text(_ reader: inout MDERReader, _ field: String) throws(APDUError)
        -> String?
    {
        let text = shownText(try reader.lengthed(field).rest)
        return text.isEmpty ? nil : text
    }

    /// A list of (kind u16, component u16, text): the serial number and the revisions.
    private mutating func takeProduction(_ value: inout MDERReader) throws(APDUError) {
        let entries = try value.list("the production specification") { (item) throws(APDUError) in
            let kind = try item.uint16("the kind of an entry")
            _ = try item.uint16("the component of an entry")
            return (kind, try Self.text(&item, "the text of an entry"))
        }
        func entry(_ kind: UInt16) -> String? { entries.first { $0.0 == kind }?.1 }
        serial = entry(1)
        hardware = entry(3)
        software = entry(4)
        firmware = entry(5)
    }
}

/// What an agent can do with time (MDC_ATTR_MDS_TIME_INFO).
package struct TimeInformation: Sendable, Equatable {
    package var capabilities: UInt16
    package var synchronisation: UInt16

    init(parsing reader: inout MDERReader) throws(APDUError) {
        capabilities = try reader.uint16("the time capabilities")
        synchronisation = try reader.uint16("the time synchronisation")
        _ = try reader.uint32("the accuracy of the synchronisation")
        _ = try reader.uint16("the resolution of the absolute time")
        _ = try reader.uint16("the resolution of the relative time")
        _ = try reader.uint32("the resolution of the high-resolution time")
    }

    package var hasRealTimeClock: Bool { capabilities & 0x8000 != 0 }
    package var canBeSet: Bool { capabilities & 0x4000 != 0 }
    package var hasBaseOffsetTime: Bool { capabilities & 0x0100 != 0 }
    package var isSynchronised: Bool { capabilities & 0x0084 != 0 }
    /// The agent asks the manager to set its clock.
    package var asksToBeSet: Bool { capabilities & 0x0010 != 0 }
}
