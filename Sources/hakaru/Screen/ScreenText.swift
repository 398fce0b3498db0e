import DataFiles
import JSON

/// A station's screen as lines of text.
struct ScreenText {
    var language: Language
    var width: Int
    var height: Int

    /// The lines of the whole screen; never more than fit.
    func lines(_ screen: StationScreen) -> [String] {
        var lines = [screen.station, ""] + person(screen.person)
        switch screen.face {
        case .away:
            lines.append(
                language.pick(
                    "The gateway does not answer. Please ask the staff.",
                    "ゲートウェイが応答しません。係員にお知らせください。"))
        case .free:
            lines.append(
                language.pick("Please scan your card or code.", "カードかコードを読み取ってください。"))
        case .refused:
            lines.append(
                language.pick(
                    "This card or code is not known. Please scan it again, or ask the staff.",
                    "このカードまたはコードは登録がありません。もう一度読み取るか、係員にお声がけください。"))
        case .turn: lines.append(language.pick("Please measure.", "測定してください。"))
        case .values: lines += values(screen)
        case .unsure:
            lines.append(
                language.pick(
                    "A value came, and it is not certain whose it is. Please ask the staff.",
                    "測定値が届きましたが、どなたの値か確認できません。係員にお声がけください。"))
        }
        return lines.prefix(height).map { centred($0) }
    }

    private func person(_ person: StationScreen.Person?) -> [String] {
        switch person {
        case .participant(let code):
            [language.pick(Plain.text(code), Plain.text(code) + " さん"), ""]
        case .guest: [language.pick("Guest", "ゲスト"), ""]
        case nil: []
        }
    }

    private func values(_ screen: StationScreen) -> [String] {
        let rows = screen.records.flatMap { self.rows($0) }
        var lines: [String] = []
        let staff =
            screen.needsStaff
            ? ["", language.pick("Please ask the staff.", "係員にお声がけください。")] : []
        let room = height - 4 - staff.count
        // The first two are large, as large as both can be.
        let main = rows.prefix(2)
        let scale = [3, 2, 1].first { scale in
            main.count * (5 * scale + 2) + rows.count - main.count <= room
                && main.allSatisfy { BigText.rows($0.number, scale: scale, width: width) != nil }
        }
        for (place, row) in rows.enumerated() {
            let large = scale.flatMap { scale in
                place < 2 ? BigText.rows(row.number, scale: scale, width: width) : nil
            }
            if let large {
                lines += ["\(row.label)  \(row.unit)"] + large + [""]
            } else {
                lines.append("\(row.label)  \(row.number) \(row.unit)")
            }
        }
        return lines + staff
    }

    // MARK: rows

    private struct Row {
        var label: String
        var number: String
        var unit: String
    }

    private func rows(_ record: JSONValue) -> [Row] {
        var rows: [Row] = []
        let members = record["values"]?.members ?? []
        func number(_ name: String) -> String? {
            members.first { $0.name == name }.map { Plain.text($0.value["value"]) }
        }
        for member in members {
            let (name, value) = (member.name, member.value)
            guard let label = label(name) else { continue }
            let unit = Self.unit(value["unit"]?.string ?? "", language)
            switch name {
            case "systolic":
                let text = Plain.text(value["value"]) + "/" + (number("diastolic") ?? Plain.none)
                rows.append(Row(label: label, number: text, unit: unit))
            case "diastolic" where number("systolic") != nil: break
            default:
                rows.append(Row(label: label, number: Plain.text(value["value"]), unit: unit))
            }
        }
        return rows
    }

    /// What people want to know at once; the rest is in `hakaru records`.
    private func label(_ name: String) -> String? {
        switch name {
        case "systolic", "diastolic": language.pick("Blood pressure", "血圧")
        case "pulse_rate": language.pick("Pulse", "脈拍")
        case "weight": language.pick("Weight", "体重")
        case "body_fat": language.pick("Body fat", "体脂肪率")
        case "glucose": language.pick("Blood glucose", "血糖")
        case "hba1c": "HbA1c"
        case "steps": language.pick("Steps", "歩数")
        case "heart_rate": language.pick("Heart rate", "心拍")
        case "body_temperature": language.pick("Temperature", "体温")
        case "oxygen_saturation": language.pick("Oxygen saturation", "酸素飽和度")
        case "height": language.pick("Height", "身長")
        default: nil
        }
    }

    private static func unit(_ code: String, _ language: Language) -> String {
        switch code {
        case "mm[Hg]": "mmHg"
        case "[lb_av]": "lb"
        case "{steps}": language.pick("steps", "歩")
        case "/min": language.pick("per minute", "回/分")
        case "Cel": "℃"
        default: Plain.text(code)
        }
    }

    private func centred(_ line: String) -> String {
        let room = width - TextTable.width(line)
        return room > 1 ? String(repeating: " ", count: room / 2) + line : line
    }
}
