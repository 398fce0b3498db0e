import Testing
import YAML

@Suite("MappingReader") struct MappingReaderTests {
    /// A loader of the size of a real one: all kinds of mistakes meet in it.
    static func load(_ root: NodeReader) {
        root.mapping { keys in
            _ = keys.required("id", accepted: "a name")?.string()
            keys.optional("batch")?.mapping { batch in
                _ = batch.optional("max-records")?.int(in: 1...1_000)
            }
            for item in keys.optional("steps")?.list() ?? [] {
                item.mapping { step in
                    _ = step.required("do")?.word(of: ["connect", "read", "write"])
                }
            }
        }
    }

    @Test("all mistakes of a file are told at once, each with its place")
    func allProblems() {
        let text = """
            batch: { max-record: 10 }
            steps:
              - do: conect
              - dо: read
              - do: read
                do: write
            batch: {}
            colour: red

            """
        #expect(
            problems(in: text, Self.load) == [
                "f.yaml:1:1: id: is missing; accepted: a name",
                "f.yaml:1:10: batch.max-record: is not a known key, did you mean max-records?; "
                    + "accepted: max-records",
                "f.yaml:3:9: steps[0].do: is \"conect\", did you mean connect?; "
                    + "accepted: connect, read, write",
                "f.yaml:4:5: steps[1].do: is missing",
                // The second letter is Cyrillic: it looks right, and the hint still finds the key.
                "f.yaml:4:5: steps[1].dо: is not a known key, did you mean do?; accepted: do",
                "f.yaml:6:5: steps[2].do: stands twice, first in line 5",
                "f.yaml:7:1: batch: stands twice, first in line 1",
                "f.yaml:8:1: colour: is not a known key; accepted: batch, id, steps",
            ])
    }

    @Test("the first of two equal keys counts, so that the order cannot hide a value")
    func firstDuplicate() {
        var id: String?
        let found = problems(in: "id: one\nid: two") { root in
            root.mapping { id = $0.required("id")?.string() }
        }
        #expect(id == "one")
        #expect(found == ["f.yaml:2:1: id: stands twice, first in line 1"])
    }

    @Test(
        "a misspelt key is answered with the key that was meant",
        arguments: [
            ("max_records", "max-records"), ("maxRecords", "max-records"),
            ("max-recrods", "max-records"), ("Timezone", "timezone"), ("time-zone", "timezone"),
            ("zzz", nil), ("x", nil),
        ])
    func suggestions(_ key: String, _ meant: String?) {
        let found = problems(in: "\(key): 1") { root in
            root.mapping { keys in
                _ = keys.optional("max-records")
                _ = keys.optional("timezone")
            }
        }
        let hint = meant.map { ", did you mean \($0)?" } ?? ""
        #expect(
            found == [
                "f.yaml:1:1: \(key): is not a known key\(hint); accepted: max-records, timezone"
            ])
    }

    @Test("a key that is already there is not suggested again")
    func noSuggestionOfPresentKey() {
        let found = problems(in: "id: a\nidd: b") { root in
            root.mapping { _ = $0.required("id")?.string() }
        }
        #expect(found == ["f.yaml:2:1: idd: is not a known key; accepted: id"])
    }

    @Test("a key that is a list or empty is reported, not skipped")
    func oddKeys() {
        let found = problems(in: "? [a]\n: 1\n\"\": 2\n<<: 3\n") { root in
            root.mapping { _ = $0.optional("id") }
        }
        #expect(
            found == [
                "f.yaml:1:3: a key is not a word; accepted: key: value",
                "f.yaml:3:1: a key is not a word; accepted: key: value",
                "f.yaml:4:1: <<: is not a known key; accepted: id",
            ])
    }

    @Test("a mapping of the user's own words gives keys and values in order")
    func entries() {
        var seen: [String] = []
        let found = problems(in: "b: 1\na: x\n") { root in
            for (key, value) in root.entries() ?? [] {
                seen.append((key.string() ?? "") + "=" + (value.int().map(String.init) ?? "?"))
            }
        }
        #expect(seen == ["b=1", "a=?"])
        #expect(found == ["f.yaml:2:4: a: is \"x\"; accepted: a whole number"])
    }

    @Test("of alternatives exactly one must stand there")
    func exactlyOne() {
        func choose(_ text: String) -> (String?, [String]) {
            var key: String?
            let found = problems(in: text) { root in
                root.mapping { key = $0.exactlyOne(of: ["read", "write"])?.key }
            }
            return (key, found)
        }
        #expect(choose("write: 1") == ("write", []))
        #expect(
            choose("{}") == (nil, ["f.yaml:1:1: lacks a key; accepted: exactly one of read, write"])
        )
        #expect(
            choose("read: 1\nwrite: 2") == (
                "read",
                ["f.yaml:2:1: write: stands beside read; accepted: exactly one of read, write"]
            ))
    }

    @Test("a file that is no mapping is one problem, not many")
    func noMapping() {
        #expect(
            problems(in: "- a", Self.load)
                == ["f.yaml:1:1: is a list; accepted: a mapping (key: value)"])
        #expect(
            problems(in: "", Self.load)
                == ["f.yaml:1:1: has no value; accepted: a mapping (key: value)"])
    }

    @Test("a hostile file cannot fill the memory with problems")
    func problemLimit() {
        let list = ProblemList()
        let keys = (0..<5_000).map { "k\($0): 1" }.joined(separator: "\n")
        guard let root = try? parse(keys) else {
            Issue.record("the text was refused")
            return
        }
        NodeReader(root, file: "f.yaml", problems: list).mapping { _ = $0.optional("id") }
        #expect(list.problems.count == ProblemList.limit)
        #expect(list.dropped == 4_000)
    }

    @Test("a key of the user's own cannot break the line of a problem")
    func keyInPath() {
        let found = problems(in: "\"a\\nb\": {c: 1}") { root in
            root.mapping { _ = $0.optional("id") }
        }
        #expect(found == ["f.yaml:1:1: \"a\\u{a}b\": is not a known key; accepted: id"])
    }
}

@Suite("Problem") struct ProblemTests {
    @Test("a problem renders place, key, message and what is accepted")
    func rendering() {
        let full = Problem(
            file: "/etc/hakaru/hakaru.yaml", line: 3, column: 5, key: "a.b[2]", message: "is 7",
            accepted: "1 to 5")
        #expect(
            "\(full)" == "/etc/hakaru/hakaru.yaml:3:5: a.b[2]: is 7; accepted: 1 to 5")
        let bare = Problem(file: "f", line: 1, column: 1, key: "", message: "is empty")
        #expect("\(bare)" == "f:1:1: is empty")
    }

    @Test("problems come in the order of the file, each once")
    func sorting() {
        let list = ProblemList()
        for (line, column) in [(3, 1), (1, 9), (1, 2), (3, 1)] {
            list.add(Problem(file: "f", line: line, column: column, key: "k", message: "m"))
        }
        #expect(list.sorted.map { [$0.line, $0.column] } == [[1, 2], [1, 9], [3, 1]])
    }
}
