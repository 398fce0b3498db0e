import YAML

/// Reads what a match rule says of the bytes that a device broadcasts.
enum MatchPayloadReader {
    static func read(_ keys: MappingReader, _ rule: inout MatchRule) {
        rule.companyLowByte = keys.optional("company-low-byte")?.int(in: 0...255).map { UInt8($0) }
        rule.companyDataLength = keys.optional("company-data-length")?.int(in: 0...255)
        rule.companyDataBytes = bytes("company-data-bytes", keys)
        rule.serviceDataBytes = bytes("service-data-bytes", keys)
        if rule.serviceDataBytes != nil, rule.serviceData.isEmpty {
            keys.problem(
                about: "service-data-bytes", "stands without service data",
                accepted: "service-data beside it")
        }
        let hasCompany = !rule.companies.isEmpty || rule.companyLowByte != nil
        for key in ["company-data-length", "company-data-bytes"] where keys.has(key) && !hasCompany
        {
            keys.problem(
                about: key, "stands without a company",
                accepted: "company or company-low-byte beside it")
        }
    }

    /// No broadcast holds more than 255 bytes.
    private static func bytes(_ key: String, _ keys: MappingReader) -> FieldLayout.Constant? {
        keys.optional(key).flatMap { FieldReader.constant($0, shortest: 255) }
    }
}
