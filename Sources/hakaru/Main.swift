import DataFiles
import Glibc

@main
struct Hakaru {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do throws(CommandError) {
            try run(arguments)
        } catch {
            let isJSON = ArgumentParser.wantsJSON(arguments)
            Output.complain(isJSON ? error.json : "hakaru: " + error.message)
            exit(error.exitCode)
        }
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        let output = Output()
        switch try ArgumentParser(commands: CommandTable.all).parse(arguments) {
        case .version: try output.line("hakaru " + hakaruVersion)
        case .help(let words): try output.line(try Help.text(words, CommandTable.all))
        case .run(let command, let words, let options):
            try command.run(Invocation(words: words, options: options, output: output))
        }
        try output.flush()
    }
}
