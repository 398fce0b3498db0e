import Gateway
import Glibc

@main
struct Hakarud {
    static func main() {
        exit(Launcher.main(Array(CommandLine.arguments.dropFirst())))
    }
}
