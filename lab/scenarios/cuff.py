"""The cuff: its backlog, its wrong clock, and what becomes of both when something breaks in between."""
import datetime

from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until

CUFF = "C0:26:DA:00:00:01"
TABLE = "blood_pressure"
SLOW = 360  # seconds


def moment(record):
    """The observation time of a record at the receiver."""
    return datetime.datetime.strptime(record["observation_time"], "%Y%m%d%H%M%S")


def pressures(records):
    """Systolic values, in the order of arrival."""
    return [int(record["systolic"]) for record in records]


def ready(home):
    """Starts the daemon and waits until it looks for devices."""
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")


def settled(home):
    """Waits until nothing is left to send."""
    until("everything is sent", lambda: home.gateway.status()["records"]["waiting"] == 0)


@scenario("bluetooth-cuff-backlog", smoke=True)
def backlog(home):
    """30 failed and 2 good records of a cuff 6 minutes slow: two records, shifted, and none twice.

    The failed measurements are counted and shown, the cuff's clock is set, one bond serves every
    session, and the record that the cuff sends again in the second session does not arrive again.
    """
    room = home.room
    room.do("cuff", "set", clock_offset=-SLOW)
    good = room.do("cuff", "backlog", failed=30, good=2)
    ready(home)
    room.do("cuff", "advertise", seconds=60)
    records = home.receiver.wait_for(2, TABLE)
    room.wait("cuff", "disconnected")
    expect("systolic values", pressures(records), [reading["systolic"] for reading in good])
    shifts = []
    for record, reading in zip(records, good):
        shift = (moment(record) - datetime.datetime.fromisoformat(reading["device_time"])).total_seconds()
        expect_that("the time is shifted by 6 minutes, not by %g s" % shift, abs(shift - SLOW) <= 2)
        expect("origin_of_time_code", record["origin_of_time_code"], "1")
        expect("data_input_code", record["data_input_code"], "0")
        shifts.append("%+g s" % shift)
    failed = until("the failed measurements are shown",
                   lambda: home.gateway.device(CUFF).get("failed_measurements"))
    expect("failed measurements", failed, 30)
    error = room.wait("cuff", "clock-set", seconds=5)["error"]
    expect_that("the cuff's clock was set right, not %g s off" % error, abs(error) <= 2)

    sent_again(home)
    return {"shifted": " ".join(shifts), "failed": failed, "clock off by": "%g s" % error}


def sent_again(home):
    """The last record comes once more; then a new one, which shows that nothing came in between."""
    room = home.room
    room.do("cuff", "set", resend_last=True)
    mark = room.mark()
    room.do("cuff", "advertise", seconds=60)
    room.wait("cuff", "confirmed", after=mark, index=31)
    room.wait("cuff", "disconnected", after=mark)
    settled(home)
    home.receiver.expect_exactly(2)
    mark = room.mark()
    room.do("cuff", "measure", systolic=141, diastolic=88, pulse=70)
    room.do("cuff", "advertise", seconds=60)
    expect("the new record", pressures(home.receiver.wait_for(3, TABLE))[2], 141)
    room.wait("cuff", "disconnected", after=mark)
    settled(home)
    home.receiver.expect_exactly(3)
    expect("bonds made", len(room.seen("cuff", "paired")), 1)


@scenario("bluetooth-cuff-fade", smoke=True)
def fade(home):
    """The link is lost in the middle of a backlog: the next session resumes, nothing lost or doubled."""
    room = home.room
    good = room.do("cuff", "backlog", failed=0, good=12)
    room.do("cuff", "set", pause=0.3)
    ready(home)
    room.do("cuff", "advertise", seconds=60)
    room.wait("cuff", "confirmed", count=5)
    room.do("cuff", "fade")
    before = room.do("cuff", "records")
    expect_that("the link was lost with records left", before["delivered"] < before["stored"])
    room.do("cuff", "set", pause=0.0)
    mark = room.mark()
    room.do("cuff", "advertise", seconds=60)
    records = home.receiver.wait_for(12, TABLE)
    room.wait("cuff", "session-done", after=mark)
    room.wait("cuff", "disconnected", after=mark)
    settled(home)
    home.receiver.expect_exactly(12)
    expect("values, oldest first", pressures(records), [reading["systolic"] for reading in good])
    return {"before the loss": before["delivered"]}


@scenario("bluetooth-daemon-killed")
def killed(home):
    """hakarud is killed in the middle of a backlog: nothing is doubled, what the cuff still had arrives.

    bluetoothd confirms an indication before any client sees it, and the cuff forgets the record then.
    The last one that hakarud had not stored is still in bluetoothd's memory and has to arrive. A second
    one, confirmed before bluetoothd notices that nobody listens any more, would be lost; the figures say.
    """
    room = home.room
    good = room.do("cuff", "backlog", failed=0, good=12)
    room.do("cuff", "set", pause=0.3, idle_seconds=5.0)
    ready(home)
    room.do("cuff", "advertise", seconds=60)
    room.wait("cuff", "confirmed", count=5)
    home.gateway.daemon.kill()
    mark = room.mark()
    home.gateway.start()
    confirmed_before = {e["index"] for e in room.seen("cuff", "confirmed")}
    until("the cuff has handed over everything", lambda: handed_over(room, mark), 90)
    settled(home)
    arrived = pressures(home.receiver.records(TABLE))
    expect("records that came twice", len(home.receiver.arrivals()) - len(set(arrived)), 0)
    wanted = [reading["systolic"] for reading in good]
    missing = {wanted.index(value) for value in wanted if value not in arrived}
    expect_that("only what bluetoothd had confirmed may be missing, not %s" % sorted(missing),
                missing <= confirmed_before)
    expect_that("at most one confirmed record is lost, not %d" % len(missing), len(missing) <= 1)
    return {"killed after": len(confirmed_before), "confirmed by bluetoothd and lost": len(missing)}


def handed_over(room, mark):
    """Whether the cuff has nothing left; shows it again where it gave up with something left."""
    records = room.do("cuff", "records")
    if records["delivered"] == records["stored"]:
        return True
    last = max((e["at"] for e in room.seen("cuff", "disconnected", mark)), default=0)
    shown = max((e["at"] for e in room.seen("cuff", "advertising", mark)), default=0)
    if last > shown:
        room.do("cuff", "advertise", seconds=30)
    raise Failed(records)
