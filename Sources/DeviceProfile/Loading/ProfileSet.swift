package import YAML

/// The profiles of several directories together; one bad file never stops the others.
package struct ProfileSet: Sendable {
    /// One file's text and whether it is the owner's own (own ones win over shipped ones).
    package struct Source: Sendable {
        package var file: String
        package var bytes: [UInt8]
        package var isOwn: Bool
        /// Why the file could not be read; nil where it was.
        package var unreadable: String?
        package init(file: String, bytes: [UInt8], isOwn: Bool, unreadable: String? = nil) {
            self.file = file
            self.bytes = bytes
            self.isOwn = isOwn
            self.unreadable = unreadable
        }
    }

    package private(set) var index: ProfileIndex
    package private(set) var problems: [Problem]
    /// Ids of shipped profiles that an own profile replaces.
    package private(set) var overridden: [String]
    /// The shared parts that were found beside the profiles.
    package private(set) var fragments = FragmentLibrary()

    /// Reads all files.
    ///
    /// - Parameters:
    ///   - old: the profiles so far; a file that has become bad keeps the one it gave before.
    ///   - evidence: whether tapes, examples, vectors and notes are kept, which only tools look at.
    package init(_ sources: [Source], keeping old: ProfileSet? = nil, evidence: Bool = true) {
        let list = ProblemList()
        var chosen: [String: (profile: DeviceProfile, isOwn: Bool)] = [:]
        var overridden: [String] = []
        let sorted = sources.sorted { $0.file < $1.file }
        let isFragment = sorted.map { $0.unreadable == nil && FragmentLibrary.isFragment($0.bytes) }
        for (source, isFragment) in zip(sorted, isFragment) where isFragment {
            fragments.add(source.bytes, file: source.file, isOwn: source.isOwn, problems: list)
        }
        for (source, isFragment) in zip(sorted, isFragment) where !isFragment {
            var loaded = Self.load(source, list, fragments)
            if !evidence { loaded?.dropEvidence() }
            let kept = old?.index.profiles.first { $0.file == source.file }
            guard let profile = loaded ?? kept else { continue }
            guard let other = chosen[profile.id] else {
                chosen[profile.id] = (profile, source.isOwn)
                continue
            }
            if other.isOwn == source.isOwn {
                list.add(
                    Problem(
                        file: source.file, line: profile.idLine, column: profile.idColumn,
                        key: "id",
                        message: "\(profile.id) is the id of \(other.profile.file) too",
                        accepted: "an id of its own"))
            } else {
                overridden.append(profile.id)
                if source.isOwn { chosen[profile.id] = (profile, true) }
            }
        }
        index = ProfileIndex(chosen.values.map(\.profile).sorted { $0.id < $1.id })
        problems = list.sorted
        self.overridden = overridden.sorted()
    }

    private static func load(
        _ source: Source, _ list: ProblemList, _ fragments: FragmentLibrary
    ) -> DeviceProfile? {
        guard let reason = source.unreadable else {
            return ProfileLoader.load(
                source.bytes, file: source.file, problems: list, fragments: fragments)
        }
        list.add(
            Problem(
                file: source.file, line: 1, column: 1, key: "",
                message: "cannot be read: \(reason)", accepted: "a file that hakarud may read"))
        return nil
    }
}

extension DeviceProfile {
    /// Drops what serves no device: a gateway holds its profiles in memory for years.
    fileprivate mutating func dropEvidence() {
        tapes = []
        examples = []
        vectors = []
        notes = []
        confidenceNote = nil
    }
}
