"""Bluetooth that is not there, goes away, or comes back: the status says so, and no restart is needed."""
import time

from framework.registry import scenario
from framework.waiting import Failed, expect, until
from scenarios.cuff import pressures, ready, settled


def lost(home):
    """Waits until the status no longer calls the adapter working; returns what it says instead."""
    def gone():
        state = home.gateway.adapter()
        if state == "scanning":
            raise Failed("still scanning")
        return [state]
    return until("the status says that Bluetooth is gone", gone)[0]


def measured(home, systolic, count):
    """A measurement on the cuff arrives at the receiver."""
    mark = home.room.mark()
    home.room.do("cuff", "measure", systolic=systolic, diastolic=80, pulse=64)
    home.room.do("cuff", "advertise", seconds=60)
    records = home.receiver.wait_for(count, "blood_pressure")
    expect("systolic", pressures(records)[-1], systolic)
    home.room.wait("cuff", "disconnected", after=mark)


def comes_back(home, bring_back):
    """Breaks nothing itself: waits for the loss, brings Bluetooth back, and measures again."""
    said, process = lost(home), home.gateway.daemon.id
    began = time.monotonic()
    bring_back()
    home.gateway.wait_for_adapter("scanning", seconds=60)
    seconds = time.monotonic() - began
    measured(home, 132, 2)
    settled(home)
    home.receiver.expect_exactly(2)
    home.gateway.daemon.expect_running()
    expect("hakarud is the same process", home.gateway.daemon.id, process)
    expect("bonds made", len(home.room.seen("cuff", "paired")), 1)
    return {"said": said, "scanning again after": "%.1f s" % seconds}


@scenario("bluetooth-bluetoothd-restart")
def bluetoothd_restart(home):
    """bluetoothd ends and comes back: the status says so, the bond is kept, the next reading arrives."""
    ready(home)
    measured(home, 131, 1)
    home.bluetooth.stop()
    return comes_back(home, home.bluetooth.start)


@scenario("bluetooth-adapter-unplugged")
def adapter_unplugged(home):
    """The dongle is pulled and put back: the status says so, the next reading arrives."""
    ready(home)
    measured(home, 131, 1)
    home.room.do("dongle", "unplug")
    return comes_back(home, lambda: home.room.do("dongle", "plug"))


@scenario("bluetooth-no-bluetoothd", smoke=True, plugged=False, bluetoothd=False)
def no_bluetoothd(home):
    """hakarud starts without bluetoothd and without an adapter, says so, and works once both are there."""
    home.gateway.start()
    without = lost(home)
    home.bluetooth.start()
    only_bluetoothd = lost(home)
    home.room.do("dongle", "plug")
    home.gateway.wait_for_adapter("scanning", seconds=60)
    home.room.do("mi-scale", "weigh", kg=68.2, impedance=512)
    home.receiver.wait_for(1, "weighing_scale")
    home.gateway.daemon.expect_running()
    return {"without both": without, "without an adapter": only_bluetoothd}
