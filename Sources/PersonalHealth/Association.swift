/// What an agent says of itself when it asks for an association (AARQ).
///
/// association version u32; list of (protocol u16, information with its length). The information of
/// protocol 20601: protocol version u32, encoding rules u16, nomenclature version u32, functional
/// units u32, system type u32, system id, configuration u16, data request mode u16, two counts u8,
/// list of options.
package struct AssociationRequest: Sendable, Equatable {
    package static let dataProtocol: UInt16 = 20_601

    package var version: UInt32
    /// Nil where the agent offers no protocol that a manager of this standard speaks.
    package var agent: AssociationInformation?

    init(parsing reader: inout MDERReader) throws(APDUError) {
        version = try reader.uint32("the association version")
        let offers = try reader.list("the protocols") {
            (item) throws(APDUError) -> AssociationInformation? in
            let number = try item.uint16("a protocol")
            var information = try item.lengthed("the information of a protocol")
            guard number == Self.dataProtocol else { return nil }
            let agent = try AssociationInformation(parsing: &information)
            try information.finish("the information of a protocol")
            return agent
        }
        agent = offers.lazy.compactMap { $0 }.first
    }

    /// What the request is answered with, before the configuration is looked at.
    package var objection: AssociationResult? {
        guard version & 0x8000_0000 != 0 else { return .rejectedAssociationVersion }
        guard let agent else { return .rejectedNoCommonProtocol }
        let speaks =
            agent.protocolVersion & 0x8000_0000 != 0 && agent.encoding & 0x8000 != 0
            && agent.nomenclature & 0x8000_0000 != 0 && agent.systemType & 0x0080_0000 != 0
        return speaks ? nil : .rejectedNoCommonParameter
    }
}

package struct AssociationInformation: Sendable, Equatable {
    package var protocolVersion: UInt32
    package var encoding: UInt16
    package var nomenclature: UInt32
    package var functionalUnits: UInt32
    package var systemType: UInt32
    package var systemID: [UInt8]
    package var configuration: UInt16
    package var dataRequestMode: UInt16

    init(parsing reader: inout MDERReader) throws(APDUError) {
        protocolVersion = try reader.uint32("the protocol version")
        encoding = try reader.uint16("the encoding rules")
        nomenclature = try reader.uint32("the nomenclature version")
        functionalUnits = try reader.uint32("the functional units")
        systemType = try reader.uint32("the system type")
        systemID = try reader.lengthed("the system id").rest
        configuration = try reader.uint16("the configuration")
        dataRequestMode = try reader.uint16("the data request mode")
        _ = try reader.uint16("the counts of data requests")
        _ = try reader.list("the options") { (item) throws(APDUError) in
            try Attribute(parsing: &item)
        }
    }

    /// The agent wants an association for tests: nothing that it sends was measured.
    package var isTest: Bool { functionalUnits & 0x2000_0000 != 0 }
}

package enum AssociationResult: UInt16, Sendable, CaseIterable {
    case accepted = 0
    case rejectedPermanent = 1
    case rejectedTransient = 2
    case acceptedUnknownConfiguration = 3
    case rejectedNoCommonProtocol = 4
    case rejectedNoCommonParameter = 5
    case rejectedUnknown = 6
    case rejectedUnauthorised = 7
    case rejectedAssociationVersion = 8

    package var isAccepted: Bool { self == .accepted || self == .acceptedUnknownConfiguration }

    package var text: String {
        switch self {
        case .accepted: "accepted"
        case .rejectedPermanent: "rejected-permanent"
        case .rejectedTransient: "rejected-transient"
        case .acceptedUnknownConfiguration: "accepted-unknown-config"
        case .rejectedNoCommonProtocol: "rejected-no-common-protocol"
        case .rejectedNoCommonParameter: "rejected-no-common-parameter"
        case .rejectedUnknown: "rejected-unknown"
        case .rejectedUnauthorised: "rejected-unauthorised"
        case .rejectedAssociationVersion: "rejected-unsupported-association-version"
        }
    }
}

/// What a manager answers (AARE).
package struct AssociationResponse: Sendable, Equatable {
    package var result: UInt16
    package var dataProtocol: UInt16
    package var manager: AssociationInformation?

    init(parsing reader: inout MDERReader) throws(APDUError) {
        result = try reader.uint16("the result of the association")
        dataProtocol = try reader.uint16("the protocol")
        var information = try reader.lengthed("the information of the protocol")
        guard dataProtocol == AssociationRequest.dataProtocol else { return }
        manager = try AssociationInformation(parsing: &information)
        try information.finish("the information of the protocol")
    }

    /// The bytes of an answer; a rejected one selects no protocol.
    package static func bytes(_ result: AssociationResult, systemID: [UInt8]) -> [UInt8] {
        APDU.bytes(.associationResponse) { writer in
            writer.uint16(result.rawValue)
            guard result.isAccepted else {
                writer.uint16(0)
                writer.uint16(0)
                return
            }
            writer.uint16(AssociationRequest.dataProtocol)
            writer.lengthed { information in
                information.uint32(0x8000_0000)
                information.uint16(0x8000)
                information.uint32(0x8000_0000)
                information.uint32(0)
                information.uint32(0x8000_0000)
                information.octets(systemID)
                // A manager has no configuration, asks for no data mode, and has no options.
                for _ in 0..<3 { information.uint16(0) }
                information.uint32(0)
            }
        }
    }
}
