package import Measurement

/// A device's own protocol that needs code, with what the profile says about this family.
package enum ProcedurePlan: Sendable, Equatable {
    case omronMemory(OmronMemoryPlan)
    case userConsent(UserConsentPlan)
    case taidocRecords(TaidocRecordsPlan)
    case verioRecords(VerioRecordsPlan)

    /// The names that a profile can give; the loader and the manual know them by this list.
    package static let names = [
        "omron-memory", "user-consent", "taidoc-records", "verio-records",
    ]

    package var name: String {
        switch self {
        case .omronMemory: "omron-memory"
        case .userConsent: "user-consent"
        case .taidocRecords: "taidoc-records"
        case .verioRecords: "verio-records"
        }
    }
}

/// How the memory of an Omron device is reached and where in it the records stand.
package struct OmronMemoryPlan: Sendable, Equatable {
    package enum Unlock: String, Sendable, CaseIterable {
        case none
        /// Four bytes that the device sends back.
        case token
        /// The owner's own 16 bytes, which are paired into the device.
        case key
    }
    /// The memory of some models of the family.
    package struct Memory: Sendable, Equatable {
        /// Empty: of every model of the profile.
        package var models: [String]
        package var users: [Area]
        package var recordSize: Int
        package var clock: Clock?
        /// The lock of these models, where it is another one than that of the family.
        package var unlock: Unlock?

        package init(models: [String], users: [Area], recordSize: Int, clock: Clock?) {
            self.models = models
            self.users = users
            self.recordSize = recordSize
            self.clock = clock
        }
    }
    /// The ring of one user's records.
    package struct Area: Sendable, Equatable {
        package var address: Int
        package var count: Int
        package init(address: Int, count: Int) {
            self.address = address
            self.count = count
        }
    }
    /// The device's clock in its settings.
    package struct Clock: Sendable, Equatable {
        package enum Order: String, Sendable, CaseIterable {
            /// Year, month, day, hour, minute, second.
            case plain
            /// Month, year, hour, day, second, minute: the bytes of each pair change places.
            case swapped
        }
        package var address: Int
        package var length: Int
        /// Where the six bytes of the time begin.
        package var timeAt: Int
        package var order: Order
        /// Where a changed block is written; nil: the clock is never set.
        package var setAddress: Int?
        /// Which byte of the block holds the sum of those before it.
        package var sumAt: Int

        package init(address: Int, length: Int, timeAt: Int, order: Order, sumAt: Int) {
            self.address = address
            self.length = length
            self.timeAt = timeAt
            self.order = order
            self.sumAt = sumAt
        }
    }

    package var channels = 1
    package var unlock = Unlock.none
    /// The longest run of bytes that is asked for at once.
    package var block = 0x2C
    package var memories: [Memory] = []
    package var timeout = Interval.seconds(2)
    /// How often a question is asked before the session gives up.
    package var tries = 3

    package init() {}

    /// The memory of a model; nil where the profile has several and none is of this model.
    package func memory(of model: String?) -> Memory? {
        if memories.count == 1 { return memories[0] }
        guard let model = model?.lowercased() else { return nil }
        return memories.first { memory in
            memory.models.contains { $0.lowercased() == model }
        }
    }
}

/// The consent of the scale's users, whose codes the owner keeps in the configuration.
package struct UserConsentPlan: Sendable, Equatable {
    package var controlPoint = BluetoothUUID.userControlPoint
    package var timeout = Interval.seconds(5)
    /// How long after the last frame the next user's turn comes.
    package var pause = Interval.seconds(2)
    package init() {}
}

/// Records of a TaiDoc meter, which are asked for by their index.
package struct TaidocRecordsPlan: Sendable, Equatable {
    package var characteristic: BluetoothUUID
    package var timeout = Interval.seconds(2)
    package var tries = 3
    package init(characteristic: BluetoothUUID) { self.characteristic = characteristic }
}

/// Records of a OneTouch Verio meter, which are asked for by their number.
package struct VerioRecordsPlan: Sendable, Equatable {
    package var write: BluetoothUUID
    package var notify: BluetoothUUID
    package var timeout = Interval.seconds(2)
    package var tries = 5
    package init(write: BluetoothUUID, notify: BluetoothUUID) {
        self.write = write
        self.notify = notify
    }
}

extension BluetoothUUID {
    /// User Control Point, 2A9F.
    package static let userControlPoint = BluetoothUUID(0x2A9F)
}
