"""A controller that answers nothing for minutes: the recovery ladder, step by step, under the real systemd."""
import subprocess
import time

from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until
from scenarios.service import active_after_plugging, install, shows, systemctl, weigh

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
    weigh(home, kg, count)
    return took


@scenario("systemd-ladder", systemd=True, plugged=False, bluetoothd=False, seconds=900)
def ladder(home):
    """A silent controller: as root up to a new bluetoothd; as the unit, which may do less, up to a new daemon."""
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
    home.gateway.daemon.stop()
    return {"up to a new bluetoothd": "%.0f s" % climbed, "scanning after the controller's return": "%.1f s" % well,
            **as_unit(home)}


def as_unit(home):
    """The packaged unit has neither the management socket nor a say over services: it ends itself for systemd."""
    systemctl("unmask", "--runtime", "hakarud.service")
    home.room.do("dongle", "unplug")
    active_after_plugging(home)
    home.gateway.runtime = "/run/hakaru"
    home.gateway.wait_for_adapter("scanning")
    weigh(home, 68.6, 3)
    # Not within ten minutes of its start: the gateway's clock is put eleven on.
    time.clock_settime(time.CLOCK_REALTIME, time.time() + 660)
    began = time.monotonic()
    home.room.do("dongle", "set", silent=True)
    until("systemd starts hakarud anew", lambda: shows("NRestarts") == "1", 400)
    climbed = time.monotonic() - began
    said = subprocess.run(["journalctl", "-u", "hakarud.service", "--no-pager", "-o", "cat"],
                          capture_output=True, text=True).stdout
    expect_that("it says why it ends", "bluetooth-hopeless exit=%d" % HOPELESS in said)
    well = answers_again(home, 68.8, 4)
    home.receiver.expect_exactly(4)
    return {"up to a new hakarud": "%.0f s" % climbed, "scanning after that": "%.1f s" % well}
