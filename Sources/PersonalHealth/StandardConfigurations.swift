/// The configurations that the device specialisations number themselves (below 4000), where their
/// objects are confirmed by recorded reports. An agent with any other number is asked for its
/// objects, which every agent must be able to tell.
package enum StandardConfigurations {
    package static func find(_ id: UInt16) -> Configuration? {
        all.first { $0.id == id }
    }

    private static let stamp = MappedAttribute(AttributeCode.absoluteStamp, 8)
    private static let basic = [MappedAttribute(AttributeCode.basicValue, 2), stamp]
    private static let simple = [MappedAttribute(AttributeCode.simpleValue, 4), stamp]

    package static let all: [Configuration] = [
        // 11073-10404
        Configuration(
            id: 0x0190,
            objects: [
                AgentObject(handle: 1, type: MetricType(2, 19_384), unit: 544, valueMap: basic),
                AgentObject(handle: 10, type: MetricType(2, 18_458), unit: 2_720, valueMap: basic),
            ]),
        // 11073-10407
        Configuration(
            id: 0x02BC,
            objects: [
                AgentObject(
                    handle: 1, type: MetricType(2, 18_948), unit: 3_872,
                    parts: [18_949, 18_950, 18_951],
                    valueMap: [MappedAttribute(AttributeCode.basicCompound, 10), stamp]),
                AgentObject(handle: 2, type: MetricType(2, 18_474), unit: 2_720, valueMap: basic),
            ]),
        // 11073-10415
        Configuration(
            id: 0x05DC,
            objects: [
                AgentObject(handle: 1, type: MetricType(2, 57_664), unit: 1_731, valueMap: simple)
            ]),
        // 11073-10417
        Configuration(
            id: 0x06A4,
            objects: [
                AgentObject(handle: 1, type: MetricType(2, 29_112), unit: 2_130, valueMap: basic)
            ]),
    ]
}
