package import Measurement

/// What devices of IEEE 11073-20601 told of themselves, so that they need not tell it in each session.
extension Spool {
    /// More are not kept: the one that was told longest ago makes room.
    package static let mostConfigurations = 64
    /// A report that is longer is taken each time; real ones have some hundred bytes.
    package static let longestConfiguration = 8_192

    /// All that are kept, the newest last.
    package func agentConfigurations() throws(SpoolError) -> [KnownConfiguration] {
        try reading { connection throws(SpoolError) in
            try connection.all(.agentConfigurations) { row throws(SpoolError) in
                KnownConfiguration(
                    systemID: row.blob(), id: UInt16(truncatingIfNeeded: row.count()),
                    apdu: row.blob(), firmware: row.optionalText())
            }
        }
    }

    /// Keeps a configuration in the place of the one with the same number of the same device.
    ///
    /// - Returns: false for one that is too long to be kept.
    @discardableResult
    package func keep(
        _ configuration: KnownConfiguration, at now: Instant
    ) throws(SpoolError) -> Bool {
        guard configuration.apdu.count <= Self.longestConfiguration else { return false }
        try writing { connection throws(SpoolError) in
            try connection.run(
                .keepAgentConfiguration,
                [
                    .blob(configuration.systemID), .integer(Int(configuration.id)),
                    .blob(configuration.apdu), .text(configuration.firmware), .instant(now),
                ])
            try connection.run(
                .dropAgentConfigurations, [.integer(Self.mostConfigurations)])
        }
        return true
    }

    /// Drops a configuration that does not hold any more.
    package func drop(_ configuration: KnownConfiguration) throws(SpoolError) {
        _ = try writing { connection throws(SpoolError) in
            try connection.run(
                .dropAgentConfiguration,
                [.blob(configuration.systemID), .integer(Int(configuration.id))])
        }
    }
}

extension SQL {
    static let agentConfigurations = SQL(
        """
        SELECT system_id, number, report, firmware FROM agent_configuration
        ORDER BY told_at, system_id, number
        """)
    static let keepAgentConfiguration = SQL(
        """
        INSERT INTO agent_configuration(system_id, number, report, firmware, told_at)
        VALUES(?, ?, ?, ?, ?) ON CONFLICT(system_id, number) DO UPDATE
        SET report = excluded.report, firmware = excluded.firmware, told_at = excluded.told_at
        """)
    static let dropAgentConfiguration = SQL(
        "DELETE FROM agent_configuration WHERE system_id = ? AND number = ?")
    static let dropAgentConfigurations = SQL(
        """
        DELETE FROM agent_configuration WHERE (system_id, number) IN (
            SELECT system_id, number FROM agent_configuration
            ORDER BY told_at DESC, system_id, number LIMIT -1 OFFSET ?)
        """)
}
