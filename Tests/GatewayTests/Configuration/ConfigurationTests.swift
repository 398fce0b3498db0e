import DataFiles
import Exchange
import Measurement
import Register
import Testing
import Uplink
import YAML

@testable import Gateway

/// Reads a text as `hakaru.yaml`; the configuration, or nil, and the rendered problems.
func configure(_ text: String) -> (Configuration?, [String]) {
    let problems = ProblemList()
    var made: Configuration?
    do throws(Problem) {
        let node = try YAMLDocument.parse(Array(text.utf8), file: "hakaru.yaml")
        made = Configuration.read(NodeReader(node, file: "hakaru.yaml", problems: problems))
    } catch {
        problems.add(error)
    }
    return (made, problems.sorted.map(\.description))
}

/// A whole configuration with one more text at its end.
func minimal(_ more: String) -> String { "gateway: { id: gw, consortium-id: C1 }\n" + more }

/// One destination with the given keys in place of, or beside, the usual ones.
func destination(_ keys: String, url: String = "https://collector.example/v1/records") -> String {
    minimal("destinations: [ { name: db, format: meti-1.0, url: '\(url)', \(keys) } ]\n")
}

@Suite("Configuration") struct ConfigurationTests {
    static let whole = """
        gateway:
          id: gw-0001
          consortium-id: C00001
          timezone: Asia/Tokyo
          setting: checkup
          test-lab-id: "000000000001"
        bluetooth: { enabled: true, adapters: [hci0] }
        usb:       { enabled: false }
        tape:      { enabled: true, directory: /srv/tapes }
        destinations:
          - name: common-db
            format: meti-1.0
            url: https://collector.example/v1/records
            authorization: { bearer-token-file: /etc/hakaru/token }
            tls: { ca-file: /c/ca.pem, client-certificate-file: /c/c.pem, client-key-file: /c/k.pem }
            extensions: [blood-glucose]
            accept-simulated: true
            batch: { max-records: 50 }
            retry: { initial: 500ms, maximum: 5m }
          - name: phr
            format: /etc/hakaru/own-format.yaml
            url: http://127.0.0.1:8080/records
        participants:
          - id: P0000001
            devices:
              - model: UC-352BLE
                address: "a4:c1:38:00:00:01"
                slot: 1
                wearing-position: "31"
                passkey: "012345"
                asset-number: A-17
              - { model: FORA D40, serial: "4012345678901234" }
            consent: [ { destination: common-db, kinds: all } ]
          - id: mdm‐００２
            consent: [ { destination: phr, kinds: [weight, blood-pressure] } ]
        retention: { delivered: 30d, raw-frames: 12h }
        storage: { maximum: 1GB, reserve: 20MB }
        status: { group: hakaru, admin-group: hakaru-admin }

        """

    @Test("every key of the contract is read into its value")
    func wholeFile() throws {
        let (read, problems) = configure(Self.whole)
        #expect(problems == [])
        let made = try #require(read)
        #expect(made.gateway.id == "gw-0001")
        #expect(made.gateway.consortiumID == "C00001")
        #expect(made.gateway.timeZone.name == "Asia/Tokyo")
        #expect(made.gateway.timeZone.offsetSeconds(at: Instant(seconds: 1_700_000_000)) == 32_400)
        #expect(made.gateway.setting == .checkup)
        #expect(made.gateway.testLabID == "000000000001")
        #expect(made.bluetooth == Configuration.Bluetooth(enabled: true, adapters: ["hci0"]))
        #expect(!made.usb.enabled)
        #expect(made.tape == Configuration.Tape(enabled: true, directory: "/srv/tapes"))
        #expect(made.retention.delivered == .days(30))
        #expect(made.retention.rawFrames == .seconds(43_200))
        #expect(made.storage.maximumBytes == 1_000_000_000)
        #expect(made.storage.reserveBytes == 20_000_000)
        #expect(made.status == .init(group: "hakaru", adminGroup: "hakaru-admin"))
    }

    @Test("a destination is read with its format, its files and its retry steps")
    func destinations() throws {
        let made = try #require(configure(Self.whole).0)
        let first = try #require(made.destinations.first)
        #expect(first.name == "common-db")
        #expect(first.format == .shipped("meti-1.0"))
        #expect(first.url?.text == "https://collector.example/v1/records")
        #expect(first.url?.host == "collector.example")
        #expect(first.bearerTokenFile?.path == "/etc/hakaru/token")
        #expect(first.tls.caFile?.path == "/c/ca.pem")
        #expect(first.tls.clientCertificateFile?.path == "/c/c.pem")
        #expect(first.tls.clientKeyFile?.path == "/c/k.pem")
        #expect(first.extensions == ["blood-glucose"])
        #expect(first.acceptSimulated)
        #expect(first.maximumRecords == 50)
        #expect(first.retry.initial == .milliseconds(500))
        #expect(first.retry.maximum == .seconds(300))
        guard case .file(let file) = made.destinations[1].format else {
            Issue.record("the format of the second destination is no file")
            return
        }
        #expect(file.path == "/etc/hakaru/own-format.yaml")
    }

    @Test("a participant is read with devices, slots and consent under one form of the code")
    func participants() throws {
        let made = try #require(configure(Self.whole).0)
        #expect(made.participants.map(\.id.text) == ["P0000001", "MDM-002"])
        let device = try #require(made.participants[0].devices.first)
        #expect(device.model == "UC-352BLE")
        #expect(device.address == "A4:C1:38:00:00:01")
        #expect(device.slot == 1)
        #expect(device.wearingPosition == "31")
        #expect(device.passkey?.value == 12_345)
        #expect(device.assetNumber == "A-17")
        #expect(made.participants[0].devices[1].serial == "4012345678901234")
        #expect(made.participants[0].consent[0].kinds == Set(MeasurementKind.allCases))
        #expect(made.participants[1].consent[0].kinds == [.weight, .bloodPressure])
    }

    @Test("one key is enough to begin: everything else has a safe default")
    func defaults() throws {
        let (read, problems) = configure("gateway: { id: gw }")
        #expect(problems == [])
        let made = try #require(read)
        #expect(made.gateway.timeZone.name == "Asia/Tokyo")
        #expect(made.gateway.setting == .home)
        #expect(made.bluetooth.enabled && made.bluetooth.adapters == nil)
        #expect(made.usb.enabled)
        #expect(!made.tape.enabled)
        #expect(made.destinations.isEmpty && made.participants.isEmpty)
        #expect(made.retention.delivered == .days(90))
        #expect(made.retention.rawFrames == .days(30))
        #expect(made.storage.maximumBytes == 512_000_000)
        #expect(made.storage.reserveBytes == 25_600_000)
        #expect(made.status == Configuration.Status())
        let sender = try #require(configure(destination("")).0?.destinations.first)
        #expect(!sender.acceptSimulated)
        #expect(sender.extensions == [])
        #expect(sender.maximumRecords == 100)
        #expect(sender.retry.initial == .seconds(1))
        #expect(sender.retry.maximum == .seconds(900))
    }

    @Test("a destination may be a directory, and says how documents travel")
    func ways() throws {
        let text = minimal(
            "destinations: [ { name: stick, format: meti-1.0, directory: /srv/out } ]")
        let stick = try #require(configure(text).0?.destinations.first)
        #expect(stick.directory == "/srv/out" && stick.url == nil)
        let way = destination(
            "compression: gzip, proxy: 'http://proxy:8080', rate: { requests-per-second: 5 }")
        let sender = try #require(configure(way).0?.destinations.first)
        #expect(sender.compression == .gzip)
        #expect(sender.proxy == "http://proxy:8080")
        #expect(sender.requestsPerSecond == 5)
        let plain = try #require(configure(destination("")).0?.destinations.first)
        #expect(plain.compression == .automatic && plain.proxy == nil)
        #expect(plain.requestsPerSecond == 20)
    }

    @Test("a destination may take history from a day of the calendar, and by itself takes none")
    func history() throws {
        let from = destination("history-from: 2026-03-01")
        let made = try #require(configure(from).0?.destinations.first)
        #expect(made.historyFrom == LocalDateTime(year: 2026, month: 3, day: 1))
        #expect(try #require(configure(destination("")).0?.destinations.first).historyFrom == nil)
        for wrong in ["2026-02-30", "1.3.2026", "2026-3-1", "yesterday", "2026-03-01T00:00:00"] {
            let problems = configure(destination("history-from: '\(wrong)'")).1
            #expect(problems.count == 1, "\(wrong)")
            #expect(problems.first?.description.contains("a day such as 2026-03-01") == true)
        }
    }

    @Test("all problems of a file are listed at once, each with place, key and what is accepted")
    func allProblems() {
        let text = """
            gateway:
              id: "gw 1"
              timezone: Asia/Tokio
              setting: clinic
            bluetoth: { enabled: true }
            usb: { enabled: yes }
            destinations:
              - name: common-db
                format: meti-2.0
                url: http://collector.example/
              - name: common-db
                format: meti-1.0
                url: https://x.example/
                retry: { initial: 1h, maximum: 1s }
            participants:
              - id: P_1
                consent: [ { destination: comon-db, kinds: al } ]
            storage: { maximum: 512 }

            """
        let (read, problems) = configure(text)
        #expect(read == nil)
        let keys = problems.map { problem in
            problem.split(separator: " ", maxSplits: 2).prefix(2).joined(separator: " ")
        }
        #expect(
            keys == [
                "hakaru.yaml:2:7: gateway.id:",
                "hakaru.yaml:3:13: gateway.timezone:",
                "hakaru.yaml:4:12: gateway.setting:",
                "hakaru.yaml:5:1: bluetoth:",
                "hakaru.yaml:6:17: usb.enabled:",
                "hakaru.yaml:9:13: destinations[0].format:",
                "hakaru.yaml:10:10: destinations[0].url:",
                "hakaru.yaml:11:5: destinations[1].name:",
                "hakaru.yaml:14:27: destinations[1].retry.maximum:",
                "hakaru.yaml:16:9: participants[0].id:",
                "hakaru.yaml:17:31: participants[0].consent[0].destination:",
                "hakaru.yaml:17:48: participants[0].consent[0].kinds:",
                "hakaru.yaml:18:21: storage.maximum:",
            ], "\(problems.joined(separator: "\n"))")
    }

    struct Wrong: CustomTestStringConvertible {
        let name: String
        let text: String
        let problem: String
        var testDescription: String { name }
    }

    @Test(
        "a mistake is answered with what would be right",
        arguments: [
            Wrong(
                name: "no gateway", text: "usb: { enabled: true }",
                problem: "1:1: gateway: is missing; accepted: gateway: { id: … }"),
            Wrong(
                name: "consortium id too long", text: "gateway: { id: a, consortium-id: C000001 }",
                problem: "1:34: gateway.consortium-id: is \"C000001\"; accepted: 1 to 6 half-width "
                    + "letters and digits"),
            Wrong(
                name: "meti format without consortium",
                text: "gateway: { id: a }\n"
                    + "destinations: [ { name: d, format: meti-1.0, url: 'https://x/' } ]",
                problem: "1:1: gateway: lacks consortium-id, which the meti formats carry; "
                    + "accepted: 1 to 6 half-width letters and digits"),
            Wrong(
                name: "health check without laboratory",
                text: "gateway: { id: a, setting: checkup }",
                problem: "1:10: gateway.test-lab-id: is missing, and the setting is checkup; "
                    + "accepted: 1 to 12 half-width letters and digits"),
            Wrong(
                name: "time zone outside the database",
                text: "gateway: { id: a, timezone: ../../etc/passwd }",
                problem: "1:29: gateway.timezone: is \"../../etc/passwd\"; accepted: a name of the "
                    + "tz database such as Asia/Tokyo"),
            Wrong(
                name: "time zone that is a directory", text: "gateway: { id: a, timezone: Asia }",
                problem: "1:29: gateway.timezone: names Asia, which is not in /usr/share/zoneinfo; "
                    + "accepted: a name of the tz database such as Asia/Tokyo"),
            Wrong(
                name: "adapter", text: minimal("bluetooth: { adapters: [usb0] }"),
                problem: "2:25: bluetooth.adapters[0]: is \"usb0\"; accepted: an adapter's name "
                    + "such as hci0"),
            Wrong(
                name: "adapter twice", text: minimal("bluetooth: { adapters: [hci0, hci0] }"),
                problem: "2:31: bluetooth.adapters[1]: names hci0 twice"),
            Wrong(
                name: "no adapters", text: minimal("bluetooth: { adapters: [] }"),
                problem: "2:24: bluetooth.adapters: has 0 entries; accepted: 1 to 16 entries"),
            Wrong(
                name: "relative directory", text: minimal("tape: { directory: tapes }"),
                problem: "2:20: tape.directory: is \"tapes\"; accepted: an absolute path"),
            Wrong(
                name: "retention without a unit", text: minimal("retention: { delivered: 90 }"),
                problem:
                    "2:25: retention.delivered: is \"90\"; accepted: a duration such as 500ms, "
                    + "10s, 15m, 2h, 90d, 1h to 3660d"),
            Wrong(
                name: "storage too small to work", text: minimal("storage: { maximum: 1MB }"),
                problem: "2:21: storage.maximum: is \"1MB\"; accepted: a size such as 64kB, 512MB, "
                    + "2GB, 512MiB, 8000000 to 1000000000000 bytes"),
            Wrong(
                name: "address beside a directory",
                text: destination("directory: /srv/out"),
                problem:
                    "2:47: destinations[0].url: stands beside directory, where documents become "
                    + "files"),
            Wrong(
                name: "password in the proxy", text: destination("proxy: 'http://a:b@proxy:8080'"),
                problem: "2:99: destinations[0].proxy: is a value that does not fit; accepted: "
                    + "http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT"),
            Wrong(
                name: "reserve that leaves no room",
                text: minimal("storage: { maximum: 20MB, reserve: 15MB }"),
                problem:
                    "2:27: storage.reserve: is more than half of the maximum; accepted: at most "
                    + "10000000 bytes"),
            Wrong(
                name: "token in the file itself",
                text: destination("authorization: { bearer-token: secret }"),
                problem: "2:107: destinations[0].authorization.bearer-token-file: is missing"),
            Wrong(
                name: "certificate without its key",
                text: destination("tls: { client-certificate-file: /c.pem }"),
                problem: "2:97: destinations[0].tls.client-key-file: is missing; accepted: "
                    + "certificate and key, or neither of them"),
            Wrong(
                name: "empty authorization", text: destination("authorization:"),
                problem: "2:107: destinations[0].authorization: has no value; accepted: a mapping "
                    + "(key: value)"),
            Wrong(
                name: "batch of nothing", text: destination("batch: { max-records: 0 }"),
                problem: "2:114: destinations[0].batch.max-records: is \"0\"; accepted: a whole "
                    + "number, 1 to 10000"),
            Wrong(
                name: "not YAML", text: "gateway: { id: a\nusb: ]",
                problem: "2:4: not YAML: did not find expected ',' or '}' while parsing a flow "
                    + "mapping"),
        ])
    func wrong(_ test: Wrong) {
        let (_, problems) = configure(test.text)
        #expect(problems.first == "hakaru.yaml:" + test.problem)
    }

    @Test("no value of a token, passkey or address with a password is repeated in a problem")
    func secretsStaySecret() {
        let (_, problems) = configure(
            destination(
                "authorization: { bearer-token: s3cr3t }", url: "https://me:s3cr3t@host/")
                + "participants: [ { id: P1, devices: [ { serial: x, passkey: s3cr3t } ] } ]")
        #expect(problems.count == 4)
        #expect(!problems.joined().contains("s3cr3t"), "\(problems)")
        #expect(
            "\(Passkey(value: 123_456))\(String(reflecting: Passkey(value: 1)))".contains("1")
                == false)
    }
}

extension ConfigurationTests {
    @Test("a broken destination is one problem, and those who name it are none")
    func namedByOthers() {
        let (_, problems) = configure(
            minimal(
                """
                destinations: [ { name: db, format: meti-1.0, url: "http://far.example/" } ]
                participants: [ { id: P1, consent: [ { destination: db, kinds: all } ] } ]

                """))
        #expect(problems.count == 1)
        #expect(problems.first?.contains("destinations[0].url: is unencrypted") ?? false)
    }

    @Test("an extension that a shipped format lacks is refused; a format of one's own may have it")
    func extensions() {
        let (_, problems) = configure(destination("extensions: [blood-glukose]"))
        #expect(
            problems.first?.hasSuffix(
                "extensions[0]: is \"blood-glukose\", did you mean blood-glucose?; "
                    + "accepted: blood-glucose") ?? false)
        let own = minimal(
            """
            destinations:
              - { name: db, format: /own.yaml, url: "https://x.example/", extensions: [own-table] }

            """)
        #expect(configure(own).1.isEmpty)
    }

    @Test("the shipped extensions are those that the shipped formats have")
    func shippedExtensions() throws {
        let data = DataDirectory.find()
        var found: Set<String> = []
        for name in Configuration.Format.shippedNames {
            let path = "\(data.exchangeFormats)/\(name).yaml"
            let problems = ProblemList()
            let format = FormatDefinition.load(
                try FileReader.read(path), file: path, problems: problems)
            found.formUnion(try #require(format).extensions)
        }
        #expect(found == Set(Configuration.Format.shippedExtensions))
    }
}
