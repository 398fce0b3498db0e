import Uplink
import YAML

extension Configuration.Destination {
    /// Reads the list of destinations; two of one name are a problem.
    ///
    /// - Returns: those without a problem, and the names of all: what names a broken one is right.
    static func readAll(_ reader: NodeReader?) -> (read: [Self], names: Set<String>) {
        var names: Set<String> = []
        let read = (reader?.list(count: 0...100) ?? []).compactMap { item in
            item.mapping { keys in
                let name = keys.required("name")?
                    .string(
                        accepted: "1 to 64 letters, digits, '.', '_' and '-'", where: Words.isName)
                if let name, !names.insert(name).inserted {
                    keys.problem(
                        about: "name", "names \(name) twice", accepted: "a name of its own")
                }
                return Self.read(keys, name: name)
            }
        }
        return (read, names)
    }

    private static func read(_ keys: MappingReader, name: String?) -> Self? {
        let format = keys.required("format").flatMap(Configuration.Format.read)
        let directory = keys.optional("directory")?
            .string(accepted: "an absolute path", where: Words.isAbsolutePath)
        let url = address(keys)
        let token = keys.optional("authorization")?.mapping { authorization in
            authorization.required("bearer-token-file").flatMap(ConfiguredFile.read)
        }
        let tls = keys.optional("tls")?.mapping(Configuration.TLS.read)
        let extensions = Self.extensions(keys.optional("extensions"), of: format)
        let simulated = keys.optional("accept-simulated")?.bool()
        let records = keys.optional("batch")?.mapping { batch in
            batch.optional("max-records")?.int(in: 1...10_000)
        }
        let retry = keys.optional("retry")?.mapping(Configuration.Retry.read)
        let way = Self.way(keys)
        let history = keys.optional("history-from").flatMap(Words.date)
        guard let name, let format, url != nil || directory != nil else { return nil }
        if let tls, tls != Configuration.TLS(), let url, url.scheme != "https" {
            keys.problem(about: "tls", "has no meaning for an http:// address")
        }
        var made = Self(
            name: name, format: format, url: url, directory: directory, bearerTokenFile: token,
            tls: tls ?? Configuration.TLS(), extensions: extensions,
            acceptSimulated: simulated ?? false, maximumRecords: records ?? 100,
            retry: retry ?? Configuration.Retry())
        made.compression = way.compression
        made.proxy = way.proxy
        made.requestsPerSecond = way.requestsPerSecond
        made.historyFrom = history
        return made
    }

    /// The address, which stands in the place of a directory.
    private static func address(_ keys: MappingReader) -> DestinationURL? {
        guard keys.has("directory") else {
            return keys.required("url", accepted: "https://… (or directory: /PATH)")
                .flatMap(DestinationURL.read)
        }
        for key in ["url", "authorization", "tls", "proxy", "compression"] where keys.has(key) {
            keys.problem(about: key, "stands beside directory, where documents become files")
            _ = keys.optional(key)
        }
        return nil
    }

    private static func way(
        _ keys: MappingReader
    ) -> (compression: Uplink.Destination.Compression, proxy: String?, requestsPerSecond: Int) {
        let isFile = keys.has("directory")
        let compression =
            isFile
            ? nil : keys.optional("compression")?.choice(of: Uplink.Destination.Compression.self)
        let accepted = "http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT"
        let proxy =
            isFile
            ? nil
            : keys.optional("proxy")?.secret.string(accepted: accepted, where: isProxy)
        let rate = keys.optional("rate")?.mapping { rate in
            rate.required("requests-per-second")?.int(in: 1...1_000)
        }
        return (compression ?? .automatic, proxy, rate ?? 20)
    }

    private static func isProxy(_ text: String) -> Bool {
        let schemes = ["http://", "https://", "socks5h://"]
        guard let scheme = schemes.first(where: text.hasPrefix) else { return false }
        let host = text.dropFirst(scheme.utf8.count)
        return !host.isEmpty && host.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            && !host.contains("@") && !host.contains("/")
    }

    /// A format of one's own may have extensions of its own; the shipped ones are known by name.
    private static func extensions(
        _ reader: NodeReader?, of format: Configuration.Format?
    ) -> [String] {
        var names: [String] = []
        for item in reader?.list(count: 0...32) ?? [] {
            let accepted = "a word such as blood-glucose"
            let name: String? =
                if case .shipped = format {
                    item.word(of: Configuration.Format.shippedExtensions)
                } else {
                    item.string(accepted: accepted, where: Words.isKebab)
                }
            guard let name else { continue }
            if names.contains(name) { item.report("names \(name) twice") }
            names.append(name)
        }
        return names
    }
}

extension Configuration.Format {
    static func read(_ reader: NodeReader) -> Self? {
        if reader.node.scalarText?.contains("/") == true {
            return ConfiguredFile.read(reader).map { .file($0) }
        }
        let accepted = shippedNames.joined(separator: ", ") + ", the absolute path of a format file"
        if reader.node.scalarText == "fhir-phd-r4" {
            reader.report("fhir-phd-r4 is not written in this version", accepted: accepted)
            return nil
        }
        guard let name = reader.string(accepted: accepted, where: shippedNames.contains) else {
            return nil
        }
        return .shipped(name)
    }
}

extension DestinationURL {
    static func read(_ reader: NodeReader) -> DestinationURL? {
        let accepted = "https://HOST[:PORT]/PATH, or http:// for this machine itself"
        // An address may hold a password that somebody put there: it is not repeated.
        guard let text = reader.secret.string(accepted: accepted) else { return nil }
        let isVisible = text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        if isVisible, !text.contains("#"), let url = try? DestinationURL(text) { return url }
        let message =
            if text.contains("#") {
                "holds a fragment (#…)"
            } else if text.contains("@") {
                "holds a user name or password"
            } else if text.lowercased().hasPrefix("http://") {
                "is unencrypted http:// to another machine"
            } else {
                "is not an https address"
            }
        reader.report(message, accepted: accepted)
        return nil
    }
}

extension ConfiguredFile {
    static func read(_ reader: NodeReader) -> ConfiguredFile? {
        guard
            let path = reader.string(
                accepted: "the absolute path of a file", where: Words.isAbsolutePath)
        else { return nil }
        return ConfiguredFile(path: path, place: reader.problem(""))
    }
}

extension Configuration.TLS {
    static func read(_ keys: MappingReader) -> Self? {
        let made = Self(
            caFile: keys.optional("ca-file").flatMap(ConfiguredFile.read),
            clientCertificateFile: keys.optional("client-certificate-file")
                .flatMap(ConfiguredFile.read),
            clientKeyFile: keys.optional("client-key-file").flatMap(ConfiguredFile.read))
        let hasCertificate = keys.has("client-certificate-file")
        if hasCertificate != keys.has("client-key-file") {
            let lacking = hasCertificate ? "client-key-file" : "client-certificate-file"
            keys.problem(
                about: lacking, "is missing", accepted: "certificate and key, or neither of them")
        }
        return made
    }
}

extension Configuration.Retry {
    static func read(_ keys: MappingReader) -> Self? {
        let range: ClosedRange<Duration> = .milliseconds(10) ... .days(1)
        var made = Self()
        made.initial = keys.optional("initial")?.duration(in: range) ?? made.initial
        made.maximum = keys.optional("maximum")?.duration(in: range) ?? made.maximum
        if made.initial > made.maximum {
            let key = keys.has("maximum") ? "maximum" : "initial"
            keys.problem(
                about: key, "leaves the maximum below the initial step",
                accepted: "initial at most maximum")
        }
        return made
    }
}
