import Crypto
import Testing

@Suite struct AESGCMTests {
    private let key = [UInt8](repeating: 9, count: 32)

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8).map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// The AES-256-GCM test cases 14 and 15 of the algorithm's specification (nonce, text, tag).
    @Test func `what another program sealed opens here`() {
        let zero = [UInt8](repeating: 0, count: 32)
        let sealed =
            [UInt8](repeating: 0, count: 12) + bytes("cea7403d4d606b6e074ec5d3baf39d18")
            + bytes("d0d1c8a799996bf0265b98b5d48ab919")
        #expect(
            AESGCM.open(sealed, key: zero, associatedData: []) == [UInt8](repeating: 0, count: 16))
    }

    @Test(arguments: [0, 1, 15, 16, 17, 5_000])
    func `what is sealed opens again, and looks different each time`(count: Int) throws {
        let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let one = try #require(AESGCM.seal(plain, key: key, associatedData: [1, 2]))
        let two = try #require(AESGCM.seal(plain, key: key, associatedData: [1, 2]))
        #expect(one != two)
        #expect(one.count == count + 28)
        #expect(AESGCM.open(one, key: key, associatedData: [1, 2]) == plain)
    }

    @Test func `a changed byte, another key and another place open nothing`() throws {
        let sealed = try #require(AESGCM.seal([1, 2, 3], key: key, associatedData: [7]))
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(AESGCM.open(changed, key: key, associatedData: [7]) == nil)
        }
        for length in 0..<sealed.count {
            #expect(AESGCM.open(Array(sealed[..<length]), key: key, associatedData: [7]) == nil)
        }
        let other = [UInt8](repeating: 8, count: 32)
        #expect(AESGCM.open(sealed, key: other, associatedData: [7]) == nil)
        #expect(AESGCM.open(sealed, key: key, associatedData: [8]) == nil)
        #expect(AESGCM.open(sealed, key: key, associatedData: []) == nil)
    }

    @Test func `a key of another length is refused, not filled up`() {
        for count in [0, 16, 31, 33] {
            let short = [UInt8](repeating: 1, count: count)
            #expect(AESGCM.seal([1], key: short, associatedData: []) == nil)
        }
    }

    /// Test case 2 of RFC 4231.
    @Test func `the keyed digest is the standard's`() {
        let digest = HMAC.sha256(
            Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(
            hexadecimal(digest)
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(HMAC.sha256([1], key: [UInt8](repeating: 3, count: 200)).count == 32)
    }

    @Test func `random bytes are as many as asked for, and others each time`() throws {
        let one = try #require(RandomBytes.make(32))
        #expect(one.count == 32)
        #expect(RandomBytes.make(32) != one)
    }
}
