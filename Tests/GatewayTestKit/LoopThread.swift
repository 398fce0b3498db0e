import EventLoop
import Glibc

/// The event loop on a thread of its own, once for the whole test program.
package enum LoopThread {
    private static let started: Void = {
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { _ in
                _ = EventLoop.shared.run()
                return nil
            }, nil)
        precondition(result == 0, "the loop's thread could not be made")
    }()

    /// Starts the loop unless it runs already.
    package static func start() { _ = started }

    /// Runs a test's body on the loop, as the daemon's code runs.
    package static func run<T: Sendable>(
        _ body: @escaping @LoopActor @Sendable () async throws -> T
    ) async throws -> T {
        start()
        return try await spawn(body).value
    }
}

/// Waits on the loop until a condition holds; false when the time is over.
@LoopActor package func eventually(
    within limit: Duration = .seconds(5), _ condition: @LoopActor () -> Bool
) async -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while !condition() {
        guard clock.now < end, (try? await sleep(for: .milliseconds(2))) != nil else {
            return condition()
        }
    }
    return true
}
