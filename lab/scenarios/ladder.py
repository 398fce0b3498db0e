"""A controller that answers nothing for minutes: the recovery ladder, step by step, under the real systemd."""
import json
import os
import shutil
import subprocess
import time

from framework import clock
from framework.registry import scenario
from framework.systemd import run, shows, systemctl
from framework.waiting import Failed, expect, expect_that, until
from scenarios.service import active_after_plugging, install, weigh

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

HOPELESS = 69  # the exit status for which systemd starts the daemon anew


def bluetoothd():
    """The process number of bluetoothd, as systemd knows it."""
    return int(systemctl("show", "-p", "MainPID", "--value", "bluetooth.service"))


def steps(home):
    """The steps taken so far and those that were not permitted, by name."""
    adapter = home.gateway.status()["bluetooth"][0]
    return adapter.get("recoveries") or {}, adapter.get("recoveries_not_permitted") or {}


def climbs_to(home, step, seconds):
    """Waits until the ladder has taken the step."""
    def taken():
        done, refused = steps(home)
        if step not in done:
            raise Failed("taken %s, not permitted %s" % (done, refused))
        return done, refused
    return until("the ladder reaches " + step, taken, seconds, 0.5)


def answers_again(home, kg, count):
    """The controller is well: Bluetooth works without anybody's deed."""
    home.room.do("dongle", "set", silent=False)
    began = time.monotonic()
    home.gateway.wait_for_adapter("scanning", seconds=120)
    took = time.monotonic() - began
    until("the clock is seen as synchronised", lambda: home.gateway.status()["clock"]["synchronised"], 30)
    weigh(home, kg, count)
    return took


@scenario("systemd-ladder", systemd=True, plugged=False, bluetoothd=False, seconds=600)
def ladder(home):
    """A silent controller and a hakarud with every right: step by step up to a new bluetoothd."""
    install(home)
    systemctl("mask", "--runtime", "hakarud.service")
    systemctl("start", "bluetooth.service")
    home.room.do("dongle", "plug")
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    weigh(home, 68.2, 1)
    before, process, began = bluetoothd(), home.gateway.daemon.id, time.monotonic()
    home.room.do("dongle", "set", silent=True)
    done, refused = climbs_to(home, "service-restart", 300)
    until("systemd has started another bluetoothd", lambda: bluetoothd() not in (0, before), 60)
    climbed = time.monotonic() - began
    for step in ("discovery-restart", "power-cycle", "management-reset"):
        expect_that("%s was taken before it (%s)" % (step, done), step in done)
    expect("a virtual adapter has no USB driver", "usb-rebind" in refused, True)
    well = answers_again(home, 68.4, 2)
    expect("hakarud is the same process", home.gateway.daemon.id, process)
    home.receiver.expect_exactly(2)
    return {"up to a new bluetoothd": "%.0f s" % climbed, "scanning after the controller's return": "%.1f s" % well,
            "passed over": ", ".join(sorted(refused)) or "nothing"}


@scenario("systemd-ladder-unit", systemd=True, plugged=False, bluetoothd=False, seconds=1500)
def as_unit(home):
    """A silent controller and the packaged unit: no new bluetoothd without polkit's word, one with it, then a new daemon.

    It ends itself for systemd, but not within ten minutes of its start.
    """
    install(home)
    active_after_plugging(home)
    home.gateway.runtime = "/run/hakaru"
    home.gateway.wait_for_adapter("scanning")
    weigh(home, 68.2, 1)
    before, started, began = bluetoothd(), started_at(), time.monotonic()
    home.room.do("dongle", "set", silent=True)
    passed = until("the step that needs polkit is passed over", lambda: refuses(home, "service-restart"), 300, 1)
    expect_that("without polkit's word bluetoothd stays (%s)" % passed, bluetoothd() == before)
    permit()
    permitted = time.monotonic()
    climbs_to(home, "service-restart", 400)
    until("systemd has started another bluetoothd", lambda: bluetoothd() not in (0, before), 60)
    asked = time.monotonic() - permitted
    # A clock that is put on by a day makes no ten minutes.
    time.clock_settime(time.CLOCK_REALTIME, time.time() + 86_400)
    clock.mark()  # whoever sets a clock makes it an unsynchronised one
    until("systemd starts hakarud anew", lambda: shows("NRestarts") == "1", 900)
    # systemd counts the restart before the new daemon is up.
    until("the new daemon runs", lambda: started_at() > started, 60)
    ran, climbed = started_at() - started, time.monotonic() - began
    expect_that("not within ten minutes of its start, but after %.0f s" % ran, ran >= 600)
    said = subprocess.run(["journalctl", "-u", "hakarud.service", "--no-pager", "-o", "cat"],
                          capture_output=True, text=True).stdout
    expect_that("it says why it ends", "bluetooth-hopeless exit=%d" % HOPELESS in said)
    with open("/var/lib/hakaru/ladder.json") as file:
        kept = json.load(file)
    with open("/proc/sys/kernel/random/boot_id") as file:
        expect("what the next daemon finds", (kept["ends"], kept["boot"]), (1, file.read().strip()))
    well = answers_again(home, 68.6, 2)
    home.receiver.expect_exactly(2)
    return {"with polkit's word up to a new bluetoothd": "%.0f s" % asked,
            "up to a new hakarud": "%.0f s" % climbed, "scanning after that": "%.1f s" % well}


def refuses(home, step):
    """The ladder has come to a step that is not permitted; gives all of them."""
    _, refused = steps(home)
    if step not in refused:
        raise Failed(refused)
    return refused


def started_at():
    """When the unit became active, in seconds since the machine started."""
    return int(shows("ActiveEnterTimestampMonotonic")) / 1e6


def permit():
    """The rule of docs/operations.md, as an operator copies it, for a polkit that may not run yet."""
    with open(os.path.join(ROOT, "docs/operations.md")) as file:
        rule = file.read().partition("```js\n")[2].partition("```")[0]
    for words in (["systemd-sysusers", "/usr/lib/sysusers.d/polkitd.conf"],
                  ["systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/polkitd.conf"]):
        if os.path.exists(words[-1]):
            run(*words)
    with open("/etc/polkit-1/rules.d/50-hakaru.rules", "w") as file:
        file.write(rule)
    os.chmod("/etc/polkit-1/rules.d/50-hakaru.rules", 0o644)
    systemctl("restart", "polkit.service")
    # Nobody else is permitted anything by it.
    denied = subprocess.run(["setpriv", "--reuid", "hakaru", "--regid", "hakaru", "--clear-groups", "systemctl",
                             "--no-ask-password", "restart", "dbus.service"], capture_output=True, text=True)
    expect_that("another service is not for hakaru to restart", denied.returncode != 0)


@scenario("systemd-sources", systemd=True, plugged=False, bluetoothd=False, seconds=240)
def sources(home):
    """The unit hears advertisements over D-Bus, and with the drop-in that is shipped from the kernel; the status says which."""
    install(home)
    active_after_plugging(home)
    home.gateway.runtime = "/run/hakaru"
    told = {}
    for count, (source, words) in enumerate((("d-bus", "D-Bus"), ("management-socket", "management socket")), 1):
        home.gateway.wait_for_adapter("scanning")
        adapter = home.gateway.status()["bluetooth"][0]
        expect("where advertisements come from (%s)" % adapter.get("advertisements_because"),
               adapter["advertisements"], source)
        said = run("hakaru", "status", "--socket", "/run/hakaru/hakaru.sock")
        line = next((line for line in said.splitlines() if "hci0" in line), "")
        expect_that("`hakaru status` names it: %r" % line, words in line)
        told[source] = line.strip()
        weigh(home, 68.0 + count / 5, count)
        if source == "d-bus":
            shutil.copy(os.path.join(ROOT, "systemd/hakarud-management-socket.conf"),
                        "/etc/systemd/system/hakarud.service.d/")
            systemctl("daemon-reload")
            systemctl("restart", "hakarud.service")
    home.receiver.expect_exactly(2)
    return told
