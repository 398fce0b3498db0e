import CLinux
import Glibc

/// Who is at the other end of the socket, as the kernel knows it.
package struct PeerCredentials: Sendable, Equatable {
    package var userID: UInt32
    package var groupID: UInt32
    package var processID: Int32
    /// The supplementary groups that the peer had when it connected.
    package var groups: [UInt32]

    package init(userID: UInt32, groupID: UInt32, processID: Int32, groups: [UInt32] = []) {
        self.userID = userID
        self.groupID = groupID
        self.processID = processID
        self.groups = groups
    }

    /// Whether the peer may change things: root, or a member of the administration group.
    package func isAdministrator(adminGroup: UInt32?) -> Bool {
        if userID == 0 { return true }
        guard let adminGroup else { return false }
        return groupID == adminGroup || groups.contains(adminGroup)
    }

    /// Asks the kernel about the peer of a connected socket; nil where it does not say.
    init?(descriptor: Int32) {
        var facts = HakaruPeer()
        guard hakaru_peer_credentials(descriptor, &facts) == 0 else { return nil }
        userID = facts.uid
        groupID = facts.gid
        processID = facts.pid
        groups = Self.groups(descriptor)
    }

    private static func groups(_ descriptor: Int32) -> [UInt32] {
        var groups = [gid_t](repeating: 0, count: 256)
        var length = socklen_t(groups.count * MemoryLayout<gid_t>.size)
        // More groups than fit fail with ERANGE: then the primary group alone counts.
        guard getsockopt(descriptor, SOL_SOCKET, hakaru_so_peergroups, &groups, &length) == 0 else {
            return []
        }
        return Array(groups.prefix(Int(length) / MemoryLayout<gid_t>.size))
    }
}
