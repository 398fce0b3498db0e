import JSON

extension Invocation {
    /// Prints what the daemon lists: with `--json` an object a line, else a table.
    ///
    /// - Parameters:
    ///   - empty: the sentence that a person reads where there is nothing.
    ///   - table: made only where a person reads it and there is something.
    func list(
        _ entries: [JSONValue], empty: String, table: @autoclosure () -> TextTable
    ) throws(CommandError) {
        if wantsJSON {
            for entry in entries { try output.line(entry.line) }
        } else if entries.isEmpty {
            try output.line(empty)
        } else {
            try print(table())
        }
    }

    /// Prints the lines of a table.
    func print(_ table: TextTable) throws(CommandError) {
        for line in table.lines { try output.line(line) }
    }

    /// Prints what came of a change: with `--json` the daemon's answer, else a sentence.
    func tell(_ answer: JSONValue, _ sentence: @autoclosure () -> String) throws(CommandError) {
        if wantsJSON { try output.line(answer.line) } else { try output.line(sentence()) }
    }
}
