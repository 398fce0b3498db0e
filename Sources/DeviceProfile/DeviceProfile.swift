import Crypto
package import Measurement

/// What a person does at the device to have it paired, as one reads it beside the device.
package struct PairingHint: Sendable, Equatable {
    package var english: String
    package var japanese: String?
}

/// Everything the gateway knows about one model family, read from one file.
package struct DeviceProfile: Sendable {
    package enum DeviceClass: String, Sendable, CaseIterable {
        case bloodPressure = "blood-pressure"
        case scale
        case glucose
        case activity
        case thermometer
        case oximeter
        case heartRate = "heart-rate"
        case stationInput = "station-input"
        /// A generic profile answers for devices of several classes.
        case any
    }
    package enum Confidence: String, Sendable, CaseIterable {
        /// Checked against captures of a real device.
        case verified
        /// Follows from documents or from devices of the same family.
        case inferred
        case unverified
    }
    package enum ProfileTransport: String, Sendable, CaseIterable {
        case bluetoothGATT = "ble-gatt"
        case bluetoothAdvertisement = "ble-advertisement"
        case usbHID = "usb-hid"
        /// A serial line inside a HID device (CP2110): set up by feature reports.
        case usbHIDUART = "usb-hid-uart"
        case usbBulk = "usb-bulk"
        case usbCDC = "usb-cdc"
        case usbMassStorage = "usb-mass-storage"
        case usbPHDC = "usb-phdc"
        case serial

        package var isCable: Bool { self != .bluetoothGATT && self != .bluetoothAdvertisement }
    }
    package struct Model: Sendable {
        package var name: String
        package var aliases: [String]
    }

    package var id: String
    package var revision: Int
    package var title: String
    package var deviceClass: DeviceClass
    package var isMedicalDevice: Bool
    package var confidence: Confidence
    package var confidenceNote: String?
    /// 機器メーカーコード where the device reports no maker.
    package var manufacturerCode: String
    package var models: [Model]
    package var transport: ProfileTransport
    /// Answers for a whole class of devices and therefore comes last.
    package var isGeneric: Bool
    package var match: [MatchRule]
    package var session: SessionPlan?
    /// How the device is spoken to on a cable.
    package var wire: WirePlan?
    /// Why the gateway does not connect to this model, though it can read its frames.
    package var decodeOnly: String?
    package var layouts: [FrameLayout]
    package var time: TimeRules
    package var codes: CodeRules
    package var plausible: [QuantityName: PlausibleRange]
    package var collect: CollectRule?
    package var tapes: [ProfileTape]
    package var examples: [MatchExample]
    package var vectors: [ProfileVector]
    /// How a person brings the device into its pairing mode.
    package var pairing: PairingHint?
    /// What an owner should know: how to pair, traps.
    package var notes: [String]
    /// The file it was read from.
    package var file: String
    /// Where its id stands in that file.
    package var idLine = 1
    package var idColumn = 1

    /// Records of this device can carry 時刻補正コード 1: its clock is compared and corrected, or it
    /// has none.
    package var correctsTime: Bool {
        if time.clock == .none || time.unreadableClock == .quarantine { return true }
        return session?.steps.contains { if case .readClock = $0 { true } else { false } } ?? false
    }

    /// The name of a model under which the file lists it; an alias will do, and case does not matter.
    package func modelName(_ name: String) -> String? {
        let wanted = name.lowercased()
        return models.first { model in
            ([model.name] + model.aliases).contains { $0.lowercased() == wanted }
        }?.name
    }

    /// The layout for frames of this source; a model has at most one.
    package func layout(for source: FrameSource) -> FrameLayout? {
        layouts.first { $0.source == source }
    }
}

/// Where a frame came from: `gatt:2a35`, `service-data:181b`, `manufacturer-data:0157`, `usb` ….
package enum FrameSource: Sendable, Hashable, CustomStringConvertible {
    case gatt(BluetoothUUID)
    case serviceData(BluetoothUUID)
    case manufacturerData(UInt16)
    /// Every company id that ends in this byte: the maker counts in the other one.
    case manufacturerDataFamily(UInt8)
    case advertisement
    case usb
    case serial
    case eeprom
    /// A number alone, as somebody reads it out of a capture.
    case number
    /// A time stamp alone.
    case stamp
    /// Bytes whose checksum is asked for, as the model computes it.
    case checksum

    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", maxSplits: 1)
        switch (parts.first.map { String($0) }, parts.count > 1 ? String(parts[1]) : nil) {
        case ("gatt", let uuid?):
            guard let uuid = BluetoothUUID(uuid) else { return nil }
            self = .gatt(uuid)
        case ("service-data", let uuid?):
            guard let uuid = BluetoothUUID(uuid) else { return nil }
            self = .serviceData(uuid)
        case ("manufacturer-data", let id?):
            let digits = id.lowercased().hasPrefix("0x") ? String(id.dropFirst(2)) : id
            if digits.utf8.count == 4, digits.hasPrefix("xx"),
                let low = UInt8(digits.dropFirst(2), radix: 16)
            {
                self = .manufacturerDataFamily(low)
                return
            }
            guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit),
                let company = UInt16(digits, radix: 16)
            else { return nil }
            self = .manufacturerData(company)
        case ("advertisement", nil): self = .advertisement
        case ("usb", nil): self = .usb
        case ("serial", nil): self = .serial
        case ("eeprom", nil): self = .eeprom
        case ("number", nil): self = .number
        case ("stamp", nil): self = .stamp
        case ("checksum", nil): self = .checksum
        default: return nil
        }
    }

    package var description: String {
        switch self {
        case .gatt(let uuid): return "gatt:\(uuid)"
        case .serviceData(let uuid): return "service-data:\(uuid)"
        case .manufacturerData(let company):
            let digits = String(company, radix: 16)
            return "manufacturer-data:"
                + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        case .manufacturerDataFamily(let low):
            return "manufacturer-data:xx" + hexadecimal([low])
        case .advertisement: return "advertisement"
        case .usb: return "usb"
        case .serial: return "serial"
        case .eeprom: return "eeprom"
        case .number: return "number"
        case .stamp: return "stamp"
        case .checksum: return "checksum"
        }
    }
}

/// What the device must look like for a profile to be a candidate: every condition must hold.
package struct MatchRule: Sendable {
    package var namePrefixes: [String] = []
    package var nameExact: [String] = []
    package var services: [BluetoothUUID] = []
    package var serviceData: [BluetoothUUID] = []
    package var serviceDataLength: Int?
    /// Bytes that the service data has at an offset.
    package var serviceDataBytes: FieldLayout.Constant?
    package var companies: [UInt16] = []
    /// Company ids that end in this byte, whatever the other one is.
    package var companyLowByte: UInt8?
    package var companyDataLength: Int?
    /// Bytes that the manufacturer data after the company id has at an offset.
    package var companyDataBytes: FieldLayout.Constant?
    /// The manufacturer data after the company id begins so.
    package var companyDataPrefix: [UInt8] = []
    package var addressPrefixes: [String] = []
    /// What a device on a cable shows.
    package var cable: CableRule?
    package init() {}
}

/// An advertisement that the profile's author saw, for the registry check.
package struct MatchExample: Sendable {
    package var advertisement: [UInt8]
    package var note: String?
}

/// What a session with a connectable device does, in order.
package struct SessionPlan: Sendable {
    package enum BondLifetime: String, Sendable, CaseIterable {
        case keep
        case perSession = "per-session"
        case none
    }
    package enum ClockZone: String, Sendable, CaseIterable {
        case local
        case utc
    }
    package enum Step: Sendable, Equatable {
        /// Device Information and battery, whatever of it the device has.
        case readInformation
        case readClock(BluetoothUUID)
        case setClock(BluetoothUUID, ClockSetting)
        case subscribe([BluetoothUUID])
        case recordAccess(RecordAccessPlan)
        case write(BluetoothUUID, [UInt8])
        /// Bytes that are put together at the moment of writing.
        case compose(BluetoothUUID, [WritePart])
        case expect(ExpectPlan)
        case answer(AnswerRule)
        case procedure(ProcedurePlan)
        case wait(Interval)
        /// The gateway ends the link: of a stream one value is enough.
        case leave
    }
    package var bond: BondMethod = .none
    package var bondLifetime: BondLifetime = .keep
    package var connectTimeout = Interval.seconds(20)
    package var servicesTimeout = Interval.seconds(15)
    /// A pause between service discovery and the first step.
    package var settle = Interval.zero
    package var steps: [Step] = []
    /// Without a word from the device for so long the gateway ends the session.
    package var quiet = Interval.seconds(20)
    /// How long after a measurement the device can be reached; short windows are served first.
    package var advertisingWindow: Interval?
    package init() {}
}

/// How stored records are asked for by the Record Access Control Point.
package struct RecordAccessPlan: Sendable, Equatable {
    package var controlPoint = BluetoothUUID.recordAccessControlPoint
    package var timeout = Interval.seconds(30)
    package init() {}
}

/// How a device is bonded.
package enum BondMethod: String, Sendable, CaseIterable {
    case none
    case justWorks = "just-works"
    /// The device shows a passkey, or carries it on a label: the gateway enters it.
    case passkeyEntry = "passkey-entry"
}

/// What a profile says about the device's clock and its readings.
package struct TimeRules: Sendable, Equatable {
    package enum Clock: String, Sendable, CaseIterable {
        case none
        case local
        case utc
    }
    package enum Readings: String, Sendable, CaseIterable {
        /// Sent once, at the moment of measuring.
        case live
        /// Always out of the device's memory.
        case stored
        /// Either; the frame does not tell.
        case mixed
    }
    package enum UnreadableClock: String, Sendable, CaseIterable {
        case quarantine
        /// Take the device's time as it is: the person sets the clock on the device.
        case unchanged
    }
    /// What happens with a time of which the device itself says that its clock was faulty (T5).
    package enum FaultyClock: String, Sendable, CaseIterable {
        case quarantine
        /// Take the time as it is; the record says that it is in doubt.
        case unchanged
    }
    /// What the time of a value means that a person typed into the device (T18).
    package enum TypedTime: String, Sendable, CaseIterable {
        case asTyped = "as-typed"
        /// The device stamped it with its clock.
        case deviceClock = "device-clock"
    }
    package var clock = Clock.none
    package var faultyClock = FaultyClock.quarantine
    package var typedTime = TypedTime.asTyped
    /// The length of a step of the device's counter, and how many bits it has.
    package var tickLength = Interval.seconds(1)
    package var tickBits = 32
    package var resolution = TimeResolution.second
    package var readings = Readings.mixed
    package var unreadableClock = UnreadableClock.quarantine
    package var tolerance = Interval.seconds(2)
    package var maximumAge = Interval.seconds(730 * 86_400)
    package init() {}
}

/// What a profile says about the codes of a record.
package struct CodeRules: Sendable, Equatable {
    package var measurementPosition: String?
    /// Flags of a reading that say: a person typed the value, or changed it, on the device.
    package var typedFlags = ["manual-entry"]
    package var editedFlags = ["edited"]
    /// Models that give the same record over two links have one key for both.
    package var sameRecord: SameRecord?
    package init() {}
}

/// What makes one key of a record that a meter gives over Bluetooth and over a cable.
package struct SameRecord: Sendable, Equatable {
    /// A name that the profiles of both links share.
    package var family: String
    /// The finest step that both links give the time in.
    package var resolution: TimeResolution

    package init(family: String, resolution: TimeResolution) {
        self.family = family
        self.resolution = resolution
    }
}

/// The range that a value of this model can have; outside it a reading waits for a person.
package struct PlausibleRange: Sendable, Equatable {
    package var unit: MeasurementUnit
    package var minimum: ExactDecimal
    package var maximum: ExactDecimal
}

/// Broadcast readings grow: how long to wait for the fuller frame of the same weighing.
package struct CollectRule: Sendable, Equatable {
    package var quantity: QuantityName
    package var atMost: Interval
}
