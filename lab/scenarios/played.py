"""Models with a protocol of their own, played from their tapes over the real bluetoothd."""
import datetime
import json
import os
import time

from framework import clock
from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until
from scenarios.cuff import ready
from scenarios.pairing import values

LATE = 10  # seconds that a record may lie beside the tape's: the device's clock stands in what it sends


def replayed(home, tape, *more):
    """The records that `hakaru replay` gives for the tape, by key."""
    code, output, errors = home.gateway.hakaru("replay", tape, "--timezone", "Asia/Tokyo", "--json", *more)
    expect("replay's exit status (%s)" % errors, code, 0)
    lines = [json.loads(line) for line in output.splitlines()]
    return {line["record_key"]: line for line in lines if line.get("outcome") == "measurement"}


def set_clock(at):
    """The machine's clock, as if an NTP client had set it."""
    time.clock_settime(time.CLOCK_REALTIME, datetime.datetime.fromisoformat(at).timestamp())
    clock.mark(synchronised=True)


def play(home, name, tape, devices):
    """Sets the gateway's clock to the tape's, plays the tape's device, and compares the records."""
    path, right, began = os.path.join(home.root, "device-profiles", tape), time.time(), time.monotonic()
    wanted = replayed(home, path)
    with open(path) as file:
        at = next(json.loads(line)["at"] for line in file if '"connected"' in line)
    try:
        set_clock(at)
        home.gateway.set_devices(devices)
        home.room.do("room", "tape", name=name, tape=path)
        ready(home)
        set_clock(at)
        home.room.do(name, "advertise", seconds=60)
        played = time.monotonic()
        home.room.wait(name, "played", seconds=90)
        took = time.monotonic() - played

        def all_stored():
            records = home.gateway.records()
            if len(records) < len(wanted):
                raise Failed("%d of %d records" % (len(records), len(wanted)))
            return records
        records = until("every record of the tape is stored", all_stored, 30)
    finally:
        time.clock_settime(time.CLOCK_REALTIME, right + time.monotonic() - began)
        clock.mark(synchronised=True)
    expect("writes that the tape does not expect", home.room.seen(name, "unexpected-write"), [])
    expect("values", sorted(map(str, map(values, records))), sorted(map(str, map(values, wanted.values()))))
    # A reading that brings no time of its own is known by the moment at which it came.
    timed = [record for record in records if record["key"] in wanted]
    expect_that("the records with a time of their own have the tape's keys", len(timed) >= len(wanted) - 1)
    for record in timed:
        off = abs((datetime.datetime.fromisoformat(record["observation_time"]) - datetime.datetime.fromisoformat(
            wanted[record["key"]]["observation_time"])).total_seconds())
        expect_that("the record is %.0f s beside the tape's" % off, off <= LATE)
    return {"records": len(records), "session": "%.1f s" % took}, records


@scenario("bluetooth-memory-cuff", seconds=240)
def memory_cuff(home):
    """An Omron cuff whose memory is read block by block, after its owner's key: the same records as of its tape."""
    figures, _ = play(home, "omron", "omron-classic-packed/memory.tape", [
        {"model": "HEM-7325T", "address": "00:5F:BF:0A:0B:0C", "key": "00112233445566778899aabbccddeeff"}])
    return figures


@scenario("bluetooth-scale-users", seconds=240)
def scale_users(home):
    """A body composition scale with users: records come after each user's code; a guest's weight is nobody's."""
    figures, records = play(home, "beurer", "beurer-bf720/consent.tape", [
        {"model": "BF720", "address": "00:5F:BF:0A:0B:0C", "slot": 1, "consent-code": "1234"},
        {"model": "BF720", "address": "00:5F:BF:0A:0B:0C", "slot": 2, "consent-code": "99"}])
    states = sorted(record.get("participant") or record["state"] for record in records)
    return {**figures, "whose": " ".join(states)}
