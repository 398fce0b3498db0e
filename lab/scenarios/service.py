"""hakarud as systemd runs it."""
import os
import shutil
import subprocess
import time

from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until

UNIT = "hakarud.service"
WATCHDOG = 4  # seconds, instead of the unit's own, so that a missing keep-alive shows soon


def systemctl(*words):
    """Runs systemctl; returns what it printed."""
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, timeout=60)
    if done.returncode:
        journal = subprocess.run(["journalctl", "-u", UNIT, "--no-pager", "-o", "cat", "-n", "20"],
                                 capture_output=True, text=True).stdout
        raise Failed("systemctl %s: %s\n%s" % (" ".join(words), done.stderr.strip(), journal))
    return done.stdout.strip()


def shows(name):
    """A property of the unit."""
    return systemctl("show", "-p", name, "--value", UNIT)


def install(home):
    """Puts the files where the package would put them; in the guest, where nothing lasts."""
    for program in ("hakarud", "hakaru"):
        shutil.copy(os.path.join(home.programs, program), "/usr/bin/")
    for folder in ("device-profiles", "exchange-formats"):
        shutil.copytree(os.path.join(home.root, folder), "/usr/share/hakaru/" + folder, dirs_exist_ok=True)
    os.makedirs("/etc/hakaru", exist_ok=True)
    with open(home.gateway.configuration) as file:
        text = file.read()
    for name, source in (("token", os.path.join(home.folder, "token")), ("ca.pem", home.receiver.authority)):
        shutil.copy(source, "/etc/hakaru/" + name)
        os.chmod("/etc/hakaru/" + name, 0o644)
        text = text.replace(source, "/etc/hakaru/" + name)
    with open("/etc/hakaru/hakaru.yaml", "w") as file:
        file.write(text)
    shutil.copy(os.path.join(home.root, "systemd", UNIT), "/etc/systemd/system/")
    drop_in = "/etc/systemd/system/%s.d" % UNIT
    os.makedirs(drop_in, exist_ok=True)
    with open(drop_in + "/lab.conf", "w") as file:
        file.write("[Service]\nWatchdogSec=%d\nRestartSec=100ms\n" % WATCHDOG)
    for file in os.listdir(os.path.join(home.root, "systemd")):
        if file.endswith(".sysusers") or file.startswith("sysusers"):
            subprocess.run(["systemd-sysusers", os.path.join(home.root, "systemd", file)], check=True)
    systemctl("daemon-reload")


@scenario("systemd-service", systemd=True)
def service(home):
    """The unit starts, tells when it is ready, keeps the watchdog alive, and ends on SIGTERM within 5 s."""
    install(home)
    began = time.monotonic()
    systemctl("start", UNIT)  # returns once READY=1 came
    ready = time.monotonic() - began
    expect("state", shows("ActiveState"), "active")
    # The watchdog must be fed: the process outlives its limit more than twice …
    until("hakarud outlives the watchdog's limit", lambda: time.monotonic() - began > 2.5 * WATCHDOG, 60)
    expect("restarts", shows("NRestarts"), "0")
    # … and a process that hangs does not.
    process = int(shows("MainPID"))
    os.kill(process, 19)
    until("systemd restarts a hakarud that hangs", lambda: shows("NRestarts") == "1", 60)
    until("hakarud is active again", lambda: shows("ActiveState") == "active", 30)
    said = subprocess.run(["hakaru", "status", "--json"], capture_output=True, text=True, timeout=30)
    expect("hakaru status", said.returncode, 0)
    began = time.monotonic()
    systemctl("stop", UNIT)
    stopped = time.monotonic() - began
    expect_that("it stops within 5 s, not %.1f s" % stopped, stopped < 5)
    expect("result", shows("Result"), "success")
    return {"ready after": "%.2f s" % ready, "stopped after": "%.2f s" % stopped}
