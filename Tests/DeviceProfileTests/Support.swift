import DataFiles
import DeviceProfile
import Measurement
import Testing

/// Bytes from hexadecimal digits with spaces.
func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    precondition(digits.count % 2 == 0 && digits.count == hex.filter { $0 != " " }.count, hex)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

/// Little-endian bytes of a 16-bit number.
func le16(_ number: Int) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8 & 0xFF)] }

func read(
    _ format: FrameLayout.Format, _ frame: [UInt8], quirks: LayoutQuirks = LayoutQuirks()
) -> Reading {
    FrameLayout(source: .usb, format: format, quirks: quirks).decode(frame)
}

func read(
    _ format: FrameLayout.Format, _ hex: String, quirks: LayoutQuirks = LayoutQuirks()
) -> Reading {
    read(format, bytes(hex), quirks: quirks)
}

/// Quirks changed by a closure, for tables.
func quirks(_ change: (inout LayoutQuirks) -> Void) -> LayoutQuirks {
    var quirks = LayoutQuirks()
    change(&quirks)
    return quirks
}

extension Reading {
    /// `systolic 125 mm[Hg]`, in the order of the frame; `none` for an absent value.
    var shown: [String] {
        quantities.map { "\($0.name.rawValue) \($0.number?.text ?? "none") \($0.unit.rawValue)" }
    }
}

/// The profiles that the project ships, with the directory they stand in.
enum Shipped {
    static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    static let directory = root + "/device-profiles"
    static let loaded: ProfileSet = {
        do {
            return ProfileSet(
                try FileReader.list(directory, suffix: ".yaml").map {
                    ProfileSet.Source(file: $0, bytes: try FileReader.read($0), isOwn: false)
                })
        } catch {
            preconditionFailure("the shipped profiles cannot be read: \(error)")
        }
    }()
    static var profiles: [DeviceProfile] { loaded.index.profiles }
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

extension FrameLayout.Format {
    /// The SIG format of this name, as profiles spell it.
    static func named(_ name: String) -> FrameLayout.Format {
        guard let found = FrameLayout.namedFormats.first(where: { $0.name == name }) else {
            preconditionFailure("no format \(name)")
        }
        return found.format
    }
}

extension FrameLayout {
    /// Whether a line of text ends in a number of any length, or lost no more than its line ending:
    /// only the framing can tell that something is missing.
    func isWhole(_ bytes: [UInt8], cutTo count: Int) -> Bool {
        guard case .text = format else { return false }
        let ending: Set<UInt8> = [10, 13]
        let rest = bytes.dropFirst(count)
        return rest.allSatisfy { ending.contains($0) || (48...57).contains($0) }
    }

    /// Whether the profile itself says that frames of this length exist.
    func allows(byteCount: Int) -> Bool {
        switch format {
        case .fields(let layout): layout.length.contains(byteCount)
        case .variants(let variants): variants.contains { $0.length.contains(byteCount) }
        // "OK" alone is an answer of its own.
        case .wire(.omronHHX): byteCount == 2
        case .wire(.port100): byteCount == 5
        // What may follow a message is the gateway's own number.
        case .wire(.trueMetrix): byteCount == 18
        case .state(.currentTime): [7, 10].contains(byteCount)
        case .state(.elapsedTime): [9, 11].contains(byteCount)
        case .state(.deviceText): byteCount > 0
        default: false
        }
    }
}
