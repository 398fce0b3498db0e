import CZlib

/// Documents made smaller for the way; the same document gives the same bytes.
enum Gzip {
    /// Returns the compressed bytes; nil where zlib has no memory.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        guard hakaru_deflate_gzip(&stream, 6) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count)))
        var input = bytes
        var result = -1
        let out = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(clamping: input.count)
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(clamping: buffer.count)
                result = Int(deflate(&stream, Z_FINISH))
            }
            count = bound - Int(stream.avail_out)
        }
        return result == Int(Z_STREAM_END) ? out : nil
    }
}
