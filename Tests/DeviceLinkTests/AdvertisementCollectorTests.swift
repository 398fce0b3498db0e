import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// Broadcasts: one record for one measuring, however often and however fully it is repeated.
@Suite struct AdvertisementCollectorTests {
    static let serviceUUID = BluetoothUUID(0x181B)

    /// A scale that broadcasts a weight, then the weight with an impedance.
    static let scale = profile(
        """
        class: scale
        layouts:
          - source: service-data:181b
            fields:
              kind: body-composition
              length: 13
              bits:
                impedance-valid: { byte: 1, bit: 1 }
                stable: { byte: 1, bit: 5 }
                removed: { byte: 1, bit: 7 }
              time-at: 2
              values:
                - { name: weight, at: 11, type: u16le, units: [ { unit: kg, scale: 0.005 } ] }
                - name: impedance
                  at: 9
                  type: u16le
                  when: impedance-valid
                  absent: [0, { from: 3000 }]
                  units: [ { unit: Ohm } ]
              outcomes:
                - { when: removed, outcome: not-final }
                - { when: not stable, outcome: not-final }
              key-values: [weight]
        collect: { until: impedance, at-most: 15s }
        time: { clock: local, readings: live }
        """, id: "scale", transport: "ble-advertisement")

    /// A scale without a clock that broadcasts one frame.
    static let plain = profile(
        """
        class: scale
        layouts:
          - source: manufacturer-data:0157
            fields:
              kind: weight
              length: 2
              values:
                - { name: weight, at: 0, type: u16le, units: [ { unit: kg, scale: 0.01 } ] }
        time: { clock: none, readings: live }
        """, id: "plain", transport: "ble-advertisement")

    /// One frame: kilograms, an impedance or none, and what the scale says of the weighing.
    static func frame(
        _ kilograms: Int, _ impedance: Int? = nil, stable: Bool = true, removed: Bool = false,
        stamp: String = "2026-03-01T08:15:00"
    ) -> Advertisement {
        let raw = kilograms * 200
        let control =
            (impedance == nil ? 0 : 0x02) | (stable ? 0x20 : 0) | (removed ? 0x80 : 0)
        let ohm = impedance ?? 0
        var advertisement = Advertisement()
        advertisement.serviceData[serviceUUID] =
            [0x02, UInt8(control)] + dateTime(stamp)
            + [UInt8(ohm & 0xFF), UInt8(ohm >> 8), UInt8(raw & 0xFF), UInt8(raw >> 8)]
        return advertisement
    }

    /// A collector with the entries that it gave so far.
    struct Watch {
        var collector = AdvertisementCollector(zone: tokyo, simulated: false)
        var entries: [SessionEntry] = []
        var profile = scale
        let start = moment("2026-03-01T08:15:00")

        mutating func see(
            _ advertisement: Advertisement, at second: Int64, device: String = "ble:A"
        ) {
            tick(second)
            entries += collector.take(
                advertisement, of: DeviceDescription(id: DeviceID(device)),
                at: gateway(start + .seconds(second)), profile: profile)
        }

        mutating func tick(_ second: Int64) {
            entries += collector.due(at: start + .seconds(second))
        }

        /// `62 kg 500 Ohm`, or the outcome of what is no measurement.
        var shown: [String] {
            entries.map { entry in
                guard let record = entry.record else { return entry.reading.outcome.rawValue }
                return record.quantities.compactMap { quantity in
                    quantity.number.map {
                        "\($0.text.split(separator: ".")[0]) \(quantity.unit.rawValue)"
                    }
                }.joined(separator: " ")
            }
        }
    }

    @Test func `a weighing that is repeated for a minute is one record`() {
        var watch = Watch()
        for second in 0..<60 { watch.see(Self.frame(62, 500), at: Int64(second)) }
        watch.tick(120)
        #expect(watch.shown == ["62 kg 500 Ohm"])
        #expect(watch.entries.first?.record?.time?.observed == watch.start)
        #expect(watch.entries.first?.record?.time?.basis == .received)
    }

    @Test func `the fuller frame takes the place of the weight alone`() {
        var watch = Watch()
        for second in 0..<5 { watch.see(Self.frame(62), at: Int64(second)) }
        #expect(watch.entries.isEmpty)
        for second in 5..<10 { watch.see(Self.frame(62, 500), at: Int64(second)) }
        watch.tick(60)
        #expect(watch.shown == ["62 kg 500 Ohm"])
    }

    @Test func `a weighing with shoes on is stored when its impedance does not come`() {
        var watch = Watch()
        watch.see(Self.frame(62), at: 0)
        #expect(watch.collector.nextDeadline == watch.start + .seconds(15))
        watch.tick(14)
        #expect(watch.entries.isEmpty)
        watch.tick(15)
        #expect(watch.shown == ["62 kg"])
        #expect(watch.collector.nextDeadline == nil)
        #expect(watch.entries.first?.record?.time?.observed == watch.start)
    }

    @Test func `a fuller frame that comes too late is the same weighing, not a second one`() {
        var watch = Watch()
        watch.see(Self.frame(62), at: 0)
        watch.tick(15)
        watch.see(Self.frame(62, 500), at: 20)
        #expect(watch.shown == ["62 kg"])
        #expect(watch.collector.repeats == 1)
    }

    @Test func `who steps off early is stored at once, without the impedance`() {
        var watch = Watch()
        watch.see(Self.frame(62), at: 0)
        watch.see(Self.frame(62, removed: true), at: 3)
        #expect(watch.shown == ["62 kg", "not-final"])
    }

    @Test func `two persons one after the other are two records`() {
        var watch = Watch()
        watch.see(Self.frame(62), at: 0)
        watch.see(Self.frame(62, 500), at: 4)
        watch.see(Self.frame(80, stamp: "2026-03-01T08:15:30"), at: 30)
        watch.see(Self.frame(80, 450, stamp: "2026-03-01T08:15:30"), at: 34)
        #expect(watch.shown == ["62 kg 500 Ohm", "80 kg 450 Ohm"])
    }

    @Test func `the next person's frame ends the waiting for the last one's`() {
        var watch = Watch()
        watch.see(Self.frame(62), at: 0)
        watch.see(Self.frame(80, stamp: "2026-03-01T08:15:05"), at: 5)
        #expect(watch.shown == ["62 kg"])
        watch.tick(20)
        #expect(watch.shown == ["62 kg", "80 kg"])
        var direct = Watch()
        direct.see(Self.frame(62), at: 0)
        direct.see(Self.frame(80, 450, stamp: "2026-03-01T08:15:05"), at: 5)
        #expect(direct.shown == ["62 kg", "80 kg 450 Ohm"])
    }

    @Test func `the first person's frames that come again are no third record`() {
        var watch = Watch()
        watch.see(Self.frame(62, 500), at: 0)
        watch.see(Self.frame(80, 450, stamp: "2026-03-01T08:15:30"), at: 30)
        watch.see(Self.frame(62, 500), at: 31)
        watch.see(Self.frame(62), at: 32)
        watch.tick(60)
        #expect(watch.entries.count == 2)
        #expect(watch.collector.repeats == 2)
    }

    @Test func `the same weight a minute later is another weighing`() {
        var watch = Watch()
        watch.see(Self.frame(62, 500), at: 0)
        watch.see(Self.frame(62, 500, stamp: "2026-03-01T08:16:00"), at: 60)
        #expect(watch.entries.count == 2)
        #expect(Set(watch.entries.map(\.key)).count == 2)
    }

    @Test func `a foot that is still moving is no weight`() {
        var watch = Watch()
        for kilograms in [10, 30, 55, 61] {
            watch.see(Self.frame(kilograms, stable: false), at: 0)
        }
        watch.see(Self.frame(62, 500), at: 3)
        #expect(watch.shown.filter { $0 != "not-final" } == ["62 kg 500 Ohm"])
    }

    @Test func `a frame of another length is refused, and the waiting one is not lost`() {
        var watch = Watch()
        watch.see(Self.frame(62), at: 0)
        var broken = Advertisement()
        broken.serviceData[Self.serviceUUID] = [2, 0x20, 1]
        watch.see(broken, at: 1)
        #expect(watch.shown == ["62 kg", "rejected"])
    }

    @Test func `an advertisement without the scale's data is nothing`() {
        var watch = Watch()
        watch.see(Advertisement(), at: 0)
        #expect(watch.entries.isEmpty)
    }

    @Test func `the frame that a record was read from is kept with it`() {
        var watch = Watch()
        watch.see(Self.frame(62, 500), at: 0)
        let bytes = Self.frame(62, 500).serviceData[Self.serviceUUID]
        #expect(watch.entries.first?.frames.first?.bytes == bytes)
        #expect(watch.entries.first?.frames.first?.source == "service-data:181b")
    }

    @Test func `a scale whose clock was never set is dated by reception`() {
        var watch = Watch()
        watch.see(Self.frame(62, 500, stamp: "1970-01-01T00:02:03"), at: 7)
        #expect(watch.entries.first?.record?.time?.observed == watch.start + .seconds(7))
        #expect(watch.entries.first?.record?.time?.origin == .corrected)
    }

    @Test func `a reading without a stamp is told from its repetition by a window`() {
        var watch = Watch(profile: Self.plain)
        var advertisement = Advertisement()
        advertisement.manufacturerData[0x0157] = [0x70, 0x18]
        watch.see(advertisement, at: 0)
        watch.see(advertisement, at: 1)
        #expect(watch.shown == ["62 kg"])
        #expect(watch.entries.first?.duplicateWindow == .seconds(60))
        // Another frame in between does not make the first one new: the store's window does that.
        advertisement.manufacturerData[0x0157] = [0x71, 0x18]
        watch.see(advertisement, at: 2)
        #expect(watch.entries.count == 2)
    }

    // MARK: many devices

    @Test func `devices do not know each other's weighings`() {
        var watch = Watch()
        watch.see(Self.frame(62), at: 0, device: "ble:A")
        watch.see(Self.frame(62), at: 1, device: "ble:B")
        watch.see(Self.frame(62, 500), at: 2, device: "ble:B")
        #expect(watch.entries.map { $0.record?.device.id.stable } == ["ble:B"])
        watch.tick(15)
        #expect(watch.entries.map { $0.record?.device.id.stable } == ["ble:B", "ble:A"])
    }

    @Test func `a thousand devices in one room are bounded, and each one's weighing is stored`() {
        var watch = Watch()
        for number in 0..<1_000 {
            watch.see(Self.frame(62, 500), at: Int64(number), device: "ble:\(number)")
        }
        #expect(watch.entries.count == 1_000)
        #expect(watch.collector.deviceCount <= 289)
    }

    @Test func `a device that waits for its impedance is never forgotten for others`() {
        var watch = Watch()
        for number in 0..<1_000 {
            watch.see(Self.frame(62), at: 0, device: "ble:\(number)")
        }
        #expect(watch.entries.isEmpty)
        watch.tick(15)
        #expect(watch.entries.count == 1_000)
        for number in 0..<1_000 {
            watch.see(Self.frame(62, 500), at: 16, device: "ble:new \(number)")
        }
        #expect(watch.collector.deviceCount <= 289)
    }

    @Test func `more waiting devices than there can be are stored at once, not kept`() {
        var watch = Watch()
        for number in 0..<1_500 {
            watch.see(Self.frame(62), at: 0, device: "ble:\(number)")
        }
        #expect(watch.collector.deviceCount <= 1_025)
        watch.tick(15)
        #expect(watch.entries.count == 1_500)
    }
}
