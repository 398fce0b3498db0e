import Testing

@testable import Status

@Suite("Router") struct RouterTests {
    private func match(_ method: String, _ path: String) -> String {
        var router = Router()
        for (method, path, subpaths) in [
            ("GET", "/v1/records", true), ("POST", "/v1/records", false),
            ("GET", "/v1/records/summary", false), ("DELETE", "/v1/records", true),
        ] {
            router.add(method, path, subpaths: subpaths, .handler { _ in .notFound("") })
        }
        return switch router.match(method, path) {
        case .found(_, let rest): "found \(rest)"
        case .otherMethods(let methods): "only " + methods.joined(separator: " ")
        case .none: "none"
        }
    }

    @Test(
        "the longest route wins, and only whole path segments count",
        arguments: [
            ("GET", "/v1/records", "found "), ("GET", "/v1/records/17", "found 17"),
            ("GET", "/v1/records/17/raw", "found 17/raw"), ("GET", "/v1/records/", "found "),
            ("GET", "/v1/records/summary", "found "), ("GET", "/v1/recordsx", "none"),
            ("GET", "/v1", "none"), ("GET", "", "none"), ("GET", "/v1/records//x", "found /x"),
            ("POST", "/v1/records", "found "), ("POST", "/v1/records/17", "only DELETE GET"),
            ("PUT", "/v1/records", "only DELETE GET POST"),
            ("get", "/v1/records", "only DELETE GET POST"),
        ])
    func matches(_ method: String, _ path: String, _ expected: String) {
        #expect(match(method, path) == expected)
    }
}
