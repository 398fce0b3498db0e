import DataFiles

/// What a person is told at each stage of a pairing.
enum PairingText {
    static func stage(_ stage: String, in language: Language) -> String {
        switch stage {
        case "waiting-for-device":
            language.pick(
                "Put the device into pairing mode: hold its Bluetooth or start button until it shows Pr, P "
                    + "or a blinking sign; a device without such a button pairs when it is switched on.",
                "機器をペアリング状態にしてください: Pr、P、または点滅表示が出るまで Bluetooth ボタンか開始ボタンを押し続けます。"
                    + "ボタンのない機器は、電源を入れるとペアリングします。")
        case "connecting": language.pick("Found. Connecting …", "見つかりました。接続しています…")
        case "passkey-needed":
            language.pick(
                "The device wants its number: read it from its display or its label.",
                "機器が番号を求めています。画面または銘板の番号を読んでください。")
        case "bonded":
            language.pick(
                "The keys are made. The device hands over what it has …",
                "鍵ができました。機器の記録を受け取っています…")
        case "waiting-for-reconnect":
            language.pick(
                "Now the proof: take the device out of pairing mode and measure once, or switch it on.",
                "確認します: ペアリング状態を終え、一度測定するか電源を入れてください。")
        case "proving": language.pick("Connecting again …", "再接続しています…")
        case "paired":
            language.pick(
                "Paired: the device was connected again and accepted the keys.",
                "ペアリング完了: 再接続で鍵が確かめられました。")
        case "cancelled": language.pick("Cancelled.", "取り消しました。")
        default: language.pick("Not paired.", "ペアリングできませんでした。")
        }
    }

    static func passkeyPrompt(in language: Language) -> String {
        language.pick("Number (up to 6 digits): ", "番号(6桁まで): ")
    }

    static func repairPrompt(in language: Language) -> String {
        language.pick(
            "The gateway's key for this device does not fit any more. Remove it and pair again? [y/N] ",
            "この機器の鍵が合わなくなっています。削除してペアリングし直しますか? [y/N] ")
    }
}
