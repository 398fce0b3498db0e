import Measurement

/// Lines of the Prometheus text format (0.0.4); every name begins with `hakaru_`.
struct MetricsText {
    private(set) var lines: [String] = []

    /// A value that is not known gives no line: an absent series says more than a wrong zero.
    mutating func add(_ name: String, _ value: Int?, _ labels: [(String, String)] = []) {
        if let value { line(name, "\(value)", labels) }
    }

    mutating func add(_ name: String, _ value: Double?, _ labels: [(String, String)] = []) {
        if let value { line(name, "\(value)", labels) }
    }

    /// Seconds since 1970, as the collectors' own `time()`.
    mutating func add(_ name: String, _ value: Instant?, _ labels: [(String, String)] = []) {
        if let value { line(name, "\(value.seconds)", labels) }
    }

    private mutating func line(_ name: String, _ value: String, _ labels: [(String, String)]) {
        let set = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        lines.append("hakaru_\(name)\(set.isEmpty ? "" : "{\(set)}") \(value)")
    }

    /// A label's value as the format wants it; control characters of a device's name become `?`.
    static func escaped(_ value: String) -> String {
        var out = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case _ where scalar.properties.generalCategory == .control: out += "?"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// The whole document: the lines of one family together, its kind in front of them.
    static func document(_ lines: [String]) -> String {
        var families: [String: [String]] = [:]
        var order: [String] = []
        let histograms = Set(lines.compactMap(histogram))
        for line in lines {
            let name = family(line, histograms)
            if families[name] == nil { order.append(name) }
            families[name, default: []].append(line)
        }
        var out = ""
        for name in order {
            let kind =
                histograms.contains(name)
                ? "histogram" : name.hasSuffix("_total") ? "counter" : "gauge"
            out += "# TYPE \(name) \(kind)\n"
            for line in families[name] ?? [] { out += line + "\n" }
        }
        return out
    }

    private static func name(_ line: String) -> String {
        String(line.prefix { $0 != "{" && $0 != " " })
    }

    private static func histogram(_ line: String) -> String? {
        let name = name(line)
        return name.hasSuffix("_bucket") ? String(name.dropLast(7)) : nil
    }

    private static func family(_ line: String, _ histograms: Set<String>) -> String {
        let name = name(line)
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            let base = String(name.dropLast(suffix.count))
            if histograms.contains(base) { return base }
        }
        return name
    }
}
