"""A program at a terminal, as a person uses it: what it says is read, and it is answered."""
import os
import pty
import select
import signal
import subprocess
import time

from framework.waiting import Failed


class Terminal:
    """One run of a program that believes that somebody sits before it."""

    def __init__(self, words, environment):
        self._ours, theirs = pty.openpty()
        self.said = ""
        self._process = subprocess.Popen(words, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
                                         start_new_session=True)
        os.close(theirs)

    def _read(self, seconds):
        if not select.select([self._ours], [], [], seconds)[0]:
            return
        try:
            self.said += os.read(self._ours, 4096).decode(errors="replace")
        except OSError:  # the program has ended
            time.sleep(seconds)

    def wait_for(self, text, seconds=60):
        """Waits until it has said the text."""
        end = time.monotonic() + seconds
        while text not in self.said:
            if time.monotonic() > end:
                raise Failed("not said within %g s: %r; said: %s" % (seconds, text, self.said))
            self._read(0.2)

    def type(self, text):
        """Types a line."""
        os.write(self._ours, text.encode() + b"\n")

    def interrupt(self):
        """Presses Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self, seconds=60):
        """Waits for its end; returns the exit status."""
        end = time.monotonic() + seconds
        while self._process.poll() is None:
            if time.monotonic() > end:
                self._process.kill()
                raise Failed("no end within %g s; said: %s" % (seconds, self.said))
            self._read(0.2)
        self._read(0)
        os.close(self._ours)
        return self._process.returncode
