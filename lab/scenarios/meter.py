"""The glucose meter."""
import datetime
import time

from framework.registry import scenario
from framework.waiting import expect, expect_that, until

TABLE = "blood_glucose"


def readings(records):
    """(time, value) pairs as the receiver holds them."""
    return sorted((record["observation_time"], float(record["blood_glucose"])) for record in records)


def shown(stored):
    """The same pairs as the meter shows them."""
    return sorted((datetime.datetime.fromisoformat(entry["shown"]).strftime("%Y%m%d%H%M%S"),
                   float(entry["glucose"])) for entry in stored)


@scenario("bluetooth-glucose-passkey", smoke=True)
def passkey(home):
    """A meter bonded by its passkey: every record once, base time plus offset, later only newer ones."""
    room = home.room
    room.do("meter", "set", idle_seconds=6.0)
    stored = room.do("meter", "store", count=12)
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    room.do("meter", "advertise", seconds=60)
    records = home.receiver.wait_for(12, TABLE)
    expect("times and values", readings(records), shown(stored))
    expect_that("the bond is authenticated", room.wait("meter", "paired", seconds=5)["authenticated"])
    room.wait("meter", "disconnected")

    mark = room.mark()
    stored += room.do("meter", "store", count=3, minutes_apart=7)
    room.do("meter", "advertise", seconds=60)
    records = home.receiver.wait_for(15, TABLE)
    expect("times and values", readings(records), shown(stored))
    reported = sum(event["records"] for event in room.seen("meter", "reported", mark))
    expect_that("the second session asked for new records only, not for %d" % reported, reported <= 4)
    room.wait("meter", "disconnected", after=mark)
    until("everything is sent", lambda: home.gateway.status()["records"]["waiting"] == 0)
    home.receiver.expect_exactly(15)
    expect("bonds made", len(room.seen("meter", "paired")), 1)
    return {"fetched in the second session": reported}


def gone(room, mark):
    """The meter has vanished and shows itself again."""
    room.wait("meter", "vanished", seconds=120, after=mark)
    room.wait("meter", "disconnected", after=mark)
    mark = room.mark()
    room.do("meter", "advertise", seconds=60)
    return mark


@scenario("bluetooth-glucose-thousand", seconds=600)
def thousand(home):
    """1,000 records, cut off twice: each once, taken up where it was left; a live cuff is not kept waiting."""
    room = home.room
    room.do("meter", "set", idle_seconds=6.0, passkey=314159)
    stored = room.do("meter", "store", count=1000, minutes_apart=31)
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    began, mark = time.monotonic(), room.mark()
    room.do("meter", "vanish_at", event="record", after=350)
    room.do("meter", "advertise", seconds=60)
    mark = gone(room, mark)
    room.do("meter", "vanish_at", event="record", after=300)
    second = mark
    mark = gone(room, mark)
    room.wait("meter", "record", seconds=90, after=mark, count=30)
    # Somebody measures blood pressure while the meter's history comes in.
    pressure = room.mark()
    room.do("cuff", "measure", systolic=131, diastolic=80, pulse=64)
    room.do("cuff", "advertise", seconds=60)
    sent = room.wait("cuff", "sending", after=pressure)["at"]
    waited = sent - room.seen("cuff", "advertising", pressure)[0]["at"]
    before = len(room.seen("meter", "record"))
    records = home.receiver.wait_for(1000, TABLE, seconds=240)
    took = time.monotonic() - began
    expect("times and values", readings(records), shown(stored))
    first = room.seen("meter", "record", second)[0]["sequence"]
    third = room.seen("meter", "record", mark)[0]["sequence"]
    expect_that("the second session begins near record 350, not at %d" % first, 250 <= first <= 351)
    expect_that("the third begins near record 650, not at %d" % third, first + 200 <= third <= first + 301)
    home.receiver.wait_for(1, "blood_pressure")
    until("everything is sent", lambda: home.gateway.status()["records"]["waiting"] == 0, 60)
    home.receiver.expect_exactly(1001)
    return {"taken up at": "%d and %d" % (first, third), "sent again": len(room.seen("meter", "record")) - 1000,
            "all in": "%.0f s" % took, "the cuff was served after": "%.1f s, with %d of the history to come" % (
                waited, len(room.seen("meter", "record")) - before)}
