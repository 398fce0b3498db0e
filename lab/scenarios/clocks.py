"""Clocks: a cuff whose battery was changed, a meter that was set back, a gateway that starts in the past."""
import datetime
import time

from framework import clock
from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until
from scenarios.cuff import CUFF, moment, pressures, ready, settled

PRESSURE, GLUCOSE = "blood_pressure", "blood_glucose"
YEARS = 16 * 365 * 86400  # seconds from a clock that a new battery set back to 2010


def waiting(home, reason):
    """The readings in quarantine for this reason."""
    return [entry for entry in home.gateway.ask("quarantine")["records"] if entry.get("reason") == reason]


@scenario("bluetooth-cuff-battery")
def battery(home):
    """A cuff comes back from a new battery in 2010: what it measured since is dated by the right clock."""
    room = home.room
    good = room.do("cuff", "backlog", failed=0, good=1)
    ready(home)
    room.do("cuff", "advertise", seconds=60)
    home.receiver.wait_for(1, PRESSURE)
    room.wait("cuff", "disconnected")
    settled(home)

    room.do("cuff", "set", clock_offset=-YEARS)
    before, mark = datetime.datetime.now(), room.mark()
    shown = room.do("cuff", "measure", systolic=141, diastolic=88, pulse=70)
    expect_that("the cuff's stamp is of long ago, not %s" % shown, shown < "2015")
    room.do("cuff", "advertise", seconds=60)
    records = home.receiver.wait_for(2, PRESSURE)
    room.wait("cuff", "disconnected", after=mark)
    settled(home)
    expect("systolic values", pressures(records), [good[0]["systolic"], 141])
    # The guest's clock is Japan's time or UTC: compare with the first record, which was right.
    off = abs((moment(records[1]) - moment(records[0])).total_seconds() - 23 * 60)
    expect_that("it was measured when it was, not %.0f s off" % off, off < 90)
    expect("origin_of_time_code", records[1]["origin_of_time_code"], "1")
    error = room.wait("cuff", "clock-set", seconds=5, after=mark)["error"]
    expect_that("the cuff's clock is right again, not %g s off" % error, abs(error) <= 2)
    home.receiver.expect_exactly(2)
    return {"clock was off by": "%d days" % (YEARS // 86400), "record off by": "%.0f s" % off,
            "took": "%.0f s" % (datetime.datetime.now() - before).total_seconds()}


@scenario("bluetooth-meter-month")
def month(home):
    """A month in a meter whose clock was put back in between: what followed is sent, what preceded waits."""
    room = home.room
    room.do("meter", "set", idle_seconds=6.0)
    room.do("meter", "store", count=15, minutes_apart=24 * 60)
    # Put back by twenty days: numbers go up, times go down.
    stored = room.do("meter", "store", count=15, minutes_apart=24 * 60 + 60, days_back=20)
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    room.do("meter", "advertise", seconds=60)
    records = home.receiver.wait_for(15, GLUCOSE)
    room.wait("meter", "disconnected")
    settled(home)
    expect("values", sorted(float(r["blood_glucose"]) for r in records),
           sorted(float(r["glucose"]) for r in stored))
    held = waiting(home, "not-current-timeline")
    expect("records of the former timeline in quarantine", len(held), 15)
    home.receiver.expect_exactly(15)
    return {"sent": len(records), "waiting": len(held)}


@scenario("bluetooth-gateway-clock")
def gateway_clock(home):
    """The gateway starts years back and is told the time while readings wait: each gets its right time."""
    room, right = home.room, time.time()
    began = time.monotonic()
    clock.mark(synchronised=False)
    time.clock_settime(time.CLOCK_REALTIME, right - YEARS)
    try:
        ready(home)
        room.do("mi-scale", "weigh", kg=68.2, impedance=512)
        until("the reading waits", lambda: len(waiting(home, "no-clock-sync")) == 1, 60)
        measured = right + time.monotonic() - began
        home.receiver.expect_exactly(0)
        home.gateway.daemon.kill()
        home.gateway.start()  # a restart in the same run of the machine loses nothing
        expect("readings that wait", len(waiting(home, "no-clock-sync")), 1)
    finally:
        time.clock_settime(time.CLOCK_REALTIME, right + time.monotonic() - began)
        clock.mark(synchronised=True)
    record = home.receiver.wait_for(1, "weighing_scale", seconds=90)[0]
    japan = datetime.timezone(datetime.timedelta(hours=9))
    wanted = datetime.datetime.fromtimestamp(measured, japan).replace(tzinfo=None)
    off = abs((moment(record) - wanted).total_seconds())
    expect_that("it was weighed when it was, not %.0f s off" % off, off < 60)
    expect("origin_of_time_code", record["origin_of_time_code"], "1")
    settled(home)
    home.receiver.expect_exactly(1)
    return {"clock was off by": "%d days" % (YEARS // 86400), "record off by": "%.0f s" % off}
