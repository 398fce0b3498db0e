"""A unit of systemd in the place of a program: the same deeds, done by systemctl; its log is the journal."""
import os
import subprocess
import time

from framework import systemd
from framework.waiting import Failed, until

# A unit runs only while its gate is there: a scenario says when, not a plug, the bus or another unit.
GATES = "/run/hakaru-lab-gates"


def gate(unit):
    """The file of a unit's gate."""
    return os.path.join(GATES, unit)


def give_gate(unit, more=""):
    """Ties a unit to its gate by a drop-in of the lab, with further lines of its section [Service]."""
    folder = "/run/systemd/system/%s.d" % unit
    for path in (folder, GATES):
        os.makedirs(path, exist_ok=True)
    with open(os.path.join(folder, "lab.conf"), "w") as file:
        file.write("[Unit]\nConditionPathExists=%s\n[Service]\n%s\n" % (gate(unit), more))


class Service:
    """One unit; `returns` says that systemd starts it anew when it was killed."""

    def __init__(self, unit, name, folder, returns=False):
        self.unit, self.name, self._returns = unit, name, returns
        self._file = os.path.join(folder, name + ".log")
        self._since = time.clock_gettime(time.CLOCK_MONOTONIC)
        self.kills = 0  # how often the scenario itself ended it at once

    def start(self):
        """Starts it and waits until it says that it is ready."""
        open(gate(self.unit), "w").close()
        if not self._returns:  # the limit of starts in a short time
            subprocess.run(["systemctl", "reset-failed", self.unit], capture_output=True)
        systemd.systemctl("start", self.unit, seconds=90)
        return self

    def _shows(self):
        told = systemd.systemctl("show", "-p", "ActiveState", "-p", "MainPID", "-p", "NRestarts", "-p", "Result", self.unit)
        return dict(line.split("=", 1) for line in told.splitlines())

    @property
    def id(self):
        """The process number, 0 where none runs."""
        return int(self._shows()["MainPID"])

    @property
    def running(self):
        """Whether systemd calls it active."""
        return self._shows()["ActiveState"] == "active"

    @property
    def restarts(self):
        """How often systemd has started it anew by itself since its last start."""
        return int(self._shows()["NRestarts"])

    def expect_running(self):
        """Raises Failed where it has ended by itself, also where systemd has started it anew."""
        said = self._shows()
        if said["ActiveState"] != "active" or int(said["NRestarts"]) > self.kills:
            raise Failed("%s: %s; %s" % (self.unit, said, self.tail(3)))

    def kill(self):
        """Ends it at once (SIGKILL) and waits for the end; what returns by itself may do so."""
        process = self.id
        if not self._returns:
            self._close_gate()
        if not process:
            return
        self.kills += 1
        systemd.systemctl("kill", "-s", "KILL", self.unit)
        until("%s is gone" % self.unit, lambda: not os.path.exists("/proc/%d" % process), 20, 0.05)

    def stop(self, within=10.0):
        """Asks it to end; returns systemd's word for how it ended and the seconds; kills what does not end in time."""
        self._close_gate()
        began = time.monotonic()
        systemd.systemctl("stop", "--no-block", self.unit)
        while (said := self._shows())["ActiveState"] not in ("inactive", "failed"):
            if time.monotonic() - began > within:
                subprocess.run(["systemctl", "kill", "-s", "KILL", self.unit], capture_output=True)
                raise Failed("%s did not end within %g s of SIGTERM" % (self.unit, within))
            time.sleep(0.05)
        self.kills = 0  # systemd counts anew as well
        return said["Result"], time.monotonic() - began

    def close(self):
        """Ends it, whatever state it is in."""
        self._close_gate()
        subprocess.run(["systemctl", "stop", self.unit], capture_output=True, timeout=120)
        subprocess.run(["systemctl", "reset-failed", self.unit], capture_output=True)

    def _close_gate(self):
        if os.path.exists(gate(self.unit)):
            os.unlink(gate(self.unit))

    @property
    def log(self):
        """A file with what it has written so far."""
        subprocess.run(["journalctl", "--sync"], capture_output=True)
        with open(self._file, "wb") as file:
            file.write(systemd.written(self.unit, self._since))
        return self._file

    def lines(self):
        """What it has written so far, line by line."""
        with open(self.log, errors="replace") as log:
            return log.read().splitlines()

    def tail(self, lines=40):
        """The end of that."""
        return "\n".join(self.lines()[-lines:])
