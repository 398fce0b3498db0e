@main
struct Hakarud {
    static func main() {}
}
