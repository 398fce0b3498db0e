import Glibc

/// The language that a person reads: Japanese where the environment says so, else English.
package enum Language: Sendable {
    case english, japanese

    package static let current: Language = {
        for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
            guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else {
                continue
            }
            return value.hasPrefix("ja") ? .japanese : .english
        }
        return .english
    }()

    package func pick(_ english: String, _ japanese: String) -> String {
        self == .japanese ? japanese : english
    }
}
