/// A mirror of bluetoothd's objects: path → interface → property → value.
struct ObjectTree: Sendable, Equatable {
    typealias Properties = [String: BusValue]
    private(set) var objects: [String: [String: Properties]] = [:]

    /// Reads the answer of GetManagedObjects, `a{oa{sa{sv}}}`; nil where it is something else.
    init?(managedObjects value: BusValue) {
        guard let paths = value.dictionary else { return nil }
        for (path, interfaces) in paths {
            guard let path = path.string, let read = Self.interfaces(interfaces) else { return nil }
            objects[path] = read
        }
    }

    init() {}

    /// Reads `a{sa{sv}}`.
    static func interfaces(_ value: BusValue) -> [String: Properties]? {
        guard let entries = value.dictionary else { return nil }
        var result: [String: Properties] = [:]
        for (name, properties) in entries {
            guard let name = name.string, let properties = properties.properties else { return nil }
            result[name] = properties
        }
        return result
    }

    subscript(path: String, interface: String) -> Properties? { objects[path]?[interface] }

    func value(_ path: String, _ interface: String, _ property: String) -> BusValue? {
        objects[path]?[interface]?[property]
    }

    mutating func add(_ path: String, _ interfaces: [String: Properties]) {
        objects[path, default: [:]].merge(interfaces) { _, new in new }
    }

    mutating func remove(_ path: String, _ interfaces: [String]) {
        for interface in interfaces { objects[path]?[interface] = nil }
        if objects[path]?.isEmpty == true { objects[path] = nil }
    }

    /// Takes a property change over.
    ///
    /// - Returns: the values before; nil where the object is not known, and nothing was taken over.
    mutating func change(
        _ path: String, _ interface: String, _ changed: Properties, invalidated: [String]
    ) -> Properties? {
        guard let before = objects[path]?[interface] else { return nil }
        var after = before
        after.merge(changed) { _, new in new }
        for property in invalidated { after[property] = nil }
        objects[path]?[interface] = after
        return before
    }

    /// Forgets an object and all below it.
    mutating func removeAll(below path: String) {
        for known in objects.keys where known == path || known.hasPrefix(path + "/") {
            objects[known] = nil
        }
    }

    /// Takes an object and all below it from another tree.
    mutating func takeOver(_ other: ObjectTree, below path: String) {
        for (known, interfaces) in other.objects
        where known == path || known.hasPrefix(path + "/") {
            objects[known] = interfaces
        }
    }

    /// The paths of all objects that have an interface, below a path, in bluetoothd's order.
    func paths(with interface: String, below prefix: String = "/") -> [String] {
        let prefix = prefix.hasSuffix("/") ? prefix : prefix + "/"
        return objects.compactMap { path, interfaces in
            interfaces[interface] != nil && path.hasPrefix(prefix) ? path : nil
        }.sorted()
    }
}
