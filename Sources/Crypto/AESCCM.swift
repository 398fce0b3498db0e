import CCrypto

/// AES-128-CCM by OpenSSL.
package enum AESCCM {
    /// Returns the plain text; nil where the tag does not fit, or a length is not allowed.
    ///
    /// A wrong key and a changed frame look the same: both fail here and give nothing out.
    package static func open(
        _ cipherText: [UInt8], tag: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
    ) -> [UInt8]? {
        guard key.count == 16, (7...13).contains(nonce.count), (4...16).contains(tag.count),
            tag.count.isMultiple(of: 2), !cipherText.isEmpty, cipherText.count <= 4_096,
            let context = EVP_CIPHER_CTX_new()
        else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        var tag = tag
        guard EVP_DecryptInit_ex(context, EVP_aes_128_ccm(), nil, nil, nil) == 1,
            EVP_CIPHER_CTX_ctrl(
                context, EVP_CTRL_AEAD_SET_IVLEN, Int32(nonce.count), nil) == 1,
            EVP_CIPHER_CTX_ctrl(
                context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1,
            EVP_DecryptInit_ex(context, nil, nil, key, nonce) == 1
        else { return nil }
        var length: Int32 = 0
        // CCM wants the length of the text before the associated data.
        guard EVP_DecryptUpdate(context, nil, &length, nil, Int32(cipherText.count)) == 1 else {
            return nil
        }
        if !associatedData.isEmpty {
            guard
                EVP_DecryptUpdate(
                    context, nil, &length, associatedData, Int32(associatedData.count)) == 1
            else { return nil }
        }
        var plain = [UInt8](repeating: 0, count: cipherText.count)
        guard
            EVP_DecryptUpdate(
                context, &plain, &length, cipherText, Int32(cipherText.count)) == 1,
            length == Int32(cipherText.count)
        else { return nil }
        return plain
    }
}
