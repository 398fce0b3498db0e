package import Measurement

/// One adapter as the status shows it.
package struct AdapterStatus: Sendable, Equatable {
    /// The kernel's name, `hci0`; `any` where all adapters are wanted and none is there.
    package var adapter: String
    package var state: AdapterState
    package var lastAdvertisement: GatewayTime?
    /// Where its advertisements come from.
    package var source: AdvertisementSource
    /// Why not from the management socket, where that was tried.
    package var sourceProblem: String?
    /// What the last step failed with; nil where it worked.
    package var problem: String?
    /// Steps of the recovery ladder that were taken, by name, and those that are not permitted here.
    package var recoveries: [String: Int]
    package var refusedRecoveries: [String: Int]
    package var discoveryRestarts: Int { recoveries[Recovery.restartDiscovery.name] ?? 0 }
    package var powerCycles: Int { recoveries[Recovery.powerCycle.name] ?? 0 }
    /// Signs of breakage by name.
    package var signs: [String: Int]
}

/// What was counted instead of being dropped silently.
package struct BlueZCounters: Sendable, Equatable {
    package var sightings = 0
    /// Connections to the bus that failed or could not be used.
    package var busFailures = 0
    /// Attempts to read bluetoothd's objects that failed.
    package var reloadFailures = 0
    /// Signals of others than bluetoothd.
    package var foreignSignals = 0
    /// Signals of bluetoothd that mean nothing here.
    package var otherSignals = 0
    package var malformedSignals = 0
    /// Changes of objects that were never announced.
    package var unknownObjects = 0
    /// Values of characteristics of devices that no session is connected to.
    package var valuesWithoutLink = 0
    /// Values that a device sent and no session had subscribed to.
    package var unclaimedValues = 0
    /// Requests to the agent that were refused, by method.
    package var refusedPairings: [String: Int] = [:]

    /// Advertisements in which no profile saw anything: they ended at the filter.
    package var foreignAdvertisements = 0
    /// Advertisements of other radios, or on adapters that are not used.
    package var unwantedAdvertisements = 0
    /// Advertisements with a structure that could not be read; the rest of them counts.
    package var brokenAdvertisements = 0
    /// Times that the kernel closed the management socket.
    package var managementFailures = 0
    /// Messages of the management socket that mean nothing here.
    package var otherManagementEvents = 0
    /// Messages of the management socket that could not be read.
    package var malformedManagementEvents = 0

    package init() {}

    /// All of them by the names of the metrics.
    package var named: [(String, Int)] {
        let plain = [
            ("sightings", sightings), ("bus_failures", busFailures),
            ("reload_failures", reloadFailures), ("foreign_signals", foreignSignals),
            ("other_signals", otherSignals), ("malformed_signals", malformedSignals),
            ("unknown_objects", unknownObjects), ("values_without_link", valuesWithoutLink),
            ("unclaimed_values", unclaimedValues),
            ("foreign_advertisements", foreignAdvertisements),
            ("unwanted_advertisements", unwantedAdvertisements),
            ("broken_advertisements", brokenAdvertisements),
            ("management_failures", managementFailures),
            ("other_management_events", otherManagementEvents),
            ("malformed_management_events", malformedManagementEvents),
        ]
        return plain + [("refused_pairings", refusedPairings.values.reduce(0, +))]
    }
}

extension BlueZ {
    /// All adapters, by name.
    package var status: [AdapterStatus] {
        let known = adapters.values.sorted { $0.name < $1.name }.map { control in
            AdapterStatus(
                adapter: control.name, state: control.plan.state,
                lastAdvertisement: control.lastAdvertisement, source: source,
                sourceProblem: air.refusal?.description,
                problem: control.plan.state == .scanning ? nil : control.lastFailure?.description,
                recoveries: Self.named(control.plan.counters.recoveries),
                refusedRecoveries: Self.named(control.plan.counters.refusedRecoveries),
                signs: Dictionary(
                    uniqueKeysWithValues: control.plan.counters.signs.map {
                        ($0.key.rawValue, $0.value)
                    }))
        }
        guard known.isEmpty else { return known }
        return [
            AdapterStatus(
                adapter: "any", state: owner == nil ? .noBluetoothd : .absent,
                source: source, sourceProblem: air.refusal?.description,
                recoveries: [:], refusedRecoveries: [:], signs: [:])
        ]
    }

    private static func named(_ counts: [Recovery: Int]) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: counts.map { ($0.key.name, $0.value) })
    }

    /// The counters, those of the agent included.
    package var currentCounters: BlueZCounters {
        var all = counters
        all.refusedPairings = agent.refused
        if let counters = air.listener?.counters {
            all.malformedManagementEvents = counters.malformed + counters.tooLong
        }
        return all
    }
}
