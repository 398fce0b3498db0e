import Testing

@testable import Gateway

@Suite("DestinationURL") struct DestinationURLTests {
    @Test(
        "an encrypted address, or one of this machine, is taken as it is written",
        arguments: [
            ("https://collector.example/v1/records", "collector.example", true),
            ("https://collector.example:8443/v1?x=1", "collector.example", true),
            ("HTTPS://Collector.Example", "collector.example", true),
            ("https://[2001:db8::1]:8443/", "2001:db8::1", true),
            ("http://127.0.0.1:8080/v1", "127.0.0.1", false),
            ("http://127.1.2.3/", "127.1.2.3", false),
            ("http://localhost/x", "localhost", false),
            ("http://[::1]:9/", "::1", false),
        ])
    func accepted(_ text: String, _ host: String, _ isEncrypted: Bool) throws {
        let url = try DestinationURL(text)
        #expect(url.text == text)
        #expect(url.host == host)
        #expect(url.isEncrypted == isEncrypted)
    }

    @Test(
        "health data never travels readable, whatever trick the address plays",
        arguments: [
            ("http://collector.example/", DestinationURL.Refusal.plainHTTP),
            ("http://127.0.0.1.evil.example/", .plainHTTP),
            ("http://localhost.evil.example/", .plainHTTP),
            ("http://2130706433/", .plainHTTP), ("http://127.1/", .plainHTTP),
            ("http://0x7f.0.0.1/", .plainHTTP), ("http://0.0.0.0/", .plainHTTP),
            ("http://128.0.0.1/", .plainHTTP), ("http://[::2]/", .plainHTTP),
            ("http://[::ffff:127.0.0.1]/", .plainHTTP),
            ("http://localhost@evil.example/", .userInfo),
            ("https://me:pw@collector.example/", .userInfo),
            ("https://collector.example/#x", .fragment),
            ("http://evil.example#@localhost/", .fragment),
            ("http://evil.example\\@localhost/", .noURL),
        ])
    func insecure(_ text: String, _ refusal: DestinationURL.Refusal) {
        #expect(throws: refusal) { _ = try DestinationURL(text) }
    }

    @Test(
        "what is no address is refused",
        arguments: [
            ("", DestinationURL.Refusal.noURL), ("collector.example", .noURL),
            ("https://", .noURL), ("https:///x", .noURL), ("https://a b/", .noURL),
            ("https://a\r\nX: y/", .noURL), ("https://host:0/", .noURL),
            ("https://host:65536/", .noURL), ("https://host:/", .noURL),
            ("https://ho%73t/", .noURL),
            ("https://[::1/", .noURL), ("https://[::g]/", .noURL), ("https://日本.example/", .noURL),
            ("ftp://x/", .scheme), ("file:///etc/passwd", .scheme), ("//x/", .noURL),
        ])
    func noURL(_ text: String, _ refusal: DestinationURL.Refusal) {
        #expect(throws: refusal) { _ = try DestinationURL(text) }
    }
}
