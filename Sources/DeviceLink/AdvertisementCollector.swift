package import DeviceProfile
package import Measurement

/// Makes records out of broadcasts: one for each measuring, however often a device repeats it.
package struct AdvertisementCollector: Sendable {
    private struct Device: Sendable {
        var lastBytes: [UInt8] = []
        var pending: SessionEntry?
        var deadline: Instant?
        /// What the pending entry came out of, where another frame has the other half.
        var half: [Reading] = []
        /// Keys of what was handed out, newest last.
        var recent: [RecordKey] = []
        var touched: Instant

        mutating func forgetPending() {
            pending = nil
            half = []
            deadline = nil
        }
    }

    private var devices: [DeviceID: Device] = [:]
    private let zone: TimeZoneRules
    private let simulated: Bool
    /// Frames that repeated a measuring that was handed out before.
    package private(set) var repeats = 0
    private static let maximumDevices = 256
    /// They are forgotten by the dozen, so that not every frame in a crowd costs a search.
    private static let slack = 32
    private static let maximumWaiting = 1_024
    private static let maximumRecent = 16

    package init(zone: TimeZoneRules, simulated: Bool) {
        self.zone = zone
        self.simulated = simulated
    }

    /// Takes an advertisement of a device that `profile` fits; returns what is ready to be stored.
    ///
    /// - Parameter context: what the owner says of the device: encrypted frames need the key.
    package mutating func take(
        _ advertisement: Advertisement, of description: DeviceDescription, at now: GatewayTime,
        profile: DeviceProfile, context: FrameContext = FrameContext()
    ) -> [SessionEntry] {
        var ready: [SessionEntry] = []
        for layout in profile.layouts {
            guard let bytes = advertisement.payload(for: layout.source) else { continue }
            ready += take(bytes, layout, description, now, profile, context)
        }
        return ready
    }

    /// Readings whose fuller frame did not come in time.
    package mutating func due(at now: Instant) -> [SessionEntry] {
        let late = devices.filter { $0.value.deadline.map { $0 <= now } ?? false }.keys
        return late.sorted { $0.stable < $1.stable }.flatMap { release($0) }
    }

    /// Devices that are remembered now.
    package var deviceCount: Int { devices.count }

    /// When `due` has something next.
    package var nextDeadline: Instant? { devices.values.compactMap(\.deadline).min() }

    private mutating func take(
        _ bytes: [UInt8], _ layout: FrameLayout, _ description: DeviceDescription,
        _ now: GatewayTime, _ profile: DeviceProfile, _ context: FrameContext
    ) -> [SessionEntry] {
        var device = devices[description.id] ?? Device(touched: now.utc)
        device.touched = now.utc
        let isRepeat = device.lastBytes == bytes
        device.lastBytes = bytes
        devices[description.id] = device
        let crowdedOut = forgetOldest(except: description.id)
        if isRepeat { return crowdedOut }
        let builder = RecordBuilder(profile: profile, zone: zone, simulated: simulated)
        let reading = layout.decode(bytes, context)
        let frames = [RawFrame(source: layout.source.description, bytes: bytes)]
        let entry = self.entry(reading, frames, builder, description, now)
        if reading.part != nil { return crowdedOut + join(entry, builder, description) }
        guard reading.outcome == .measurement else {
            // The person stepped off: the fuller frame will not come any more.
            return crowdedOut + release(description.id) + [entry]
        }
        return crowdedOut + collect(entry, description.id, profile.collect)
    }

    private func entry(
        _ reading: Reading, _ frames: [RawFrame], _ builder: RecordBuilder,
        _ description: DeviceDescription, _ received: GatewayTime
    ) -> SessionEntry {
        let evidence = TimeEvidence(.pushed)
        var entry = SessionEntry(
            reading: reading, frames: frames, received: received,
            record: builder.record(
                reading, device: description, received: received, evidence: evidence),
            key: builder.key(reading, device: description, received: received))
        guard reading.outcome == .measurement else { return entry }
        entry.evidence = evidence
        if !builder.hasOwnIdentity(reading) { entry.duplicateWindow = .seconds(60) }
        return entry
    }

    /// Keeps a frame for the other one of its measurement, or makes the whole of both.
    private mutating func join(
        _ entry: SessionEntry, _ builder: RecordBuilder, _ description: DeviceDescription
    ) -> [SessionEntry] {
        let id = description.id
        let alone = self.entry(
            entry.reading.withoutCompanion(), entry.frames, builder, description, entry.received)
        // The whole was handed out, and the device says a part of it again.
        if devices[id]?.recent.contains(alone.key) ?? false {
            repeats += 1
            return []
        }
        guard let first = devices[id]?.pending, let part = devices[id]?.half.first,
            part.belongs(with: entry.reading)
        else {
            let earlier = release(id)
            devices[id]?.pending = alone
            devices[id]?.half = [entry.reading]
            devices[id]?.deadline =
                entry.received.utc + (entry.reading.part?.within ?? FramePart.packetTimeout)
            return earlier
        }
        guard entry.reading.saysMore(than: part) else {
            repeats += 1
            return []
        }
        let whole = self.entry(
            part.joined(with: entry.reading), first.frames + entry.frames, builder, description,
            first.received)
        devices[id]?.forgetPending()
        return handOut(whole, id)
    }

    private mutating func collect(
        _ entry: SessionEntry, _ id: DeviceID, _ rule: CollectRule?
    ) -> [SessionEntry] {
        guard let rule, entry.reading.quantity(rule.quantity)?.number == nil else {
            // The fuller frame of the same measuring takes the place of the waiting one.
            let other = devices[id]?.pending.map { $0.key != entry.key } ?? false
            let earlier = other ? release(id) : []
            devices[id]?.forgetPending()
            return earlier + handOut(entry, id)
        }
        if let pending = devices[id]?.pending, pending.key != entry.key {
            let earlier = release(id)
            return earlier + hold(entry, id, rule)
        }
        return devices[id]?.pending == nil ? hold(entry, id, rule) : []
    }

    private mutating func hold(
        _ entry: SessionEntry, _ id: DeviceID, _ rule: CollectRule
    ) -> [SessionEntry] {
        if devices[id]?.recent.contains(entry.key) ?? false {
            repeats += 1
            return []
        }
        devices[id]?.pending = entry
        devices[id]?.deadline = entry.received.utc + rule.atMost
        return []
    }

    private mutating func release(_ id: DeviceID) -> [SessionEntry] {
        guard let entry = devices[id]?.pending else { return [] }
        devices[id]?.forgetPending()
        return handOut(entry, id)
    }

    private mutating func handOut(_ entry: SessionEntry, _ id: DeviceID) -> [SessionEntry] {
        if devices[id]?.recent.contains(entry.key) ?? false {
            repeats += 1
            return []
        }
        devices[id]?.recent.append(entry.key)
        if devices[id]?.recent.count ?? 0 > Self.maximumRecent { devices[id]?.recent.removeFirst() }
        return [entry]
    }

    /// Keeps the table bounded: idle devices are forgotten, the longest silent first. One that
    /// waits for its fuller frame is not, unless more wait than can be in any room.
    private mutating func forgetOldest(except present: DeviceID) -> [SessionEntry] {
        guard devices.count > Self.maximumDevices + Self.slack else { return [] }
        let others = devices.filter { $0.key != present }
        let idle = others.filter { $0.value.pending == nil }.sorted {
            ($0.value.touched.microseconds, $0.key.stable)
                < ($1.value.touched.microseconds, $1.key.stable)
        }
        for device in idle.prefix(devices.count - Self.maximumDevices) {
            devices[device.key] = nil
        }
        guard devices.count > Self.maximumWaiting else { return [] }
        let oldest = others.filter { $0.value.pending != nil }.min {
            ($0.value.touched.microseconds, $0.key.stable)
                < ($1.value.touched.microseconds, $1.key.stable)
        }
        return oldest.map { release($0.key) } ?? []
    }
}

extension Advertisement {
    /// The bytes of one source in this advertisement.
    package func payload(for source: FrameSource) -> [UInt8]? {
        switch source {
        case .serviceData(let uuid): serviceData[uuid]
        case .manufacturerData(let company): manufacturerData[company]
        case .manufacturerDataFamily(let low):
            // The other byte of the id is the maker's own: it stands in front of the data.
            manufacturerData.first { $0.key & 0xFF == UInt16(low) }
                .map { [UInt8($0.key >> 8)] + $0.value }
        default: nil
        }
    }
}
