import CSystemd
import Glibc

/// A line of the log with its event and values as fields of the journal.
struct JournalEntry {
    /// `NAME=value`, as the journal takes them.
    let fields: [[UInt8]]

    init(_ priority: Int, _ event: String, _ values: KeyValuePairs<String, String>, line: String) {
        var fields = [
            "MESSAGE=" + line, "PRIORITY=\(priority)", "SYSLOG_IDENTIFIER=hakarud",
            "HAKARU_EVENT=" + event,
        ]
        for (key, value) in values {
            fields.append("HAKARU_\(Self.name(key))=\(Log.harmless(value))")
        }
        self.fields = fields.map { Array($0.utf8) }
    }

    /// Upper-case letters, digits and `_`; the journal takes no other name.
    private static func name(_ key: String) -> String {
        String(
            key.uppercased().map { letter in
                letter.isASCII && (letter.isLetter || letter.isNumber) ? letter : "_"
            })
    }

    /// Whether standard error is the journal: only then does whoever started us read it there.
    static let isOurs: Bool = {
        guard let told = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
        var facts = stat()
        guard fstat(2, &facts) == 0 else { return false }
        return told == "\(facts.st_dev):\(facts.st_ino)"
    }()

    /// False where the journal did not take it; the line then goes to standard error.
    func send() -> Bool {
        var flat = fields.flatMap(\.self)
        let lengths = fields.map(\.count)
        return flat.withUnsafeMutableBytes { bytes in
            var vectors: [iovec] = []
            var offset = 0
            for length in lengths {
                vectors.append(
                    iovec(iov_base: bytes.baseAddress?.advanced(by: offset), iov_len: length))
                offset += length
            }
            return sd_journal_sendv(vectors, Int32(vectors.count)) >= 0
        }
    }
}
