"""hakarud as systemd runs it."""
import os
import pwd
import shutil
import signal
import subprocess
import time

from framework.registry import scenario
from framework.systemd import UNIT, run, shows, systemctl
from framework.waiting import expect, expect_that, until

WATCHDOG = 4  # seconds, instead of the unit's own, so that a missing keep-alive shows soon
FILES = {  # where the package puts what
    "systemd/hakarud.service": "/usr/lib/systemd/system/hakarud.service",
    "systemd/hakaru.sysusers.conf": "/usr/lib/sysusers.d/hakaru.conf",
    "systemd/hakaru.tmpfiles.conf": "/usr/lib/tmpfiles.d/hakaru.conf",
    "systemd/hakaru.dbus.conf": "/usr/share/dbus-1/system.d/hakaru.conf",
    "udev/60-hakaru.rules": "/usr/lib/udev/rules.d/60-hakaru.rules",
}


def install(home):
    """Puts the files where the package would put them; in the guest, where nothing lasts."""
    for program in ("hakarud", "hakaru"):
        # Over a running one: what runs keeps its own file.
        shutil.copy(os.path.join(home.programs, program), "/usr/bin/new-" + program)
        os.replace("/usr/bin/new-" + program, "/usr/bin/" + program)
    for folder in ("device-profiles", "exchange-formats"):
        shutil.copytree(os.path.join(home.root, folder), "/usr/share/hakaru/" + folder, dirs_exist_ok=True)
    for source, target in FILES.items():
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(os.path.join(home.root, source), target)
    drop_in = "/etc/systemd/system/%s.d" % UNIT
    os.makedirs(drop_in, exist_ok=True)
    with open(drop_in + "/lab.conf", "w") as file:
        file.write("[Service]\nWatchdogSec=%d\nRestartSec=100ms\n" % WATCHDOG)
    run("systemd-sysusers", "/usr/lib/sysusers.d/hakaru.conf")
    run("busctl", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ReloadConfig")
    configure(home)
    run("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/hakaru.conf")
    systemctl("daemon-reload")
    # A scenario before this one may have left it running.
    systemctl("stop", UNIT)
    run("udevadm", "control", "--reload")


def configure(home):
    """The home's configuration, with its files in /etc/hakaru."""
    os.makedirs("/etc/hakaru", exist_ok=True)
    with open(home.gateway.configuration) as file:
        text = file.read()
    for name, source in (("token", os.path.join(home.folder, "token")), ("ca.pem", home.receiver.authority)):
        shutil.copy(source, "/etc/hakaru/" + name)
        text = text.replace(source, "/etc/hakaru/" + name)
    os.chmod("/etc/hakaru/ca.pem", 0o644)
    with open("/etc/hakaru/hakaru.yaml", "w") as file:
        file.write(text)


def weigh(home, kg, count):
    """A weighing arrives at the receiver, through the sandbox."""
    home.room.do("mi-scale", "weigh", kg=kg, impedance=512)
    home.receiver.wait_for(count, "weighing_scale")


def active_after_plugging(home):
    """The dongle is plugged in: the rule starts the service; returns the seconds from start to ready."""
    expect("state without an adapter", shows("ActiveState"), "inactive")
    home.room.do("dongle", "plug")
    until("the adapter starts the service", lambda: shows("ActiveState") == "active", 60)
    return (int(shows("ActiveEnterTimestampMonotonic")) - int(shows("InactiveExitTimestampMonotonic"))) / 1e6


@scenario("systemd-service", systemd=True, plugged=False, bluetoothd=False)
def service(home):
    """An adapter starts the unit; it works in its sandbox, feeds the watchdog, and ends on SIGTERM within 5 s."""
    install(home)
    complaints = run("systemd-analyze", "verify", "--man=no", UNIT)
    expect("complaints about the unit", complaints, "")
    ready = active_after_plugging(home)
    began = time.monotonic()
    process = int(shows("MainPID"))
    expect("user", pwd.getpwuid(os.stat("/proc/%d" % process).st_uid).pw_name, "hakaru")
    home.gateway.runtime = "/run/hakaru"
    home.gateway.wait_for_adapter("scanning")
    until("the clock is seen as synchronised", lambda: home.gateway.status()["clock"]["synchronised"], 30)
    weigh(home, 68.2, 1)
    # The watchdog must be fed: the process outlives its limit more than twice …
    until("hakarud outlives the watchdog's limit", lambda: time.monotonic() - began > 2.5 * WATCHDOG, 60)
    expect("restarts", shows("NRestarts"), "0")
    # … and a process that hangs does not.
    os.kill(process, signal.SIGSTOP)
    until("systemd restarts a hakarud that hangs", lambda: shows("NRestarts") == "1", 60)
    until("hakarud is active again", lambda: shows("ActiveState") == "active", 30)
    home.gateway.wait_for_adapter("scanning")
    weigh(home, 69.1, 2)
    home.receiver.expect_exactly(2)
    said = subprocess.run(["hakaru", "status", "--json"], capture_output=True, text=True, timeout=30)
    expect("hakaru status", (said.returncode, said.stderr), (0, ""))
    exposure = run("systemd-analyze", "security", "--no-pager", UNIT).splitlines()[-1]
    began = time.monotonic()
    systemctl("stop", UNIT)
    stopped = time.monotonic() - began
    expect_that("it stops within 5 s, not %.1f s" % stopped, stopped < 5)
    expect("result", shows("Result"), "success")
    return {"ready after": "%.2f s" % ready, "stopped after": "%.2f s" % stopped,
            "exposure": " ".join(exposure.rpartition(": ")[2].split()[:2])}
