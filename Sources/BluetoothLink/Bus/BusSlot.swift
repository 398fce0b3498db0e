import CSystemd
package import EventLoop

/// A pending call, a match or an exported object; it ends with the last reference to it.
@LoopActor package final class BusSlot {
    private let slot: OpaquePointer?
    /// What the C callback points at.
    private let target: AnyObject

    init(_ slot: OpaquePointer?, keeping target: AnyObject) {
        self.slot = slot
        self.target = target
    }

    isolated deinit { sd_bus_slot_unref(slot) }
}

/// A call whose answer has not come.
///
/// The slot holds it and it holds the slot until it is finished, so the callback's pointer is good.
@LoopActor final class PendingCall {
    var continuation: CheckedContinuation<Result<[BusValue], BusError>, Never>?
    var slot: BusSlot?

    func finish(_ result: Result<[BusValue], BusError>) {
        let continuation = self.continuation
        self.continuation = nil
        slot = nil
        continuation?.resume(returning: result)
    }

    nonisolated static func answer(_ message: RawMessage, _ context: UnsafeMutableRawPointer) {
        nonisolated(unsafe) let (message, context) = (message, context)  // sd-bus is on the loop
        LoopActor.assumeIsolated {
            Unmanaged<PendingCall>.fromOpaque(context).takeUnretainedValue()
                .finish(result(of: message))
        }
    }

    private static func result(of message: RawMessage) -> Result<[BusValue], BusError> {
        if let error = sd_bus_message_get_error(message)?.pointee {
            let name = error.name.map { String(cString: $0) } ?? ""
            return .failure(
                BusError(name: name, message: error.message.map { String(cString: $0) } ?? ""))
        }
        return Result { () throws(BusError) in try BusValue.readAll(from: message) }
    }
}

@LoopActor final class SignalTarget {
    private let handler: @LoopActor (BusMessage) -> Void
    private let unreadable: @LoopActor () -> Void

    init(
        _ handler: @escaping @LoopActor (BusMessage) -> Void,
        unreadable: @escaping @LoopActor () -> Void
    ) {
        self.handler = handler
        self.unreadable = unreadable
    }

    nonisolated static func deliver(_ message: RawMessage, _ context: UnsafeMutableRawPointer) {
        nonisolated(unsafe) let (message, context) = (message, context)  // sd-bus is on the loop
        LoopActor.assumeIsolated {
            let target = Unmanaged<SignalTarget>.fromOpaque(context).takeUnretainedValue()
            guard let read = try? BusMessage(message) else { return target.unreadable() }
            target.handler(read)
        }
    }
}

@LoopActor final class ExportedObject {
    private let handler: Bus.MethodHandler

    init(_ handler: @escaping Bus.MethodHandler) { self.handler = handler }

    /// Starts a task for the call; 1 tells sd-bus that the answer will come.
    nonisolated static func take(
        _ message: RawMessage, _ context: UnsafeMutableRawPointer
    ) -> Int32 {
        guard sd_bus_message_is_method_call(message, nil, nil) > 0 else { return 0 }
        nonisolated(unsafe) let (message, context) = (message, context)  // sd-bus is on the loop
        LoopActor.assumeIsolated {
            let object = Unmanaged<ExportedObject>.fromOpaque(context).takeUnretainedValue()
            object.start(message)
        }
        return 1
    }

    private func start(_ message: RawMessage) {
        guard let call = try? BusMessage(message) else {
            let error = BusError(
                name: "org.freedesktop.DBus.Error.InvalidArgs", message: "unreadable arguments")
            return Self.reply(message, .failure(error))
        }
        sd_bus_message_ref(message)
        nonisolated(unsafe) let pending = message  // used on the loop only
        let handler = self.handler
        // The task ends with the handler; the agent's handlers have time limits of their own.
        spawn {
            let result: Result<[BusValue], BusError>
            do throws(BusError) {
                result = .success(try await handler(call))
            } catch {
                result = .failure(error)
            }
            Self.reply(pending, result)
            sd_bus_message_unref(pending)
        }
    }

    private static func reply(_ call: RawMessage, _ result: Result<[BusValue], BusError>) {
        do throws(BusError) {
            try send(try result.get(), answering: call)
        } catch {
            var raw = sd_bus_error()
            defer { sd_bus_error_free(&raw) }
            sd_bus_error_set(&raw, error.name, error.message)
            sd_bus_reply_method_error(call, &raw)
        }
    }

    private static func send(_ body: [BusValue], answering call: RawMessage) throws(BusError) {
        var created: OpaquePointer?
        try BusError.check(
            "sd_bus_message_new_method_return", sd_bus_message_new_method_return(call, &created))
        guard let message = created else { return }
        defer { sd_bus_message_unref(message) }
        for value in body { try value.append(to: message) }
        try BusError.check("sd_bus_send", sd_bus_send(nil, message, nil))
    }
}
