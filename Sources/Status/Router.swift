import EventLoop

/// Work on the loop that answers one request.
package typealias SocketHandler = @LoopActor @Sendable (SocketRequest) async -> SocketResponse

/// The table of what the socket offers, by path and method.
struct Router {
    /// What a route does.
    enum Target {
        case handler(SocketHandler)
        /// The stream of events.
        case events
    }

    enum Match {
        case found(Target, rest: String)
        /// The path is known, the method is not; the ones that are.
        case otherMethods([String])
        case none
    }

    private struct Route {
        let method: String
        let path: String
        let takesSubpaths: Bool
        let target: Target
    }

    private var routes: [Route] = []

    mutating func add(_ method: String, _ path: String, subpaths: Bool, _ target: Target) {
        routes.append(Route(method: method, path: path, takesSubpaths: subpaths, target: target))
    }

    /// Finds the longest route that covers the path.
    func match(_ method: String, _ path: String) -> Match {
        var best: (route: Route, rest: String)?
        var others: Set<String> = []
        for route in routes {
            guard let rest = Self.rest(of: path, after: route) else { continue }
            guard route.method == method else {
                others.insert(route.method)
                continue
            }
            if route.path.utf8.count >= best?.route.path.utf8.count ?? 0 { best = (route, rest) }
        }
        if let best { return .found(best.route.target, rest: best.rest) }
        return others.isEmpty ? .none : .otherMethods(others.sorted())
    }

    private static func rest(of path: String, after route: Route) -> String? {
        if path == route.path { return "" }
        guard route.takesSubpaths, path.hasPrefix(route.path + "/") else { return nil }
        let tail = path.dropFirst(route.path.count + 1)
        return String(tail.hasSuffix("/") ? tail.dropLast() : tail)
    }
}
