import JSON
package import Measurement

/// The reader of answers: from status, headers and body to a verdict.
package enum Answer {
    /// How much of a receiver's own words is kept.
    package static let reasonLimit = 500

    /// Reads an answer that arrived whole; half an answer is a retry and never comes here.
    ///
    /// - Parameters:
    ///   - rowCount: the entries of the document that was sent.
    ///   - now: for a `Retry-After` date where the answer has no `Date` of its own.
    package static func verdict(
        _ answer: HTTPAnswer, rowCount: Int, now: Instant
    ) -> Verdict {
        let after = RetryAfter.interval(answer, now: now)
        let status = answer.status
        switch status {
        case 401, 403, 407: return .hold(reason: "HTTP \(status): not let in")
        case 200..<300, 400..<500: break
        case 300..<400: return .configurationError(reason: redirect(answer))
        case 500...: return .retry(after: after, reason: "HTTP \(status)")
        default: return .retry(after: after, reason: "HTTP \(status) is no final answer")
        }
        switch results(answer.body, rowCount: rowCount) {
        case .rows(let rows): return .perRecord(rows, after: after)
        case .contradiction(let what):
            return .retry(after: after, reason: "HTTP \(status) with \(what)")
        case .none(let isReadable):
            return plain(answer, after, isReadable: isReadable || isPlainText(answer))
        }
    }

    /// An answer whose status alone speaks.
    private static func plain(
        _ answer: HTTPAnswer, _ after: Interval?, isReadable: Bool
    ) -> Verdict {
        let status = answer.status
        return switch status {
        case 200..<300 where isReadable: .accepted(before: false)
        case 200..<300:
            .retry(after: after, reason: "HTTP \(status) with a body that is not JSON")
        case 409: .accepted(before: true)
        case 400, 422: .split(reason: "HTTP \(status): " + excerpt(answer.body))
        case 413: .smaller(reason: "HTTP 413: too large")
        case 408, 425, 429: .retry(after: after, reason: "HTTP \(status)")
        default: .configurationError(reason: "HTTP \(status): " + excerpt(answer.body))
        }
    }

    /// Whether the body is a word in plain text, such as `OK`: an answer without results.
    ///
    /// A page, or what begins like JSON and is none, may come from somebody before the receiver or
    /// be half an answer: then the records are sent again rather than taken for delivered.
    private static func isPlainText(_ answer: HTTPAnswer) -> Bool {
        let type = answer.header("Content-Type")?.lowercased() ?? "text/plain"
        guard type.hasPrefix("text/plain"), let first = content(answer.body).first else {
            return false
        }
        let isText = answer.body.allSatisfy { $0 >= 32 || (9...13).contains($0) }
        return isText && !Array("{[<\"".utf8).contains(first)
    }

    /// The body without a byte order mark and white space before it.
    private static func content(_ body: [UInt8]) -> ArraySlice<UInt8> {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        return body.dropFirst(body.starts(with: mark) ? mark.count : 0)
            .drop { $0 == 32 || $0 == 9 || $0 == 10 || $0 == 13 }
    }

    private static func redirect(_ answer: HTTPAnswer) -> String {
        let place = answer.header("Location").map { " to " + String($0.prefix(200)) } ?? ""
        return "HTTP \(answer.status): redirected\(place), which is not followed"
    }

    // MARK: Results

    private enum Results {
        case rows([RowVerdict])
        /// The body speaks of results in a way that cannot be trusted.
        case contradiction(String)
        case none(isReadable: Bool)
    }

    private static func results(_ body: [UInt8], rowCount: Int) -> Results {
        let text = content(body)
        if text.isEmpty { return .none(isReadable: true) }
        // A reason in another character set does not make its verdict unreadable.
        let repaired = String(decoding: text, as: UTF8.self).utf8
        guard let value = try? JSONValue.parse(repaired) else { return .none(isReadable: false) }
        guard let results = value["results"], !results.isNull else {
            return .none(isReadable: true)
        }
        guard let items = results.array else { return .contradiction("results that are no list") }
        var rows = [RowVerdict](repeating: .unresolved, count: rowCount)
        for item in items {
            guard let index = item["index"]?.integer, rows.indices.contains(index) else {
                return .contradiction("a result for a record that was not sent")
            }
            guard rows[index] == .unresolved else {
                return .contradiction("two results for record \(index)")
            }
            guard let verdict = row(item) else {
                return .contradiction("a result of unknown status for record \(index)")
            }
            rows[index] = verdict
        }
        return .rows(rows)
    }

    private static func row(_ item: JSONValue) -> RowVerdict? {
        switch item["status"]?.string {
        case "accepted": .accepted
        case "duplicate": .duplicate
        case "rejected":
            .rejected(reason: shortened(item["reason"]?.string ?? "no reason given"))
        default: nil
        }
    }

    /// The beginning of a body as one printable line.
    static func excerpt(_ body: [UInt8]) -> String {
        guard !body.isEmpty else { return "no reason given" }
        return shortened(String(decoding: body.prefix(4 * reasonLimit), as: UTF8.self))
    }

    private static func shortened(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars.prefix(reasonLimit) {
            line.unicodeScalars.append(CharacterRule.any.allows(scalar) ? scalar : " ")
        }
        return line
    }
}
