import CCrypto

/// AES-256-GCM by OpenSSL, with a random nonce in front of each sealed text.
package enum AESGCM {
    package static let keySize = 32
    private static let nonceSize = 12
    private static let tagSize = 16

    /// Returns nonce, cipher text and tag in one; nil where OpenSSL fails.
    ///
    /// - Parameter associatedData: not encrypted, but without it the text cannot be opened: it ties a
    ///   text to the place where it lies.
    package static func seal(
        _ plain: [UInt8], key: [UInt8], associatedData: [UInt8]
    ) -> [UInt8]? {
        guard key.count == keySize, let nonce = RandomBytes.make(nonceSize),
            let context = EVP_CIPHER_CTX_new()
        else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        var length: Int32 = 0
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            associatedData.isEmpty
                || EVP_EncryptUpdate(
                    context, nil, &length, associatedData, Int32(associatedData.count)) == 1
        else { return nil }
        var cipher = [UInt8](repeating: 0, count: plain.count)
        var rest = [UInt8](repeating: 0, count: 16)
        var tag = [UInt8](repeating: 0, count: tagSize)
        guard
            plain.isEmpty
                || EVP_EncryptUpdate(context, &cipher, &length, plain, Int32(plain.count)) == 1,
            EVP_EncryptFinal_ex(context, &rest, &length) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagSize), &tag) == 1
        else { return nil }
        return nonce + cipher + tag
    }

    /// Returns the plain text; nil for another key, another place or a changed byte.
    package static func open(
        _ sealed: [UInt8], key: [UInt8], associatedData: [UInt8]
    ) -> [UInt8]? {
        guard key.count == keySize, sealed.count >= nonceSize + tagSize,
            let context = EVP_CIPHER_CTX_new()
        else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        let nonce = Array(sealed[..<nonceSize])
        let cipher = Array(sealed[nonceSize..<sealed.count - tagSize])
        var tag = Array(sealed[(sealed.count - tagSize)...])
        var length: Int32 = 0
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            associatedData.isEmpty
                || EVP_DecryptUpdate(
                    context, nil, &length, associatedData, Int32(associatedData.count)) == 1
        else { return nil }
        var plain = [UInt8](repeating: 0, count: cipher.count)
        var rest = [UInt8](repeating: 0, count: 16)
        guard
            cipher.isEmpty
                || EVP_DecryptUpdate(context, &plain, &length, cipher, Int32(cipher.count)) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagSize), &tag) == 1,
            EVP_DecryptFinal_ex(context, &rest, &length) == 1
        else { return nil }
        return plain
    }
}

/// Bytes from OpenSSL's random generator.
package enum RandomBytes {
    /// Returns nil where the system has no randomness to give.
    package static func make(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return RAND_bytes(&bytes, Int32(count)) == 1 ? bytes : nil
    }
}

/// HMAC-SHA256 by the definition, over `SHA256`.
package enum HMAC {
    package static func sha256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        var block = key.count > 64 ? SHA256.digest(key) : key
        block += [UInt8](repeating: 0, count: 64 - block.count)
        let inner = SHA256.digest(block.map { $0 ^ 0x36 } + message)
        return SHA256.digest(block.map { $0 ^ 0x5C } + inner)
    }
}
