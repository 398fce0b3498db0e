import Measurement
import PersonalHealth

/// APDUs of IEEE 11073-20601, one or several: what an agent and a manager said, and its measurements.
///
/// A report can be read only together with the agent's configuration, and a part of its store with
/// the list of its segments. Both are APDUs themselves: they stand before the report, in the same
/// bytes or in those of the request. Where there is a measurement, only measurements are readings.
enum PersonalHealthFrames {
    static func readings(
        _ bytes: [UInt8], _ context: FrameContext
    ) throws(DecodeError) -> [Reading] {
        var talk = Talk()
        do throws(APDUError) {
            // A frame may stand for itself, without anything that was said before.
            let before = context.request.isEmpty ? [] : try apdus(context.request)
            for apdu in before { _ = try talk.take(apdu) }
            var readings: [Reading] = []
            var offset = 0
            for apdu in try apdus(bytes) {
                do throws(APDUError) {
                    readings += try talk.take(apdu)
                } catch {
                    throw APDUError(error.reason, offset: offset + error.offset)
                }
                offset += apdu.count
            }
            let measured = readings.filter { $0.kind != nil }
            return measured.isEmpty ? readings : measured
        } catch {
            throw DecodeError(error.reason, offset: error.offset)
        }
    }

    private static func apdus(_ bytes: [UInt8]) throws(APDUError) -> [[UInt8]] {
        var framer = APDUFramer()
        let cut = framer.take(bytes)
        // What is whole is read first: its own place is nearer to what is wrong.
        if let error = cut.error, cut.apdus.isEmpty { throw error }
        guard !framer.isInside, !bytes.isEmpty else {
            throw APDUError("the bytes end inside an APDU", offset: bytes.count)
        }
        return cut.apdus + (cut.error == nil ? [] : [Array(bytes.suffix(cut.dropped))])
    }

    /// What was said so far of the agent.
    private struct Talk {
        var configuration: Configuration?
        var segments: [SegmentInformation] = []
        var builder = SampleBuilder()

        mutating func take(_ bytes: [UInt8]) throws(APDUError) -> [Reading] {
            switch try APDU(bytes) {
            case .associationRequest(let request): return [associate(request)]
            case .associationResponse(let response): return [Self.state(response)]
            case .releaseRequest:
                return [
                    .state(["next-state": "unassociated", "must-reply": "e50000020000"])
                ]
            case .releaseResponse: return [.state(["next-state": "unassociated"])]
            case .abort(let reason):
                let text = AbortReason(rawValue: reason)?.text ?? "reason \(reason)"
                return [.state(["next-state": "unassociated", "abort": text])]
            case .data(let message): return try take(message)
            }
        }

        private mutating func associate(_ request: AssociationRequest) -> Reading {
            guard let agent = request.agent else {
                return .state(["assoc-version": hexDigits(request.version, 8)])
            }
            configuration = StandardConfigurations.find(agent.configuration)
            builder = SampleBuilder(
                makerID: Array(agent.systemID.prefix(3)), isTest: agent.isTest)
            return .state([
                "assoc-version": hexDigits(request.version, 8),
                "data-proto": String(AssociationRequest.dataProtocol),
                "protocol-version": hexDigits(agent.protocolVersion, 8),
                "encoding": hexDigits(UInt32(agent.encoding), 4),
                "nomenclature": hexDigits(agent.nomenclature, 8),
                "functional-units": hexDigits(agent.functionalUnits, 8),
                "system-type": hexDigits(agent.systemType, 8),
                "system-id": hexadecimalText(agent.systemID),
                "config-id": hexDigits(UInt32(agent.configuration), 4),
                "mode-flags": hexDigits(UInt32(agent.dataRequestMode), 4),
            ])
        }

        private static func state(_ response: AssociationResponse) -> Reading {
            let known = AssociationResult(rawValue: response.result)
            var reading = Reading.state([
                "result": hexDigits(UInt32(response.result), 4)
                    + (known.map { " " + $0.text } ?? ""),
                "data-proto": String(response.dataProtocol),
            ])
            if let manager = response.manager {
                let isManager = manager.systemType == 0x8000_0000
                reading.add([
                    "encoding": hexDigits(UInt32(manager.encoding), 4),
                    "system-type": hexDigits(manager.systemType, 8) + (isManager ? " manager" : ""),
                    "system-id": hexadecimalText(manager.systemID),
                ])
            }
            return reading
        }

        // MARK: data

        private mutating func take(_ message: DataMessage) throws(APDUError) -> [Reading] {
            switch message.body {
            case .eventReport(let event, let isConfirmed):
                let found = try take(event)
                guard var first = found.first else { return [] }
                first.add([
                    "invoke-id": hexDigits(UInt32(message.invokeID), 4),
                    "confirmed": String(isConfirmed),
                    "event": hexDigits(UInt32(event.type), 4),
                    "event-time": hexDigits(event.time, 8),
                ])
                return [first] + found.dropFirst()
            case .actionResult(_, let type, let information) where type == 0x0C0D:
                segments = try SegmentInformation.list(information)
                return [state(segments)]
            case .getResult(_, let attributes):
                return [Self.state(try MedicalSystem(attributes))]
            case .error(let code): return [.state(["error": String(code)])]
            case .reject(let problem): return [.state(["problem": String(problem)])]
            case .otherInvocation, .eventResult, .setResult, .actionResult:
                return [.state(["invoke-id": hexDigits(UInt32(message.invokeID), 4)])]
            }
        }

        private mutating func take(_ event: DataMessage.EventReport) throws(APDUError) -> [Reading]
        {
            if event.type == 0x0D1C {
                let told = try Configuration(parsing: event.information)
                configuration = told
                return [Self.state(told)]
            }
            guard let configuration else {
                throw APDUError("no configuration stands before this report", offset: 0)
            }
            if event.type == 0x0D21 { return try part(event, configuration) }
            guard let observations = try ScanReport.observations(event, configuration) else {
                return [.state([:])]
            }
            return builder.samples(observations).map { Reading($0) }
        }

        private func part(
            _ event: DataMessage.EventReport, _ configuration: Configuration
        ) throws(APDUError) -> [Reading] {
            let data = try SegmentData(parsing: event.information)
            guard let segment = segments.first(where: { $0.instance == data.instance }) else {
                throw APDUError("no list of segments stands before this part", offset: 0)
            }
            let entries = try data.observations(segment, configuration)
            let samples = entries.flatMap { builder.samples($0) }.map { Reading($0) }
            var head = samples.first ?? Reading(.deviceState)
            head.add([
                "segment-data-first-index": String(data.index),
                "segment-data-count": String(data.count),
                "segment-data-status": hexDigits(UInt32(data.status), 4),
            ])
            if data.count > 0 {
                head.add(["segment-data-entry-len": String(data.byteCount / Int(data.count))])
            }
            if let now = event.relativeTime {
                head.add(["segment-data-agent-relative-time-now-s": String(now)])
            }
            return [head] + samples.dropFirst()
        }

        // MARK: what the agent is

        private static func state(_ configuration: Configuration) -> Reading {
            var reading = Reading.state(["config-id": hexDigits(UInt32(configuration.id), 4)])
            for object in configuration.objects {
                let map = object.valueMap.reduce(into: "") { text, entry in
                    text += hexDigits(UInt32(entry.id), 4) + hexDigits(UInt32(entry.length), 4)
                }
                let head =
                    hexDigits(UInt32(object.valueMap.count), 4)
                    + hexDigits(UInt32(object.valueMap.count * 4), 4)
                let parts = [
                    String(object.classCode), object.type?.shown ?? "-",
                    object.unit.map { hexDigits(UInt32($0), 4) } ?? "-", head + map,
                ]
                reading.details.append(
                    Reading.Detail(
                        name: "object-\(object.handle)", value: parts.joined(separator: " ")))
            }
            for store in configuration.stores {
                reading.add(["pm-store-handle": String(store.handle)])
                if let capacity = store.storeCapacity {
                    reading.add(["store-capacity": String(capacity)])
                }
            }
            return reading
        }

        private func state(_ segments: [SegmentInformation]) -> Reading {
            var reading = Reading.state(["segments": String(segments.count)])
            guard let first = segments.first else { return reading }
            reading.add(["segment-instance": String(first.instance)])
            if let label = first.label { reading.add(["segment-label": label]) }
            if let count = first.count { reading.add(["segment-usage-count": String(count)]) }
            if let time = first.transferMilliseconds {
                reading.add(["transfer-timeout-ms-x8": String(time * 8)])
            }
            return reading
        }

        private static func state(_ system: MedicalSystem) -> Reading {
            var reading = Reading(.deviceState)
            let texts: [(String, String?)] = [
                ("manufacturer", system.manufacturer), ("model", system.model),
                ("serial", system.serial), ("firmware", system.firmware),
                ("battery-percent", system.batteryPercent.map { String($0) }),
            ]
            for (name, text) in texts {
                guard let text else { continue }
                reading.details.append(Reading.Detail(name: name, value: text))
            }
            reading.deviceTime = system.clock?.wall
            return reading
        }
    }
}

/// A lone number of MDER: SFLOAT in two bytes, FLOAT in four, big-endian.
enum MDERNumber {
    static func reading(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let value: MedicalFloat
        switch bytes.count {
        case 2: value = MedicalFloat(sfloat: UInt16(bytes[0]) << 8 | UInt16(bytes[1]))
        case 4: value = MedicalFloat(float: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        default:
            throw DecodeError("a number of MDER has 2 or 4 bytes", offset: bytes.count)
        }
        switch value {
        case .number(let number): return .state(["value": number.text])
        case .notANumber: return .state(["special": "NaN"])
        case .notAtThisResolution: return .state(["special": "NRes"])
        case .positiveInfinity: return .state(["special": "+INFINITY"])
        case .negativeInfinity: return .state(["special": "-INFINITY"])
        case .reserved: return .state(["special": "reserved"])
        }
    }
}

extension Reading {
    /// A sample of an agent, in the words of all other devices.
    init(_ sample: Sample) {
        let outcome: ReadingOutcome =
            switch sample.outcome {
            case .measured: .measurement
            case .failed: .failedMeasurement
            case .ongoing: .notFinal
            case .controlSolution: .controlSolution
            case .state: .deviceState
            }
        self.init(outcome, kind: sample.kind)
        quantities = sample.quantities
        duration = sample.duration
        userSlot = sample.person
        isGuest = sample.isGuest
        flags = sample.flags
        mealCode = sample.mealCode
        keyBytes = sample.keyBytes
        details = sample.details.map { Detail(name: $0.name, value: $0.value) }
        guard let time = sample.time else { return }
        deviceTime = time.wall
        tick = time.tick.map { UInt64($0) }
        deviceTimeUnusable = time.wall == nil && time.tick == nil
        if case .baseOffset(let base?, let minutes) = time {
            baseTime = base
            timeOffsetMinutes = minutes
            clockState.utcOffsetMinutes = minutes
        }
        if let tick { details.append(Detail(name: "relative-time", value: "\(tick)")) }
    }
}

private func hexadecimalText(_ bytes: [UInt8]) -> String {
    bytes.map { hexDigits(UInt32($0), 2) }.joined()
}
