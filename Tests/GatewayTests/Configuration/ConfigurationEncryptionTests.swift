import Glibc
import Spool
import Testing

@testable import Gateway

@Suite struct ConfigurationEncryptionTests {
    private func read(_ encryption: String) -> (Configuration.Encryption?, [String]) {
        let (made, problems) = configure(minimal("storage: { encryption: \(encryption) }"))
        return (made?.storage.encryption, problems)
    }

    @Test func `a key file or a credential names the key, and the switch says whether it seals`()
        throws
    {
        let file = try #require(read("{ key-file: /etc/hakaru/master.key }").0)
        #expect(file.keyFile == "/etc/hakaru/master.key")
        #expect(file.seals)
        let off = try #require(read("{ key-file: /k, enabled: false }").0)
        #expect(!off.seals)
        let storage = try #require(
            configure(minimal("storage: { encryption: { key-file: /k } }")).0
        ).storage
        #expect(storage.spool(directory: "/s").encryption?.keyFile == "/k")
        #expect(configure(minimal("storage: { maximum: 9MB }")).0?.storage.encryption == nil)
    }

    @Test func `a credential lies where the service manager says`() throws {
        let made = try #require(read("{ credential: hakaru-master-key }").0)
        setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1)
        #expect(made.keyFile == "/run/credentials/x/hakaru-master-key")
        unsetenv("CREDENTIALS_DIRECTORY")
        #expect(made.keyFile == "/run/credentials/hakarud.service/hakaru-master-key")
    }

    @Test(arguments: [
        ("{ enabled: true }", "encryption.key-file: is missing"),
        ("{ key-file: /k, credential: c }", "encryption.credential: stands beside key-file"),
        ("{ key-file: k }", "encryption.key-file: "),
        ("{ key: 1234 }", "encryption.key"),
    ])
    func `a mistake starts nothing that would store plainly`(text: String, problem: String) {
        let (made, problems) = read(text)
        #expect(made == nil)
        #expect(problems.contains { $0.contains(problem) }, "\(problems)")
    }
}
