package import Measurement

/// One adapter as the status shows it.
package struct AdapterStatus: Sendable, Equatable {
    /// The kernel's name, `hci0`; `any` where all adapters are wanted and none is there.
    package var adapter: String
    package var state: AdapterState
    package var lastAdvertisement: GatewayTime?
    /// What the last step failed with; nil where it worked.
    package var problem: String?
    package var discoveryRestarts: Int
    package var powerCycles: Int
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

    package init() {}
}

extension BlueZ {
    /// All adapters, by name.
    package var status: [AdapterStatus] {
        let known = adapters.values.sorted { $0.name < $1.name }.map { control in
            AdapterStatus(
                adapter: control.name, state: control.plan.state,
                lastAdvertisement: control.lastAdvertisement,
                problem: control.plan.state == .scanning ? nil : control.lastFailure?.description,
                discoveryRestarts: control.plan.counters.discoveryRestarts,
                powerCycles: control.plan.counters.powerCycles,
                signs: Dictionary(
                    uniqueKeysWithValues: control.plan.counters.signs.map {
                        ($0.key.rawValue, $0.value)
                    }))
        }
        guard known.isEmpty else { return known }
        return [
            AdapterStatus(
                adapter: "any", state: owner == nil ? .noBluetoothd : .absent,
                discoveryRestarts: 0, powerCycles: 0, signs: [:])
        ]
    }

    /// The counters, those of the agent included.
    package var currentCounters: BlueZCounters {
        var all = counters
        all.refusedPairings = agent.refused
        return all
    }
}
