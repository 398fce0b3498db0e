package import Measurement

/// Under what circumstances a record was measured.
package struct RecordContext: Sendable, Equatable {
    package var station: String?
    package var session: Int64?
    /// `home`, `pharmacy` or `checkup`.
    package var setting: String
    /// 検査機関ID, where a laboratory or clinic is behind the value.
    package var testLabID: String?
    /// 測定法コード, for a HbA1c whose method somebody gave.
    package var methodCode: String?
    /// `self`, `staff` or `medical-professional`.
    package var measuredBy: String
    package var isMedicalDevice: Bool
    /// `sensitive` or `ordinary`.
    package var sensitivity: String

    package init(
        station: String? = nil, session: Int64? = nil, setting: String, testLabID: String? = nil,
        methodCode: String? = nil, measuredBy: String, isMedicalDevice: Bool, sensitivity: String
    ) {
        self.methodCode = methodCode
        self.station = station
        self.session = session
        self.setting = setting
        self.testLabID = testLabID
        self.measuredBy = measuredBy
        self.isMedicalDevice = isMedicalDevice
        self.sensitivity = sensitivity
    }
}

extension SpoolEntry {
    /// The rule of what a guest measured: shown, never sent.
    package static let guestRule = "guest"
}

extension Spool {
    /// The circumstances of a record; nil for one from before they were kept.
    package func context(of row: RowID) throws(SpoolError) -> RecordContext? {
        try reading { connection throws(SpoolError) in try connection.context(of: row) }
    }

    /// Accepted records that are nobody's for a reason, of the sessions at a station after one of them.
    package func unassigned(
        because reason: String, station: String, kind: MeasurementKind, after session: Int64
    ) throws(SpoolError) -> [StoredRecord] {
        try reading { connection throws(SpoolError) in
            try connection.records(
                .recordsInDoubt,
                [.text(reason), .text(kind.rawValue), .text(station), .integer(session)])
        }
    }

    /// The readings that were taken in each of these sessions and the later ones.
    package func takenInSessions(
        from first: Int64
    ) throws(SpoolError) -> [(session: Int64, kind: MeasurementKind, key: RecordKey)] {
        try reading { connection throws(SpoolError) in
            let rows = try connection.all(.takenInSessions, [.integer(first)]) {
                row throws(SpoolError) in
                (row.integer(), MeasurementKind(rawValue: row.text()), RecordKey(hex: row.text()))
            }
            return rows.compactMap { session, kind, key in kind.map { (session, $0, key) } }
        }
    }
}

extension Connection {
    func insertContext(_ context: RecordContext?, _ row: RowID) throws(SpoolError) {
        guard let context else { return }
        try run(
            .insertContext,
            [
                .row(row), .text(context.station), context.session.map { .integer($0) } ?? .null,
                .text(context.setting), .text(context.testLabID), .text(context.measuredBy),
                .flag(context.isMedicalDevice), .text(context.sensitivity),
                .text(context.methodCode),
            ])
    }

    func context(of row: RowID) throws(SpoolError) -> RecordContext? {
        try first(.contextOf, [.row(row)]) { reader throws(SpoolError) in
            RecordContext(
                station: reader.optionalText(), session: reader.optionalInteger(),
                setting: reader.text(), testLabID: reader.optionalText(),
                methodCode: reader.optionalText(), measuredBy: reader.text(),
                isMedicalDevice: reader.flag(), sensitivity: reader.text())
        }
    }
}

extension SQL {
    static let insertContext = SQL(
        """
        INSERT INTO record_context(record_id, station, session_id, setting, test_lab_id,
        measured_by, medical_device, sensitivity, method_code) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)
        ON CONFLICT(record_id) DO UPDATE SET station = ?2, session_id = ?3, setting = ?4,
        test_lab_id = ?5, measured_by = ?6, medical_device = ?7, sensitivity = ?8,
        method_code = ?9
        """)
    static let contextOf = SQL(
        """
        SELECT station, session_id, setting, test_lab_id, method_code, measured_by, medical_device,
        sensitivity FROM record_context WHERE record_id = ?
        """)
    static let takenInSessions = SQL(
        """
        SELECT c.session_id, r.kind, r.record_key FROM record_context c
        JOIN record r ON r.id = c.record_id WHERE c.session_id >= ? ORDER BY c.session_id
        """)
}
