import JSON

/// A request that came over the socket, whole and within the limits.
package struct SocketRequest: Sendable {
    /// In upper case; `HEAD` arrives as `GET`, its answer's body is left out by the server.
    package var method: String
    /// Decoded, without the query.
    package var path: String
    /// What follows the route's own path, without slashes at its ends: `17/release`.
    package var rest: String
    /// The decoded query; of a name that stands twice the last value.
    package var query: [String: String]
    package var body: [UInt8]
    package var peer: PeerCredentials

    package init(
        method: String, path: String, rest: String = "", query: [String: String] = [:],
        body: [UInt8] = [], peer: PeerCredentials
    ) {
        self.method = method
        self.path = path
        self.rest = rest
        self.query = query
        self.body = body
        self.peer = peer
    }
}

/// An answer to a request.
package struct SocketResponse: Sendable, Equatable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]
    /// Header lines beyond the content type, such as `Allow`.
    package var headers: [String: String] = [:]

    package init(
        status: Int = 200, contentType: String = "application/json", body: [UInt8],
        headers: [String: String] = [:]
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.headers = headers
    }

    /// Makes the error answer of the contract: `{"error":{"code":…,"message":…}}`.
    package static func failure(
        _ status: Int, _ code: String, _ message: String, headers: [String: String] = [:]
    ) -> SocketResponse {
        var writer = JSONWriter()
        writer.object {
            $0.member(
                "error",
                object: {
                    $0.member("code", code)
                    $0.member("message", message)
                })
        }
        return SocketResponse(
            status: status, body: writer.bytes + [UInt8(ascii: "\n")], headers: headers)
    }

    package static func notFound(_ path: String) -> SocketResponse {
        failure(404, "not-found", "there is nothing at \(path)")
    }
}
