"""hakarud as a shop has it: the package's own unit with all its hardening, under systemd."""
import os
import shutil
import subprocess

from framework import service, systemd
from framework.gateway import Gateway
from framework.waiting import expect, expect_that

BLUETOOTH, BLUETOOTHD = "bluetooth.service", "/usr/libexec/bluetooth/bluetoothd"
FOLDER, STATE, RUNTIME = "/etc/hakaru", "/var/lib/hakaru", "/run/hakaru"
# The drop-ins that the package ships, by the name that the lab's option has for them.
SHIPPED = "/usr/share/hakaru/systemd/hakarud-%s.conf"
DROP_INS = "/etc/systemd/system/%s.d" % systemd.UNIT
MOST_EXPOSED = 1.5
_wanted = []  # the drop-ins of this run


def prepare(package, drop_ins, debug):
    """Installs the package, once for all scenarios; returns figures about the unit as it is used."""
    service.give_gate(systemd.UNIT, "ExecStart=\nExecStart=/usr/bin/hakarud --log-level debug" if debug else "")
    service.give_gate(BLUETOOTH, "ExecStart=\nExecStart=%s -d" % BLUETOOTHD if debug else "")
    systemd.install_package(package)
    exposed = systemd.exposure()
    expect_that("the exposure is at most %g, not %g" % (MOST_EXPOSED, exposed), exposed <= MOST_EXPOSED)
    figures = {"exposure": exposed}
    if drop_ins:
        _wanted.extend(drop_ins)
        for name in drop_ins:
            add(name)
        systemd.systemctl("daemon-reload")
        figures["with %s" % " and ".join(drop_ins)] = systemd.exposure()
    return figures


def add(name):
    """Puts a shipped drop-in where the documentation says."""
    os.makedirs(DROP_INS, exist_ok=True)
    shutil.copy(SHIPPED % name, DROP_INS)


class UnitGateway(Gateway):
    """The installation of the package: its folders, its user, its unit."""

    def _lie(self, root, programs, folder):
        self._authority = os.path.join(FOLDER, "ca.pem")
        shutil.copy(self._receiver.authority, self._authority)
        os.chmod(self._authority, 0o644)
        self._hakaru, self._environment = "/usr/bin/hakaru", {}
        self._token, self.configuration = os.path.join(FOLDER, "token"), os.path.join(FOLDER, "hakaru.yaml")
        self.runtime, self.state = RUNTIME, STATE
        self._heard_over = None  # as the run wants it
        self._empty()
        self.daemon = service.Service(systemd.UNIT, "hakarud", folder, returns=True)

    def set_token(self, token):
        """Writes the bearer token, which the gateway alone may read."""
        super().set_token(token)
        shutil.chown(self._token, "hakaru", "root")
        os.chmod(self._token, 0o400)

    def hear_over(self, source):
        """From its next start on: `d-bus` is the unit as it is, `management-socket` is what its drop-in permits."""
        self._heard_over = source
        there = os.path.join(DROP_INS, os.path.basename(SHIPPED % "management-socket"))
        if source == "management-socket":
            add("management-socket")
        elif os.path.exists(there):
            os.unlink(there)
        systemd.systemctl("daemon-reload")

    def check(self):
        """What must hold after each scenario: systemd had nothing to start anew, the sandbox nothing to refuse."""
        expect("starts by systemd that nobody caused", max(0, self.daemon.restarts - self.daemon.kills), 0)
        expect("complaints in the journal", systemd.complaints(self.daemon.lines()), [])
        mode = os.stat(self.configuration).st_mode & 0o777
        expect("mode of the configuration", oct(mode), oct(0o640))

    def close(self):
        """Ends it and forgets what was measured."""
        self.daemon.close()
        if self._heard_over:
            self.hear_over("management-socket" if "management-socket" in _wanted else "d-bus")
        if os.path.ismount(STATE):
            subprocess.run(["umount", STATE], check=True)
        self._empty()

    def _empty(self):
        os.makedirs(STATE, 0o700, exist_ok=True)  # as systemd makes it at the first start
        shutil.chown(STATE, "hakaru", "hakaru")
        for name in os.listdir(STATE):
            path = os.path.join(STATE, name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
