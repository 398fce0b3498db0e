import Glibc

/// The signals that the calling thread, and every thread it makes afterwards, leaves to the loop.
package enum SignalMask {
    /// Blocks signals; the first line of `main`, before any task or thread exists.
    ///
    /// A thread that was made before would still take the signal's default action and end the
    /// program.
    package static func block(_ signals: Int32...) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Makes writing to a closed socket an error instead of the end of the program.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
