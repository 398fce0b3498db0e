import JSON
import Measurement

/// The last look at a finished document: reads it back and holds it against the format's own rules.
///
/// It shares no code with the encoder's writing, so a mistake there does not leave the gateway.
package struct Validator: Sendable {
    private let format: FormatDefinition
    private let extensions: Set<String>

    package init(format: FormatDefinition, extensions: Set<String> = []) {
        self.format = format
        self.extensions = extensions
    }

    /// Returns everything that is wrong with a document; empty for one that may leave.
    ///
    /// - Parameter rowCount: how many records the document must hold.
    package func problems(in bytes: [UInt8], rowCount: Int) -> [DocumentProblem] {
        // Nearly every document is plainly good; only the others are taken apart.
        let recogniser = Recogniser(format: format, extensions: extensions)
        if recogniser.recognises(bytes.span, rowCount: rowCount) { return [] }
        return allProblems(in: bytes, rowCount: rowCount)
    }

    /// Takes the document apart whether it looks good or not.
    func allProblems(in bytes: [UInt8], rowCount: Int) -> [DocumentProblem] {
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else {
            return [DocumentProblem(nil, "", "begins with a byte order mark")]
        }
        do throws(JSONError) {
            var reading = Reading(format: format, extensions: extensions)
            reading.document(try JSONValue.parse(bytes))
            if reading.rows != rowCount {
                reading.report("", "holds \(reading.rows) records, not \(rowCount)")
            }
            return reading.problems
        } catch {
            return [DocumentProblem(nil, "", "is not JSON at byte \(error.offset)")]
        }
    }
}

/// What is wrong with a document, and in which of its records.
package struct DocumentProblem: Sendable, Equatable, CustomStringConvertible {
    /// The record's place in the document; nil where the document itself is wrong.
    package var row: Int?
    /// The path to the field.
    package var field: String
    package var message: String

    init(_ row: Int?, _ field: String, _ message: String) {
        self.row = row
        self.field = field
        self.message = message
    }

    package var description: String {
        field.isEmpty ? "document \(message)" : "\(field) \(message)"
    }
}

/// One pass over a parsed document.
private struct Reading {
    let format: FormatDefinition
    let extensions: Set<String>
    var problems: [DocumentProblem] = []
    var rows = 0
    private var isInRow = false

    init(format: FormatDefinition, extensions: Set<String>) {
        self.format = format
        self.extensions = extensions
    }

    mutating func report(_ field: String, _ message: String) {
        problems.append(DocumentProblem(isInRow ? rows : nil, field, message))
    }

    mutating func document(_ value: JSONValue) {
        let envelope = format.envelope
        guard let members = object(value, "document") else { return }
        let required: [(FieldName, ValueRule)] = [
            (
                envelope.versionName,
                .text(TextRule(width: 1000, allowed: [envelope.version]))
            ),
            (envelope.sendTimeName, .date(width: envelope.sendTimeWidth)),
            (envelope.consortiumName, .text(envelope.consortium)),
        ]
        for (name, rule) in required { one(members, name, rule, "") }
        var known = Set(required.map(\.0.text))
        known.insert(envelope.peopleName.text)
        unknown(members, known, "")
        guard let people = value[envelope.peopleName.text]?.array, !people.isEmpty else {
            report(envelope.peopleName.text, "is not an array with something in it")
            return
        }
        for (index, person) in people.enumerated() {
            self.person(person, "\(envelope.peopleName.text)[\(index)]")
        }
    }

    private mutating func person(_ value: JSONValue, _ path: String) {
        guard let members = object(value, path) else { return }
        let name = format.envelope.personName
        one(members, name, .text(format.envelope.person), path + ".")
        var groups: [String] = []
        for table in format.tables where !groups.contains(table.group.text) {
            groups.append(table.group.text)
        }
        unknown(members, Set(groups + [name.text]), path + ".")
        // In the document's order, because rows are counted in it.
        let present = members.filter { groups.contains($0.name) }
        if present.isEmpty { report(path, "holds no information") }
        for member in present { group(member.name, member.value, "\(path).\(member.name)") }
    }

    private mutating func group(_ group: String, _ value: JSONValue, _ path: String) {
        guard let members = object(value, path) else { return }
        if members.isEmpty { report(path, "is empty") }
        for member in members {
            let here = "\(path).\(member.name)"
            let table = format.tables.first {
                $0.group.text == group && $0.name.text == member.name
                    && ($0.extensionName.map(extensions.contains) ?? true)
            }
            guard let table else {
                report(here, "is not a table of \(format.id)")
                continue
            }
            guard let items = member.value.array, !items.isEmpty else {
                report(here, "is not an array with something in it")
                continue
            }
            for (index, item) in items.enumerated() { row(item, table, "\(here)[\(index)]") }
        }
    }

    private mutating func row(_ value: JSONValue, _ table: TableDefinition, _ path: String) {
        isInRow = true
        defer {
            isInRow = false
            rows += 1
        }
        guard let members = object(value, path) else { return }
        for column in table.columns {
            if column.isRequired || members.contains(where: { $0.name == column.name.text }) {
                one(members, column.name, column.rule, path + ".")
            }
        }
        unknown(members, Set(table.columns.map(\.name.text)), path + ".")
    }

    private mutating func object(_ value: JSONValue, _ path: String) -> [JSONMember]? {
        guard let members = value.members else {
            report(path, "is not an object")
            return nil
        }
        return members
    }

    private mutating func unknown(
        _ members: [JSONMember], _ known: Set<String>, _ path: String
    ) {
        for member in members where !known.contains(member.name) {
            report(path + member.name, "is not a key of this format")
        }
    }

    /// Holds the only member of a name against its rule.
    private mutating func one(
        _ members: [JSONMember], _ name: FieldName, _ rule: ValueRule, _ path: String
    ) {
        let found = members.filter { $0.name == name.text }
        guard let value = found.first?.value else {
            report(path + name.text, "is required and missing")
            return
        }
        if found.count > 1 { report(path + name.text, "stands twice") }
        if let message = rule.complaint(about: value) { report(path + name.text, message) }
    }
}
