package import Measurement

/// A record on its way into a document, with what is registered about its person and device.
package struct ExchangeRecord: Sendable {
    package var record: Record
    /// 参加者ID.
    package var participant: String
    /// When the record was first stored here; nil: the send time stands in for it.
    package var stored: Instant?
    /// The 更新日時 that the receiver holds for the same 計測日時, where it was delivered before.
    package var heldUpdateTime: Instant?
    /// What the device list (機器リスト) says for a device that does not name itself.
    package var listed: ListedDevice
    /// 機器装着箇所情報: the registered wearing position of this person's device.
    package var wearingPosition: String?
    /// 測定箇所 in words, for formats that have a column for it.
    package var measurementPosition: String?
    /// 活動量機器記録時間リスト: minutes over which this model totals, where the device does not say.
    package var listedActiveMinutes: Int?
    /// Where it was measured, when a station stands elsewhere than its gateway.
    package var setting: GatewaySetting?
    /// 検査機関ID of the station, where it is another one than the gateway's.
    package var testLabID: String?
    /// 測定法コード of this very value, where somebody gave it.
    package var measurementMethodCode: String?

    package init(
        record: Record, participant: String, stored: Instant? = nil,
        heldUpdateTime: Instant? = nil, listed: ListedDevice = ListedDevice(),
        wearingPosition: String? = nil, measurementPosition: String? = nil,
        listedActiveMinutes: Int? = nil, setting: GatewaySetting? = nil
    ) {
        self.record = record
        self.participant = participant
        self.stored = stored
        self.heldUpdateTime = heldUpdateTime
        self.listed = listed
        self.wearingPosition = wearingPosition
        self.measurementPosition = measurementPosition
        self.listedActiveMinutes = listedActiveMinutes
        self.setting = setting
    }
}

/// Maker and model as the pre-registered device list (機器リスト) has them.
package struct ListedDevice: Sendable, Equatable {
    package var manufacturer: String?
    package var model: String?
    package init(manufacturer: String? = nil, model: String? = nil) {
        self.manufacturer = manufacturer
        self.model = model
    }
}

/// What is the same for all documents to one destination.
package struct EncoderOptions: Sendable {
    package var zone: TimeZoneRules
    package var setting: GatewaySetting
    package var extensions: Set<String>
    /// 検査機関ID, needed by the tables of check-ups.
    package var testLabID: String?
    /// 測定法コード of the HbA1c method list, where one is registered.
    package var measurementMethodCode: String?
    /// 参考値コード.
    package var valueCriteriaCode: String?

    package init(
        zone: TimeZoneRules, setting: GatewaySetting = .home, extensions: Set<String> = [],
        testLabID: String? = nil, measurementMethodCode: String? = nil,
        valueCriteriaCode: String? = nil
    ) {
        self.zone = zone
        self.setting = setting
        self.extensions = extensions
        self.testLabID = testLabID
        self.measurementMethodCode = measurementMethodCode
        self.valueCriteriaCode = valueCriteriaCode
    }
}

/// What stands at the top of one document.
package struct DocumentHeader: Sendable, Equatable {
    /// コンソーシアムID.
    package var consortium: String
    /// 送信日時.
    package var sendTime: Instant
    package init(consortium: String, sendTime: Instant) {
        self.consortium = consortium
        self.sendTime = sendTime
    }
}

/// A document and what became of each record that was to be in it.
package struct EncodedBatch: Sendable, Equatable {
    /// Empty when no record found a place.
    package var bytes: [UInt8] = []
    /// One per given record, in the given order.
    package var perRecord: [RecordOutcome] = []
    /// The given record of each entry of the document, in the document's order: an answer's `index`
    /// counts these.
    package var rows: [Int] = []
    /// Values that a record carries beside its own and that did not find a place.
    package var omissions: [Omission] = []

    package init() {}
}

/// What became of one record in a document.
package enum RecordOutcome: Sendable, Equatable {
    /// Stands in the document, first at this index.
    case encoded(Int)
    /// This format has no table for it.
    case noTable
    /// One of its values does not fit; nothing of it stands in the document.
    case refused(FieldRefusal)
}

/// A value beside the main one that could not be written.
package struct Omission: Sendable, Equatable {
    package var record: Int
    package var table: String
    package var refusal: FieldRefusal
}

/// A field that cannot be written, and why; it never repeats the value.
package struct FieldRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package var field: String
    package var reason: Reason

    package init(_ field: String, _ reason: Reason) {
        self.field = field
        self.reason = reason
    }

    package enum Reason: Error, Sendable, Equatable {
        case missing
        case tooWide(characters: Int, width: Int)
        case negative
        case zero
        case noConversion(from: MeasurementUnit, to: MeasurementUnit)
        case characters
        case notAllowed
    }

    package var description: String {
        switch reason {
        case .missing: "\(field): required and not known"
        case .tooWide(let characters, let width):
            "\(field): \(characters) characters do not fit into \(width)"
        case .negative: "\(field): negative"
        case .zero: "\(field): zero"
        case .noConversion(let unit, let wanted):
            "\(field): no way from \(unit.rawValue) to \(wanted.rawValue)"
        case .characters: "\(field): holds characters that are not allowed there"
        case .notAllowed: "\(field): not one of the codes that are allowed there"
        }
    }
}
