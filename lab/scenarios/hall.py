"""An event hall: many devices of the same models at once, among everybody's phones and beacons."""
import random
import struct
import time

from framework import stages
from framework.events import EventWatch
from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until
from scenarios.cuff import ready, settled
from scenarios.paths import processor_seconds

# kind, model in the configuration, how many
KINDS = [("cuff", "UA-651BLE", 4), ("scale", "UC-352BLE", 4), ("mi-scale", "XMTZC05HM", 4)]
SECONDS, ROUNDS = 300, 3  # within five minutes each device measures three times
FOREIGN, PER_SECOND = 200, 2_000
BARE_ROUNDS = 16
# A measurement is shown again if nobody fetched it in the device's own window of half a minute.
WINDOW = 30


def devices():
    """Name, kind, model and address of the twelve."""
    made = []
    for group, (kind, model, count) in enumerate(KINDS):
        for number in range(count):
            made.append(("%s-%d" % (kind, number + 1), kind, model, "C0:26:DA:1%d:00:%02X" % (group, number + 1)))
    return made


def plan(hall, seed=20261121):
    """When which device measures what: (seconds, name, kind, address, value), no two values alike."""
    dice, entries = random.Random(seed), []
    for index, (name, kind, _, address) in enumerate(hall):
        for turn in range(ROUNDS):
            at = SECONDS * (turn + dice.uniform(0.05, 0.9)) / ROUNDS
            number = index * ROUNDS + turn
            value = 100 + number if kind == "cuff" else round(50 + number * 0.35, 2)
            entries.append((at, name, kind, address, float(value)))
    return sorted(entries)


def measure(room, name, kind, value):
    """Somebody uses the device."""
    if kind == "cuff":
        room.do(name, "measure", systolic=int(value), diastolic=60, pulse=60)
        room.do(name, "advertise", seconds=WINDOW)
    elif kind == "scale":
        room.do(name, "weigh", kg=value, seconds=WINDOW)
    else:
        room.do(name, "weigh", kg=value, impedance=500)


def sent_value(kind, event):
    """The value in what the device sends, or None."""
    if kind == "mi-scale":
        return float(event["kg"]) if event["event"] == "measured" else None
    if event["event"] != "sending":
        return None
    raw = struct.unpack_from("<H", bytes.fromhex(event["value"]), 1)[0]
    return float(raw & 0xFFF) if kind == "cuff" else round(raw * 0.005, 2)


def value_of(record):
    """The number that tells the records apart."""
    values = record["values"]
    return float((values.get("systolic") or values["weight"])["value"])


@scenario("bluetooth-event-hall", seconds=900)
def hall(home):
    """12 cuffs and scales of three models within five minutes among 200 foreign devices: each reading once.

    Every reading under the right device; percentiles of the delays and the processor's share are printed.
    """
    twelve = devices()
    home.gateway.set_devices([{"model": model, "address": address} for _, _, model, address in twelve])
    for name, kind, _, address in twelve:
        home.room.add(name, kind, address)
    ready(home)
    watch, todo = EventWatch(home.gateway), plan(twelve)
    paired = first_use(home, twelve)
    mark = home.room.mark()
    home.room.do("crowd", "advertise", devices=FOREIGN, per_second=PER_SECOND, seconds=SECONDS)
    began, used = time.monotonic(), processor_seconds(home)
    for at, name, kind, _, value in todo:
        time.sleep(max(0, began + at - time.monotonic()))
        measure(home.room, name, kind, value)
    shown_again = again(home, twelve, began)
    silent = home.room.wait("crowd", "silent", seconds=SECONDS + 120, after=mark)
    lasted, used = time.monotonic() - began, processor_seconds(home) - used
    records = until("every reading is stored", lambda: all_stored(home, len(paired) + len(todo)), 90)
    settled(home)
    watch.close()
    expect("readings under their devices", sorted((value_of(r), r["device"]) for r in records),
           sorted((value, "ble:" + address) for _, _, _, address, value in [*paired, *todo]))
    home.receiver.expect_exactly(len(paired) + len(todo))
    home.gateway.daemon.stop()
    # The same machine, room and crowd: what of the times is theirs.
    floor, _ = bare_lengths(home.room)
    measured, figures = delays(home, twelve, records, watch, floor["shown to value"])
    expect_that("a delay was measured for every reading, not for %d; the stream told of %d over %d connections" % (
        measured, len(watch.stored), watch.connections), measured == len(paired) + len(todo))
    return {"readings": len(todo), "shown again": shown_again,
            "sessions": stages.ends(watch.sessions),
            "foreign advertisements": "%.0f/s of %d wanted" % (silent["advertisements"] / SECONDS, PER_SECOND),
            **figures, "processor": "%.1f %% of one" % (100 * used / lasted)}


def first_use(home, twelve):
    """Before the hall opens each connecting device is paired by a first measurement, one after the other."""
    entries = []
    for index, (name, kind, _, address) in enumerate(twelve):
        if kind == "mi-scale":
            continue
        mark, value = home.room.mark(), float(80 + index) if kind == "cuff" else round(40 + index * 0.35, 2)
        measure(home.room, name, kind, value)
        home.room.wait(name, "session-done", seconds=60, after=mark)
        home.room.wait(name, "disconnected", seconds=20, after=mark)
        entries.append((0.0, name, kind, address, value))
    return entries


def all_stored(home, count):
    """The records, once there are as many as were measured."""
    records = home.gateway.records()
    if len(records) < count:
        raise Failed("%d of %d" % (len(records), count))
    return records


def again(home, twelve, began):
    """Until the hall closes: whoever has something left presses the button again. Says how often."""
    count = 0
    while time.monotonic() < began + SECONDS:
        time.sleep(1)
    for name, kind, _, _ in twelve:
        if kind == "mi-scale":
            continue
        left = home.room.do(name, "records")
        if left["delivered"] < left["stored"]:
            count += 1
            home.room.do(name, "advertise", seconds=WINDOW)
    return count


def delays(home, twelve, records, watch, floor):
    """Percentiles of every stage, from the moment the device began to advertise to the value at the socket."""
    kinds, shown, sent = {name: kind for name, kind, _, _ in twelve}, {}, {}
    names = {"ble:" + address: name for name, _, _, address in twelve}
    latest = {}
    for event in home.room.events:
        kind = kinds.get(event["device"])
        if event["event"] == "advertising":
            latest[event["device"]] = event["at"]
        value = kind and sent_value(kind, event)
        if value is not None:
            sent.setdefault((event["device"], value), event["at"])
            shown.setdefault((event["device"], value), latest.get(event["device"], event["at"]))
    readings, broadcasts = [], []
    for record in records:
        which = (names[record["device"]], value_of(record))
        told = watch.stored.get(record["key"])
        if told is None or which not in sent:
            continue
        # An advertising scale's reading is whole only once its last frame had time to come.
        if kinds[which[0]] == "mi-scale":
            broadcasts.append(told - sent[which])
        else:
            session = stages.session_of(watch.sessions, record["device"], sent[which])
            readings.append(stages.Reading(shown[which], sent[which], told, session))
    return len(readings) + len(broadcasts), {
        **stages.figures(readings, watch.sessions, floor), "advertising scale, last frame to socket": stages.percentiles(broadcasts)}


def bare_lengths(room):
    """The lengths of each stage for a bare client, and how much of the crowd the machine carried."""
    import bare_client  # needs what only the guest has
    return bare_client.measure(room, FOREIGN, PER_SECOND, WINDOW, BARE_ROUNDS)


@scenario("bluetooth-hall-bare", seconds=400, needs_programs=False)
def bare(home):
    """What a small BlueZ client in the place of hakarud needs for each stage amid the same crowd: the machine's part."""
    lengths, carried = bare_lengths(home.room)
    return {"foreign advertisements": "%.0f/s of %d wanted" % (carried, PER_SECOND),
            **{name: stages.percentiles(values) for name, values in lengths.items()}}
