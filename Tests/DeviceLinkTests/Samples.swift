import DeviceProfile
import Measurement
import YAML

let tokyo = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)
let clockUUID = BluetoothUUID(0x2A08)
let pressureUUID = BluetoothUUID(0x2A35)
let glucoseUUID = BluetoothUUID(0x2A18)
let contextUUID = BluetoothUUID(0x2A34)
let controlPoint = BluetoothUUID.recordAccessControlPoint

/// A moment from ISO 8601 in Japan's time.
func moment(_ text: String) -> Instant {
    guard let instant = Instant(iso8601: text + "+09:00") else {
        preconditionFailure("\(text) is no moment")
    }
    return instant
}

func gateway(_ instant: Instant, synchronised: Bool = true) -> GatewayTime {
    GatewayTime(
        utc: instant,
        monotonicNanoseconds: (instant - moment("2026-01-01T00:00:00")).microseconds * 1_000,
        synchronised: synchronised)
}

func gateway(_ text: String) -> GatewayTime { gateway(moment(text)) }

func wall(_ text: String) -> LocalDateTime { tokyo.local(moment(text)) }

/// A profile from the text of a file; the parts that no session needs are filled in.
func profile(
    _ parts: String, id: String = "test-device", transport: String = "ble-gatt"
) -> DeviceProfile {
    let text = """
        profile: 1
        id: \(id)
        revision: 1
        title: A device of the tests
        transport: \(transport)
        confidence: verified
        manufacturer-code: Test
        models: [ { name: Test-1 } ]
        match: [ { name-prefix: Test } ]
        \(parts)
        """
    let problems = ProblemList()
    guard let profile = ProfileLoader.load(Array(text.utf8), file: id, problems: problems) else {
        preconditionFailure("\(problems.problems)")
    }
    return profile
}

/// A cuff that keeps its own time and pushes what it has stored.
let cuff = profile(
    """
    class: blood-pressure
    session:
      bond: just-works
      quiet: 30s
      steps:
        - read-information: true
        - read-clock: 2a08
        - set-clock: { characteristic: 2a08, time: local }
        - subscribe: 2a35
    layouts:
      - { source: "gatt:2a35", format: blood-pressure-measurement }
    time: { clock: local, readings: mixed }
    """)

/// A glucose meter that is asked for its records.
let meter = profile(
    """
    class: glucose
    session:
      bond: passkey-entry
      quiet: 10s
      steps:
        - subscribe: [2a18, 2a34, 2a52]
        - record-access: { timeout: 30s }
    layouts:
      - { source: "gatt:2a18", format: glucose-measurement }
      - { source: "gatt:2a34", format: glucose-measurement-context }
      - { source: "gatt:2a52", format: record-access-control-point }
    time: { clock: local, readings: stored, unreadable-clock: unchanged }
    """)

/// Date Time (2A08) of a wall-clock time.
func dateTime(_ text: String) -> [UInt8] { DateTimeField.bytes(wall(text)) }

/// 2A35: systolic/80, MAP 102, the stamp, pulse 64, status 0; without a stamp where it is nil.
func pressureFrame(_ systolic: Int, _ stamp: String?) -> [UInt8] {
    let values = [UInt8(systolic), 0, 0x50, 0, 0x66, 0]
    let time = stamp.map { dateTime($0) } ?? []
    return [stamp == nil ? 0x14 : 0x16] + values + time + [0x40, 0, 0, 0]
}

/// 2A18: number, base time, 104 mg/dL; a context follows where it is asked for.
func glucoseFrame(_ number: Int, _ stamp: String, context: Bool = false) -> [UInt8] {
    [context ? 0x12 : 0x02, UInt8(number & 0xFF), UInt8(number >> 8)] + dateTime(stamp)
        + [0x68, 0xB0, 0xF8]
}

/// 2A34: after the meal.
func contextFrame(_ number: Int) -> [UInt8] {
    [0x02, UInt8(number & 0xFF), UInt8(number >> 8), 0x02]
}

/// 2A52: the answer to "report stored records".
func answer(_ code: UInt8) -> [UInt8] { [0x06, 0x00, 0x01, code] }

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
