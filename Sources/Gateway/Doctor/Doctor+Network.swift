import Glibc
import Uplink

/// Destinations as a delivery would meet them, up to the handshake; nothing is sent.
extension Doctor {
    func reach(_ destination: Configuration.Destination) {
        guard let url = destination.url else { return }
        let tls = TLSFiles(
            authorities: destination.tls.caFile?.path,
            clientCertificate: destination.tls.clientCertificateFile?.path,
            clientKey: destination.tls.clientKeyFile?.path)
        do throws(ConnectionProbe.Trouble) {
            try ConnectionProbe.run(
                url, tls: tls, proxy: destination.proxy, patience: surroundings.patience)
            let how = url.scheme == "https" ? "TLS" : "TCP"
            say(
                "destination", .ok, "destination",
                Phrase(
                    "\(destination.name): \(url.host) answers (\(how))",
                    "\(destination.name): \(url.host) に接続できます (\(how))"),
                about: destination.name)
        } catch {
            say(
                "destination", .problem, Self.code(error),
                Self.message(error, destination.name, url.host),
                remedy: Self.remedy(error, url.host), about: destination.name)
        }
    }

    private static func code(_ trouble: ConnectionProbe.Trouble) -> String {
        switch trouble {
        case .name: "dns"
        case .connection: "connection"
        case .certificate: "tls"
        case .ownFiles: "tls-files"
        case .proxy: "proxy"
        }
    }

    private static func message(
        _ trouble: ConnectionProbe.Trouble, _ name: String, _ host: String
    ) -> Phrase {
        switch trouble {
        case .name(let text):
            Phrase(
                "\(name): the name \(host) is not known (\(text))",
                "\(name): \(host) の名前を解決できません (\(text))")
        case .connection(let text):
            Phrase(
                "\(name): no connection to \(host) (\(text))", "\(name): \(host) に接続できません (\(text))"
            )
        case .certificate(let text):
            Phrase(
                "\(name): the certificate of \(host) does not hold (\(text))",
                "\(name): \(host) の証明書を確かめられません (\(text))")
        case .ownFiles(let text):
            Phrase(
                "\(name): a file under tls is of no use (\(text))",
                "\(name): tls のファイルが使えません (\(text))")
        case .proxy(let text):
            Phrase("\(name): the proxy does not serve (\(text))", "\(name): プロキシーが使えません (\(text))")
        }
    }

    private static func remedy(_ trouble: ConnectionProbe.Trouble, _ host: String) -> Phrase {
        switch trouble {
        case .name:
            Phrase(
                "look at the spelling in url, at the cable or Wi-Fi, and at /etc/resolv.conf",
                "url の綴り、ケーブルや Wi-Fi、/etc/resolv.conf を確かめてください")
        case .connection:
            Phrase(
                "look at the network and at the firewall on the way; the receiver may be down",
                "ネットワークと途中のファイアウォールを確かめてください。受信側が止まっている場合もあります")
        case .certificate:
            Phrase(
                "ask whoever runs \(host); for an authority of its own name tls.ca-file; is the clock right?",
                "\(host) の管理者に確かめてください。独自の認証局なら tls.ca-file を指定し、時計も確かめてください")
        case .ownFiles:
            Phrase(
                "mend ca-file, client-certificate-file or client-key-file",
                "ca-file、client-certificate-file、client-key-file を直してください")
        case .proxy:
            Phrase(
                "correct destinations[].proxy or https_proxy",
                "destinations[].proxy か https_proxy を直してください")
        }
    }
}
