package import Exchange

/// One document on its way: where to, under which names, with which trust.
package struct HTTPRequest: Sendable {
    package var url: DestinationURL
    package var headers: [HTTPHeader]
    package var body: [UInt8]
    package var tls: TLSFiles
    package var limits: HTTPLimits
    /// Through which proxy; nil leaves that to the environment.
    package var proxy: String?

    package init(
        url: DestinationURL, headers: [HTTPHeader] = [], body: [UInt8] = [],
        tls: TLSFiles = TLSFiles(), limits: HTTPLimits = HTTPLimits(), proxy: String? = nil
    ) {
        self.url = url
        self.headers = headers
        self.body = body
        self.tls = tls
        self.limits = limits
        self.proxy = proxy
    }
}

/// Paths of what a destination is verified with; the system's authorities where none is given.
package struct TLSFiles: Sendable, Equatable {
    package var authorities: String?
    package var clientCertificate: String?
    package var clientKey: String?

    package init(
        authorities: String? = nil, clientCertificate: String? = nil, clientKey: String? = nil
    ) {
        self.authorities = authorities
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
    }
}

/// How long one try may take and how much of an answer is read.
package struct HTTPLimits: Sendable, Equatable {
    package var connect: Duration = .seconds(15)
    /// The whole exchange; what ends a server that answers one byte at a time.
    package var total: Duration = .seconds(60)
    package var answerBytes = 1 << 20

    package init() {}
}

/// What became of one try.
package enum HTTPOutcome: Sendable, Equatable {
    /// A whole answer, whatever it says.
    case answer(HTTPAnswer)
    /// No answer, or half of one.
    case failure(HTTPFailure)
}

/// Why there is no whole answer; always a reason to try again.
package struct HTTPFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package enum Kind: String, Sendable, CaseIterable {
        /// Name not found, connection refused or broken, proxy trouble.
        case unreachable
        /// Certificate expired, not trusted, for another name; handshake failed.
        case tls
        case timeOut = "time-out"
        case halfAnswer = "half-answer"
        case answerTooLarge = "answer-too-large"
        /// The request could not be made: a file of keys is missing or a header is not one line.
        case request
        case cancelled
    }

    package var description: String { "\(kind.rawValue): \(message)" }
}
