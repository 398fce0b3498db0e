import Glibc

/// A directory of one test that goes away with it.
package struct ScratchDirectory: ~Copyable, Sendable {
    package let path: String

    package init() {
        var template = Array("/tmp/hakaru-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { preconditionFailure("mkdtemp failed") }
        path = String(cString: made)
    }

    deinit {
        _ = try? Child("rm", ["-rf", path]).wait()
    }

    /// Writes a file into the directory and returns its path.
    @discardableResult
    package func write(_ name: String, _ text: String, mode: UInt32 = 0o600) -> String {
        let file = path + "/" + name
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, mode)
        let bytes = Array(text.utf8)
        let count = Glibc.write(descriptor, bytes, bytes.count)
        precondition(count == bytes.count, "\(file) was not written")
        close(descriptor)
        return file
    }
}
