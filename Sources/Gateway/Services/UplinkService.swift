import DataFiles
import EventLoop
import Exchange
import Measurement
import Spool
import Uplink
import YAML

/// The destinations' workers, each with its format, and the consent check at the moment of sending.
///
/// Destinations come, change and go while it runs; one of a name works at a time, so that no batch
/// is sent by two.
@LoopActor final class UplinkService {
    private var entries: [Entry] = []
    private var running: [String: Running] = [:]
    private let people: People
    private let store: SpoolOutbox
    private let client: HTTPClient
    private let data: DataDirectory
    private let changed = LoopCondition()
    private var isFinishing = false

    var workers: [DestinationWorker] { entries.map(\.worker) }
    var policies: [DestinationPolicy] { entries.map(\.policy) }

    /// One destination as it was configured, with what serves it.
    struct Entry {
        fileprivate var configured: Configuration.Destination
        fileprivate var gateway: Configuration.Gateway
        fileprivate var format: FormatDefinition
        fileprivate var worker: DestinationWorker
        fileprivate var policy: DestinationPolicy
    }

    private struct Running {
        var worker: DestinationWorker
        var task: Task<Void, Never>
        /// Ends what a receiver that does not answer would hold up.
        var patience: EventSource?
    }

    /// How long the batch that is under way may take when its destination has changed.
    static let patience: Duration = .seconds(3)

    /// - Throws: a format that cannot be read, with all of its problems.
    init(
        _ configuration: Configuration, data: DataDirectory, spool: Spool, version: String,
        people: People, latencies: Latencies
    ) throws {
        self.people = people
        self.data = data
        client = try HTTPClient(userAgent: "hakaru/\(version)")
        store = SpoolOutbox(spool: spool, latencies: latencies)
        entries = try prepared(for: configuration)
    }

    /// The formats in which a person can take values along.
    var exportFormats: [String] { Configuration.Format.shippedNames }

    /// One of them as it lies in its file; nil for another name or a file that cannot be read.
    func exportFormat(_ name: String) -> FormatDefinition? {
        guard exportFormats.contains(name) else { return nil }
        return try? Self.format(.shipped(name), data: data)
    }

    func wake() { for worker in workers { worker.wake() } }

    // MARK: another configuration

    /// What a configuration asks for; destinations that it leaves as they are keep their workers.
    ///
    /// - Throws: a format that cannot be read, with all of its problems. Nothing has changed then.
    func prepared(for configuration: Configuration) throws -> [Entry] {
        var gateway = configuration.gateway
        gateway.id = ""
        return try configuration.destinations.map { entry in
            let format = try Self.format(entry.format, data: data)
            if let old = entries.first(where: { $0.configured.name == entry.name }),
                old.configured == entry, old.gateway == gateway, old.format == format
            {
                return old
            }
            return try make(entry, format, configuration, gateway)
        }
    }

    /// Puts prepared destinations in the place of those before; what they leave out ends its batch.
    func adopt(_ prepared: [Entry]) {
        let kept = Set(prepared.map { ObjectIdentifier($0.worker) })
        entries = prepared
        for (name, service) in running where !kept.contains(ObjectIdentifier(service.worker)) {
            service.worker.finish()
            running[name]?.patience = EventLoop.shared.after(Self.patience) {
                service.task.cancel()
            }
        }
        for worker in workers { worker.kick() }
        changed.broadcast()
    }

    private func make(
        _ entry: Configuration.Destination, _ format: FormatDefinition,
        _ configuration: Configuration, _ gateway: Configuration.Gateway
    ) throws -> Entry {
        let destination = try Self.destination(entry, format, configuration)
        let encoder = Encoder(format: format, options: destination.options)
        let policy = DestinationPolicy(
            name: entry.name, acceptsSimulated: entry.acceptSimulated
        ) {
            encoder.hasTable(for: ExchangeRecord(record: $0, participant: "", stored: nil))
        }
        let name = entry.name
        let worker = DestinationWorker(
            destination, store: store, client: client,
            // Consent is looked at again now, so that a retry stops after a withdrawal.
            prepare: { [people] in try await people.preparations(of: $0, to: name) })
        return Entry(
            configured: entry, gateway: gateway, format: format, worker: worker, policy: policy)
    }

    // MARK: life

    /// Runs all workers until the task is cancelled or `finish` was called.
    func run() async {
        guard (try? await people.whenLoaded()) != nil else { return }
        startMissing()
        while !(isFinishing && running.isEmpty) {
            guard (try? await changed.wait()) != nil else { break }
            startMissing()
        }
        let rest = running.values.map(\.task)
        for task in rest { task.cancel() }
        for task in rest { await task.value }
    }

    func finish() {
        isFinishing = true
        for service in running.values { service.worker.finish() }
        changed.broadcast()
    }

    private func startMissing() {
        guard !isFinishing else { return }
        for worker in workers where running[worker.destination.name] == nil {
            let name = worker.destination.name
            let task = spawn { [weak self] in
                await worker.run()
                self?.running[name] = nil
                self?.changed.broadcast()
            }
            running[name] = Running(worker: worker, task: task)
        }
    }

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
