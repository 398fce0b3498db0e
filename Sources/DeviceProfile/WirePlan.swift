package import Measurement

/// How a device on a cable is spoken to: line, framing, procedure.
package struct WirePlan: Sendable, Equatable {
    /// Protocols that need code; everything else about them is in the profile.
    package enum Procedure: String, Sendable, CaseIterable {
        /// The device sends by itself; nothing is asked.
        case listen
        case omronHHX = "omron-hhx"
        case omron0090 = "omron-0090"
        case ascensia
        case lifescanStorage = "lifescan-storage"
        /// LifeScan packets on a serial line whose link byte numbers and acknowledges them.
        case lifescanLink = "lifescan-link"
        /// LifeScan packets on a serial line, each answered by one.
        case lifescanLine = "lifescan-line"
        case abbott
        /// Abbott meters on a serial line: listings with a checksum.
        case abbottSerial = "abbott-serial"
        case glucomen
        case sdCodeFree = "sd-codefree"
        case careSens = "caresens"
        case microlife
        case beurer
        case jpi
        case taidoc
        /// TRUE METRIX meters: messages in brackets, over reports that count their bytes.
        case trueMetrix = "true-metrix"
        /// A device of the personal health standard: the gateway is its manager.
        case personalHealth = "ieee-11073-20601"
        /// Fixed commands, each with one answer.
        case commands
    }
    package enum Binding: String, Sendable, CaseIterable {
        /// The device says itself what it is.
        case automatic
        /// A bridge chip, which says nothing of the model behind it: a person binds the port.
        case `operator`
    }
    /// Bytes of the stream that belong together.
    package enum Framing: Sendable, Equatable {
        /// Each report or transfer is one message.
        case transfer
        /// Lines that end with CR, LF or both.
        case lines(maximum: Int)
        /// From `start` to `end`, with so many bytes after it (a checksum).
        case between(start: [UInt8], end: [UInt8], trailing: Int, maximum: Int)
        /// Messages of one length that begin with `start`.
        case fixed(start: [UInt8], length: Int)
        /// Messages that begin with `start` and say at one place how long they are, less `plus`.
        case lengthByte(start: [UInt8], at: Int, plus: Int, maximum: Int)
        /// Reports whose first byte counts the valid ones; `busy` first bytes carry no data.
        ///
        /// Where the count stands second, the first byte is the report's type and goes with the rest.
        case countedReports(countAt: Int, maximum: Int, busy: [UInt8])
    }
    package struct Line: Sendable, Equatable {
        package enum Parity: String, Sendable, CaseIterable {
            case none
            case even
            case odd
        }
        package var speed: Int
        package var dataBits: Int
        package var parity: Parity
        package var stopBits: Int

        package init(speed: Int, dataBits: Int, parity: Parity, stopBits: Int) {
            self.speed = speed
            self.dataBits = dataBits
            self.parity = parity
            self.stopBits = stopBits
        }
    }
    /// Bytes the host sends, under a name; only those that the profile lists are ever sent.
    package struct Command: Sendable, Equatable {
        package var name: String
        package var bytes: [UInt8]
        /// More about it for people: `register: LBA 3`.
        package var facts: [Reading.Detail]
        /// Never sent by the gateway, though the protocol has it: erase, settings.
        package var isForbidden: Bool

        package init(
            name: String, bytes: [UInt8], facts: [Reading.Detail] = [], isForbidden: Bool = false
        ) {
            self.name = name
            self.bytes = bytes
            self.facts = facts
            self.isForbidden = isForbidden
        }
    }

    package var procedure: Procedure
    package var binding = Binding.automatic
    package var line: Line?
    package var framing = Framing.transfer
    package var commands: [Command] = []
    /// The device is this model where what it calls itself begins with one of these.
    package var identity: [String] = []
    /// How long an answer may take.
    package var replyTimeout = Interval.seconds(2)
    /// A stream of a scale gives one record per weighing: the value must stand still so long.
    package var plateau: Interval?
    /// The device's clock may be set once everything that it stored was read.
    package var setsClock = false

    package init(procedure: Procedure) { self.procedure = procedure }

    package func command(_ name: String) -> [UInt8]? {
        commands.first { $0.name == name && !$0.isForbidden }?.bytes
    }
}
