import Crypto
import DataFiles
import DeviceProfile
import EventLoop
import JSON
import Measurement
import Register
import Spool
import YAML

/// Lists that are imported and exported, and what people say about sending.
extension People {
    /// What came of an import.
    struct Imported {
        var tables: [(kind: ListKind, rows: Int)] = []
        var warnings: [Problem] = []
    }

    enum ListRefusal: Error {
        case problems([Problem], dropped: Int)
        case store(SpoolError)
    }

    /// Takes the place of each list that the file holds; on any problem nothing changes.
    func importLists(
        _ bytes: [UInt8], file: String, isYAML: Bool, kind: ListKind?, by actor: LedgerActor
    ) async throws(ListRefusal) -> Imported {
        let models = profiles().profiles.map(\.knownModel)
        let digit = configuration.participantCodes.checkDigit
        let read = await Self.read(
            bytes, file: file, isYAML: isYAML, kind: kind, models: models, digit: digit)
        switch read {
        case .failure(let problems):
            throw .problems(problems.list, dropped: problems.dropped)
        case .success(let found):
            let digest = hexadecimal(SHA256.digest(bytes))
            for table in found.tables {
                do throws(SpoolError) {
                    try await load()
                    try await spool.replaceList(
                        table.kind.rawValue, rows: table.rows,
                        note: LedgerNote(.listImported, by: actor, on: table.kind.rawValue) {
                            $0.member("rows", table.rows.count)
                            $0.member("sha256", digest)
                        }, at: clock().utc)
                } catch {
                    throw .store(error)
                }
                switch table.kind {
                case .participants: take(table)
                case .devices: deviceList = table
                case .activityTimes: activityTimes = table
                case .consortium, .labs, .hba1cMethods: break
                }
            }
            return Imported(
                tables: found.tables.map { ($0.kind, $0.rows.count) }, warnings: found.warnings)
        }
    }

    /// Reads a file beside the loop: a large one must not hold it up.
    @concurrent nonisolated private static func read(
        _ bytes: [UInt8], file: String, isYAML: Bool, kind: ListKind?, models: [KnownModel],
        digit: CheckDigit
    ) async -> Result<(tables: [ListTable], warnings: [Problem]), ListReader.Problems> {
        var reader = ListReader(file: file, models: models, checkDigit: digit)
        let text: [UInt8]
        do throws(TextTrouble) {
            text = try TextDecoding.utf8(bytes)
        } catch {
            let problem = Problem(
                file: file, line: error.line, column: 1, key: "", message: error.description)
            return .failure(ListReader.Problems(list: [problem], dropped: 0))
        }
        do throws(ListReader.Problems) {
            let tables = isYAML ? try reader.yaml(text) : [try reader.csv(text, kind: kind)]
            return .success((tables, reader.warnings))
        } catch {
            return .failure(error)
        }
    }

    // MARK: consent

    /// Writes a person's word down and lets it count at once.
    func note(
        _ word: StoredConsent, sendsHeld: Bool, by actor: LedgerActor
    ) async throws(PeopleRefusal) -> ConsentEffect {
        try await loaded()
        // A withdrawal counts before the disk has it: what it stops may be on its way.
        if !word.isGrant { consents.add(word.asWord) }
        do throws(SpoolError) {
            let effect = try await spool.note(word, sendsHeld: sendsHeld, by: actor)
            if word.isGrant { consents.add(word.asWord) }
            return effect
        } catch {
            throw .store(error)
        }
    }
}

extension DeviceProfile {
    /// What a device list is held against.
    var knownModel: KnownModel {
        KnownModel(
            names: modelNames, manufacturer: manufacturerCode, correctsTime: correctsTime,
            deviceClass: deviceClass == .any ? nil : deviceClass.rawValue)
    }
}
