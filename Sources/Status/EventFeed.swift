import EventLoop

/// What waits for one event client; bounded, in whole frames.
struct EventQueue {
    private var bytes: [UInt8] = []
    private var sent = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Adds a frame; false when the client is too far behind.
    mutating func append(_ frame: [UInt8]) -> Bool {
        guard bytes.count - sent + frame.count <= limit else { return false }
        bytes += frame
        return true
    }

    /// Moves as much as fits into the buffer.
    mutating func take(into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let count = min(buffer.count, bytes.count - sent)
        for place in 0..<count { buffer[place] = bytes[sent + place] }
        sent += count
        if sent == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.count <= 16_384)
            sent = 0
        }
        return count
    }
}

/// The clients of the event stream.
///
/// A slow client never holds anything up: it has a bounded queue and is dropped, and counted, when
/// the queue is full. The heartbeat runs only while there are clients; it finds those that have gone.
@LoopActor final class EventFeed {
    private(set) var dropped = 0
    private let options: StatusServer.Options
    private var clients: [ObjectIdentifier: Transaction] = [:]
    private var heartbeat: EventSource?
    private var number = 0

    init(_ options: StatusServer.Options) { self.options = options }

    var count: Int { clients.count }

    /// Takes a client, or says that there is no place left.
    func add(_ client: Transaction) -> Bool {
        guard clients.count < options.eventClients else { return false }
        clients[ObjectIdentifier(client)] = client
        if heartbeat == nil {
            heartbeat = EventLoop.shared.every(options.eventHeartbeat, tolerance: .seconds(1)) {
                [weak self] in self?.send(Array(": \n\n".utf8))
            }
        }
        return true
    }

    func remove(_ client: Transaction) {
        clients[ObjectIdentifier(client)] = nil
        if clients.isEmpty { heartbeat = nil }
    }

    func publish(_ event: String, _ data: [UInt8]) {
        number += 1
        guard !clients.isEmpty else { return }
        send(Self.frame(number, event, data))
    }

    /// A frame of the event stream; line ends inside the data would end it, so each line is marked.
    static func frame(_ number: Int, _ event: String, _ data: [UInt8]) -> [UInt8] {
        var frame = Array("id: \(number)\nevent: \(event)\n".utf8)
        for line in data.split(omittingEmptySubsequences: false, whereSeparator: isLineEnd) {
            frame += Array("data: ".utf8) + line + [0x0A]
        }
        return frame + [0x0A]
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private func send(_ frame: [UInt8]) {
        for (key, client) in clients where !client.push(frame) {
            clients[key] = nil
            dropped += 1
        }
        if clients.isEmpty { heartbeat = nil }
    }
}
