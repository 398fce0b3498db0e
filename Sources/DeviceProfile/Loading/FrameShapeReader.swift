import YAML

/// Reads a checksum of a layout.
enum ChecksumReader {
    /// `shortest` is nil where the checksum stands beside variants of several lengths.
    static func checksum(_ node: NodeReader, shortest: Int?) -> FieldChecksum? {
        node.mapping { keys in
            keys.ignore([
                "at", "width", "polynomial", "initial", "final-xor", "reflect-input",
                "reflect-output",
            ])
            let limit = shortest ?? 4_096
            let methods = FieldChecksum.methods
            let name = keys.required("method")?.word(of: methods.map(\.name) + ["crc"])
            let from = keys.optional("from")?.int(in: -limit...(limit - 1)) ?? 0
            let last = keys.optional("to")?.int(in: -limit...(limit - 1))
            let comesToZero = keys.optional("comes-to-zero")?.bool() ?? false
            let at = comesToZero ? nil : keys.optional("at")?.int(in: -limit...(limit - 1))
            let custom = name == "crc" ? parameters(keys) : nil
            let isBig =
                keys.optional("byte-order")?.word(of: ["little", "big"]) == "big"
            let negated = keys.optional("negated")?.bool() ?? false
            let method = custom.map { .crc($0) } ?? methods.first { $0.name == name }?.method
            guard let method else { return nil }
            var checksum = FieldChecksum(method, from: from, to: -1, at: nil)
            checksum.isBigEndian = isBig
            checksum.isNegated = negated
            if comesToZero {
                checksum.to = last ?? -1
            } else {
                // The last bytes of the frame, over everything before them, unless said otherwise.
                checksum.at = at ?? -checksum.width
                checksum.to = last ?? -checksum.width - 1
            }
            if let problem = outside(checksum, shortest) {
                node.report(problem, accepted: "bytes of the shortest frame")
                return nil
            }
            return checksum
        }
    }

    private static func outside(_ checksum: FieldChecksum, _ shortest: Int?) -> String? {
        guard let shortest else { return nil }
        func absolute(_ at: Int) -> Int { at < 0 ? shortest + at : at }
        if absolute(checksum.from) > absolute(checksum.to) { return "ends before it begins" }
        if absolute(checksum.to) >= shortest { return "runs past the shortest frame" }
        if let at = checksum.at, absolute(at) + checksum.width > shortest {
            return "stands past the end of the shortest frame"
        }
        return nil
    }

    private static func parameters(_ keys: MappingReader) -> CyclicRedundancyCheck? {
        let width = keys.required("width")?.int(in: 8...32)
        if let width, ![8, 16, 32].contains(width) {
            keys.problem(about: "width", "is \(width)", accepted: "8, 16, 32")
        }
        let polynomial = keys.required("polynomial")?.int(in: 1...Int(UInt32.max))
        let initial = keys.optional("initial")?.int(in: 0...Int(UInt32.max)) ?? 0
        let final = keys.optional("final-xor")?.int(in: 0...Int(UInt32.max)) ?? 0
        let input = keys.optional("reflect-input")?.bool() ?? false
        let output = keys.optional("reflect-output")?.bool() ?? input
        guard let width, [8, 16, 32].contains(width), let polynomial else { return nil }
        return CyclicRedundancyCheck(
            width: width, polynomial: UInt32(polynomial), initial: UInt32(initial),
            reflectsInput: input, reflectsOutput: output, finalXor: UInt32(final))
    }
}

/// Reads which part of a frame is encrypted, and what its nonce is made of.
enum EncryptionReader {
    static func encryption(_ node: NodeReader, shortest: Int) -> FieldEncryption? {
        node.mapping { keys in
            _ = keys.required("method")?.word(of: ["aes-128-ccm"])
            let from = keys.required("from")?.int(in: 0...(shortest - 1))
            let trailing = keys.required("trailing")?.int(in: 4...(shortest - 1))
            let tag = keys.required("tag")?.mapping { tag -> (Int, Int)? in
                let at = tag.required("at")?.int(in: -shortest...(shortest - 1))
                let length = tag.required("length")?.int(in: 4...16)
                guard let at, let length else { return nil }
                if length % 2 == 1 {
                    tag.problem(about: "length", "is odd", accepted: "4, 6, 8 … 16")
                }
                return (at, length)
            }
            let nonce = keys.required("nonce")?.list(count: 1...8)?.compactMap(part)
            let data = keys.optional("associated-data")?.hexBytes(count: 1...64) ?? []
            guard let from, let trailing, let (at, length) = tag, let nonce else { return nil }
            guard from + trailing < shortest else {
                node.report("leaves no cipher text", accepted: "from + trailing < \(shortest)")
                return nil
            }
            var encryption = FieldEncryption(
                from: from, trailing: trailing, tagAt: at, tagLength: length, nonce: nonce)
            encryption.associatedData = data
            return encryption
        }
    }

    private static func part(_ node: NodeReader) -> FieldEncryption.NoncePart? {
        if case .scalar = node.node.content {
            let word = node.word(of: ["address", "address-reversed"])
            return word.map { $0 == "address" ? .address : .addressReversed }
        }
        return node.mapping { keys in
            keys.ignore(["length"])
            guard let (key, value) = keys.exactlyOne(of: ["at", "bytes"]) else { return nil }
            if key == "bytes" { return value.hexBytes(count: 1...13).map { .bytes($0) } }
            let at = value.int(in: -4_096...4_095)
            let count = keys.required("length")?.int(in: 1...13)
            guard let at, let count else { return nil }
            return .frame(at: at, count: count)
        }
    }
}

/// Reads how a frame is put together out of several notifications.
enum AssemblyReader {
    static func assembly(_ node: NodeReader) -> FieldAssembly? {
        node.mapping { keys in
            keys.ignore(["begins"])
            guard let (key, value) = keys.exactlyOne(of: ["numbered", "counted", "segmented"])
            else { return nil }
            if key == "segmented" {
                for key in ["begins", "joined"] where keys.has(key) {
                    keys.problem(about: key, "stands beside segmented", accepted: "segmented alone")
                }
                if value.bool() == false { value.report("is false", accepted: "true") }
                return FieldAssembly(begins: [], method: .segmented)
            }
            let begins = keys.required("begins")?.hexBytes(count: 1...16)
            let joined = keys.optional("joined")?.hexBytes(count: 1...16) ?? []
            let method = key == "numbered" ? value.mapping(numbered) : value.mapping(counted)
            guard let begins, let method else { return nil }
            return FieldAssembly(begins: begins, method: method, joined: joined)
        }
    }

    private static func numbered(_ keys: MappingReader) -> FieldAssembly.Method? {
        let part = keys.required("part-at")?.int(in: 0...63)
        let count = keys.required("count-at")?.int(in: 0...63)
        let payload = keys.required("payload-from")?.int(in: 1...64)
        let first = keys.optional("first-part")?.int(in: 0...255) ?? 1
        guard let part, let count, let payload else { return nil }
        return .numbered(partAt: part, countAt: count, payloadFrom: payload, firstPart: first)
    }

    private static func counted(_ keys: MappingReader) -> FieldAssembly.Method? {
        let at = keys.required("length-at")?.int(in: 0...63)
        let type = keys.optional("type")?.choice(of: FieldNumber.NumberType.self) ?? .uint8
        let adds = keys.optional("adds")?.int(in: -64...64) ?? 0
        guard let at else { return nil }
        return .counted(lengthAt: at, type: type, adds: adds)
    }
}
