import GatewayTestKit
import JSON
import Testing

@testable import Uplink

@Suite("Connection probe", .timeLimit(.minutes(1))) struct ConnectionProbeTests {
    private func trouble(
        _ url: String, tls: TLSFiles = TLSFiles(), proxy: String? = nil
    ) throws -> ConnectionProbe.Trouble? {
        let address = try DestinationURL(url)
        do throws(ConnectionProbe.Trouble) {
            try ConnectionProbe.run(address, tls: tls, proxy: proxy, patience: .seconds(3))
            return nil
        } catch {
            return error
        }
    }

    @Test("a receiver whose certificate holds is reached, and nothing is sent to it")
    func reached() throws {
        let receiver = try ReceiverProcess()
        let authority = try Scratch.certificate("ca.pem")
        #expect(try trouble(receiver.url, tls: TLSFiles(authorities: authority)) == nil)
        #expect(try receiver.log("request").isEmpty)
    }

    @Test(
        "a certificate that is expired or of another authority is told from a dead line",
        arguments: [ReceiverProcess.Certificate.expired, .foreign])
    func certificates(certificate: ReceiverProcess.Certificate) throws {
        let receiver = try ReceiverProcess(certificate: certificate)
        let authority = try Scratch.certificate("ca.pem")
        guard case .certificate = try trouble(receiver.url, tls: TLSFiles(authorities: authority))
        else {
            Issue.record("not a trouble of the certificate")
            return
        }
    }

    @Test("the system's authorities do not trust a receiver of one's own")
    func unknownAuthority() throws {
        let receiver = try ReceiverProcess()
        guard case .certificate = try trouble(receiver.url) else {
            Issue.record("it was trusted")
            return
        }
    }

    @Test("a port at which nobody listens is a trouble of the connection")
    func nobody() throws {
        guard case .connection = try trouble("https://127.0.0.1:9/") else {
            Issue.record("something answered at the discard port")
            return
        }
    }

    @Test("a name that is not known is a trouble of the name")
    func unknownName() throws {
        guard case .name = try trouble("https://receiver.invalid/") else {
            Issue.record("a name under .invalid was found")
            return
        }
    }

    @Test("an authority file that is none is the owner's own to mend")
    func brokenFile() throws {
        let receiver = try ReceiverProcess()
        guard
            case .ownFiles = try trouble(
                receiver.url, tls: TLSFiles(authorities: "/nonexistent/ca.pem"))
        else {
            Issue.record("a missing file was not noticed")
            return
        }
    }

    @Test("a socket at which nobody listens gives no answer")
    func noSocket() {
        #expect(ConnectionProbe.ask(socket: "/nonexistent/hakaru.sock", "/v1/status") == nil)
    }
}
