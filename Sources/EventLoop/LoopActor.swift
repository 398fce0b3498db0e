/// The actor of everything that lives on the loop's thread.
///
/// Its executor is `EventLoop.shared`; isolation is checked by comparing thread ids.
@globalActor package actor LoopActor {
    package static let shared = LoopActor()

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        EventLoop.shared.asUnownedSerialExecutor()
    }

    /// Runs a closure that is isolated to the loop from a C callback that the loop itself calls.
    ///
    /// Stops the program when called on another thread.
    package static func assumeIsolated<T, E: Error>(
        _ body: @LoopActor () throws(E) -> T
    ) throws(E) -> T {
        EventLoop.shared.checkIsolated()
        // A global actor has no `assumeIsolated` of its own; the check above makes the cast sound.
        return try withoutActuallyEscaping(body) { escaping throws(E) in
            try unsafeBitCast(escaping, to: (() throws(E) -> T).self)()
        }
    }
}

/// Starts work on the loop's thread; the one way to start a task in the daemon.
///
/// The task prefers the loop as its executor, so continuations and nonisolated code stay on the
/// loop's thread too. Keep the result and cancel it when its owner ends.
@discardableResult
package func spawn<T: Sendable>(
    _ body: @escaping @LoopActor @Sendable () async -> T
) -> Task<T, Never> {
    Task(executorPreference: EventLoop.shared) { await body() }
}

/// Starts work that may fail on the loop's thread; the caller must look at the result.
package func spawn<T: Sendable>(
    _ body: @escaping @LoopActor @Sendable () async throws -> T
) -> Task<T, any Error> {
    Task(executorPreference: EventLoop.shared) { try await body() }
}
