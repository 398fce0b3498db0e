/// One thing wrong in a file, with the place and what would be accepted there.
package struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
    package let file: String
    package let line: Int
    package let column: Int
    /// The dotted path of the key, such as `match.name-prefix[1]`; empty for the whole file.
    package let key: String
    package let message: String
    package let accepted: String?

    package init(
        file: String, line: Int, column: Int, key: String, message: String, accepted: String? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.message = message
        self.accepted = accepted
    }

    /// Renders `FILE:LINE:COLUMN: key: message; accepted: …`.
    package var description: String {
        let place = "\(file):\(line):\(column): "
        let about = key.isEmpty ? "" : key + ": "
        let offer = accepted.map { "; accepted: " + $0 } ?? ""
        return place + about + message + offer
    }
}

/// The problems found in one or more files, in the order of finding.
///
/// A reference that the readers of one text share; it stays on one thread. Beyond ``limit`` problems
/// are only counted, so that a hostile file cannot fill the memory with complaints.
package final class ProblemList {
    package static let limit = 1_000

    package private(set) var problems: [Problem] = []
    /// Problems beyond ``limit``, counted but not kept.
    package private(set) var dropped = 0

    package init() {}

    package var isEmpty: Bool { problems.isEmpty }

    package func add(_ problem: Problem) {
        guard problems.count < Self.limit else {
            dropped += 1
            return
        }
        problems.append(problem)
    }

    /// The problems by place, each once.
    package var sorted: [Problem] {
        var seen: Set<Problem> = []
        let once = problems.filter { seen.insert($0).inserted }
        return once.enumerated().sorted { one, other in
            let left = (one.element.file, one.element.line, one.element.column, one.offset)
            let right = (other.element.file, other.element.line, other.element.column, other.offset)
            return left < right
        }.map(\.element)
    }
}
