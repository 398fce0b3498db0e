import CSystemd

/// A signal or a method call as it arrived.
package struct BusMessage: Sendable, Hashable {
    /// The unique name of who sent it.
    package var sender: String
    package var path: String
    package var interface: String
    package var member: String
    package var body: [BusValue]

    package init(
        sender: String, path: String, interface: String, member: String, body: [BusValue]
    ) {
        self.sender = sender
        self.path = path
        self.interface = interface
        self.member = member
        self.body = body
    }

    /// Reads a message that sd-bus holds; the values are copied.
    init(_ message: RawMessage) throws(BusError) {
        func text(_ pointer: UnsafePointer<CChar>?) -> String {
            pointer.map { String(cString: $0) } ?? ""
        }
        sender = text(sd_bus_message_get_sender(message))
        path = text(sd_bus_message_get_path(message))
        interface = text(sd_bus_message_get_interface(message))
        member = text(sd_bus_message_get_member(message))
        body = try BusValue.readAll(from: message)
    }
}

/// A method to call on a peer.
package struct BusCall: Sendable {
    package var destination: String
    package var path: String
    package var interface: String
    package var member: String
    package var arguments: [BusValue]
    /// Has the bus start the peer where it does not run.
    package var startsPeer = false

    package init(
        _ destination: String, _ path: String, _ interface: String, _ member: String,
        _ arguments: BusValue...
    ) {
        self.destination = destination
        self.path = path
        self.interface = interface
        self.member = member
        self.arguments = arguments
    }
}
