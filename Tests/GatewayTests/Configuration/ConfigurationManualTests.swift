import DataFiles
import Testing

@testable import Gateway

/// The page of the manual about the configuration.
private func page() throws -> [String] {
    let package = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
    let bytes = try FileReader.read(package + "/docs/man/hakaru.yaml.5")
    return String(decoding: bytes, as: UTF8.self).split(
        separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
}

@Suite("Configuration: manual") struct ConfigurationManualTests {
    @Test("the example of the manual is a configuration that can be used as it stands")
    func example() throws {
        let lines = try page()
        let start = try #require(lines.firstIndex(of: ".Bd -literal"))
        let end = try #require(lines.firstIndex(of: ".Ed"))
        let (made, problems) = configure(lines[(start + 1)..<end].joined(separator: "\n"))
        #expect(problems == [])
        #expect(made?.destinations.count == 1)
        #expect(made?.participants.first?.consent.count == 1)
    }

    @Test(
        "every key that is accepted stands in the manual",
        arguments: [
            "id", "consortium-id", "timezone", "setting", "test-lab-id", "enabled", "adapters",
            "directory", "name", "format", "url", "authorization.bearer-token-file", "tls.ca-file",
            "tls.client-certificate-file", "tls.client-key-file", "extensions", "accept-simulated",
            "history-from",
            "batch.max-records", "retry.initial", "retry.maximum", "devices[].model",
            "devices[].address", "devices[].serial", "devices[].slot", "devices[].wearing-position",
            "devices[].passkey", "devices[].asset-number", "consent[].destination",
            "consent[].kinds", "delivered", "raw-frames", "maximum", "group", "admin-group",
            "check-digit", "expect", "session", "measured-by", "devices[].port", "readers[].kind",
            "readers[].port", "readers[].layout", "readers[].end", "readers[].track",
            "readers[].speed", "readers[].data-bits", "readers[].parity", "readers[].system-code",
        ])
    func keys(_ key: String) throws {
        #expect(
            try page().contains { line in
                line.hasPrefix(".It ") && line.split(separator: " ").contains(key[...])
            })
    }
}
