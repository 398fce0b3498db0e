import Testing
import Uplink

@testable import Gateway

@Suite("Configuration: addresses of destinations") struct ConfigurationAddressTests {
    private func read(_ url: String) -> (text: String?, problem: String?) {
        let (made, problems) = configure(destination("", url: url))
        return (made?.destinations.first?.url?.text, problems.first)
    }

    @Test(
        "an encrypted address, or one of this machine, is taken as it is written",
        arguments: [
            "https://collector.example/v1/records", "https://collector.example:8443/v1?x=1",
            "https://[2001:db8::1]:8443/", "http://127.0.0.1:8080/v1", "http://127.1.2.3/",
            "http://localhost/x", "http://[::1]:9/",
        ])
    func accepted(_ url: String) {
        let (text, problem) = read(url)
        #expect(text == url)
        #expect(problem == nil)
    }

    @Test(
        "health data never travels readable, whatever trick the address plays",
        arguments: [
            "http://collector.example/", "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example/", "http://0.0.0.0/", "http://128.0.0.1/",
            "http://[::2]/", "HTTP://collector.example/",
        ])
    func plain(_ url: String) {
        let (text, problem) = read(url)
        #expect(text == nil)
        #expect(problem?.contains("is unencrypted http:// to another machine") == true)
    }

    @Test(
        "a name, a password or a fragment in an address is refused",
        arguments: [
            ("http://localhost@evil.example/", "holds a user name or password"),
            ("https://me:pw@collector.example/", "holds a user name or password"),
            ("https://collector.example/#x", "holds a fragment"),
            ("http://evil.example#@localhost/", "holds a fragment"),
        ])
    func extras(_ url: String, _ reason: String) {
        let (text, problem) = read(url)
        #expect(text == nil)
        #expect(problem?.contains(reason) == true)
    }

    @Test(
        "what is no address is refused with what an address looks like",
        arguments: [
            "collector.example", "https://", "https://a b/", "https://host:65536/", "ftp://x/",
            "file:///etc/passwd", "//x/", "https://日本.example/",
        ])
    func noURL(_ url: String) {
        let (text, problem) = read(url)
        #expect(text == nil)
        #expect(
            problem?.hasSuffix(
                "destinations[0].url: is not an https address; accepted: "
                    + "https://HOST[:PORT]/PATH, or http:// for this machine itself") == true)
    }

    @Test("tls keys beside an unencrypted address are a mistake, not a wish")
    func tlsWithoutTLS() {
        let (made, problems) = configure(
            destination("tls: { ca-file: /ca.pem }", url: "http://127.0.0.1/"))
        #expect(made != nil)
        #expect(problems.first?.contains("tls: has no meaning for an http:// address") == true)
    }
}
