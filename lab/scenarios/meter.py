"""The glucose meter."""
import datetime

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
