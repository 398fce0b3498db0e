/// Columns that nothing here has a place for: who a person is outside of the project.
enum PersonalColumn {
    /// What a column looks like by its title; nil for a harmless one.
    static func looksLike(_ title: String) -> String? {
        let text = title.halfWidth.lowercased()
            .filter { $0 != " " && $0 != "_" && $0 != "-" && $0 != "　" }
        for (what, words) in parts where words.contains(where: { text.containsText($0) }) {
            return what
        }
        for (what, words) in whole where words.contains(text) { return what }
        return nil
    }

    private static let parts = [
        (
            "a name",
            [
                "氏名", "姓名", "名前", "フリガナ", "ふりがな", "ﾌﾘｶﾞﾅ", "カナ氏", "fullname",
                "lastname", "firstname", "familyname", "givenname", "surname", "kana", "nickname",
                "personname", "patientname", "participantname", "参加者名", "患者名", "お名",
            ]
        ),
        (
            "a birth date",
            [
                "生年月日", "誕生日", "birthdate", "birthday", "dateofbirth", "生日",
            ]
        ),
        (
            "an address",
            [
                "住所", "番地", "郵便番号", "postalcode", "postcode", "zipcode", "address",
                "メール", "email", "アドレス",
            ]
        ),
        (
            "a phone number",
            ["電話", "携帯", "phone", "telno", "ファックス", "faxno"]
        ),
    ]
    private static let whole = [
        ("a name", ["name", "姓", "名", "氏", "カナ", "かな"]),
        ("a birth date", ["birth", "dob", "生年月日(西暦)"]),
        ("an address", ["zip", "mail", "〒"]),
        ("a phone number", ["tel", "fax", "mobile"]),
        ("a card's number", ["idm", "card", "cardnumber", "カード番号"]),
    ]
}

extension String {
    /// Whether a text occurs in this one.
    fileprivate func containsText(_ other: String) -> Bool {
        let wanted = Array(other.unicodeScalars)
        let own = Array(unicodeScalars)
        guard own.count >= wanted.count else { return false }
        return (0...(own.count - wanted.count)).contains { start in
            own[start..<(start + wanted.count)].elementsEqual(wanted)
        }
    }
}
