"""The disk that the store is on."""
import os
import subprocess
import time

from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until
from scenarios.cuff import TABLE, handed_over, pressures, ready, settled

# More than the reserve of the store (a twentieth of its maximum), so that there is room at first.
SIZE = "64m"


def fill(folder):
    """Takes every byte that is left; returns the file."""
    name = os.path.join(folder, "filler")
    with open(name, "ab", buffering=0) as file:
        for size in (65536, 512, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                pass  # no space left: what was wanted
    return name


@scenario("bluetooth-full-disk")
def full_disk(home):
    """The disk fills up in the middle of a backlog: the status says so, and all arrives once there is room."""
    room, state = home.room, home.gateway.state
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + SIZE, "lab", state], check=True)
    good = room.do("cuff", "backlog", failed=0, good=24)
    room.do("cuff", "set", pause=0.3)
    ready(home)
    mark = room.mark()
    room.do("cuff", "advertise", seconds=60)
    room.wait("cuff", "confirmed", count=4)
    filler = fill(state)
    storage = until("the status says that the disk is full", lambda: disk_full(home), 45)
    room.wait("cuff", "disconnected", after=mark)
    left = room.do("cuff", "records")
    expect_that("the cuff keeps what nobody could store", left["delivered"] < left["stored"])
    # Meanwhile: what is only broadcast waits in memory; the cuff, in reach, is left alone.
    mark = room.mark()
    room.do("mi-scale", "weigh", kg=68.2, impedance=512)
    room.do("cuff", "advertise", seconds=8)
    until("the weighing waits in memory", lambda: in_memory(home) > storage["waiting_in_memory"])
    room.wait("cuff", "window-closed", after=mark)
    expect("sessions with the cuff", room.seen("cuff", "connected", mark), [])
    waiting = in_memory(home)

    os.unlink(filler)
    began, mark = time.monotonic(), room.mark()
    home.receiver.wait_for(1, "weighing_scale")
    healed = time.monotonic() - began
    expect("state of the storage", home.gateway.status()["storage"]["state"], "ok")
    room.do("cuff", "advertise", seconds=30)
    until("the cuff has handed over everything", lambda: handed_over(room, mark), 60)
    records = home.receiver.wait_for(24, TABLE)
    settled(home)
    expect("systolic values", sorted(pressures(records)), sorted(r["systolic"] for r in good))
    home.receiver.expect_exactly(25)
    home.gateway.daemon.expect_running()
    return {"said": storage["state"], "waited in memory": waiting, "there after": "%.1f s" % healed}


def in_memory(home):
    """How many readings wait for the store."""
    return home.gateway.status()["storage"]["waiting_in_memory"]


def disk_full(home):
    """What the status says of the storage once it is full."""
    storage = home.gateway.status()["storage"]
    if storage["state"] != "disk-full":
        raise Failed(storage)
    return storage
