import DeviceLink
import DeviceProfile
import JSON
import TapeLink

/// What was seen of a device that has no profile yet.
struct ProfileObservation {
    struct Frame: Hashable {
        var source: FrameSource
        var bytes: [UInt8]
    }

    /// Raw advertisements, each once.
    var advertisements: [[UInt8]] = []
    /// The advertisement was put together from what is known of it.
    var isComposed = false
    /// All of them together.
    var shown = Advertisement()
    var services: [GATTService] = []
    /// What the device sent, each frame once.
    var frames: [Frame] = []
    /// What it answered to reads.
    var values: [BluetoothUUID: [UInt8]] = [:]
    /// What was written to it; nil where the tape does not say.
    var writes: [(uuid: BluetoothUUID, bytes: [UInt8]?)] = []
    var bond: String?
    var wasConnected = false

    // MARK: from where it was seen

    init(advertisement bytes: [UInt8]) throws(CommandError) {
        try add(advertisement: bytes)
        addBroadcastFrames()
    }

    init(tape: Tape) throws(CommandError) {
        for line in tape.lines { try add(line.entry) }
        if !wasConnected { addBroadcastFrames() }
        guard !advertisements.isEmpty || wasConnected else {
            throw .failed("the tape shows neither an advertisement nor a connection")
        }
    }

    /// Reads an entry of the daemon's `/v1/sightings`.
    init(sighting: JSONValue) throws(CommandError) {
        isComposed = true
        shown.name = sighting["name"]?.string
        shown.serviceUUIDs = (sighting["services"]?.array ?? []).compactMap {
            $0.string.flatMap { BluetoothUUID($0) }
        }
        for member in sighting["manufacturer_data"]?.members ?? [] {
            guard let company = UInt16(member.name, radix: 16),
                let bytes = member.value.string.flatMap({ hexBytes($0) })
            else { continue }
            shown.manufacturerData[company] = bytes
        }
        for member in sighting["service_data"]?.members ?? [] {
            guard let uuid = BluetoothUUID(member.name),
                let bytes = member.value.string.flatMap({ hexBytes($0) })
            else { continue }
            shown.serviceData[uuid] = bytes
        }
        let composed = shown.adStructures
        guard !composed.isEmpty else {
            throw .failed("the device has shown neither a name nor a service nor data")
        }
        advertisements = [composed]
        addBroadcastFrames()
    }

    // MARK: the entries of a tape

    private mutating func add(_ entry: Tape.Entry) throws(CommandError) {
        switch entry {
        case .advertisement(let bytes, _): try add(advertisement: bytes)
        case .services(let list):
            services += list
            wasConnected = true
        case .connected: wasConnected = true
        case .read(let uuid, let bytes): values[uuid] = bytes
        case .write(let uuid, let bytes): writes.append((uuid, bytes))
        case .notification(let uuid, let bytes):
            wasConnected = true
            add(Frame(source: .gatt(uuid), bytes: bytes))
        case .bonded(let method): bond = method ?? "just-works"
        case .input(_, let bytes): add(Frame(source: .usb, bytes: bytes))
        case .disconnected, .gatewayClock, .output: break
        }
    }

    private mutating func add(_ frame: Frame) {
        if !frames.contains(frame) { frames.append(frame) }
    }

    private mutating func add(advertisement bytes: [UInt8]) throws(CommandError) {
        guard !advertisements.contains(bytes) else { return }
        do throws(DecodeError) {
            let new = try Advertisement(adStructures: bytes)
            shown.name = new.name ?? shown.name
            shown.serviceUUIDs += new.serviceUUIDs.filter { !shown.serviceUUIDs.contains($0) }
            shown.manufacturerData.merge(new.manufacturerData) { $1 }
            shown.serviceData.merge(new.serviceData) { $1 }
        } catch {
            throw .failed("the advertisement is broken: \(error)")
        }
        advertisements.append(bytes)
    }

    /// A device that was never connected may broadcast its frames.
    private mutating func addBroadcastFrames() {
        for bytes in advertisements {
            guard let one = try? Advertisement(adStructures: bytes) else { continue }
            for (uuid, data) in one.serviceData.sorted(by: { $0.key.full < $1.key.full }) {
                add(Frame(source: .serviceData(uuid), bytes: data))
            }
            for (company, data) in one.manufacturerData.sorted(by: { $0.key < $1.key }) {
                add(Frame(source: .manufacturerData(company), bytes: data))
            }
        }
    }

    /// The text that a characteristic of the device information holds.
    func text(_ uuid: BluetoothUUID) -> String? {
        guard let bytes = values[uuid]?.prefix(while: { $0 != 0 }), !bytes.isEmpty else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Advertisement {
    /// The same as raw AD structures; what does not fit into one structure is left out.
    var adStructures: [UInt8] {
        var bytes: [UInt8] = []
        func add(_ type: UInt8, _ data: [UInt8]) {
            guard !data.isEmpty, data.count < 255 else { return }
            bytes += [UInt8(data.count + 1), type] + data
        }
        add(0x03, serviceUUIDs.filter { $0.short != nil }.flatMap(\.airBytes))
        add(0x07, serviceUUIDs.filter { $0.short == nil }.flatMap(\.airBytes))
        for (uuid, data) in serviceData.sorted(by: { $0.key.full < $1.key.full }) {
            add(uuid.short == nil ? 0x21 : 0x16, uuid.airBytes + data)
        }
        for (company, data) in manufacturerData.sorted(by: { $0.key < $1.key }) {
            add(0xFF, [UInt8(company & 0xFF), UInt8(company >> 8)] + data)
        }
        add(0x09, Array((name ?? "").utf8))
        return bytes
    }
}

extension BluetoothUUID {
    /// Least significant byte first, in two bytes where an assigned number allows it.
    fileprivate var airBytes: [UInt8] {
        if let short { return [UInt8(short & 0xFF), UInt8(short >> 8 & 0xFF)] }
        return (hexBytes(full.filter { $0 != "-" }) ?? []).reversed()
    }
}
