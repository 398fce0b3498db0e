import Glibc

/// Ctrl-C, a closed terminal and a plain kill, taken at moments of the command's own choosing, so that what
/// was begun at the daemon is ended there too.
struct Interruption {
    private var signals = sigset_t()

    /// From here on these signals wait until `pause` looks for them.
    init() {
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Waits so long; true at once where the command is to end.
    func pause(milliseconds: Int) -> Bool {
        var wanted = signals
        var time = timespec(
            tv_sec: milliseconds / 1_000, tv_nsec: milliseconds % 1_000 * 1_000_000)
        return sigtimedwait(&wanted, nil, &time) > 0
    }

    /// Whether a line can be read from the terminal within so many milliseconds.
    func isTyped(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }
}
