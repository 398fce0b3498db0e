import DataFiles
import EventLoop
import Exchange
import Measurement
import Spool
import Uplink
import YAML

/// The destinations' workers, each with its format, and the consent check at the moment of sending.
@LoopActor final class UplinkService {
    private(set) var workers: [DestinationWorker] = []
    private(set) var policies: [DestinationPolicy] = []
    private let people: People
    private let data: DataDirectory

    /// - Throws: a format that cannot be read, with all of its problems.
    init(
        _ configuration: Configuration, data: DataDirectory, spool: Spool, version: String,
        people: People
    ) throws {
        self.people = people
        self.data = data
        let client = try HTTPClient(userAgent: "hakaru/\(version)")
        let store = SpoolOutbox(spool: spool)
        for entry in configuration.destinations {
            let format = try Self.format(entry.format, data: data)
            let destination = try Self.destination(entry, format, configuration)
            let encoder = Encoder(format: format, options: destination.options)
            policies.append(
                DestinationPolicy(name: entry.name, acceptsSimulated: entry.acceptSimulated) {
                    encoder.hasTable(
                        for: ExchangeRecord(record: $0, participant: "", stored: nil))
                })
            let name = entry.name
            workers.append(
                DestinationWorker(
                    destination, store: store, client: client,
                    // Consent is looked at again now, so that a retry stops after a withdrawal.
                    prepare: { [people] in await people.preparation(of: $0, to: name) }))
        }
    }

    /// The formats in which a person can take values along.
    var exportFormats: [String] { Configuration.Format.shippedNames }

    /// One of them as it lies in its file; nil for another name or a file that cannot be read.
    func exportFormat(_ name: String) -> FormatDefinition? {
        guard exportFormats.contains(name) else { return nil }
        return try? Self.format(.shipped(name), data: data)
    }

    func wake() { for worker in workers { worker.wake() } }

    /// Runs all workers until the task is cancelled or `finish` was called.
    func run() async {
        guard (try? await people.whenLoaded()) != nil else { return }
        await withTaskGroup(of: Void.self) { group in
            for worker in workers { group.addTask { await worker.run() } }
        }
    }

    func finish() { for worker in workers { worker.finish() } }

    private static func format(
        _ format: Configuration.Format, data: DataDirectory
    ) throws -> FormatDefinition {
        let path: String
        switch format {
        case .shipped(let name): path = "\(data.exchangeFormats)/\(name).yaml"
        case .file(let file): path = file.path
        }
        let problems = ProblemList()
        let definition = FormatDefinition.load(
            try FileReader.read(path), file: path, problems: problems)
        guard let definition else { throw ConfigurationFailure(problems.sorted) }
        return definition
    }

    private static func destination(
        _ entry: Configuration.Destination, _ format: FormatDefinition,
        _ configuration: Configuration
    ) throws -> Destination {
        let options = EncoderOptions(
            zone: configuration.gateway.timeZone,
            setting: GatewaySetting(rawValue: configuration.gateway.setting.rawValue) ?? .home,
            extensions: Set(entry.extensions), testLabID: configuration.gateway.testLabID)
        var made = Destination(
            name: entry.name, place: place(entry), format: format,
            options: options, consortium: configuration.gateway.consortiumID ?? "",
            token: entry.bearerTokenFile.map { TokenFile(path: $0.path) },
            tls: TLSFiles(
                authorities: entry.tls.caFile?.path,
                clientCertificate: entry.tls.clientCertificateFile?.path,
                clientKey: entry.tls.clientKeyFile?.path),
            maximumRecords: entry.maximumRecords,
            retry: RetrySteps(initial: entry.retry.initial, maximum: entry.retry.maximum))
        made.compression = entry.compression
        made.proxy = entry.proxy
        made.requestsPerSecond = entry.requestsPerSecond
        return made
    }

    private static func place(_ entry: Configuration.Destination) -> Destination.Place {
        if let url = entry.url { return .https(url) }
        return .directory(DocumentDirectory(path: entry.directory ?? ""))
    }
}

/// A configuration, format or profile with problems; the text has all of them, one a line.
struct ConfigurationFailure: Error, CustomStringConvertible {
    var problems: [Problem]
    init(_ problems: [Problem]) { self.problems = problems }
    var description: String { problems.map(\.description).joined(separator: "\n") }
}
