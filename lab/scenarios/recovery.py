"""Bluetooth that is not there, goes away, or comes back: the status says so, and no restart is needed."""
import time

from framework.registry import scenario
from framework.terminal import Terminal
from framework.waiting import Failed, expect, until
from scenarios.cuff import TABLE, handed_over, pressures, ready, settled

DONGLES = {"dongle": "00:1A:7D:DA:71:11", "second-dongle": "00:1A:7D:DA:71:12"}


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


@scenario("bluetooth-bus-restart", seconds=240)
def bus_restart(home):
    """D-Bus is killed in the middle of a backlog, and bluetoothd ends with it: all arrives once both are back."""
    room = home.room
    good = room.do("cuff", "backlog", failed=0, good=8)
    room.do("cuff", "set", pause=0.3)
    ready(home)
    process = home.gateway.daemon.id
    room.do("cuff", "advertise", seconds=60)
    room.wait("cuff", "confirmed", count=3)
    home.bluetooth.stop_bus()
    said = lost(home)
    home.bluetooth.daemon.kill()
    time.sleep(2)
    home.bluetooth.start_bus()
    home.bluetooth.start()
    began = time.monotonic()
    home.gateway.wait_for_adapter("scanning", seconds=60)
    seconds = time.monotonic() - began
    mark = room.mark()
    room.do("cuff", "advertise", seconds=60)
    until("the cuff has handed over everything", lambda: handed_over(room, mark), 60)
    expect("values", sorted(pressures(home.receiver.wait_for(8, TABLE))), sorted(r["systolic"] for r in good))
    settled(home)
    home.receiver.expect_exactly(8)
    home.gateway.daemon.expect_running()
    expect("hakarud is the same process", home.gateway.daemon.id, process)
    return {"said": said, "scanning again after": "%.1f s" % seconds}


@scenario("bluetooth-two-adapters", seconds=240)
def two_adapters(home):
    """Two adapters hear every device: one record each, one bond; either works on alone when the other is pulled."""
    room = home.room
    room.do("second-dongle", "plug")
    home.gateway.start()

    def scanning(count):
        states = [adapter["state"] for adapter in home.gateway.status()["bluetooth"]]
        if states.count("scanning") != count:
            raise Failed(states)
        return states
    until("both adapters scan", lambda: scanning(2), 45)
    for count in range(1, 5):
        measured(home, 130 + count, count)
    expect("bonds made", len(room.seen("cuff", "paired")), 1)
    mark = room.mark()
    room.do("mi-scale", "weigh", kg=68.2, impedance=512)
    home.receiver.wait_for(1, "weighing_scale")
    room.wait("mi-scale", "weighing-over", after=mark)
    peer = room.seen("cuff", "connected")[0]["peer"]
    bonded = "dongle" if peer.startswith(DONGLES["dongle"]) else "second-dongle"
    other = "second-dongle" if bonded == "dongle" else "dongle"
    room.do(other, "unplug")
    until("one adapter scans", lambda: scanning(1), 45)
    measured(home, 135, 5)
    room.do(other, "plug")
    until("both scan again", lambda: scanning(2), 45)
    room.do(bonded, "unplug")
    until("one adapter scans", lambda: scanning(1), 45)
    room.do("mi-scale", "weigh", kg=68.4, impedance=511)
    home.receiver.wait_for(2, "weighing_scale")
    room.do(bonded, "plug")
    until("both scan again", lambda: scanning(2), 45)
    measured(home, 136, 6)
    settled(home)
    home.receiver.expect_exactly(8)
    expect("bonds made", len(room.seen("cuff", "paired")), 1)
    expect("sessions of the cuff", len(room.seen("cuff", "connected")), 6)
    return {"the bond": "through " + peer}


@scenario("bluetooth-address-rotation", seconds=240)
def address_rotation(home):
    """A scale under a new private address at each use is one device, known by its identity after the bond."""
    room, identity = home.room, "C0:26:DA:00:00:02"
    ready(home)
    shown, pairing = [], None
    for count in range(1, 6):
        if count == 4:  # bluetoothd calls the device otherwise after its own restart
            home.bluetooth.stop()
            home.bluetooth.start()
            home.gateway.wait_for_adapter("scanning")
        shown.append(room.do("scale", "rotate").partition("/")[0])
        if count == 1:
            pairing = Terminal(*home.gateway.typed("pair", shown[0]))
            pairing.wait_for("Put the device into pairing mode")
        mark = room.mark()
        room.do("scale", "weigh", kg=70.0 + count, seconds=60)
        home.receiver.wait_for(count, "weighing_scale")
        room.wait("scale", "disconnected", after=mark)
        if count == 2:  # the proof, under another address
            pairing.wait_for("Paired:")
            expect("exit status of hakaru pair", pairing.end(), 0)
    settled(home)
    home.receiver.expect_exactly(5)
    expect("addresses shown", len(set(shown)), 5)
    expect("bonds made", len(room.seen("scale", "paired")), 1)
    expect("the devices of the records", sorted({r["device"] for r in home.gateway.records()}), ["ble:" + identity])
    return {"addresses": len(set(shown)), "device": "its identity address"}


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
