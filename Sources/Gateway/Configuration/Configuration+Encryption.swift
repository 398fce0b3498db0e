import Glibc
import Spool
import YAML

extension Configuration.Encryption {
    static func read(_ keys: MappingReader) -> Self? {
        let file = keys.optional("key-file").flatMap(ConfiguredFile.read)
        let credential = keys.optional("credential")?
            .string(accepted: "the name of a systemd credential", where: Words.isName)
        let seals = keys.optional("enabled")?.bool() ?? true
        guard keys.has("key-file") != keys.has("credential") else {
            keys.problem(
                about: keys.has("key-file") ? "credential" : "key-file",
                keys.has("key-file") ? "stands beside key-file" : "is missing",
                accepted: "key-file or credential, one of them")
            return nil
        }
        if let file { return Self(key: .file(file), seals: seals) }
        return credential.map { Self(key: .credential($0), seals: seals) }
    }

    /// Where the key is found; a credential lies where systemd says.
    var keyFile: String {
        switch key {
        case .file(let file): return file.path
        case .credential(let name):
            let directory = getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) }
            return (directory ?? "/run/credentials/hakarud.service") + "/" + name
        }
    }
}

extension Configuration.Storage {
    /// The store's own configuration.
    func spool(directory: String) -> SpoolConfiguration {
        var made = SpoolConfiguration(
            directory: directory, maximumBytes: Int64(maximumBytes),
            reserveBytes: Int64(reserveBytes))
        made.encryption = encryption.map {
            StoreEncryption(keyFile: $0.keyFile, seals: $0.seals)
        }
        return made
    }
}
