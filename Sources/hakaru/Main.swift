@main
struct Hakaru {
    static func main() {}
}
