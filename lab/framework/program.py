"""A program that a scenario runs: started with a log of its own, and always ended."""
import os
import signal
import subprocess
import time

from framework.waiting import Failed


class Program:
    """One process in a group of its own."""

    def __init__(self, name, arguments, folder, environment=None):
        self.name, self.arguments = name, arguments
        self.log = os.path.join(folder, name + ".log")
        self._environment = {**os.environ, **(environment or {})}
        self._process = None

    def start(self):
        """Starts it, or starts it again; the log goes on."""
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self._environment, start_new_session=True)
        return self

    @property
    def id(self):
        """The process number."""
        return self._process.pid

    @property
    def running(self):
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def expect_running(self):
        """Raises Failed where it has ended by itself."""
        if not self.running:
            raise Failed("%s ended with status %s: %s" % (
                self.name, self._process and self._process.returncode, self.tail(3)))

    def kill(self):
        """Ends it at once (SIGKILL) and waits for the end."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.wait()

    def close(self):
        """Ends it, whatever state it is in."""
        self.kill()

    def stop(self, within=5.0):
        """Asks it to end (SIGTERM); returns status and seconds, kills what does not end in time."""
        if not self.running:
            return self._process.returncode if self._process else None, 0.0
        began = time.monotonic()
        self._process.terminate()
        try:
            status = self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed("%s did not end within %g s of SIGTERM" % (self.name, within))
        return status, time.monotonic() - began

    def tail(self, lines=40):
        """The end of the log."""
        try:
            with open(self.log, errors="replace") as log:
                return "\n".join(log.read().splitlines()[-lines:])
        except FileNotFoundError:
            return ""
