package import Exchange
import Measurement

/// Everything that is configured about one destination.
package struct Destination: Sendable {
    package var name: String
    package var place: Place
    package var format: FormatDefinition
    package var options: EncoderOptions
    /// コンソーシアムID.
    package var consortium: String
    package var token: TokenFile?
    package var tls: TLSFiles
    package var limits: HTTPLimits
    package var maximumRecords: Int
    package var retry: RetrySteps
    package var compression = Compression.automatic
    package var proxy: String?
    package var requestsPerSecond = 20

    package init(
        name: String, place: Place, format: FormatDefinition, options: EncoderOptions,
        consortium: String, token: TokenFile? = nil, tls: TLSFiles = TLSFiles(),
        limits: HTTPLimits = HTTPLimits(), maximumRecords: Int = 100,
        retry: RetrySteps = RetrySteps()
    ) {
        self.name = name
        self.place = place
        self.format = format
        self.options = options
        self.consortium = consortium
        self.token = token
        self.tls = tls
        self.limits = limits
        self.maximumRecords = max(1, maximumRecords)
        self.retry = retry
    }

    /// Where documents go.
    package enum Place: Sendable {
        case https(DestinationURL)
        /// Each document becomes a file in it.
        case directory(DocumentDirectory)
    }

    /// Whether documents are made smaller for the way.
    package enum Compression: String, Sendable, CaseIterable {
        /// As soon as the receiver says in `Accept-Encoding` that it takes gzip.
        case automatic
        /// From the first document on, until the receiver answers 415.
        case gzip
        case none
    }
}
