import DataFiles
import DeviceProfile
import JSON
import Measurement
import Testing

/// The schema that editors use, as far as these tests need it.
private struct Schema {
    let root: JSONValue

    init() throws {
        root = try JSONValue.parse(
            try FileReader.read(Shipped.directory + "/profile.schema.json"))
    }

    /// The node itself, or what its `$ref` names.
    func resolved(_ node: JSONValue?) -> JSONValue? {
        guard let name = node?["$ref"]?.string else { return node }
        return root["$defs"]?[String(name.dropFirst("#/$defs/".count))]
    }

    /// The nodes at a dotted path such as `layouts[0].fields.bits.stable`, alternatives included.
    func nodes(at path: String) -> [JSONValue] {
        var nodes = [root]
        for part in path.split(separator: ".") {
            let name = String(part.prefix { $0 != "[" })
            nodes = nodes.flatMap { alternatives($0) }.compactMap { node in
                resolved(node["properties"]?[name] ?? node["additionalProperties"])
            }.filter { $0.members != nil }
            if part.hasSuffix("]") {
                nodes = nodes.flatMap { alternatives($0) }.compactMap { resolved($0["items"]) }
            }
        }
        return nodes.flatMap { alternatives($0) }
    }

    private func alternatives(_ node: JSONValue) -> [JSONValue] {
        let others = node["anyOf"]?.array ?? []
        return others.isEmpty
            ? [node] : others.compactMap { resolved($0) }.flatMap { alternatives($0) }
    }

    /// The keys of the mapping at a path.
    func keys(at path: String) -> Set<String> {
        Set(nodes(at: path).flatMap { ($0["properties"]?.members ?? []).map(\.name) })
    }

    /// The words accepted at a path.
    func words(at path: String) -> Set<String> {
        Set(nodes(at: path).flatMap { ($0["enum"]?.array ?? []).compactMap(\.string) })
    }
}

@Suite("The schema for editors") struct SchemaTests {
    /// A profile that has every mapping of the format once, each with a key that nobody knows.
    private static let everything = """
        profile: 1
        id: everything
        revision: 1
        title: Everything
        class: scale
        transport: ble-gatt
        confidence: verified
        manufacturer-code: Example
        unknown: 0
        models: [ { name: A, unknown: 0 } ]
        match:
          - name: A
            unknown: 0
            company: 1
            company-data-bytes: { at: 0, bytes: "01", unknown: 0 }
        session:
          bond: none
          unknown: 0
          steps:
            - { wait: 1s, unknown: 0 }
            - set-clock: { characteristic: 2a08, time: local, unknown: 0 }
            - record-access: { unknown: 0 }
            - write: { characteristic: fff1, bytes: "01", unknown: 0 }
            - write:
                characteristic: fff1
                parts:
                  - { time: [month], unknown: 0 }
                  - { seconds: 2000, unknown: 0 }
                  - { checksum: xor, unknown: 0 }
            - expect: { characteristic: fff1, unknown: 0 }
            - answer:
                characteristic: fff1
                begins: "01"
                write: fff1
                unknown: 0
                parts: [ { frame: 1, length: 2, unknown: 0 } ]
            - procedure: omron-memory
              with:
                unlock: none
                unknown: 0
                memories:
                  - record-size: 14
                    unknown: 0
                    users: [ { address: 0, records: 1, unknown: 0 } ]
                    clock: { address: 0, length: 16, time-at: 8, unknown: 0 }
            - { procedure: user-consent, with: { unknown: 0 } }
            - { procedure: taidoc-records, with: { characteristic: fff1, unknown: 0 } }
            - { procedure: verio-records, with: { write: fff1, notify: fff2, unknown: 0 } }
        layouts:
          - source: usb
            unknown: 0
            quirks: { unknown: 0 }
            assembly:
              begins: "01"
              unknown: 0
              numbered: { part-at: 1, count-at: 2, payload-from: 3, unknown: 0 }
            fields:
              kind: weight
              unknown: 0
              length: { minimum: 40, maximum: 41, unknown: 0 }
              constants: [ { at: 0, bytes: "01", unknown: 0 } ]
              checksums:
                - { method: xor, unknown: 0 }
                - { method: crc, width: 16, polynomial: 1, unknown: 0 }
              unmask: { from: 1, to: 2, key: "a0", unknown: 0 }
              encryption:
                method: aes-128-ccm
                from: 2
                trailing: 4
                tag: { at: -4, length: 4, unknown: 0 }
                nonce: [ address, { at: 0, length: 2, unknown: 0 } ]
                unknown: 0
              records: { from: 0, size: 20, unknown: 0 }
              empty: { bytes: ff, unknown: 0 }
              bits: { stable: { byte: 0, bit: 0, unknown: 0 } }
              numbers:
                stage: { at: 1, unknown: 0 }
                packed: { bit: 3, width: 2, unknown: 0 }
              time: { format: epoch, epoch-year: 2000, at: 2, unknown: 0 }
              user-slot: { at: 1, unknown: 0 }
              sequence-number: { at: 1, unknown: 0 }
              remember: stage
              values:
                - name: weight
                  at: 0
                  type: u8
                  unknown: 0
                  absent: [ { from: 1, unknown: 0 } ]
                  too-high: [ { from: 1, unknown: 0 } ]
                  units: [ { unit: kg, unknown: 0 } ]
                - { name: height, bit: 0, width: 7, units: [ { unit: m } ], unknown: 0 }
              sequence:
                unknown: 0
                fields:
                  - { skip: 1, unknown: 0 }
                  - { value: { name: impedance, type: u8, units: [ { unit: Ohm } ], unknown: 0 } }
                  - { user-slot: { type: u8, unknown: 0 } }
              outcomes: [ { when: stable, outcome: not-final, unknown: 0 } ]
              flags: [ { when: stable, flag: x, unknown: 0 } ]
          - source: serial
            unknown: 0
            checksums: [ { method: xor, unknown: 0 } ]
            assembly: { begins: "01", counted: { length-at: 1, unknown: 0 } }
            variants:
              - length: 9
                kind: weight
                unknown: 0
                time: { format: parts, unknown: 0, year: { at: 0, unknown: 0 }, month: { at: 1 }, day: { at: 2 } }
                join: { by: time, within: 1s, unknown: 0 }
                values: [ { name: weight, at: 3, type: u8, units: [ { unit: kg } ] } ]
        time: { clock: none, readings: live, unknown: 0 }
        codes: { unknown: 0 }
        plausible: { weight: { unit: kg, minimum: 1, maximum: 2, unknown: 0 } }
        collect: { until: impedance, at-most: 5s, unknown: 0 }
        tapes: [ { file: a.tape, unknown: 0 } ]
        examples: [ { advertisement: "020106", unknown: 0 } ]
        pairing: { hint: hold the button, unknown: 0 }
        vectors: [ { source: usb, hex: "01020304", outcome: measurement, unknown: 0 } ]
        """

    /// What the loader knows at the place of one of its complaints about an unknown key.
    private struct Known {
        var path: String
        var keys: Set<String>

        init(_ line: String) throws {
            let parts = line.split(separator: ": ", maxSplits: 2).map(String.init)
            try #require(parts.count == 3 && parts[1].hasSuffix("unknown"), "\(line)")
            let shortened = parts[1].dropLast("unknown".count)
            path = String(shortened.hasSuffix(".") ? shortened.dropLast() : shortened)
            let accepted = try #require(line.split(separator: "; accepted: ").last)
            keys = Set(accepted.split(separator: ", ").map(String.init))
        }
    }

    @Test("The schema and the loader know the same keys, everywhere in a file")
    func keys() throws {
        let schema = try Schema()
        let lines = ProfileText.problems(Self.everything).lines
        #expect(lines.allSatisfy { $0.contains("is not a known key") }, "\(lines)")
        #expect(lines.count == Self.everything.split(separator: "unknown: 0").count - 1)
        // A mapping may be read in several ways, each of which asks for a part of its keys.
        var read: [Set<String>: Set<String>] = [:]
        for line in lines {
            let known = try Known(line)
            let offered = schema.keys(at: known.path)
            #expect(
                known.keys.isSubset(of: offered),
                "\(known.path): \(known.keys.subtracting(offered))")
            read[offered, default: []].formUnion(known.keys)
        }
        for (offered, known) in read {
            #expect(offered == known, "only in the schema: \(offered.subtracting(known).sorted())")
        }
    }

    @Test("The schema and the loader accept the same words")
    func words() throws {
        let schema = try Schema()
        func check<T: CaseIterable & RawRepresentable>(_ path: String, _ type: T.Type)
        where T.RawValue == String {
            #expect(schema.words(at: path) == Set(T.allCases.map(\.rawValue)), "\(path)")
        }
        check("class", DeviceProfile.DeviceClass.self)
        check("transport", DeviceProfile.ProfileTransport.self)
        check("confidence", DeviceProfile.Confidence.self)
        check("session.bond", BondMethod.self)
        check("session.bond-lifetime", SessionPlan.BondLifetime.self)
        check("session.steps[0].set-clock.time", SessionPlan.ClockZone.self)
        check("session.steps[0].set-clock.form", ClockSetting.Form.self)
        check("session.steps[0].set-clock.on", ClockSetting.Occasion.self)
        check("session.steps[0].set-clock.adjust-reason", ClockSetting.Reason.self)
        check("time.faulty-clock", TimeRules.FaultyClock.self)
        check("time.typed-time", TimeRules.TypedTime.self)
        check("time.clock", TimeRules.Clock.self)
        check("time.readings", TimeRules.Readings.self)
        check("time.resolution", TimeResolution.self)
        check("time.unreadable-clock", TimeRules.UnreadableClock.self)
        check("collect.until", QuantityName.self)
        check("layouts[0].fields.kind", MeasurementKind.self)
        check("layouts[0].fields.values[0].name", QuantityName.self)
        check("layouts[0].fields.values[0].type", FieldNumber.NumberType.self)
        check("layouts[0].fields.values[0].units[0].unit", MeasurementUnit.self)
        check("layouts[0].fields.outcomes[0].outcome", ReadingOutcome.self)
        check("layouts[0].fields.values[0].order", FieldNumber.BitOrder.self)
        check("layouts[0].fields.outcome", ReadingOutcome.self)
        check("vectors[0].outcome", ReadingOutcome.self)
        check("vectors[0].kind", MeasurementKind.self)
        let methods = Set(FieldChecksum.methods.map(\.name))
        #expect(schema.words(at: "layouts[0].checksums[0].method") == methods.union(["crc"]))
        let formats = Set(FrameLayout.namedFormats.map(\.name))
        #expect(schema.words(at: "layouts[0].format") == formats)
    }

    @Test("What the schema requires is what the loader misses")
    func required() throws {
        let schema = try Schema()
        let required = Set((schema.root["required"]?.array ?? []).compactMap(\.string))
        let lines = ProfileText.problems("{}").lines
        let missed = Set(
            lines.filter { $0.contains("is missing") }
                .compactMap { $0.split(separator: ": ").dropFirst().first.map(String.init) })
        #expect(missed == required)
    }

    @Test("Every key of the schema is explained in docs/profiles.md or docs/profile-layouts.md")
    func documented() throws {
        let page = String(
            decoding: try FileReader.read(Shipped.root + "/docs/profiles.md")
                + FileReader.read(Shipped.root + "/docs/profile-layouts.md"), as: UTF8.self)
        func keys(_ value: JSONValue) -> Set<String> {
            var found = Set((value["properties"]?.members ?? []).map(\.name))
            for member in value.members ?? [] { found.formUnion(keys(member.value)) }
            for item in value.array ?? [] { found.formUnion(keys(item)) }
            return found
        }
        for key in keys(try Schema().root) {
            #expect(page.contains("`\(key)") || page.contains("\(key):"), "\(key)")
        }
    }

    @Test("No mapping of the schema lets an unknown key pass")
    func closed() throws {
        func open(_ value: JSONValue, _ path: String) -> [String] {
            var found: [String] = []
            if value["properties"] != nil, value["additionalProperties"] != .bool(false) {
                found.append(path)
            }
            for member in value.members ?? [] {
                found += open(member.value, path + "/" + member.name)
            }
            for (index, item) in (value.array ?? []).enumerated() {
                found += open(item, "\(path)/\(index)")
            }
            return found
        }
        #expect(open(try Schema().root, "") == [])
    }

    @Test("Every shipped profile names the schema, so that an editor finds it")
    func modeline() throws {
        for profile in Shipped.profiles {
            let text = String(decoding: try FileReader.read(profile.file), as: UTF8.self)
            #expect(text.hasPrefix("# yaml-language-server: $schema=profile.schema.json\n"))
        }
    }
}
