package import Measurement

/// A device as the store knows it.
package struct StoredDevice: Sendable, Equatable {
    package var description: DeviceDescription
    package var profile: String?
    package var firstSeen: Instant
    package var lastSeen: Instant
    /// When its newest record was received.
    package var lastRecord: Instant?
    /// Records stored in all, duplicates not counted.
    package var records: Int
    package var memory: DeviceMemory
}

extension Spool {
    /// Notes that a device was seen; what it did not say this time stays as it was.
    ///
    /// Each call is an fsync: callers note a session, not every advertisement.
    package func noteDevice(
        _ description: DeviceDescription, profile: String?, seenAt: Instant
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            try connection.noteDevice(description, profile: profile, seenAt: seenAt)
        }
    }

    /// What was remembered of a device; nil for one that was never stored.
    package func memory(of device: DeviceID) throws(SpoolError) -> DeviceMemory? {
        try reading { connection throws(SpoolError) in
            try connection.first(.memory, [.text(device.stable)]) { row throws(SpoolError) in
                row.deviceMemory()
            }
        }
    }

    /// Saves what to remember of a device.
    ///
    /// `failedMeasurements` is not taken over: the store counts them itself, each once.
    package func saveMemory(
        _ memory: DeviceMemory, of device: DeviceID, at now: Instant
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            try Appender(connection: connection, now: now).save(memory, of: device)
        }
    }

    package func devices() throws(SpoolError) -> [StoredDevice] {
        try reading { connection throws(SpoolError) in
            try connection.all(.devices) { row throws(SpoolError) in row.storedDevice() }
        }
    }

    /// One device; nil for one that was never stored.
    package func device(_ id: DeviceID) throws(SpoolError) -> StoredDevice? {
        try reading { connection throws(SpoolError) in
            try connection.first(.device, [.text(id.stable)]) { row throws(SpoolError) in
                row.storedDevice()
            }
        }
    }

    /// Adds to named counters that survive a restart.
    package func increment(_ names: [String: Int]) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            for (name, amount) in names { try connection.count(name, by: amount) }
        }
    }

    /// Gives back the pages that were read and are not needed by a store at rest.
    package func releaseMemory() {
        try? reading { connection throws(SpoolError) in
            try connection.database.execute("PRAGMA shrink_memory", during: "giving memory back")
        }
    }

    /// Bytes of pages that the open store holds in memory.
    package func cachedBytes() throws(SpoolError) -> Int {
        try reading { connection throws(SpoolError) in connection.database.cacheBytes }
    }

    package func counters() throws(SpoolError) -> [String: Int] {
        let pairs = try reading { connection throws(SpoolError) in
            try connection.all(.counters) { row throws(SpoolError) in (row.text(), row.count()) }
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }
}

extension Connection {
    func noteDevice(
        _ device: DeviceDescription, profile: String?, seenAt: Instant, gaveRecord: Bool = false
    ) throws(SpoolError) {
        try run(
            .noteDevice,
            [
                .text(device.id.stable), .text(device.address), .text(device.manufacturer),
                .text(device.model), .text(device.serial), .text(device.assetNumber),
                .text(device.firmware), .text(profile), .instant(seenAt),
                .flag(gaveRecord),
            ])
    }
}

extension RowReader {
    fileprivate mutating func storedDevice() -> StoredDevice {
        StoredDevice(
            description: DeviceDescription(
                id: DeviceID(text()), address: optionalText(), manufacturer: optionalText(),
                model: optionalText(), serial: optionalText(), assetNumber: optionalText(),
                firmware: optionalText()),
            profile: optionalText(), firstSeen: instant(), lastSeen: instant(),
            lastRecord: optionalInstant(), records: count(), memory: deviceMemory())
    }

    fileprivate mutating func deviceMemory() -> DeviceMemory {
        var memory = DeviceMemory()
        memory.nextSequence = optionalCount()
        memory.clockOffset = optionalInterval()
        memory.clockCheckedAt = optionalInstant()
        memory.clockSetAt = optionalInstant()
        memory.newestDeviceTime = optionalLocalTime()
        memory.newestSequence = optionalCount()
        memory.lastSessionEndedAt = optionalInstant()
        memory.batteryPercent = optionalCount()
        memory.failedMeasurements = count()
        memory.clockSteps = ClockStepText.read(optionalText() ?? "")
        memory.clockLatency = optionalInterval()
        memory.abilities = optionalText().map { text in
            text.split(separator: ";").map { String($0.drop { $0 == " " }) }
        }
        return memory
    }
}
