import DeviceLink
import DeviceProfile
import Measurement
import Testing

@testable import TapeLink

/// What a tape may look like, and what is said of a line that is wrong.
@Suite struct TapeParserTests {
    static let header = #"{"tape":1,"transport":"ble","address":"A4:C1:38:00:00:01"}"#

    private func parse(_ text: String) throws(TapeError) -> Tape {
        try TapeParser.parse(Array(text.utf8), file: "x.tape")
    }

    @Test func `the lines of the contract are read as they stand there`() throws {
        let tape = try parse(
            """
            {"tape":1,"transport":"ble","address":"A4:C1:38:00:00:01","address-type":"random","note":"a cuff"}
            {"at":"2026-03-01T08:15:00.000+09:00","advertisement":{"data":"02 01 06 03 03","rssi":-61}}
            {"at":"2026-03-01T08:15:01.000+09:00","connected":{}}
            {"at":"2026-03-01T08:15:02Z","services":[{"uuid":"1810","characteristics":[{"uuid":"2a35","properties":["indicate"]},{"uuid":"2a08","properties":["read","write"]}]}]}
            {"at":"2026-03-01T08:15:03Z","read":{"uuid":"2a08","value":"ea0703010810 00"},"note":"slow"}
            {"at":"2026-03-01T08:15:04Z","write":{"uuid":"2a08","value":"*"}}
            {"at":"2026-03-01T08:15:05Z","write":{"uuid":"2a52","value":"0101"}}
            {"at":"2026-03-01T08:15:06Z","indicate":{"uuid":"2a35","value":"16 7d00"}}
            {"at":"2026-03-01T08:15:07Z","notify":{"uuid":"233bf001-5a34-1b6d-975c-000d5690abe4","value":""}}
            {"at":"2026-03-01T08:15:08Z","bonded":{"method":"just-works"}}
            {"at":"2026-03-01T08:15:09Z","gateway-clock":{"synchronised":false}}
            {"at":"2026-03-01T08:15:10Z","disconnected":{"by":"device"}}
            """)
        #expect(tape.header.transport == .bluetoothLE)
        #expect(tape.header.address?.description == "A4:C1:38:00:00:01")
        #expect(tape.header.addressIsRandom)
        #expect(tape.header.note == "a cuff")
        let long = try #require(BluetoothUUID("233bf001-5a34-1b6d-975c-000d5690abe4"))
        let characteristics = [
            GATTCharacteristic(uuid: BluetoothUUID(0x2A35), properties: [.indicate]),
            GATTCharacteristic(uuid: BluetoothUUID(0x2A08), properties: [.read, .write]),
        ]
        #expect(
            tape.lines.map(\.entry) == [
                .advertisement([2, 1, 6, 3, 3], rssi: -61), .connected,
                .services([
                    GATTService(uuid: BluetoothUUID(0x1810), characteristics: characteristics)
                ]),
                .read(BluetoothUUID(0x2A08), [0xEA, 7, 3, 1, 8, 0x10, 0]),
                .write(BluetoothUUID(0x2A08), nil), .write(BluetoothUUID(0x2A52), [1, 1]),
                .notification(BluetoothUUID(0x2A35), [0x16, 0x7D, 0]), .notification(long, []),
                .bonded(method: "just-works"), .gatewayClock(synchronised: false),
                .disconnected(byDevice: true),
            ])
        #expect(tape.lines.map(\.number) == Array(2...12))
        #expect(tape.lines[0].at == moment("2026-03-01T08:15:00"))
    }

    @Test func `a usb tape and a serial tape are read, too`() throws {
        let usb = try parse(
            """
            {"tape":1,"transport":"usb","vendor-id":"1a79","product-id":"6002","serial":"7-1","class":"hid","path":"1-1.2"}
            {"at":"2026-03-01T08:15:00Z","out":{"endpoint":"0x02","data":"*"}}
            {"at":"2026-03-01T08:15:00Z","in":{"endpoint":"0x81","data":"00 04"}}
            """)
        #expect(usb.header.vendorID == 0x1A79)
        #expect(usb.header.productID == 0x6002)
        #expect(usb.header.serial == "7-1")
        #expect(
            usb.lines.map(\.entry) == [
                .output(endpoint: "0x02", nil), .input(endpoint: "0x81", [0, 4]),
            ])
        let serial = try parse(
            """
            {"tape":1,"transport":"serial","vendor-id":"0403","product-id":"6001","settings":"2400 7E1"}
            {"at":"2026-03-01T08:15:00Z","out":{"data":"05"}}
            """)
        #expect(serial.header.transport == .serial)
        #expect(serial.lines.map(\.entry) == [.output(endpoint: nil, [5])])
    }

    @Test(arguments: ["\r\n", "\n\n", " \n\t\n"]) func `line ends and empty lines do not matter`(
        end: String
    ) throws {
        let line = #"{"at":"2026-03-01T08:15:00Z","connected":{}}"#
        let tape = try parse(Self.header + end + line + end)
        #expect(tape.lines.map(\.entry) == [.connected])
    }

    @Test func `a byte order mark before the first line does not matter`() throws {
        #expect(try parse("\u{FEFF}" + Self.header).lines.isEmpty)
    }

    @Test(arguments: [
        ("device", true), ("gateway", false), ("link-loss", false), ("timeout", false),
    ]) func `only a device that ends the session itself has given all`(by: String, byDevice: Bool)
        throws
    {
        let tape = try parse(
            Self.header + "\n" + #"{"at":"2026-03-01T08:15:00Z","disconnected":{"by":"\#(by)"}}"#)
        #expect(tape.lines.map(\.entry) == [.disconnected(byDevice: byDevice)])
    }

    // MARK: what is wrong

    @Test(arguments: [
        ("", 1, "the tape is empty; a header is due"),
        ("\n\n", 3, "the tape is empty; a header is due"),
        ("{", 1, "not JSON"),
        ("[]", 1, "a header with \"tape\":1 is due"),
        (#"{"at":"2026-03-01T08:15:00Z","connected":{}}"#, 1, "a header with \"tape\":1 is due"),
        (#"{"tape":2,"transport":"ble"}"#, 1, "a header with \"tape\":1 is due"),
        (#"{"tape":1}"#, 1, "\"transport\" is one of ble, usb, serial"),
        (#"{"tape":1,"transport":"wifi"}"#, 1, "\"transport\" is one of ble, usb, serial"),
        (#"{"tape":1,"transport":"ble"}"#, 1, "a ble tape names its device in \"address\""),
        (
            #"{"tape":1,"transport":"ble","address":"A4:C1"}"#, 1,
            "\"address\" is not a Bluetooth address"
        ),
        (
            #"{"tape":1,"transport":"ble","address":"A4:C1:38:00:00:01","address-type":"static"}"#,
            1,
            "\"address-type\" is public or random"
        ),
        (
            #"{"tape":1,"transport":"usb","vendor-id":"79"}"#, 1,
            "\"vendor-id\" is four hexadecimal digits"
        ),
        (
            #"{"tape":1,"transport":"usb","product-id":1}"#, 1,
            "\"product-id\" is four hexadecimal digits"
        ),
    ]) func `a tape without a proper header says what is due`(
        text: String, line: Int, message: String
    ) {
        let error = #expect(throws: TapeError.self) { try parse(text) }
        #expect(error?.line == line)
        #expect(error?.message.hasPrefix(message) ?? false, "\(String(describing: error))")
        #expect(error?.description.hasPrefix("x.tape:\(line): ") ?? false)
    }

    @Test(arguments: [
        ("nonsense", "not JSON"),
        ("[]", "an object is due"),
        ("7", "an object is due"),
        (#"{"connected":{}}"#, "\"at\" is due"),
        (#"{"at":1,"connected":{}}"#, "\"at\" is due"),
        (#"{"at":"2026-03-01","connected":{}}"#, "\"at\" is due"),
        (#"{"at":"2026-03-01T08:15:00","connected":{}}"#, "\"at\" is due"),
        (#"{"at":"2026-02-30T08:15:00Z","connected":{}}"#, "\"at\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z"}"#, "one event is due beside \"at\""),
        (#"{"at":"2026-03-01T08:15:00Z","note":"x"}"#, "one event is due beside \"at\""),
        (
            #"{"at":"2026-03-01T08:15:00Z","connected":{},"bonded":{}}"#,
            "one event is due beside \"at\""
        ),
        (#"{"at":"2026-03-01T08:15:00Z","explode":{}}"#, "\"explode\" is no event; known: "),
        (#"{"at":"2026-03-01T08:15:00Z","advertisement":{}}"#, "\"data\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","advertisement":{"data":"020"}}"#, "\"data\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","advertisement":{"data":"0g"}}"#, "\"data\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","advertisement":{"data":"０２"}}"#, "\"data\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","services":{}}"#, "\"services\" is a list"),
        (#"{"at":"2026-03-01T08:15:00Z","services":[{}]}"#, "\"uuid\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","services":[{"uuid":"18100"}]}"#, "\"uuid\" is due"),
        (
            #"{"at":"2026-03-01T08:15:00Z","services":[{"uuid":"1810","characteristics":{}}]}"#,
            "\"characteristics\" is a list"
        ),
        (
            #"{"at":"2026-03-01T08:15:00Z","services":[{"uuid":"1810","characteristics":[{}]}]}"#,
            "\"uuid\" is due"
        ),
        (
            #"{"at":"2026-03-01T08:15:00Z","services":[{"uuid":"1810","characteristics":[{"uuid":"2a35","properties":"read"}]}]}"#,
            "\"properties\" is a list"
        ),
        (
            #"{"at":"2026-03-01T08:15:00Z","services":[{"uuid":"1810","characteristics":[{"uuid":"2a35","properties":["shout"]}]}]}"#,
            "properties are read, write, write-without-response, notify, indicate"
        ),
        (#"{"at":"2026-03-01T08:15:00Z","read":{"value":"00"}}"#, "\"uuid\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","read":{"uuid":"2a08"}}"#, "\"value\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","read":{"uuid":"2a08","value":"*"}}"#, "\"value\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","write":{"uuid":"2a08"}}"#, "\"value\" is due"),
        (
            #"{"at":"2026-03-01T08:15:00Z","write":{"uuid":"2a08","value":"**"}}"#,
            "\"value\" is due"
        ),
        (
            #"{"at":"2026-03-01T08:15:00Z","indicate":{"uuid":"2a35","value":7}}"#,
            "\"value\" is due"
        ),
        (#"{"at":"2026-03-01T08:15:00Z","notify":{"value":"00"}}"#, "\"uuid\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","notify":null}"#, "\"uuid\" is due"),
        (
            #"{"at":"2026-03-01T08:15:00Z","gateway-clock":{}}"#,
            "\"gateway-clock\" holds \"synchronised\": true or false"
        ),
        (
            #"{"at":"2026-03-01T08:15:00Z","gateway-clock":{"synchronised":"no"}}"#,
            "\"gateway-clock\" holds \"synchronised\": true or false"
        ),
        (#"{"at":"2026-03-01T08:15:00Z","in":{}}"#, "\"data\" is due"),
        (#"{"at":"2026-03-01T08:15:00Z","out":{"data":"0"}}"#, "\"data\" is due"),
        (#"{"at":"2026-03-01T08:14:59Z","connected":{}}"#, "\"at\" is before the line above"),
    ]) func `a line that is wrong is named with its number and what is due`(
        line: String, message: String
    ) {
        let first = #"{"at":"2026-03-01T08:15:00Z","connected":{}}"#
        let error = #expect(throws: TapeError.self) {
            try parse([Self.header, first, "", line, first].joined(separator: "\n"))
        }
        #expect(error?.line == 4)
        #expect(error?.message.hasPrefix(message) ?? false, "\(String(describing: error))")
    }

    // MARK: anything at all

    @Test func `a tape cut off at any byte is read to the cut or refused, never worse`() throws {
        let whole = tape {
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.write("08:15:02")
            $0.pressure("08:15:03", 125, "2026-03-01T08:08:00")
            $0.disconnected("08:15:04")
        }.bytes
        let lines = try TapeParser.parse(whole, file: "x").lines.count
        for length in 0..<whole.count {
            let cut = Array(whole.prefix(length))
            guard let parsed = try? TapeParser.parse(cut, file: "x") else { continue }
            let complete = cut.count { $0 == 10 }
            #expect(parsed.lines.count <= lines)
            #expect(parsed.lines.count >= complete - 1)
            var replay = TapeReplay(profiles: shipped, zone: tokyo)
            try? replay.play(parsed, file: "x", each: { _ in }, note: { _ in })
        }
    }

    @Test(arguments: UInt64(1)...30) func `a tape with any bytes changed is read or refused`(
        seed: UInt64
    ) {
        var random = Seeded(seed)
        let whole = tape {
            $0.gatewayClock("08:14:59", true)
            $0.meter("08:15:00")
            $0.write("08:15:02", "2a52", "0101")
            $0.glucose("08:15:03", 1, "2026-02-01T08:00:00", offset: 60, status: 0)
            $0.answer("08:15:04")
            $0.disconnected("08:15:05")
        }.bytes
        for _ in 0..<40 {
            var changed = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<changed.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[place] = .random(in: 0...255, using: &random)
                case 1: changed.remove(at: place)
                default: changed.insert(.random(in: 32...126, using: &random), at: place)
                }
            }
            guard let parsed = try? TapeParser.parse(changed, file: "x") else { continue }
            var replay = TapeReplay(profiles: shipped, zone: tokyo)
            try? replay.play(
                parsed, file: "x",
                each: { result in
                    guard let time = result.entry.record?.time else { return }
                    #expect(time.observed <= result.entry.received.utc + .seconds(60))
                }, note: { _ in })
        }
    }

    @Test(arguments: [
        ("", [UInt8]()), ("00", [0]), ("0a FF", [0x0A, 0xFF]), ("1 2 3 4", [0x12, 0x34]),
    ]) func `hexadecimal digits may be spaced as one likes`(text: String, expected: [UInt8]) {
        #expect(hexBytes(text) == expected)
    }

    @Test(arguments: ["0", "0g", "0x12", "１２", "12-34", "é1"]) func `other text is no bytes`(
        text: String
    ) {
        #expect(hexBytes(text) == nil)
    }
}

/// A generator with a seed, so that a found input can be found again (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("What an owner has, in a tape") struct TapeOwnerTests {
    @Test("what an owner keeps in the configuration stands in the header of a composed tape")
    func owner() throws {
        let text =
            #"{"tape":1,"transport":"ble","address":"A4:C1:38:00:00:01","model":"HEM-7155T","key":"0011","pairing-mode":true,"consents":[{"user":2,"code":1234}]}"#
        let owner = try TapeParser.parse(Array(text.utf8), file: "a.tape").header.owner
        #expect(owner.model == "HEM-7155T" && owner.key == [0x00, 0x11] && owner.isPairing)
        #expect(owner.consents == [.init(index: 2, code: 1234)])
    }

    @Test(
        "an owner's key or code that is none is refused",
        arguments: [#""key":"001""#, #""consents":[{"user":300,"code":1}]"#, #""consents":[{}]"#])
    func brokenOwner(_ member: String) {
        let text = #"{"tape":1,"transport":"ble","address":"A4:C1:38:00:00:01","# + member + "}"
        #expect(throws: TapeError.self) {
            try TapeParser.parse(Array(text.utf8), file: "a.tape")
        }
    }
}
