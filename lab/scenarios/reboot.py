"""The package in a machine that starts again: after a power cut and after an orderly end."""
import datetime
import json
import os
import shutil
import subprocess
import time

from framework.cables import Cables
from framework.gateway import CABLES
from framework.registry import scenario
from framework.systemd import UNIT, run, shows, systemctl
from framework.waiting import Failed, expect, expect_that, until
from scenarios.package import configure, install

KEPT = "/var/lib/hakaru-lab.json"  # on the machine's disk


def keys():
    """The keys of all stored records, as the command tells them."""
    told = run("hakaru", "records", "--limit", "10000", "--json")
    return sorted(json.loads(line)["key"] for line in told.splitlines())


@scenario("power-package", systemd=True, bluetoothd=False, plugged=False, package=True, boots=3, seconds=700)
def power(home):
    """The power fails while a cuff on a cable is read, then the machine is shut down: back by itself, complete.

    Boot 1: the package is installed and nobody receives; the power fails in the middle of a session, and the disk
    loses half of what was not flushed. Boot 2: the service comes with the machine, every record that was shown
    before the cut is there, the rest is read, all of it arrives once. Boot 3, after an orderly end: the same.
    """
    return {1: first_boot, 2: second_boot, 3: third_boot}[home.boot](home)


def first_boot(home):
    install(home)
    home.receiver.stop()
    configure(home, CABLES)
    cables = Cables(home.folder)
    cables.start()
    moment = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))) - datetime.timedelta(hours=3)
    plan = [[*(moment + datetime.timedelta(minutes=n)).timetuple()[:6]] for n in range(40)]
    for number, when in enumerate(plan):
        cables.do("omron", "measure", when=when, systolic=100 + number, diastolic=70, pulse=60)
    run("sync")
    with open(KEPT, "w") as file:
        json.dump({"plan": plan, "keys": []}, file)
        os.fsync(file.fileno())
    cables.plug("omron")
    seen = until("some records are stored, not all of them yet", lambda: len(keys()) >= 3 and keys(), 60, every=0.05)
    with open(KEPT, "r+") as file:
        json.dump({"plan": plan, "keys": seen}, file)
        os.fsync(file.fileno())
    print("CUT", flush=True)
    time.sleep(60)
    raise Failed("the power was not cut")


def comes_by_itself(home):
    """Goes on with the start as a machine does, and waits for the service."""
    home.gateway.runtime = "/run/hakaru"
    subprocess.run(["systemctl", "--no-block", "start", "multi-user.target"], check=True)
    until("the service runs without being told to", lambda: shows("ActiveState") == "active", 90)
    until("the daemon answers", home.answers, 60)


def second_boot(home):
    with open(KEPT) as file:
        kept = json.load(file)
    # What the receiver of this boot shows is new; the configuration names the old certificates' place.
    for name, source in (("ca.pem", home.receiver.authority),):
        shutil.copy(source, "/etc/hakaru/" + name)
    comes_by_itself(home)
    there = keys()
    expect("records that were shown before the cut and are gone", sorted(set(kept["keys"]) - set(there)), [])
    cables = Cables(home.folder)
    cables.start()
    for number, when in enumerate(kept["plan"]):
        cables.do("omron", "measure", when=when, systolic=100 + number, diastolic=70, pulse=60)
    cables.plug("omron")
    until("all 40 are stored", lambda: len(keys()) >= 40, 120)
    home.receiver.wait_for(40, "blood_pressure", seconds=90)
    until("nothing waits", lambda: home.gateway.status()["records"]["waiting"] == 0, 30)
    values = sorted(int(record["systolic"]) for record in home.receiver.records("blood_pressure"))
    expect("values at the receiver", values, list(range(100, 140)))
    home.receiver.expect_exactly(40)
    cables.stop()
    kept["there"] = len(there)
    with open(KEPT, "w") as file:
        json.dump(kept, file)
        os.fsync(file.fileno())
    systemctl("stop", UNIT)
    run("sync")


def third_boot(home):
    with open(KEPT) as file:
        kept = json.load(file)
    shutil.copy(home.receiver.authority, "/etc/hakaru/ca.pem")
    comes_by_itself(home)
    expect("records after an orderly end", len(keys()), 40)
    expect("records that wait", home.gateway.status()["records"]["waiting"], 0)
    expect("records that were sent once more", len(home.receiver.records()), 0)
    said = subprocess.run(["journalctl", "-b", "-u", UNIT, "--no-pager", "-o", "cat"], capture_output=True, text=True)
    expect_that("the store was closed in order before", "store-unclean-end" not in said.stdout)
    return {"shown before the cut": len(kept["keys"]), "there after it": kept["there"], "in the end": 40}
