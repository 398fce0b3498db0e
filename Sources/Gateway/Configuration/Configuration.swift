package import Measurement
package import Register
package import Uplink
package import YAML

/// What the operator decided, from `hakaru.yaml`.
///
/// A value of this type is complete and consistent: a file with any problem gives none.
package struct Configuration: Sendable, Equatable {
    package var gateway: Gateway
    package var bluetooth = Bluetooth()
    package var usb = USB()
    package var tape = Tape()
    package var destinations: [Destination] = []
    package var participants: [Participant] = []
    package var participantCodes = ParticipantCodes()
    package var stations: [Station] = []
    package var retention = Retention()
    package var storage = Storage()
    package var status = Status()

    /// Who this gateway is and where it stands.
    package struct Gateway: Sendable, Equatable {
        package var id: String
        /// コンソーシアムID, needed by the exchange formats.
        package var consortiumID: String?
        package var timeZone: TimeZoneRules
        package var setting: Setting = .home
        /// 検査機関ID, needed where the setting is a health check.
        package var testLabID: String?
    }

    /// Under whose eyes people measure.
    package enum Setting: String, Sendable, CaseIterable { case home, pharmacy, checkup }

    package struct Bluetooth: Sendable, Equatable {
        package var enabled = true
        /// Names such as `hci0`; nil for every adapter of the machine.
        package var adapters: [String]?
    }

    package struct USB: Sendable, Equatable {
        package var enabled = true
    }

    /// The link that plays recorded sessions.
    package struct Tape: Sendable, Equatable {
        package var enabled = false
        package var directory = "/var/lib/hakaru/tapes"
    }

    package struct Retention: Sendable, Equatable {
        /// How long a record stays after its delivery.
        package var delivered: Duration = .days(90)
        package var rawFrames: Duration = .days(30)
    }

    package struct Storage: Sendable, Equatable {
        package var maximumBytes = 512_000_000
        /// What stays free for what is under way, deliveries and decisions; nil: a twentieth.
        package var reserve: Int?
        package var reserveBytes: Int {
            reserve ?? min(32_000_000, max(1_000_000, maximumBytes / 20))
        }
        /// Nil: values are stored as they are.
        package var encryption: Encryption?
    }

    /// Under which key values are sealed on the disk.
    package struct Encryption: Sendable, Equatable {
        package var key: Key
        /// False: what is sealed stays readable, what is new is stored as it is.
        package var seals = true

        package enum Key: Sendable, Equatable {
            case file(ConfiguredFile)
            /// The name under which systemd hands it over.
            case credential(String)
        }
    }

    /// Who may read the socket and who may change things through it.
    package struct Status: Sendable, Equatable {
        /// The socket's group; nil leaves the group that the runtime directory gives.
        package var group: String?
        /// Members may change things; nil leaves that to root.
        package var adminGroup: String?
    }
}

extension Configuration {
    /// A receiver of documents.
    package struct Destination: Sendable, Equatable {
        package var name: String
        package var format: Format
        /// Where documents are posted; nil where they become files.
        package var url: DestinationURL?
        /// The directory that takes documents as files, where there is no address.
        package var directory: String?
        package var bearerTokenFile: ConfiguredFile?
        package var tls = TLS()
        /// What goes beyond the format's own kinds, such as `blood-glucose`.
        package var extensions: [String] = []
        /// Whether records from tapes are sent here.
        package var acceptSimulated = false
        package var maximumRecords = 100
        package var retry = Retry()
        package var compression = Uplink.Destination.Compression.automatic
        /// `http://HOST:PORT`; nil leaves that to the environment.
        package var proxy: String?
        package var requestsPerSecond = 20
        /// The day from which it takes what was stored before it was added; nil: nothing of that.
        package var historyFrom: LocalDateTime?
    }

    /// How documents look: a shipped format or a file of the operator's own.
    package enum Format: Sendable, Equatable {
        case shipped(String)
        case file(ConfiguredFile)

        package static let shippedNames = ["meti-1.0", "meti-1.0-tis"]
        /// What the shipped formats have beyond their standard, switched on by name.
        package static let shippedExtensions = ["blood-glucose"]
    }

    package struct TLS: Sendable, Equatable {
        /// The authorities that may sign the receiver; nil for those of the system.
        package var caFile: ConfiguredFile?
        package var clientCertificateFile: ConfiguredFile?
        package var clientKeyFile: ConfiguredFile?
    }

    /// The steps between tries; each wait is drawn between zero and the current step.
    package struct Retry: Sendable, Equatable {
        package var initial: Duration = .seconds(1)
        package var maximum: Duration = .seconds(900)
    }

    /// A person, known by a code only.
    package struct Participant: Sendable, Equatable {
        package var id: ParticipantCode
        package var devices: [OwnedDevice] = []
        package var consent: [Consent] = []
    }

    /// A device, or one user slot of it, whose values belong to one person.
    package struct OwnedDevice: Sendable, Equatable {
        package var model: String?
        /// In upper case with colons: `A4:C1:38:00:00:01`.
        package var address: String?
        package var serial: String?
        /// The device's user slot; nil when the whole device belongs to the person.
        package var slot: Int?
        /// 活動量計装着箇所コード.
        package var wearingPosition: String?
        package var passkey: Passkey?
        /// The owner's own key of the device.
        package var key: OwnerKey?
        /// The code with which the user of `slot` lets the gateway read.
        package var consentCode: OwnerKey?
        /// The number in the ledger, for a device that reports no serial.
        package var assetNumber: String?
    }

    /// How participant codes are made.
    package struct ParticipantCodes: Sendable, Equatable {
        package var checkDigit = CheckDigit.none
    }

    /// Whose hands measured.
    package enum MeasuredBy: String, Sendable, CaseIterable {
        case person = "self"
        case staff
        case professional = "medical-professional"
    }

    /// A named set of devices at which people measure one after the other.
    package struct Station: Sendable, Equatable {
        package var name: String
        /// Addresses or serial numbers.
        package var devices: [String] = []
        package var expected: [MeasurementKind] = []
        package var session: Duration = .seconds(300)
        /// Where it stands, when elsewhere than the gateway.
        package var setting: Setting?
        package var testLabID: String?
        package var measuredBy = MeasuredBy.person
        /// What people identify themselves with.
        package var readers: [ReaderSettings] = []
    }

    /// A person's leave to send kinds of measurement to a destination.
    package struct Consent: Sendable, Equatable {
        package var destination: String
        package var kinds: Set<MeasurementKind>
    }
}

/// The six digits that pair a device; never printed.
package struct Passkey: Sendable, Equatable, CustomStringConvertible,
    CustomDebugStringConvertible
{
    package var value: UInt32
    package init(value: UInt32) { self.value = value }
    package var description: String { "(passkey)" }
    package var debugDescription: String { description }
}

/// A secret of a device's owner, as bytes; never printed.
package struct OwnerKey: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible
{
    package var bytes: [UInt8]
    package init(bytes: [UInt8]) { self.bytes = bytes }
    package var description: String { "(key)" }
    package var debugDescription: String { description }
}

/// A file that the configuration names, with the place where it does.
package struct ConfiguredFile: Sendable, Equatable {
    package var path: String
    /// Where the configuration names it, for a problem about the file itself.
    package var place: Problem

    /// Two references to one file are equal wherever they stand.
    package static func == (one: ConfiguredFile, other: ConfiguredFile) -> Bool {
        one.path == other.path
    }
}
