import CSystemd
package import EventLoop
import Glibc

/// One connection to a message bus, driven by the loop; nothing in it waits.
///
/// When the bus goes away every pending call fails with `isDisconnected` or `isPeerGone` and
/// `onClose` is called once; a new connection is the owner's business.
@LoopActor package final class Bus {
    private let raw: OpaquePointer
    private var closeMatch: BusSlot?
    private var closeHandler: (@LoopActor () -> Void)?
    /// Signals whose body could not be read.
    package private(set) var unreadableSignals = 0

    private init(_ raw: OpaquePointer) { self.raw = raw }

    // Not flushed: that would wait for a peer that does not read.
    isolated deinit {
        closeMatch = nil
        sd_bus_detach_event(raw)
        sd_bus_close_unref(raw)
    }

    /// Begins a connection; the greeting goes on in the background.
    ///
    /// - Parameter address: a D-Bus address; nil for the system bus.
    package static func open(_ address: String? = nil) throws(BusError) -> Bus {
        var created: OpaquePointer?
        guard let address else {
            try BusError.check("sd_bus_open_system", sd_bus_open_system(&created))
            return try attached(created)
        }
        try BusError.check("sd_bus_new", sd_bus_new(&created))
        let bus = try attached(created)
        try BusError.check("sd_bus_set_address", sd_bus_set_address(bus.raw, address))
        try BusError.check("sd_bus_set_bus_client", sd_bus_set_bus_client(bus.raw, 1))
        try BusError.check("sd_bus_start", sd_bus_start(bus.raw))
        return bus
    }

    private static func attached(_ created: OpaquePointer?) throws(BusError) -> Bus {
        guard let created else { throw BusError("sd_bus_new", errno: ENOMEM) }
        let bus = Bus(created)
        try BusError.check(
            "sd_bus_attach_event",
            sd_bus_attach_event(created, EventLoop.shared.event, Int32(SD_EVENT_PRIORITY_NORMAL)))
        return bus
    }

    /// Calls the handler once when the connection to the bus is lost.
    package func onClose(_ handler: @escaping @LoopActor () -> Void) throws(BusError) {
        closeHandler = handler
        closeMatch = try match(
            "type='signal',path='/org/freedesktop/DBus/Local',"
                + "interface='org.freedesktop.DBus.Local',member='Disconnected'"
        ) { [weak self] _ in
            let handler = self?.closeHandler
            self?.closeHandler = nil
            handler?()
        }
    }

    /// Asks for a well-known name.
    package func requestName(_ name: String) async throws(BusError) {
        _ = try await call(
            BusCall(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                "RequestName", .string(name), .uint32(4)))
    }

    // MARK: Calls

    /// Calls a method and waits for the answer, for the time limit at most.
    ///
    /// No peer is started unless the call says so. A cancelled task stops waiting at once.
    package func call(
        _ call: BusCall, within limit: Duration = .seconds(25)
    ) async throws(BusError) -> [BusValue] {
        guard !Task.isCancelled else { throw .cancelled }
        let pending = PendingCall()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                pending.continuation = continuation
                do throws(BusError) {
                    try send(call, pending, within: limit)
                } catch {
                    pending.finish(.failure(error))
                }
            }
        } onCancel: {
            spawn { pending.finish(.failure(.cancelled)) }
        }
        return try result.get()
    }

    private func send(
        _ call: BusCall, _ pending: PendingCall, within limit: Duration
    ) throws(BusError) {
        var created: OpaquePointer?
        try BusError.check(
            "sd_bus_message_new_method_call",
            sd_bus_message_new_method_call(
                raw, &created, call.destination, call.path, call.interface, call.member))
        guard let message = created else { throw BusError(call.member, errno: ENOMEM) }
        defer { sd_bus_message_unref(message) }
        sd_bus_message_set_auto_start(message, call.startsPeer ? 1 : 0)
        for argument in call.arguments { try argument.append(to: message) }
        var slot: OpaquePointer?
        let result = sd_bus_call_async(
            raw, &slot, message,
            { message, context, _ in
                guard let message, let context else { return 0 }
                PendingCall.answer(message, context)
                return 0
            }, Unmanaged.passUnretained(pending).toOpaque(), max(1, limit.wholeMicroseconds))
        try BusError.check(call.member, result)
        pending.slot = BusSlot(slot, keeping: pending)
    }

    // MARK: Signals

    /// Calls the handler for each signal that a match rule lets through, while the slot lives.
    package func onSignal(
        _ rule: String, _ handler: @escaping @LoopActor (BusMessage) -> Void
    ) throws(BusError) -> BusSlot {
        try match("type='signal'," + rule, handler)
    }

    private func match(
        _ rule: String, _ handler: @escaping @LoopActor (BusMessage) -> Void
    ) throws(BusError) -> BusSlot {
        let target = SignalTarget(handler) { [weak self] in self?.unreadableSignals += 1 }
        var slot: OpaquePointer?
        // The daemon's answer is not awaited; a refused rule ends the connection.
        let result = sd_bus_add_match_async(
            raw, &slot, rule,
            { message, context, _ in
                guard let message, let context else { return 0 }
                SignalTarget.deliver(message, context)
                return 0
            }, nil, Unmanaged.passUnretained(target).toOpaque())
        try BusError.check("sd_bus_add_match_async", result)
        return BusSlot(slot, keeping: target)
    }

    /// Sends a signal, to everybody or to one connection.
    package func emit(
        _ path: String, _ interface: String, _ member: String, _ body: BusValue...,
        to destination: String? = nil
    ) throws(BusError) {
        var created: OpaquePointer?
        try BusError.check(
            "sd_bus_message_new_signal",
            sd_bus_message_new_signal(raw, &created, path, interface, member))
        guard let message = created else { throw BusError(member, errno: ENOMEM) }
        defer { sd_bus_message_unref(message) }
        for value in body { try value.append(to: message) }
        try BusError.check("sd_bus_send", sd_bus_send_to(raw, message, destination, nil))
    }

    // MARK: Objects

    /// Answers all method calls to a path, whatever their interface, while the slot lives.
    ///
    /// - Parameter includingChildren: also the calls to every path below.
    package func export(
        _ path: String, includingChildren: Bool = false, _ handler: @escaping MethodHandler
    ) throws(BusError) -> BusSlot {
        let target = ExportedObject(handler)
        let context = Unmanaged.passUnretained(target).toOpaque()
        let add = includingChildren ? sd_bus_add_fallback : sd_bus_add_object
        var slot: OpaquePointer?
        let result = add(
            raw, &slot, path,
            { message, context, _ in
                guard let message, let context else { return 0 }
                return ExportedObject.take(message, context)
            }, context)
        try BusError.check("sd_bus_add_object", result)
        return BusSlot(slot, keeping: target)
    }

    package typealias MethodHandler =
        @LoopActor @Sendable (BusMessage) async throws(BusError) -> [BusValue]
}
