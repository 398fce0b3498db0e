import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import Status

@Suite("Peers of the socket", .timeLimit(.minutes(1))) struct PeerTests {
    struct Who: CustomTestStringConvertible {
        let name: String
        let user: UInt32
        let group: UInt32
        let groups: [UInt32]
        let adminGroup: UInt32?
        let mayChange: Bool
        var testDescription: String { name }
    }

    @Test(
        "changes are for root and the administration group only",
        arguments: [
            Who(
                name: "root", user: 0, group: 0, groups: [], adminGroup: nil, mayChange: true),
            Who(
                name: "user without an administration group", user: 1_000, group: 1_000,
                groups: [4, 27], adminGroup: nil, mayChange: false),
            Who(
                name: "other user", user: 1_000, group: 1_000, groups: [4], adminGroup: 50,
                mayChange: false),
            Who(
                name: "primary group", user: 1_000, group: 50, groups: [], adminGroup: 50,
                mayChange: true),
            Who(
                name: "supplementary group", user: 1_000, group: 1_000, groups: [4, 50],
                adminGroup: 50, mayChange: true),
            Who(
                name: "group of root", user: 1_000, group: 0, groups: [0], adminGroup: nil,
                mayChange: false),
        ])
    func rule(_ who: Who) {
        let peer = PeerCredentials(
            userID: who.user, groupID: who.group, processID: 1, groups: who.groups)
        #expect(peer.isAdministrator(adminGroup: who.adminGroup) == who.mayChange)
    }

    @Test("the kernel says who is there, not the client")
    func ownCredentials() async throws {
        let served = try await ServedSocket { server in
            server.route("GET", "/who") { request in
                .text("\(request.peer.userID) \(request.peer.groupID) \(request.peer.processID)")
            }
        }
        let answer = try served.client().get("/who")
        #expect(answer.body == "\(geteuid()) \(getegid()) \(getpid())")
    }

    /// Runs curl as another user; the status code it got.
    private func curl(
        _ path: String, user: Int, group: Int, groups: String, method: String
    ) throws -> String {
        let who = ["--reuid=\(user)", "--regid=\(group)", groups]
        let child = try Child(
            "setpriv",
            who + [
                "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", method,
                "-H", "X-Real-User: root", "--unix-socket", path, "http://h/v1/x",
            ])
        let output = child.readAll()
        _ = child.wait()
        return output
    }

    @Test(
        "a stranger may read where the file lets him, and change nothing",
        .enabled(if: geteuid() == 0))
    func otherUsers() async throws {
        let served = try await ServedSocket({
            $0.mode = 0o666
            $0.adminGroup = "staff"
        }) { server in
            server.route("GET", "/v1/x") { _ in .text("read") }
            server.route("POST", "/v1/x") { _ in .text("changed") }
        }
        chmod(String(served.path.dropLast(7)), 0o755)
        let staff = getgrnam("staff").map { Int($0.pointee.gr_gid) } ?? 50
        let none = "--clear-groups"
        #expect(
            try curl(served.path, user: 65_534, group: 65_534, groups: none, method: "GET")
                == "200")
        #expect(
            try curl(served.path, user: 65_534, group: 65_534, groups: none, method: "POST")
                == "403")
        #expect(try await served.counters.refusedPeers == 1)
        #expect(
            try curl(served.path, user: 65_534, group: staff, groups: none, method: "POST")
                == "200")
        #expect(
            try curl(
                served.path, user: 65_534, group: 65_534, groups: "--groups=\(staff)",
                method: "POST") == "200")
        #expect(
            try curl(served.path, user: 0, group: 0, groups: none, method: "POST") == "200")
    }

    @Test(
        "a user outside the socket's group does not even connect", .enabled(if: geteuid() == 0))
    func filePermissions() async throws {
        let served = try await ServedSocket({ $0.group = "staff" }) { server in
            server.route("GET", "/v1/x") { _ in .text("read") }
        }
        chmod(String(served.path.dropLast(7)), 0o755)
        let staff = getgrnam("staff").map { Int($0.pointee.gr_gid) } ?? 50
        let none = "--clear-groups"
        #expect(
            try curl(served.path, user: 65_534, group: 65_534, groups: none, method: "GET")
                == "000")
        #expect(
            try curl(served.path, user: 65_534, group: staff, groups: none, method: "GET")
                == "200")
    }
}
