/// A segment of an agent's store: what its entries hold, and how many there are.
package struct SegmentInformation: Sendable {
    package var instance: UInt16
    package var label: String?
    package var person: UInt16?
    /// Entries in the segment; nil where the agent does not count them.
    package var count: UInt32?
    package var transferMilliseconds: Int?
    package var map: SegmentMap?

    /// A list of (instance u16, attributes).
    package static func list(_ information: MDERReader) throws(APDUError) -> [SegmentInformation] {
        var reader = information
        let segments = try reader.list("the segments") { (item) throws(APDUError) in
            try SegmentInformation(parsing: &item)
        }
        try reader.finish("the segments")
        return segments
    }

    private init(parsing reader: inout MDERReader) throws(APDUError) {
        instance = try reader.uint16("a segment's number")
        for attribute in try Attribute.list(&reader) {
            var value = attribute.value
            switch attribute.id {
            case AttributeCode.segmentMap: map = try SegmentMap(parsing: &value)
            case AttributeCode.segmentLabel:
                label = shownText(try value.lengthed("a segment's label").rest)
            case AttributeCode.segmentPerson: person = try value.uint16("a segment's person")
            case AttributeCode.segmentUsage: count = try value.uint32("a segment's entries")
            case AttributeCode.transferTimeout:
                transferMilliseconds = Int(try value.uint32("a transfer's time")) / 8
            default: continue
            }
            try value.finish("attribute \(shownCode(attribute.id))")
        }
    }
}

/// The layout of the entries of a segment: a head with a stamp, then each object's attributes.
package struct SegmentMap: Sendable {
    struct Element: Sendable {
        var classCode: UInt16
        var type: MetricType
        var handle: UInt16
        var map: [MappedAttribute]
    }
    var header: UInt16
    var elements: [Element]

    /// header u16; list of (class u16, type, handle u16, value map).
    init(parsing reader: inout MDERReader) throws(APDUError) {
        header = try reader.uint16("the head of a segment's entries")
        elements = try reader.list("the elements of a segment") { (item) throws(APDUError) in
            Element(
                classCode: try item.uint16("an element's class"),
                type: try MetricType(parsing: &item),
                handle: try item.uint16("an element's handle"),
                map: try MappedAttribute.list(&item))
        }
    }

    /// The stamp at the head of an entry, by the bits of the header.
    func time(_ entry: inout MDERReader) throws(APDUError) -> AgentTime? {
        var time: AgentTime?
        // A wall clock tells more than a counter that stands beside it.
        if header & 0x8000 != 0 { time = try AgentTime.absolute(&entry) }
        if header & 0x4000 != 0 {
            let relative = AgentTime.relative(try entry.uint32("an entry's relative time"))
            time = time ?? relative
        }
        if header & 0x2000 != 0 {
            let hiRes = try AgentTime.hiRes(&entry)
            time = time ?? hiRes
        }
        if header & 0x1000 != 0 {
            let base = try AgentTime.baseOffset(&entry)
            time = time?.wall == nil ? base : time
        }
        return time
    }
}

/// A part of a segment: instance u16, first index u32, count u32, status u16, entries.
package struct SegmentData: Sendable {
    package var instance: UInt16
    package var index: UInt32
    package var count: UInt32
    package var status: UInt16
    private var entries: MDERReader

    package init(parsing information: MDERReader) throws(APDUError) {
        var reader = information
        instance = try reader.uint16("the segment's number")
        index = try reader.uint32("the index of the first entry")
        count = try reader.uint32("the count of entries")
        status = try reader.uint16("the status of the transfer")
        entries = try reader.lengthed("the entries")
        try reader.finish("the entries")
    }

    package var byteCount: Int { entries.remaining }
    package var isLast: Bool { status & 0x4000 != 0 }
    package var isAborted: Bool { status & 0x0800 != 0 }

    /// The observations of each entry, in the order of the segment.
    package func observations(
        _ segment: SegmentInformation, _ configuration: Configuration
    ) throws(APDUError) -> [[Observation]] {
        guard let map = segment.map else {
            throw APDUError(
                "segment \(instance) has no map of its entries", offset: entries.offset)
        }
        var reader = entries
        // No entry is shorter than a byte.
        guard count <= reader.remaining else {
            throw APDUError(
                "\(count) entries in \(reader.remaining) bytes", offset: entries.offset)
        }
        var found: [[Observation]] = []
        for _ in 0..<count {
            let time = try map.time(&reader)
            var entry: [Observation] = []
            for element in map.elements {
                let object = element.object(configuration)
                var observation = ObservationReader(object, person: segment.person)
                try observation.take(element.map, &reader)
                var whole = observation.observation
                whole.time = whole.time ?? time
                entry.append(whole)
            }
            found.append(entry)
        }
        try reader.finish("the entries")
        return found
    }
}

extension SegmentMap.Element {
    /// The object of the configuration with what the segment says of it.
    func object(_ configuration: Configuration) -> AgentObject {
        var object =
            configuration.object(handle)
            ?? AgentObject(class: classCode, handle: handle, type: type, unit: nil, valueMap: map)
        object.type = type
        return object
    }
}
