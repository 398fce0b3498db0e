import Glibc
import Testing

@testable import Uplink

@Suite("Destination address and token") struct AddressTests {
    @Test(
        "https everywhere and http on this machine are accepted",
        arguments: [
            "https://collector.example/v1/records", "https://192.0.2.1:8443/", "HTTPS://a.example",
            "http://localhost:8080/v1", "http://127.0.0.1/", "http://127.9.8.7:1/",
            "http://[::1]:80/",
        ])
    func accepted(url: String) throws {
        #expect(try DestinationURL(url).text == url)
    }

    @Test(
        "an address that would send values unencrypted or to nowhere is refused",
        arguments: [
            "http://collector.example/", "http://192.0.2.1/", "http://localhost.example/",
            "http://127.0.0.1.example/", "http://128.0.0.1/", "http://127.0.0.1@evil.example/",
            "https://user:secret@collector.example/", "https://user@collector.example/",
            "ftp://collector.example/", "file:///etc/passwd", "collector.example", "", "https://",
            "https://a b/",
        ])
    func refused(url: String) {
        let problem = #expect(throws: URLProblem.self) { try DestinationURL(url) }
        #expect(problem?.description.contains("secret") == false)
    }

    @Test("a token is read without its line end, and anew each time")
    func token() throws {
        let path = try Scratch.folder() + "/token"
        let file = TokenFile(path: path)
        for (text, token) in [("abc", "abc"), ("abc\n", "abc"), (" a.b-c=\r\n", "a.b-c=")] {
            try Scratch.write(text, to: path)
            #expect(try file.read() == token)
        }
    }

    @Test(
        "a file that holds no token is refused without repeating what it holds",
        arguments: ["", "\n", "secret words", "secret\nlines", "sécret", "secret\u{0}", "\u{7F}"])
    func notAToken(text: String) throws {
        let path = try Scratch.folder() + "/token"
        try Scratch.write(text, to: path)
        let problem = #expect(throws: TokenProblem.self) { try TokenFile(path: path).read() }
        #expect(problem?.description.contains("cret") == false)
    }

    @Test("a token file that is missing, a folder or far too large is refused")
    func unreadable() throws {
        let folder = try Scratch.folder()
        try Scratch.write(String(repeating: "x", count: 20_000), to: folder + "/large")
        for path in [folder + "/missing", folder, folder + "/large"] {
            let problem = #expect(throws: TokenProblem.self) { try TokenFile(path: path).read() }
            #expect(problem?.path == path)
        }
    }
}
