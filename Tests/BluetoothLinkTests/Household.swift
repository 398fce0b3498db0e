import DeviceProfile
import EventLoop
import GatewayTestKit
import Glibc
import JSON
import Testing

@testable import BluetoothLink

/// The real `hakarud` as a process on a private bus with a fake bluetoothd, and `hakaru` beside it.
///
/// The programs are waited for on the test's thread; the fake answers on the loop's.
final class Household: Sendable {
    static let cuff = "A4:C1:38:00:00:01"

    private let scratch = ScratchDirectory()
    private let bus: PrivateBus
    private let fakes = Locked<[FakeBlueZ]>([])
    private let daemons = Locked<[Child]>([])

    struct Silent: Error {}

    var fake: FakeBlueZ {
        get throws { try #require(fakes.withLock { $0.last }) }
    }

    init() async throws {
        for name in ["run", "state"] { mkdir(scratch.path + "/" + name, 0o700) }
        bus = try PrivateBus(listening: scratch.path + "/bus")
        try await startBluetooth()
        scratch.write(
            "hakaru.yaml",
            """
            gateway: { id: gw-test, consortium-id: C00001, timezone: Asia/Tokyo }
            usb: { enabled: false }
            participants:
              - id: P0000001
                devices: [ { address: "\(Self.cuff)" } ]
            """)
    }

    deinit {
        daemons.withLock { $0 = [] }
    }

    func startBluetooth() async throws {
        let address = bus.address
        let fake = try await LoopThread.run { try await FakeBlueZ.start(address) }
        fakes.withLock { $0.append(fake) }
    }

    func start() throws {
        let child = try Child(
            builtProgram("hakarud"),
            [
                "--config", scratch.path + "/hakaru.yaml", "--state-directory",
                scratch.path + "/state",
                "--runtime-directory", scratch.path + "/run",
            ],
            environment: [
                "DBUS_SYSTEM_BUS_ADDRESS": bus.address, "HAKARU_OWN_PROFILES": "/nowhere",
            ])
        daemons.withLock { $0 = [child] }
        try until { $0.status(["status"]) == 0 }
    }

    /// Starts the daemon; what bluetoothd shows from here on is heard, what it knew before was not.
    func startScanning() throws {
        try start()
        try until("scanning") { $0.adapter?["state"]?.string == "scanning" }
    }

    func stop(_ signal: Int32 = SIGTERM) throws -> Int32 {
        let child = try #require(daemons.withLock { $0.last })
        child.signal(signal)
        defer { daemons.withLock { $0 = [] } }
        return child.wait()
    }

    // MARK: hakaru

    /// The exit code of a command.
    func status(_ words: [String]) -> Int32 {
        (try? command(words).wait()) ?? -1
    }

    func command(_ words: [String]) throws -> Child {
        try Child(
            "timeout",
            ["20", builtProgram("hakaru")] + words + [
                "--socket", scratch.path + "/run/hakaru.sock",
            ],
            mergingErrors: true)
    }

    /// What a command prints as JSON, an object for each line.
    func ask(_ words: String...) throws -> [JSONValue] {
        let child = try command(words + ["--json"])
        let text = child.readAll()
        _ = child.wait()
        return try text.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
    }

    /// Asks again until it is so; what does not happen in twenty seconds is a failure.
    func until(
        _ what: String = "", _ isSo: (Household) throws -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for _ in 0..<200 {
            if try isSo(self) { return }
            usleep(100_000)
        }
        Issue.record("it did not happen: \(what)", sourceLocation: sourceLocation)
        throw Silent()
    }

    var adapter: JSONValue? { try? ask("status").first?["bluetooth"]?.array?.first }
}

extension FakeBlueZ {
    /// A cuff that sends these measurements to whoever has subscribed, and goes.
    ///
    /// - Parameter clock: its Date Time (2A08) when it is read.
    func addCuff(
        _ address: String, clock: [UInt8], sends frames: [[UInt8]],
        leavesAfter sent: Int = .max
    ) throws {
        let device = try addDevice(
            address,
            [
                "Alias": "A&D_UA-651BLE_0A1BC2", "Name": "A&D_UA-651BLE_0A1BC2",
                "UUIDs": .strings([Self.full("1810")]),
            ])
        try addServices(
            device, ["1810": ["2a35": ["indicate"], "2a08": ["read", "write"]]])
        setValue(characteristic(device, "2a08"), clock)
        behaviours["Connect \(device)"] = [
            .run { [self] in
                spawn { [self] in
                    try? await sleep(for: .milliseconds(30))
                    try? resolve(device)
                }
            }
        ]
        behaviours["StartNotify \(characteristic(device, "2a35"))"] = [
            .run { [self] in
                spawn { [self] in
                    try? await sleep(for: .milliseconds(60))
                    for frame in frames.prefix(sent) {
                        try? showValue(characteristic(device, "2a35"), frame)
                    }
                    try? await sleep(for: .milliseconds(60))
                    try? dropLink(device)
                }
            }
        ]
    }
}
