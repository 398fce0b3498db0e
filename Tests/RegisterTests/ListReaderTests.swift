import Measurement
import Register
import Testing
import YAML

/// Reads CSV and gives the table, or the problems as a user sees them.
private func read(
    _ text: String, kind: ListKind? = nil, models: [KnownModel] = [], digit: CheckDigit = .none
) -> (table: ListTable?, problems: [String]) {
    var reader = ListReader(file: "l.csv", models: models, checkDigit: digit)
    do throws(ListReader.Problems) {
        return (try reader.csv(Array(text.utf8), kind: kind), [])
    } catch {
        return (nil, error.list.map { String($0.description.dropFirst("l.csv:".count)) })
    }
}

@Suite("Lists: CSV") struct ListReaderTests {
    struct Good: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var kind: ListKind
        var rows: [[String]]
        var testDescription: String { name }
    }

    static let good = [
        Good(
            name: "Japanese header, other order of columns",
            text: "参加者ID,コンソーシアムID,参加開始日\nmdm‐００１,C00001,2026/4/1\n", kind: .participants,
            rows: [["C00001", "MDM-001", "", "", "20260401", "", "", "", "", ""]]),
        Good(
            name: "physical header, byte order mark, CR LF",
            text: "\u{FEFF}consortium_id,consortium_name\r\nC00001,健康の会\r\n",
            kind: .consortium, rows: [["C00001", "健康の会"]]),
        Good(
            name: "quoted newlines, commas and quotes; no line end at the end",
            text: "測定法コード,測定法名称\n000001,\"HPLC, \"\"高速\"\"\n液体\"\n\n000002,免疫",
            kind: .hba1cMethods,
            rows: [["000001", "", "HPLC, \"高速\"\n液体"], ["000002", "", "免疫"]]),
        Good(
            name: "every coded column by its word",
            text: """
                コンソーシアムID,参加者ID,生年月,性別,参加開始日,参加終了日,居住地情報,通勤情報,服薬情報,機器装着箇所情報
                C00001,P1,1985年4月,女,2026年4月1日,20270331,13101,１,あり,31
                """, kind: .participants,
            rows: [
                ["C00001", "P1", "198504", "2", "20260401", "20270331", "13101", "1", "1", "31"]
            ]),
        Good(
            name: "one person in two periods that do not overlap",
            text: """
                consortium_id,participant_id,participation_start,participation_end
                C1,P1,2026-04-01,2026-04-30
                C1,P1,2026-05-01,
                """, kind: .participants,
            rows: [
                ["C1", "P1", "", "", "20260401", "20260430", "", "", "", ""],
                ["C1", "P1", "", "", "20260501", "", "", "", "", ""],
            ]),
        Good(
            name: "devices", text: "機器メーカーコード,機器型番,時刻補正情報\nA&D,UA-651BLE,あり\n",
            kind: .devices, rows: [["A&D", "UA-651BLE", "", "1", "", ""]]),
        Good(
            name: "activity", text: "機器メーカーコード,機器型番,活動量集計情報\nX,Y,1440\n",
            kind: .activityTimes, rows: [["X", "Y", "1440"]]),
        Good(
            name: "laboratories with an old Mac's line ends",
            text: "consortium_id,test_lab_id,test_lab_name\rC1,000000000001,東病院\r",
            kind: .labs, rows: [["C1", "000000000001", "東病院", ""]]),
    ]

    @Test("a list that somebody wrote by hand is understood", arguments: good)
    func isUnderstood(_ sample: Good) {
        let (table, problems) = read(sample.text)
        #expect(problems == [])
        #expect(table?.kind == sample.kind)
        #expect(table?.rows == sample.rows)
    }

    @Test("what is exported is imported again as it was", arguments: good)
    func roundTrip(_ sample: Good) throws {
        let table = try #require(read(sample.text).table)
        #expect(read(table.csv).table == table)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var problems: [String]
        var testDescription: String { name }
    }

    static let bad = [
        Bad(
            name: "nothing", text: "", problems: ["1:1: holds no rows; accepted: a header and rows"]
        ),
        Bad(
            name: "a column with names", text: "参加者ID,コンソーシアムID,氏名\nP1,C1,山田\n",
            problems: [
                "1:3: 氏名: looks like a name: no such data is kept here; take the column out"
            ]),
        Bad(
            name: "birth dates, addresses and phones, each of them named",
            text: "consortium_id,participant_id,Date of Birth,住所,電話番号,E-mail\n",
            problems: [
                "1:3: Date of Birth: looks like a birth date: no such data is kept here; "
                    + "take the column out",
                "1:4: 住所: looks like an address: no such data is kept here; take the column out",
                "1:5: 電話番号: looks like a phone number: no such data is kept here; "
                    + "take the column out",
                "1:6: E-mail: looks like an address: no such data is kept here; "
                    + "take the column out",
            ]),
        Bad(
            name: "a birth date in the column of months",
            text: "consortium_id,participant_id,生年月\nC1,P1,19850401\n",
            problems: [
                "2:3: birth_month: is a birth date, which is not kept here; accepted: a year and "
                    + "a month such as 198504; no day"
            ]),
        Bad(
            name: "an address in the column of regions; it is not repeated",
            text: "consortium_id,participant_id,居住地情報\nC1,P1,東京都千代田区1-1\n",
            problems: [
                "2:3: residence: does not fit; accepted: the code of a prefecture (01 to 47) or "
                    + "of a municipality (5 digits)"
            ]),
        Bad(
            name: "all problems, those in later rows too",
            text: """
                consortium_id,participant_id,participation_start,participation_end
                C1,P1,2026-02-30,
                C1,山田太郎,,
                ,P3,2026-05-01,2026-04-01
                C1,P4,2026-05-01,2026-04-01
                C1,p4,2026-04-01,2026-05-01
                C1,P5
                """,
            problems: [
                "2:3: participation_start: does not fit; accepted: a date such as 2026-04-01",
                "3:2: participant_id: does not fit; accepted: 1 to 20 letters, digits and hyphens",
                "4:1: consortium_id: is empty; accepted: 1 to 6 half-width letters and digits",
                "5:1: participation_end: is before the start; accepted: the same day or a later one",
                "7:2: the row has 2 cells, the header 4; accepted: a cell for every column",
            ]),
        Bad(
            name: "one person twice under two spellings, and at once",
            text: """
                consortium_id,participant_id,participation_start,participation_end
                C1,MDM-001,2026-04-01,2026-06-30
                C1,mdm－００１,2026-06-30,
                C1,MDM-002,,
                C1,MDM-002,2026-06-30,
                """,
            problems: [
                "3:1: participant_id: stands twice, first in line 2, and the periods overlap; "
                    + "accepted: each participant once, or once for each period",
                "5:1: participant_id: stands twice, first in line 4, and the periods overlap; "
                    + "accepted: each participant once, or once for each period",
            ]),
        Bad(
            name: "a quote that is never closed",
            text: "consortium_id,consortium_name\nC1,\"健康\nC2,x\n",
            problems: [
                "2:2: a quote is opened and never closed; accepted: a quote at the end of the cell"
            ]),
        Bad(
            name: "quotes in the wrong places; the rows after them are read",
            text: "consortium_id,consortium_name\nC1,a\"b\nC2,\"a\"b\n*,x\n",
            problems: [
                "2:2: a quote stands inside a cell that does not begin with one; accepted: the "
                    + "whole cell in quotes, quotes inside it doubled",
                "3:2: something follows the closing quote of a cell; accepted: the whole cell in "
                    + "quotes, quotes inside it doubled",
                "4:1: consortium_id: does not fit; accepted: 1 to 6 half-width letters and digits",
            ]),
        Bad(
            name: "an unknown column, near to a known one",
            text: "consortium_id,consortium_nam,consortium_name\nC1,x,y\n",
            problems: [
                "1:2: consortium_nam: is no column of the list consortium, did you mean "
                    + "consortium_name?; accepted: consortium_id, consortium_name"
            ]),
        Bad(
            name: "an id twice",
            text: "測定法コード,測定法名称\n000001,a\n000002,b\n000001,c\n",
            problems: [
                "4:1: measurement_method_code: stands twice, first in line 2; accepted: each once"
            ]),
        Bad(
            name: "no list at all", text: "a,b\n1,2\n",
            problems: [
                "1:1: a: the header is of none of the lists, or of several; accepted: consortium, "
                    + "participants, labs, devices, hba1c-methods, activity-times"
            ]),
        Bad(
            name: "a column twice", text: "consortium_id,コンソーシアムID,consortium_name\nC1,C1,x\n",
            problems: ["1:2: コンソーシアムID: stands twice"]),
    ]

    @Test("every problem of a file is named by row and column", arguments: bad)
    func isRefused(_ sample: Bad) {
        let (table, problems) = read(sample.text)
        #expect(table == nil)
        #expect(problems == sample.problems)
    }

    @Test("a device list must not deny a time correction that the gateway makes")
    func models() {
        let models = [
            KnownModel(names: ["UA-651BLE"], manufacturer: "A&D", correctsTime: true),
            KnownModel(names: ["Band 4"], manufacturer: "Mi", correctsTime: false),
        ]
        let text = "機器メーカーコード,機器型番,時刻補正情報\nA&D,ua-651ble,0\nMi,Band 4,0\nX,Y,1\n"
        #expect(
            read(text, models: models).problems == [
                "2:1: time_correction: says 0, and the gateway corrects the time of this model: "
                    + "its records would carry 時刻補正コード 1; accepted: 1"
            ])
        var reader = ListReader(file: "l.csv", models: models)
        let table = try? reader.csv(Array(text.dropping("0\nMi", for: "1\nMi").utf8))
        #expect(table?.rows.count == 3)
        #expect(reader.warnings.map(\.line) == [4])
    }

    @Test(
        "a device list must not claim the standard of another class of devices",
        arguments: [
            ("IEEE 11073-10407", true), ("Bluetooth BLP 1.1", true), ("11073-20601", true),
            ("", true),
            ("IEEE 11073-10415", false), ("Bluetooth (GLP)", false), ("bls, wss", false),
            ("BLPX", true),
        ])
    func conformance(text: String, isRight: Bool) {
        let models = [
            KnownModel(
                names: ["UA-651BLE"], manufacturer: "A&D", correctsTime: true,
                deviceClass: "blood-pressure")
        ]
        let list =
            "model_manufacturer_code,model_number,standard_conformance\nA&D,UA-651BLE,\"\(text)\"\n"
        let problems = read(list, models: models).problems
        #expect(problems.isEmpty == isRight, "\(problems)")
        #expect(problems.allSatisfy { $0.hasSuffix("accepted: 11073-10407, BLP, BLS") })
    }

    @Test("an activity meter without an accuracy is named, and taken")
    func accuracy() throws {
        let models = [
            KnownModel(
                names: ["HJ-1"], manufacturer: "O", correctsTime: true, deviceClass: "activity")
        ]
        var reader = ListReader(file: "l.csv", models: models)
        let header = "model_manufacturer_code,model_number,accuracy\n"
        let table = try reader.csv(Array((header + "O,HJ-1,\nO,hj-1 ,±3 %\n").utf8))
        #expect(table.rows.count == 2)
        #expect(reader.warnings.map(\.line) == [2])
    }

    @Test("a mistyped code in a list is found by its check digit")
    func digit() {
        let text = "consortium_id,participant_id\nC1,79927398713\nC1,79927398710\n"
        #expect(
            read(text, digit: .modulus10).problems == [
                "3:2: participant_id: has a check digit that does not fit; accepted: 1 to 20 "
                    + "letters, digits and hyphens"
            ])
    }

    @Test("a hostile file is refused with a bounded number of complaints")
    func bounded() {
        var reader = ListReader(file: "l.csv")
        let text = "consortium_id,consortium_name\n" + String(repeating: "*,\n", count: 3_000)
        do throws(ListReader.Problems) {
            _ = try reader.csv(Array(text.utf8))
            Issue.record("it was taken")
        } catch {
            #expect(error.list.count == 1_000)
            #expect(error.dropped == 5_000)
        }
    }
}

extension String {
    fileprivate func dropping(_ old: String, for new: String) -> String {
        guard let range = firstRange(of: old) else { return self }
        return String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
    }
}

@Suite("Lists: YAML") struct ListYAMLTests {
    @Test("several lists in one file")
    func several() throws {
        let text = """
            consortium:
              - { consortium_id: C00001, consortium_name: 健康の会 }
            participants:
              - { consortium_id: C00001, participant_id: mdm-001, participation_start: 2026-04-01 }
              - { consortium_id: C00001, participant_id: 0012 }
            """
        var reader = ListReader(file: "l.yaml")
        let tables = try reader.yaml(Array(text.utf8))
        #expect(tables.map(\.kind) == [.consortium, .participants])
        #expect(tables[1].rows.map { $0[1] } == ["MDM-001", "0012"])
        #expect(tables[1].participations.map(\.start) == ["20260401", nil])
    }

    @Test("a problem stands at its line and column, personal data included")
    func bad() {
        let text = """
            participants:
              - { consortium_id: C00001, participant_id: "***" }
              - { consortium_id: C00001, participant_id: P1, name: x }
              - { participant_id: P2 }
            """
        var reader = ListReader(file: "l.yaml")
        do throws(ListReader.Problems) {
            _ = try reader.yaml(Array(text.utf8))
            Issue.record("it was taken")
        } catch {
            let lines = error.list.map(\.description)
            #expect(
                lines.contains { $0.hasPrefix("l.yaml:2:46: participants[0].participant_id:") },
                "\(lines)")
            #expect(lines.contains { $0.contains("3:") && $0.contains("looks like a name") })
            #expect(lines.contains { $0.hasPrefix("l.yaml:4:5:") && $0.contains("is empty") })
        }
    }

    @Test(
        "a file that is no YAML, or holds no list, is refused", arguments: ["a: [", "x: []", "{}"])
    func none(_ text: String) {
        var reader = ListReader(file: "l.yaml")
        #expect(throws: ListReader.Problems.self) { try reader.yaml(Array(text.utf8)) }
    }
}
