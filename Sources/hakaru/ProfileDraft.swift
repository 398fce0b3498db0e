import DeviceLink
import DeviceProfile
import Measurement

/// The first version of a profile: what an observation shows, and what a person has to add.
struct ProfileDraft {
    /// Something that the observation does not tell, and what to do about it.
    struct Missing: Equatable {
        var what: String
        var remedy: String
    }

    let id: String
    let model: String
    let seen: ProfileObservation
    /// The tape as the profile names it, with what it gave.
    var tape: ProfileTape?
    private(set) var missing: [Missing] = []
    private(set) var layouts: [FrameLayout] = []
    let isBroadcast: Bool

    init(id: String, model: String, seen: ProfileObservation) {
        self.id = id
        self.model = model
        self.seen = seen
        let standard = Set(seen.shown.serviceUUIDs.compactMap(\.short))
            .intersection(StandardLayouts.byService.keys)
        isBroadcast =
            !seen.wasConnected && standard.isEmpty
            && !(seen.shown.serviceData.isEmpty && seen.shown.manufacturerData.isEmpty)
        layouts = findLayouts()
        missing = findMissing()
    }

    // MARK: layouts

    private func findLayouts() -> [FrameLayout] {
        var found: [FrameLayout] = []
        func add(_ source: FrameSource) {
            guard !found.contains(where: { $0.source == source }) else { return }
            found.append(FrameLayout(source: source, format: format(of: source)))
        }
        for frame in seen.frames where isBroadcast || !frame.source.isBroadcast {
            add(frame.source)
        }
        let shown = seen.services.flatMap(\.characteristics).map(\.uuid)
        for uuid in shown + seen.values.keys.sorted(by: { $0.full < $1.full })
        where StandardLayouts.byCharacteristic[uuid.short ?? 0] != nil {
            add(.gatt(uuid))
        }
        if !seen.wasConnected, !isBroadcast {
            for service in seen.shown.serviceUUIDs {
                for number in StandardLayouts.byService[service.short ?? 0] ?? [] {
                    add(.gatt(BluetoothUUID(number)))
                }
            }
        }
        if found.isEmpty { add(.advertisement) }
        return found
    }

    private func format(of source: FrameSource) -> FrameLayout.Format {
        if case .gatt(let uuid) = source, let short = uuid.short,
            let name = StandardLayouts.byCharacteristic[short],
            let format = FrameLayout.namedFormats.first(where: { $0.name == name })?.format
        {
            return format
        }
        let lengths = seen.frames.filter { $0.source == source }.map(\.bytes.count)
        var fields = FieldLayout(
            kind: nil, length: (lengths.min() ?? 1)...(lengths.max() ?? 255))
        fields.outcome = .deviceState
        fields.flags = [FieldLayout.FlagRule(when: FieldCondition(), flag: "not-decoded")]
        return .fields(fields)
    }

    /// Sources that no standard layout reads.
    var unread: [FrameSource] {
        layouts.filter { FrameLayout.name(of: $0.format).isEmpty }.map(\.source)
    }

    /// Characteristics whose values come by themselves, as far as the draft can read them.
    var subscriptions: [BluetoothUUID] {
        layouts.compactMap { layout in
            guard case .gatt(let uuid) = layout.source,
                !StandardLayouts.isRead.contains(uuid.short ?? 0)
            else { return nil }
            return uuid
        }
    }

    // MARK: what kind of device it is

    /// The class, where a standard layout or service tells it.
    var deviceClass: DeviceProfile.DeviceClass? {
        let shown = layouts.compactMap { layout -> UInt32? in
            if case .gatt(let uuid) = layout.source { uuid.short } else { nil }
        }
        return shown.compactMap { StandardLayouts.classes[$0] }.first
    }

    var manufacturer: String? { seen.text(.manufacturerName) }

    var readsClock: BluetoothUUID? {
        [BluetoothUUID.dateTime, .currentTime].first { clock in
            layouts.contains { $0.source == .gatt(clock) }
        }
    }

    // MARK: what is missing

    private func findMissing() -> [Missing] {
        var list: [Missing] = []
        func add(_ what: String, _ remedy: String) {
            list.append(Missing(what: what, remedy: remedy))
        }
        if deviceClass == nil { add("class", "say what the device measures; the draft says scale") }
        if manufacturer == nil {
            add("manufacturer-code", "name the maker; the draft has the first word of the model")
        }
        for source in unread {
            add("a layout for \(source)", "spell it out under fields: docs/profile-layouts.md")
        }
        if seen.isComposed {
            add(
                "a real advertisement",
                "record one with hakaru capture; the draft has a composed one")
        }
        if seen.advertisements.isEmpty {
            add("match", "record an advertisement; the draft goes by the services it was seen with")
        } else if seen.shown.name == nil {
            add(
                "the device's name", "record an advertisement with the scan response, if it has one"
            )
        }
        if seen.frames.isEmpty {
            add("vectors", "put in one frame of each kind with what the display showed")
        } else {
            add("a second look at vectors", "compare each with what the display showed")
        }
        for write in seen.writes where write.bytes == nil && !isKnown(write.uuid) {
            add(
                "the bytes written to \(write.uuid)",
                "put them into the tape and into session.steps")
        }
        add("confidence", "inferred or verified, once a second device or a document says the same")
        return list
    }

    /// Written by a step of its own.
    func isKnown(_ uuid: BluetoothUUID) -> Bool {
        [.dateTime, .currentTime, .recordAccessControlPoint].contains(uuid)
    }
}

/// Which standard layout reads which characteristic.
enum StandardLayouts {
    static let byCharacteristic: [UInt32: String] = [
        0x2A35: "blood-pressure-measurement", 0x2A36: "intermediate-cuff-pressure",
        0x2A9D: "weight-measurement", 0x2A9C: "body-composition-measurement",
        0x2A18: "glucose-measurement", 0x2A34: "glucose-measurement-context",
        0x2A52: "record-access-control-point", 0x2A1C: "temperature-measurement",
        0x2A1E: "intermediate-temperature", 0x2A37: "heart-rate-measurement",
        0x2A5E: "pulse-oximeter-spot-check", 0x2A5F: "pulse-oximeter-continuous",
        0x2A53: "running-speed-measurement", 0x2B40: "step-counter-summary",
        0x2A08: "date-time", 0x2A2B: "current-time", 0x2A19: "battery-level",
    ]
    /// Characteristics of a service that a session subscribes to.
    static let byService: [UInt32: [UInt32]] = [
        0x1810: [0x2A35], 0x181D: [0x2A9D], 0x181B: [0x2A9C], 0x1809: [0x2A1C],
        0x1822: [0x2A5E], 0x1808: [0x2A18, 0x2A34, 0x2A52],
    ]
    /// Characteristics that are read and not subscribed to.
    static let isRead: Set<UInt32> = [0x2A08, 0x2A2B, 0x2A19]
    static let classes: [UInt32: DeviceProfile.DeviceClass] = [
        0x2A35: .bloodPressure, 0x2A36: .bloodPressure, 0x2A9D: .scale, 0x2A9C: .scale,
        0x2A18: .glucose, 0x2A1C: .thermometer, 0x2A1E: .thermometer, 0x2A5E: .oximeter,
        0x2A5F: .oximeter, 0x2A37: .heartRate, 0x2A53: .activity, 0x2B40: .activity,
    ]
}

extension FrameSource {
    /// Whether such frames stand in advertisements.
    var isBroadcast: Bool {
        switch self {
        case .serviceData, .manufacturerData, .manufacturerDataFamily, .advertisement: true
        default: false
        }
    }
}
