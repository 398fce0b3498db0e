/// The lists that the exchange spec has registered beforehand (事前登録が必要となる情報).
package enum ListKind: String, Sendable, CaseIterable {
    /// コンソーシアムリスト.
    case consortium
    /// 参加者リスト.
    case participants
    /// 医療検査機関リスト.
    case labs
    /// 機器リスト.
    case devices
    /// HbA1c測定法リスト.
    case hba1cMethods = "hba1c-methods"
    /// 活動量機器記録時間リスト.
    case activityTimes = "activity-times"

    package var title: String {
        switch self {
        case .consortium: "コンソーシアムリスト"
        case .participants: "参加者リスト"
        case .labs: "医療検査機関リスト"
        case .devices: "機器リスト"
        case .hba1cMethods: "HbA1c測定法リスト"
        case .activityTimes: "活動量機器記録時間リスト"
        }
    }

    /// In the order of the spec.
    package var columns: [ListColumn] {
        switch self {
        case .consortium: Self.consortiumColumns
        case .participants: Self.participantColumns
        case .labs: Self.laboratoryColumns
        case .devices: Self.deviceColumns
        case .hba1cMethods: Self.methodColumns
        case .activityTimes: Self.activityColumns
        }
    }

    /// What may not stand twice in a list; people may stand once for each period.
    package var keyColumns: [String] {
        switch self {
        case .consortium: ["consortium_id"]
        case .participants: []
        case .labs: ["consortium_id", "test_lab_id"]
        case .devices, .activityTimes: ["model_manufacturer_code", "model_number"]
        case .hba1cMethods: ["measurement_method_code"]
        }
    }

    package func place(_ column: String) -> Int? { columns.firstIndex { $0.name == column } }
}

/// One column of a list.
package struct ListColumn: Sendable, Equatable {
    /// The physical name.
    package var name: String
    package var title: String
    package var isRequired: Bool
    var form: CellForm

    init(_ name: String, _ title: String, _ form: CellForm, required: Bool = false) {
        self.name = name
        self.title = title
        self.form = form
        isRequired = required
    }
}

extension ListKind {
    private static let consortiumID = ListColumn(
        "consortium_id", "コンソーシアムID", .identifier(6), required: true)
    private static let maker = ListColumn(
        "model_manufacturer_code", "機器メーカーコード", .text(50), required: true)
    private static let model = ListColumn("model_number", "機器型番", .text(50), required: true)

    private static let consortiumColumns = [
        consortiumID, ListColumn("consortium_name", "コンソーシアム名", .text(200), required: true),
    ]
    private static let participantColumns = [
        consortiumID,
        ListColumn("participant_id", "参加者ID", .participant, required: true),
        ListColumn("birth_month", "生年月", .month),
        ListColumn("sex", "性別", .choice(Choices.sex)),
        ListColumn("participation_start", "参加開始日", .day),
        ListColumn("participation_end", "参加終了日", .day),
        ListColumn("residence", "居住地情報", .region),
        ListColumn("commute", "通勤情報", .identifier(4)),
        ListColumn("medication", "服薬情報", .choice(Choices.yesOrNo)),
        ListColumn("wearing_position", "機器装着箇所情報", .choice(Choices.positions)),
    ]
    private static let laboratoryColumns = [
        consortiumID,
        ListColumn("test_lab_id", "検査機関ID", .identifier(12), required: true),
        ListColumn("test_lab_name", "検査機関名称", .text(200), required: true),
        ListColumn("test_lab_prefecture", "検査場所都道府県", .text(10)),
    ]
    private static let deviceColumns = [
        maker, model,
        ListColumn("model_name", "機器名称", .text(200)),
        ListColumn("time_correction", "時刻補正情報", .choice(Choices.yesOrNo)),
        ListColumn("standard_conformance", "規格準拠情報", .text(200)),
        ListColumn("accuracy", "測定精度情報", .text(200)),
    ]
    private static let methodColumns = [
        ListColumn("measurement_method_code", "測定法コード", .identifier(6), required: true),
        ListColumn("method_class", "測定法分類情報", .text(200)),
        ListColumn("method_name", "測定法名称", .text(200), required: true),
    ]
    private static let activityColumns = [
        maker, model,
        ListColumn("total_active_duration", "活動量集計情報", .minutes, required: true),
    ]
}
