import DeviceProfile
import Measurement

/// The page of all models, `docs/devices.md`: what each profile says, for people who choose a device.
enum ProfilePage {
    static func lines(_ profiles: [DeviceProfile]) -> [String] {
        let models = profiles.filter { !$0.isGeneric }
        let count = models.reduce(0) { $0 + $1.models.count }
        var lines = [
            "# Devices 対応機器", "",
            "<!-- Written by `hakaru profile list --markdown`. Change the profiles, not this page. -->",
            "",
            "\(models.count) profiles read \(count) models. A model that is not here may still work by the",
            "Bluetooth standard alone (last section), or by a file that you write: [profiles.md](profiles.md).",
            "", "| Confidence 確度 | means |", "|---|---|",
            "| verified 実機の記録で確認 | frames are checked against captures of a device |",
            "| inferred 資料から推定 | follows from documents, or from devices of the same family |",
            "| unverified 未確認 | nobody has checked it yet; the reason stands beside it |", "",
            "Sections: "
                + sections(profiles).map { "[\($0.title)](#\(anchor($0.title)))" }
                .joined(separator: " · "),
        ]
        for section in sections(profiles) {
            lines += ["", "## \(section.title)"]
            for profile in section.profiles { lines += entry(profile) }
        }
        return lines
    }

    // MARK: sections

    private static let titles: [(DeviceProfile.DeviceClass, String)] = [
        (.bloodPressure, "Blood pressure 血圧計"), (.scale, "Scales 体重計・体組成計"),
        (.glucose, "Blood glucose 血糖計"), (.thermometer, "Thermometers 体温計"),
        (.oximeter, "Oximeters パルスオキシメータ"), (.activity, "Activity 活動量計"),
        (.heartRate, "Heart rate 心拍計"), (.stationInput, "Input at stations 入力機器"),
        (.any, "Any standard device 標準規格の機器"),
    ]

    private static func sections(
        _ profiles: [DeviceProfile]
    ) -> [(title: String, profiles: [DeviceProfile])] {
        titles.compactMap { deviceClass, title in
            let found = profiles.filter { $0.deviceClass == deviceClass }
                .sorted { ($0.title, $0.id) < ($1.title, $1.id) }
            return found.isEmpty ? nil : (title, found)
        }
    }

    /// The name by which a heading is linked to.
    private static func anchor(_ title: String) -> String {
        title.lowercased().filter { $0.isLetter || $0.isNumber || $0 == " " }
            .split(separator: " ", omittingEmptySubsequences: false).joined(separator: "-")
    }

    // MARK: one profile

    private static func entry(_ profile: DeviceProfile) -> [String] {
        let medical = profile.isMedicalDevice ? " · medical device 医療機器" : ""
        var lines = [
            "", "### \(profile.title)", "",
            "`\(profile.id)`\(medical) · \(profile.confidence.rawValue)", "",
            "- **Models 機種**: " + profile.models.map(model).joined(separator: "; "),
            "- **Reads 測定項目**: " + readings(profile),
            "- **Pairing ペアリング**: " + pairing(profile),
            "- **Clock 時計**: " + clock(profile),
        ]
        if let note = profile.confidenceNote {
            lines.append("- **Confidence 確度**: \(profile.confidence.rawValue). " + oneLine(note))
        }
        if !profile.notes.isEmpty {
            lines.append(
                "- **Known traps 注意**: " + profile.notes.map(oneLine).joined(separator: " "))
        }
        return lines
    }

    private static func model(_ model: DeviceProfile.Model) -> String {
        let others = model.aliases.filter { !$0.hasSuffix(model.name) }
        return others.isEmpty
            ? model.name : "\(model.name) (also \(others.joined(separator: ", ")))"
    }

    /// A text of several lines as one.
    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    // MARK: what is read

    private static func readings(_ profile: DeviceProfile) -> String {
        var names: [String] = []
        let given = profile.layouts.flatMap { quantities($0.format) } + vectorValues(profile)
        for name in given where !names.contains(name) {
            names.append(name)
        }
        let list = names.joined(separator: ", ")
        if names.isEmpty { return "nothing yet; the device is recognised and listed" }
        if let why = profile.decodeOnly { return "\(list). Not connected: \(oneLine(why))" }
        let isRecorded = profile.vectors.contains { $0.outcome == .measurement }
        let isEncrypted = profile.vectors.contains { $0.flags?.contains("encrypted") ?? false }
        if isEncrypted { return "\(list). Needs the owner's key 暗号鍵" }
        return isRecorded ? list : "\(list): running values that are shown and never stored"
    }

    /// What a layout can give, in words.
    private static func quantities(_ format: FrameLayout.Format) -> [String] {
        switch format {
        case .fields(let layout): fields(layout)
        case .variants(let layouts): layouts.flatMap(fields)
        default: (standard[FrameLayout.name(of: format)] ?? []).map(words)
        }
    }

    /// A protocol of its own gives what the profile's frames show.
    private static func vectorValues(_ profile: DeviceProfile) -> [String] {
        let isCable = ![.bluetoothGATT, .bluetoothAdvertisement].contains(profile.transport)
        guard isCable else { return [] }
        return profile.vectors.flatMap { ($0.values ?? []).map { words($0.name.rawValue) } }
    }

    private static func fields(_ layout: FieldLayout) -> [String] {
        let inSequence = layout.sequence.compactMap { item in
            if case .value(let field) = item.content { field.name } else { nil }
        }
        return (layout.values.map(\.name) + inSequence).map { words($0.rawValue) }
    }

    /// The name of a quantity in words, with the Japanese one beside it.
    private static func words(_ name: String) -> String {
        let words = name.split(separator: "_").joined(separator: " ")
        return japanese[words].map { "\(words) \($0)" } ?? words
    }

    private static let japanese = [
        "weight": "体重", "body fat": "体脂肪率", "body mass index": "BMI", "height": "身長",
        "basal metabolism": "基礎代謝量", "muscle": "筋肉率", "muscle mass": "筋肉量",
        "skeletal muscle": "骨格筋率", "fat free mass": "除脂肪量", "soft lean mass": "除脂肪軟組織量",
        "body water": "体水分率", "body water mass": "体水分量", "bone mass": "骨量",
        "visceral fat level": "内臓脂肪レベル", "impedance": "インピーダンス",
        "impedance low": "インピーダンス（低）", "impedance high": "インピーダンス（高）",
        "systolic": "収縮期血圧", "diastolic": "拡張期血圧", "mean arterial pressure": "平均血圧",
        "pulse rate": "脈拍", "glucose": "血糖値", "steps": "歩数", "distance": "距離",
        "heart rate": "心拍数", "body temperature": "体温", "oxygen saturation": "酸素飽和度",
    ]

    private static let standard = [
        "blood-pressure-measurement": [
            "systolic", "diastolic", "mean arterial pressure", "pulse rate",
        ],
        "weight-measurement": ["weight", "body mass index", "height"],
        "body-composition-measurement": [
            "body fat", "basal metabolism", "muscle", "muscle mass", "fat free mass",
            "soft lean mass", "body water mass", "impedance", "weight", "height",
        ],
        "glucose-measurement": ["glucose"],
        "temperature-measurement": ["body temperature"],
        "heart-rate-measurement": ["heart rate"],
        "pulse-oximeter-spot-check": ["oxygen saturation", "pulse rate"],
        "running-speed-measurement": ["distance"],
        "step-counter-summary": ["steps"],
    ]

    // MARK: pairing and clock

    private static func pairing(_ profile: DeviceProfile) -> String {
        if profile.transport == .bluetoothAdvertisement { return "none; it broadcasts 不要" }
        if let wire = profile.wire, profile.decodeOnly == nil {
            return wire.binding == .operator
                ? "by cable; say once which model it is: `hakaru port bind` 有線（機種の指定が必要）"
                : "by cable; nothing to do 有線"
        }
        guard let session = profile.session else {
            return profile.decodeOnly == nil ? "none 不要" : "not connected 未接続"
        }
        let methods = [
            "none": "none 不要",
            "just-works": "put the device into pairing mode once; nothing is typed 番号入力なし",
            "passkey-entry": "type the number that the device shows, or has on its label 番号入力あり",
        ]
        var method = methods[session.bond.rawValue] ?? session.bond.rawValue
        if let hint = profile.pairing {
            method += ". " + oneLine(hint.english)
            if let japanese = hint.japanese { method += " " + oneLine(japanese) }
        }
        switch (session.bond, session.bondLifetime) {
        case (.none, _), (_, .keep): return method
        case (_, .perSession): return method + "; again in every session"
        case (_, .none): return method + "; the bond is not kept"
        }
    }

    private static func clock(_ profile: DeviceProfile) -> String {
        let steps = profile.session?.steps ?? []
        var isRead = false
        var isSet = false
        for step in steps {
            switch step {
            case .readClock: isRead = true
            case .setClock: isSet = true
            default: break
            }
        }
        var parts: [String] = []
        if profile.time.clock == .none {
            parts.append("none; a reading gets the time of its arrival")
        }
        if profile.time.clock != .none {
            parts.append(profile.time.clock == .utc ? "keeps UTC" : "keeps local time")
            if profile.time.readings == .live {
                parts.append("a reading gets the time of its arrival 受信時刻")
            } else if isSet {
                parts.append("read and set in every session 毎回合わせる")
            } else if isRead {
                parts.append("read in every session, never set 読むだけ")
            } else if profile.time.unreadableClock == .unchanged {
                parts.append("cannot be read: set it on the device 本体で合わせる")
            } else {
                parts.append("cannot be read: old readings wait for a person")
            }
        }
        let stored = [
            "live": "live only", "stored": "out of its memory", "mixed": "live and stored",
        ]
        parts.append(
            "readings are " + (stored[profile.time.readings.rawValue] ?? "of any kind"))
        return parts.joined(separator: "; ")
    }
}

extension FrameLayout {
    /// How profiles spell a standard format; empty for one that is spelled out.
    static func name(of format: Format) -> String {
        let wanted = String(describing: format)
        return namedFormats.first { String(describing: $0.format) == wanted }?.name ?? ""
    }
}
