import DeviceProfile
import YAML

/// Profile files written for a test.
enum ProfileText {
    static let standardLayouts = "  - source: gatt:2a9d\n    format: weight-measurement"

    /// The shortest file that is right, with what the test wants instead of one part.
    static func minimal(
        id: String = "example-scale", match: String = "  - name-prefix: Example",
        layouts: String = standardLayouts,
        session: String = "  bond: none\n  steps: [ { subscribe: 2a9d } ]",
        time: String = "  clock: none\n  readings: live", more: String = ""
    ) -> String {
        """
        profile: 1
        id: \(id)
        revision: 1
        title: An example
        class: scale
        transport: ble-gatt
        confidence: verified
        manufacturer-code: Example
        models:
          - name: Example 1
        match:
        \(match)
        session:
        \(session)
        layouts:
        \(layouts)
        time:
        \(time)
        \(more)

        """
    }

    static func load(_ text: String) -> DeviceProfile? { problems(text).profile }

    /// The profile, or all that is wrong in the text, as a user sees it.
    static func problems(_ text: String) -> (profile: DeviceProfile?, lines: [String]) {
        let list = ProblemList()
        let profile = ProfileLoader.load(Array(text.utf8), file: "example.yaml", problems: list)
        return (profile, list.sorted.map(\.description))
    }
}
