import Glibc

/// The file of the program that runs.
package enum Program {
    /// Its path, links followed; empty where the kernel does not tell.
    package static var path: String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }

    /// The path of a program in the same folder: that of the same version, whether or not it is there.
    package static func beside(_ name: String) -> String {
        let own = path
        return own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
    }
}
