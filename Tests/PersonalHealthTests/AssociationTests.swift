import Testing

@testable import PersonalHealth

/// Association requests of real and published agents, taken apart by hand.
@Suite("AssociationRequest")
struct AssociationRequestTests {
    struct Recorded: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: String
        var systemID: String
        var configuration: UInt16
        var encoding: UInt16
        var mode: UInt16
        var isTest = false
        var testDescription: String { name }
    }

    @Test(
        "an agent is known by its system id and configuration",
        arguments: [
            Recorded(
                name: "scale with a configuration of its own",
                bytes:
                    "e2000032800000000001002a5079002680000000a000800000000000000000800000000888776655443322"
                    + "1140000081010100000000",
                systemID: "8877665544332211", configuration: 0x4000, encoding: 0xA000, mode: 0x0081),
            Recorded(
                name: "oximeter",
                bytes:
                    "e2000032800000000001002a5079002680000000a000800000004000000000800000000811223344556677"
                    + "0401900001010000000000",
                systemID: "1122334455667704", configuration: 0x0190, encoding: 0xA000, mode: 0x0001),
            Recorded(
                name: "cuff",
                bytes:
                    "e2000032800000000001002a5079002680000000a000800000000000000000800000000811223344556677"
                    + "8802bc0001010000000000",
                systemID: "1122334455667788", configuration: 0x02BC, encoding: 0xA000, mode: 0x0001),
            Recorded(
                name: "Accu-Chek",
                bytes:
                    "e2000032800000000001002a50790026800000008000800000000000000000800000000800601900"
                    + "01363b3240000001010000000000",
                systemID: "0060190001363b32", configuration: 0x4000, encoding: 0x8000, mode: 0x0001),
        ])
    func recorded(_ recorded: Recorded) throws {
        guard case .associationRequest(let request) = try APDU(hex(recorded.bytes)) else {
            Issue.record("no association request")
            return
        }
        #expect(request.version == 0x8000_0000)
        #expect(request.objection == nil)
        let agent = try #require(request.agent)
        #expect(shown(agent.systemID) == recorded.systemID)
        #expect(agent.configuration == recorded.configuration)
        #expect(agent.encoding == recorded.encoding)
        #expect(agent.dataRequestMode == recorded.mode)
        #expect(agent.isTest == recorded.isTest)
    }

    @Test("the answer is byte for byte what a published manager sends")
    func answer() {
        #expect(
            AssociationResponse.bytes(.accepted, systemID: hex("8877665544332211"))
                == hex(
                    "e300002c0000507900268000000080008000000000000000800000000008887766554433221100000000"
                        + "000000000000"))
        #expect(
            AssociationResponse.bytes(
                .acceptedUnknownConfiguration, systemID: hex("1122334455667788"))
                == hex(
                    "e300002c0003507900268000000080008000000000000000800000000008112233445566778800000000"
                        + "000000000000"))
        #expect(
            AssociationResponse.bytes(.rejectedTransient, systemID: hex("1122334455667788"))
                == hex("e3000006 0002 0000 0000"))
    }

    @Test("an answer of a manager is read too, as a capture holds both sides")
    func readsAnswers() throws {
        let bytes = AssociationResponse.bytes(.accepted, systemID: hex("8877665544332211"))
        guard case .associationResponse(let response) = try APDU(bytes) else {
            Issue.record("no association response")
            return
        }
        #expect(response.result == 0)
        #expect(response.dataProtocol == 20_601)
        #expect(response.manager?.systemType == 0x8000_0000)
        guard case .associationResponse(let rejected) = try APDU(hex("e3000006 0002 0000 0000"))
        else {
            Issue.record("no association response")
            return
        }
        #expect(rejected.manager == nil)
    }

    @Test("an agent that speaks something else is told what is not common")
    func objections() throws {
        func objection(_ bytes: [UInt8]) throws -> AssociationResult? {
            guard case .associationRequest(let request) = try APDU(bytes) else { return nil }
            return request.objection
        }
        #expect(
            try objection(Wire.association(configuration: 0x02BC, version: 0x4000_0000))
                == .rejectedAssociationVersion)
        #expect(
            try objection(Wire.association(configuration: 0x02BC, dataProtocol: 0xFFFF))
                == .rejectedNoCommonProtocol)
        #expect(
            try objection(Wire.association(configuration: 0x02BC, encoding: 0x2000))
                == .rejectedNoCommonParameter)
        #expect(
            try objection(Wire.association(configuration: 0x02BC, protocolVersion: 0x1000_0000))
                == .rejectedNoCommonParameter)
        #expect(
            try objection(Wire.association(configuration: 0x02BC, systemType: 0x8000_0000))
                == .rejectedNoCommonParameter)
        #expect(try objection(Wire.association(configuration: 0x02BC)) == nil)
    }

    @Test("every result has the words that a log line shows")
    func words() {
        #expect(Set(AssociationResult.allCases.map(\.text)).count == 9)
        #expect(AssociationResult.acceptedUnknownConfiguration.text == "accepted-unknown-config")
        #expect(AssociationResult.allCases.filter(\.isAccepted).count == 2)
        #expect(Set(AbortReason.allCases.map(\.text)).count == 4)
    }
}
