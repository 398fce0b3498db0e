package import Measurement

/// Where a gateway or station stands; it decides which blood-pressure table a reading belongs to.
package enum GatewaySetting: String, Sendable, CaseIterable {
    case home
    case pharmacy
    case checkup
}

/// A format as its file describes it: physical names, widths, order and sources of all columns.
///
/// No physical name stands in code; an operator's own file is as good as a shipped one.
package struct FormatDefinition: Sendable, Equatable {
    package var id: String
    package var title: String
    package var contentType: String
    package var envelope: Envelope
    /// In document order; the tables of one group stand together.
    package var tables: [TableDefinition]

    /// The extensions that some table of this format asks for.
    package var extensions: Set<String> { Set(tables.compactMap(\.extensionName)) }
}

/// The names and widths around the tables.
package struct Envelope: Sendable, Equatable {
    package var versionName: FieldName
    package var version: String
    package var sendTimeName: FieldName
    package var sendTimeWidth: Int
    package var consortiumName: FieldName
    package var consortium: TextRule
    package var peopleName: FieldName
    package var personName: FieldName
    package var person: TextRule
}

/// One array of records (体重情報, 家庭血圧情報 …) and who goes into it.
package struct TableDefinition: Sendable, Equatable {
    package var group: FieldName
    package var name: FieldName
    package var title: String
    package var kinds: Set<MeasurementKind>
    /// Kinds of records that may carry a value of this table beside their own.
    package var carriedBy: Set<MeasurementKind>
    package var settings: Set<GatewaySetting>
    /// The extension a destination must switch on; nil for a table that always exists.
    package var extensionName: String?
    package var columns: [Column]

    /// `healthcare_information.blood_pressure`.
    package var path: String { group.text + "." + name.text }
}

/// A member name, kept as text and as the bytes that stand in a document.
package struct FieldName: Sendable, Equatable {
    package let text: String
    /// The quoted name and its colon.
    let bytes: [UInt8]

    package init(_ text: String) {
        self.text = text
        bytes = Array("\"\(text)\":".utf8)
    }
}

/// One column: its name, what may stand there and where the value comes from.
package struct Column: Sendable, Equatable {
    package var name: FieldName
    package var title: String
    package var isRequired: Bool
    package var rule: ValueRule
    package var source: ColumnSource
}

/// Where a column's value comes from.
package enum ColumnSource: Sendable, Equatable {
    case quantity(QuantityName, MeasurementUnit)
    case constant(String)
    case property(RecordProperty)
}

/// A property of a record, or of what is registered about it, that a column can ask for.
package enum RecordProperty: String, Sendable, CaseIterable {
    case observationTime = "observation-time"
    case updateTime = "update-time"
    case manufacturer
    case model
    case serial
    case dataInputCode = "data-input-code"
    case originOfTimeCode = "origin-of-time-code"
    case measurementPositionCode = "measurement-position-code"
    case measurementPosition = "measurement-position"
    case mealCode = "meal-code"
    case totalActiveDuration = "total-active-duration"
    case testLabID = "test-lab-id"
    case measurementMethodCode = "measurement-method-code"
    case valueCriteriaCode = "value-criteria-code"

    /// The type a column must have to take this property.
    var type: String {
        switch self {
        case .observationTime, .updateTime: "date"
        case .totalActiveDuration: "number"
        default: "string"
        }
    }
}

/// What may stand in a column; 数値 is a JSON number, 文字列 and 日付 are JSON strings.
package enum ValueRule: Sendable, Equatable {
    /// `yyyyMMddHHmmss` (14) or `yyyyMMddHHmmssSSS` (17).
    case date(width: Int)
    case number(NumberRule)
    case text(TextRule)
}

/// The limits of a number as it is written.
package struct NumberRule: Sendable, Equatable {
    /// Characters, the point included.
    package var width: Int
    package var decimals: Int
    /// Always `decimals` digits after the point, where otherwise they are the most.
    package var isExact: Bool
    /// Zero is no value of this column.
    package var isPositive: Bool
}

/// The limits of a text.
package struct TextRule: Sendable, Equatable {
    package var width: Int
    package var characters: CharacterRule
    /// The codes that may stand there; empty where any text may.
    package var allowed: [String]

    package init(width: Int, characters: CharacterRule = .any, allowed: [String] = []) {
        self.width = width
        self.characters = characters
        self.allowed = allowed
    }
}

/// Which characters a text may hold.
package enum CharacterRule: String, Sendable, CaseIterable {
    /// Everything but control characters.
    case any
    /// Half-width letters and digits.
    case alphanumeric
    /// Half-width letters, digits and the hyphen, as participant codes have it.
    case code

    func allows(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .any: scalar.value >= 0x20 && scalar.value != 0x7F
        case .alphanumeric: Self.isAlphanumeric(scalar)
        case .code: Self.isAlphanumeric(scalar) || scalar == "-"
        }
    }

    private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z": true
        default: false
        }
    }
}
