package import Exchange
import Measurement

/// Everything that is configured about one destination.
package struct Destination: Sendable {
    package var name: String
    package var url: DestinationURL
    package var format: FormatDefinition
    package var options: EncoderOptions
    /// コンソーシアムID.
    package var consortium: String
    package var token: TokenFile?
    package var tls: TLSFiles
    package var limits: HTTPLimits
    package var maximumRecords: Int
    package var retry: RetrySteps

    package init(
        name: String, url: DestinationURL, format: FormatDefinition, options: EncoderOptions,
        consortium: String, token: TokenFile? = nil, tls: TLSFiles = TLSFiles(),
        limits: HTTPLimits = HTTPLimits(), maximumRecords: Int = 100,
        retry: RetrySteps = RetrySteps()
    ) {
        self.name = name
        self.url = url
        self.format = format
        self.options = options
        self.consortium = consortium
        self.token = token
        self.tls = tls
        self.limits = limits
        self.maximumRecords = max(1, maximumRecords)
        self.retry = retry
    }
}
