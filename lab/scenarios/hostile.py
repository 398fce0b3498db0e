"""A malicious device in radio range, and a flood of advertisements, while others are measured with."""
import re
import time

from framework.gateway import DEVICES
from framework.registry import scenario
from framework.waiting import expect, expect_that, until
from scenarios.cuff import ready

ADDRESS = "C0:26:DA:66:66:66"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]")
RATES, SECONDS = (250, 1_000, 5_000), 40


def memory(home, name):
    """A line of the daemon's status in MB: VmRSS now, VmHWM at its highest."""
    with open("/proc/%d/status" % home.gateway.daemon.id) as file:
        return int(re.search(name + r":\s+(\d+)", file.read()).group(1)) / 1024


@scenario("bluetooth-hostile", seconds=600)
def hostile(home):
    """Names that steer terminals, frames without end, 5,000 advertisements a second: bounded memory, others served.

    The hostile device is even registered, as one that its owner has sold and somebody changed. Printed: how many
    frames and advertisements the machine carried, and the daemon's memory.
    """
    room = home.room
    home.gateway.set_devices(DEVICES + [{"model": "UA-651BLE", "address": ADDRESS}])
    room.add("hostile", "hostile", ADDRESS)
    ready(home)
    room.do("mi-scale", "weigh", kg=60.0, impedance=500)
    home.receiver.wait_for(1, "weighing_scale")
    before = memory(home, "VmRSS")
    sightings = home.gateway.metrics().get("hakaru_bluetooth_sightings_total", 0)
    mark = room.mark()
    room.do("crowd", "flood", devices=60_000, rates=RATES, seconds=SECONDS)
    began = time.monotonic()
    room.do("hostile", "advertise", seconds=300)
    room.wait("hostile", "connected", after=mark, seconds=60)
    until("the hostile device sends", lambda: room.do("hostile", "sent") > 20, 60)
    # While it sends, a scale is stepped on and another cuff is used.
    room.do("mi-scale", "weigh", kg=61.0, impedance=500)
    home.receiver.wait_for(2, "weighing_scale", seconds=90)
    scale_after = time.monotonic() - began
    room.do("cuff", "measure", systolic=177, diastolic=70, pulse=60)
    room.do("cuff", "advertise", seconds=240)
    until("the real cuff's reading arrives", lambda: any(
        int(record["systolic"]) == 177 for record in home.receiver.records("blood_pressure")), 240)
    cuff_after = time.monotonic() - began
    room.wait("crowd", "silent", after=mark, seconds=300)
    steps = room.seen("crowd", "flooded", after=mark)
    peak = memory(home, "VmHWM")
    expect_that("memory grew by less than 48 MB: from %.0f to %.0f" % (before, peak), peak - before < 48)
    for words in (("devices",), ("sightings",), ("status",), ("records",), ("quarantine", "list")):
        _, out, err = home.gateway.hakaru(*words)
        expect("what steers a terminal in `hakaru %s`" % " ".join(words), STEERING.findall(out + err), [])
    with open(home.gateway.daemon.log, errors="surrogateescape") as log:
        text = log.read()
    expect("what steers a terminal in the log", STEERING.findall(text), [])
    expect_that("no line of the log is the device's own", "\nfake-event" not in text)
    metrics = home.gateway.metrics()
    heard = metrics.get("hakaru_bluetooth_sightings_total", 0) - sightings
    strangers = len(home.gateway.ask("sightings")["sightings"])
    expect_that("at most 64 strangers are kept, not %d" % strangers, strangers <= 64)
    expect("the rates that were tried", [step["rate"] for step in steps], list(RATES))
    return {"advertisements a second": ", ".join(
                "%d of %d" % (step["sent"] / step["seconds"], step["rate"]) for step in steps),
            "advertisements": "%d sent, %d heard" % (sum(step["sent"] for step in steps), heard),
            "hostile frames": room.do("hostile", "sent"),
            "rejected": int(metrics.get("hakaru_frames_rejected_total", 0)),
            "memory": "%.1f MB before, %.1f at the peak" % (before, peak),
            "scale after": "%.0f s" % scale_after, "cuff after": "%.0f s" % cuff_after}
