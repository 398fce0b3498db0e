import CYAML

/// The bridge to libyaml: pulls events and builds nodes, never deeper or larger than the limits.
///
/// Lives only inside the call that lends it the bytes. The parser struct has an address of its own
/// because libyaml keeps pointers into it.
final class EventParser {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>
    private let file: String
    private let limits: YAMLDocument.Limits
    private var nodes = 0

    init(
        _ bytes: UnsafeBufferPointer<UInt8>, file: String, limits: YAMLDocument.Limits
    ) throws(Problem) {
        self.bytes = bytes
        self.file = file
        self.limits = limits
        parser = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw Problem(file: file, line: 1, column: 1, key: "", message: "out of memory")
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// Reads the whole stream and returns its only document.
    func document() throws(Problem) -> YAMLNode {
        var root: YAMLNode?
        while true {
            let event = try next()
            switch event {
            case .streamStart, .documentStart, .documentEnd:
                continue
            case .streamEnd:
                return root ?? YAMLNode(content: .scalar("", plain: true), line: 1, column: 1)
            case .value(let start, let line, let column):
                guard root == nil else {
                    throw problem(line, column, "a second document begins here", "one document")
                }
                root = try node(start, line: line, column: column, depth: 1)
            case .end(let line, let column):
                throw problem(line, column, "the text is not well-formed", nil)
            }
        }
    }

    private func node(
        _ start: Start, line: Int, column: Int, depth: Int
    ) throws(Problem) -> YAMLNode {
        nodes += 1
        guard nodes <= limits.nodes else {
            throw problem(line, column, "the file has too many values", "at most \(limits.nodes)")
        }
        guard depth <= limits.depth else {
            throw problem(
                line, column, "values are nested too deeply", "at most \(limits.depth) levels")
        }
        let content: YAMLNode.Content
        switch start {
        case .scalar(let text, let plain):
            content = .scalar(text, plain: plain)
        case .sequence:
            var items: [YAMLNode] = []
            while let item = try child(depth) { items.append(item) }
            content = .sequence(items)
        case .mapping:
            var pairs: [(key: YAMLNode, value: YAMLNode)] = []
            while let key = try child(depth) {
                guard let value = try child(depth) else { break }
                pairs.append((key, value))
            }
            content = .mapping(pairs)
        }
        return YAMLNode(content: content, line: line, column: column)
    }

    /// Reads the next value inside a list or mapping, or nil at its end.
    private func child(_ depth: Int) throws(Problem) -> YAMLNode? {
        switch try next() {
        case .value(let start, let line, let column):
            return try node(start, line: line, column: column, depth: depth + 1)
        default:
            return nil
        }
    }

    private func problem(
        _ line: Int, _ column: Int, _ message: String, _ accepted: String?
    ) -> Problem {
        Problem(
            file: file, line: line, column: column, key: "", message: message, accepted: accepted)
    }
}

// MARK: - Events

extension EventParser {
    private enum Start {
        case scalar(String, plain: Bool)
        case sequence
        case mapping
    }

    private enum Event {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        case value(Start, line: Int, column: Int)
        case end(line: Int, column: Int)
    }

    private func next() throws(Problem) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxProblem() }
        defer { yaml_event_delete(&event) }
        let line = event.start_mark.line + 1
        let column = event.start_mark.column + 1
        switch event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            try refuseMarks(anchor: scalar.anchor, tag: scalar.tag, line, column)
            let text = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .value(
                .scalar(
                    String(decoding: text, as: UTF8.self),
                    plain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
                line: line, column: column)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            try refuseMarks(anchor: start.anchor, tag: start.tag, line, column)
            return .value(.sequence, line: line, column: column)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            try refuseMarks(anchor: start.anchor, tag: start.tag, line, column)
            return .value(.mapping, line: line, column: column)
        case YAML_ALIAS_EVENT:
            throw problem(line, column, "an alias (*name) is not accepted", "the value itself")
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return .end(line: line, column: column)
        default:
            // YAML_STREAM_END_EVENT, and YAML_NO_EVENT, which libyaml gives after it.
            return .streamEnd
        }
    }

    private func refuseMarks(
        anchor: UnsafeMutablePointer<UInt8>?, tag: UnsafeMutablePointer<UInt8>?, _ line: Int,
        _ column: Int
    ) throws(Problem) {
        if anchor != nil {
            throw problem(
                line, column, "an anchor (&name) is not accepted", "the value without one")
        }
        if tag != nil {
            throw problem(line, column, "a tag (!name) is not accepted", "the value without one")
        }
    }

    /// Turns libyaml's error into a problem; its reader knows only a byte offset, not a line.
    private func syntaxProblem() -> Problem {
        let parser = parser.pointee
        let cause = parser.problem.map { String(cString: $0) } ?? "the text cannot be read"
        let context = parser.context.map { " " + String(cString: $0) } ?? ""
        guard parser.error == YAML_READER_ERROR else {
            return problem(
                parser.problem_mark.line + 1, parser.problem_mark.column + 1,
                "not YAML: " + cause + context, nil)
        }
        let before = bytes.prefix(parser.problem_offset)
        let line = before.count { $0 == 0x0A } + 1
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        // UTF-8 continuation bytes are no column of their own.
        let column = before[start...].count { $0 & 0xC0 != 0x80 } + 1
        return problem(line, column, "not UTF-8 text: " + cause, "UTF-8")
    }
}
