package import Measurement

/// A receiver's answer as it came: status, headers and the whole body.
package struct HTTPAnswer: Sendable, Equatable {
    package var status: Int
    package var headers: [HTTPHeader]
    package var body: [UInt8]

    package init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The last header of a name; names know no case.
    package func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.last { $0.name.lowercased() == wanted }?.value
    }
}

/// One header line.
package struct HTTPHeader: Sendable, Equatable {
    package var name: String
    package var value: String
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What an answer means for the batch that it answers.
package enum Verdict: Sendable, Equatable {
    /// Every record is with the receiver: 2xx, or 409 for a batch that was accepted before.
    case accepted(before: Bool)
    /// One verdict per entry of the document; `after` where the receiver wants a pause as well.
    case perRecord([RowVerdict], after: Interval?)
    /// Some record is not acceptable, the receiver does not say which: send it in halves.
    case split(reason: String)
    /// Too large: send less at once.
    case smaller(reason: String)
    /// Not let in: nothing is wrong with the records, so they wait.
    case hold(reason: String)
    /// Passing trouble; `after` as the receiver asked.
    case retry(after: Interval?, reason: String)
    /// The destination is not what the configuration says it is; records wait.
    case configurationError(reason: String)
}

/// What a receiver says about one entry of a document.
package enum RowVerdict: Sendable, Equatable {
    case accepted
    case duplicate
    case rejected(reason: String)
    /// Not mentioned, so not known to be there.
    case unresolved
}
