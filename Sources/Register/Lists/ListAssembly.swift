/// What lists are held against beyond their own cells.
struct ListRules {
    var models: [KnownModel]
    var checkDigit: CheckDigit
}

/// Puts a list together row by row and finds what is wrong between rows.
struct ListAssembly {
    private(set) var table: ListTable
    private(set) var findings: [Finding] = []
    private let rules: ListRules
    private let columns: [ListColumn]
    private let keys: [Int]
    private var firstLines: [String: Int] = [:]
    private var periods: [String: [(period: Participation, line: Int)]] = [:]

    /// Something wrong with a row as a whole.
    struct Finding: Equatable {
        var line: Int
        var column: String
        var message: String
        var accepted: String?
        var isWarning = false
    }

    typealias Report = (_ column: Int, _ message: String, _ accepted: String?) -> Void

    init(_ kind: ListKind, _ rules: ListRules) {
        table = ListTable(kind)
        self.rules = rules
        columns = kind.columns
        keys = kind.keyColumns.compactMap { kind.place($0) }
    }

    /// Checks a row, whose cells stand in the order of the columns.
    mutating func add(_ cells: [String], line: Int, report: Report) {
        var row: [String] = []
        row.reserveCapacity(columns.count)
        var isWhole = true
        for (index, column) in columns.enumerated() {
            let raw = cells[index].trimmed
            if raw.isEmpty {
                if column.isRequired {
                    report(index, "is empty", column.form.accepted)
                    isWhole = false
                }
                row.append("")
            } else if let value = column.form.read(raw), fits(value, column) {
                row.append(value)
            } else {
                // Not repeated: it may be what must not be written anywhere.
                report(index, complaint(raw, column), column.form.accepted)
                isWhole = false
                row.append("")
            }
        }
        guard isWhole else { return }
        table.rows.append(row)
        checkKey(row, line)
        switch table.kind {
        case .participants: checkPeriod(row, line)
        case .devices: checkModel(row, line)
        case .consortium, .labs, .hba1cMethods, .activityTimes: break
        }
    }

    private func fits(_ value: String, _ column: ListColumn) -> Bool {
        guard column.form == .participant, rules.checkDigit != .none else { return true }
        return ParticipantCode(value).map(rules.checkDigit.fits) ?? false
    }

    private func complaint(_ raw: String, _ column: ListColumn) -> String {
        switch column.form {
        case .participant where ParticipantCode(raw) != nil: "has a check digit that does not fit"
        case .month where CellForm.day.read(raw) != nil: "is a birth date, which is not kept here"
        case .text: "is too long"
        default: "does not fit"
        }
    }

    private mutating func checkKey(_ row: [String], _ line: Int) {
        guard !keys.isEmpty else { return }
        let key = keys.map { row[$0] }.joined(separator: "\u{1F}")
        if let first = firstLines[key] {
            findings.append(
                Finding(
                    line: line, column: columns[keys.last ?? 0].name,
                    message: "stands twice, first in line \(first)", accepted: "each once"))
        } else {
            firstLines[key] = line
        }
    }

    private mutating func checkPeriod(_ row: [String], _ line: Int) {
        guard let code = table.value(row, "participant_id") else { return }
        let period = Participation(
            participant: code, start: table.value(row, "participation_start"),
            end: table.value(row, "participation_end"))
        if let start = period.start, let end = period.end, end < start {
            findings.append(
                Finding(
                    line: line, column: "participation_end", message: "is before the start",
                    accepted: "the same day or a later one"))
            return
        }
        if let other = periods[code]?.first(where: { $0.period.overlaps(period) }) {
            findings.append(
                Finding(
                    line: line, column: "participant_id",
                    message: "stands twice, first in line \(other.line), and the periods overlap",
                    accepted: "each participant once, or once for each period"))
        }
        periods[code, default: []].append((period, line))
    }

    private mutating func checkModel(_ row: [String], _ line: Int) {
        guard !rules.models.isEmpty, let model = table.value(row, "model_number") else { return }
        guard let known = rules.models.first(where: { $0.isNamed(model) }) else {
            findings.append(
                Finding(
                    line: line, column: "model_number",
                    message: "is known to no device profile", isWarning: true))
            return
        }
        if table.value(row, "time_correction") == "0", known.correctsTime {
            findings.append(
                Finding(
                    line: line, column: "time_correction",
                    message: "says 0, and the gateway corrects the time of this model: its "
                        + "records would carry 時刻補正コード 1", accepted: "1"))
        }
        checkConformance(row, known, line)
    }

    /// Holds 規格準拠情報 and 測定精度情報 against the class of device that the profile reads.
    private mutating func checkConformance(_ row: [String], _ known: KnownModel, _ line: Int) {
        guard let own = known.deviceClass else { return }
        if let text = table.value(row, "standard_conformance"),
            let other = DeviceStandard.named(in: text).first(where: { $0.deviceClass != own })
        {
            findings.append(
                Finding(
                    line: line, column: "standard_conformance",
                    message: "names \(other.names[0]), the standard of another class of devices "
                        + "(\(other.deviceClass)); the profile of this model is for \(own)",
                    accepted: DeviceStandard.of(own)))
        }
        // Step counters differ by model: this is why the list has the column.
        if own == "activity", table.value(row, "accuracy") == nil {
            findings.append(
                Finding(
                    line: line, column: "accuracy",
                    message: "is empty for an activity meter, whose counts differ by model",
                    isWarning: true))
        }
    }
}
