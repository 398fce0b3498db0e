import Glibc

@main
struct Hakaru {
    static func main() {
        var options: [String: String] = [:]
        var words: [String] = []
        var arguments = Array(CommandLine.arguments.dropFirst())
        while !arguments.isEmpty {
            let word = arguments.removeFirst()
            if word == "--json" { continue }
            if word.hasPrefix("--"), !arguments.isEmpty {
                options[String(word.dropFirst(2))] = arguments.removeFirst()
            } else {
                words.append(word)
            }
        }
        do throws(CommandError) {
            switch words.first {
            case "decode": for line in try DecodeCommand.run(options) { print(line) }
            case "replay":
                try ReplayCommand.run(Array(words.dropFirst()), options) { print($0) }
            case "explain": print(try ExplainCommand.run(options))
            default: throw CommandError.usage("no such command")
            }
        } catch {
            print("\(error)")
            exit(1)
        }
    }
}
