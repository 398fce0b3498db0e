import Glibc

/// The machine below the gateway: clock, Bluetooth, disk.
extension Doctor {
    func clock() {
        guard surroundings.isClockSynchronised() else {
            return say(
                "clock", .problem, "clock-not-synchronised",
                Phrase(
                    "the clock is not synchronised: nothing from devices is dated",
                    "時計が同期していません: 機器の値に時刻を付けられません"),
                remedy: Phrase(
                    "timedatectl set-ntp true, and a time server that can be reached",
                    "timedatectl set-ntp true を実行し、時刻サーバーに届くようにしてください"))
        }
        say("clock", .ok, "clock", Phrase("synchronised", "同期しています"))
    }

    func bluetooth(_ wanted: [String]?) {
        switch surroundings.bus() {
        case .serves:
            say("bluetoothd", .ok, "bluetoothd", Phrase("runs", "動いています"))
        case .noBluetoothd:
            say(
                "bluetoothd", .problem, "no-bluetoothd",
                Phrase("bluetoothd does not run", "bluetoothd が動いていません"),
                remedy: Phrase(
                    "sudo apt install bluez; sudo systemctl enable --now bluetooth",
                    "sudo apt install bluez; sudo systemctl enable --now bluetooth"))
        case .noBus(let why):
            say(
                "bluetoothd", .problem, "no-system-bus",
                Phrase("there is no system bus: \(why)", "システムバスがありません: \(why)"),
                remedy: Phrase(
                    "sudo apt install dbus; sudo systemctl start dbus",
                    "sudo apt install dbus; sudo systemctl start dbus"))
        }
        let present = surroundings.entries("/class/bluetooth").filter {
            $0.hasPrefix("hci") && !$0.contains(":")
        }
        for adapter in wanted ?? present where present.contains(adapter) { radio(adapter) }
        for adapter in wanted ?? [] where !present.contains(adapter) { absent(adapter) }
        if wanted == nil, present.isEmpty { absent(nil) }
    }

    private func absent(_ adapter: String?) {
        let name = adapter ?? "Bluetooth"
        say(
            "adapter", .problem, "adapter-absent",
            Phrase("there is no \(name) adapter", "\(name) アダプターがありません"),
            remedy: adapter == nil
                ? Phrase(
                    "plug one in, or bluetooth: { enabled: false } in the configuration",
                    "アダプターを差すか、設定で bluetooth: { enabled: false } にしてください")
                : Phrase(
                    "plug it in, or correct bluetooth.adapters in the configuration",
                    "アダプターを差すか、設定の bluetooth.adapters を直してください"),
            about: adapter)
    }

    /// The kernel's radio switches: bluetoothd only says "Failed" where one is off.
    private func radio(_ adapter: String) {
        for entry in surroundings.entries("/class/rfkill") {
            let path = "/class/rfkill/" + entry
            guard surroundings.text(path + "/name") == adapter else { continue }
            if surroundings.text(path + "/hard") == "1" {
                return say(
                    "adapter", .problem, "adapter-blocked-hard",
                    Phrase(
                        "\(adapter) is off by a switch of the machine",
                        "\(adapter) は本体のスイッチで切られています"),
                    remedy: Phrase(
                        "switch radio on at the machine or in its firmware",
                        "本体または BIOS の無線スイッチを入れてください"), about: adapter)
            }
            if surroundings.text(path + "/soft") == "1" {
                return say(
                    "adapter", .problem, "adapter-blocked",
                    Phrase("\(adapter) is blocked (rfkill)", "\(adapter) は rfkill で止められています"),
                    remedy: Phrase(
                        "sudo rfkill unblock bluetooth", "sudo rfkill unblock bluetooth"),
                    about: adapter)
            }
        }
        say(
            "adapter", .ok, "adapter",
            Phrase("\(adapter) is there and not blocked", "\(adapter) は使えます"), about: adapter)
    }

    func disk(_ configuration: Configuration) {
        let path = options.stateDirectory
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            return say(
                "disk", .warning, "no-state-directory",
                Phrase(
                    "\(path) cannot be looked at: \(String(cString: strerror(errno)))",
                    "\(path) を調べられません: \(String(cString: strerror(errno)))"),
                remedy: Phrase(
                    "it is made at the first start; run this as root to look inside",
                    "最初の起動で作られます。中を調べるには root で実行してください"))
        }
        if status.f_flag & UInt(ST_RDONLY) != 0 {
            return say(
                "disk", .problem, "read-only",
                Phrase(
                    "the file system of \(path) is read-only",
                    "\(path) のファイルシステムは読み取り専用です"),
                remedy: Phrase(
                    "look at dmesg: the disk or card may fail; then mount it writable",
                    "dmesg でディスクやカードの故障を確かめ、書き込み可で再マウントしてください"))
        }
        let (free, isMore) = Int64(clamping: status.f_bavail).multipliedReportingOverflow(
            by: Int64(clamping: status.f_frsize))
        room(path, isMore ? .max : free, configuration.storage)
    }

    private func room(_ path: String, _ free: Int64, _ storage: Configuration.Storage) {
        let reserve = Int64(storage.reserveBytes)
        let text = "\(free / 1_000_000) MB"
        let state: Finding.State = free < reserve ? .problem : free < reserve * 4 ? .warning : .ok
        let remedy = Phrase(
            "free space on the disk of \(path); devices are left alone below \(reserve / 1_000_000) MB",
            "\(path) のディスクを空けてください。\(reserve / 1_000_000) MB 未満では機器から読みません")
        say(
            "disk", state, state == .ok ? "disk" : "disk-short",
            Phrase("\(text) free", "空き \(text)"), remedy: state == .ok ? nil : remedy)
    }
}
