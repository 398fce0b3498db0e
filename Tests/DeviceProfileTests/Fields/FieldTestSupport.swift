import DeviceProfile
import Measurement
import Testing

/// A layout as a profile would write it, read by the loader.
func fieldLayout(_ text: String, key: String = "fields", source: String = "usb") throws
    -> FrameLayout
{
    let loaded = ProfileText.problems(fieldProfile(text, key: key, source: source))
    #expect(loaded.lines == [])
    return try #require(loaded.profile?.layouts.first)
}

/// What the loader says of a layout that is wrong.
func fieldProblems(_ text: String, key: String = "fields") -> [String] {
    ProfileText.problems(fieldProfile(text, key: key, source: "usb")).lines
}

private func fieldProfile(_ text: String, key: String, source: String) -> String {
    let indented = text.split(separator: "\n", omittingEmptySubsequences: false)
        .map { "      " + $0 }.joined(separator: "\n")
    return ProfileText.minimal(layouts: "  - source: \(source)\n    \(key):\n" + indented)
}

extension Reading {
    /// Outcome, values, time and flags in one line.
    var line: String {
        var parts = [outcome.rawValue] + shown
        if let deviceTime { parts.append("at \(deviceTime)") }
        if let userSlot { parts.append("user \(userSlot)") }
        if let sequenceNumber { parts.append("number \(sequenceNumber)") }
        parts += flags.map { "#" + $0 }
        parts += details.map { "\($0.name)=\($0.value)" }
        return parts.joined(separator: "; ")
    }
}
