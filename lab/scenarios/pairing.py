"""Pairing as a person does it, bonds that no longer fit, and a session recorded as a tape."""
import datetime
import json
import os

from framework.gateway import DEVICES
from framework.registry import scenario
from framework.terminal import Terminal
from framework.waiting import Failed, expect, expect_that, until
from scenarios.cuff import CUFF, TABLE, moment, pressures, ready, settled

METER = "00:60:19:00:00:03"


def shown(room, device, seconds=60):
    """The device is switched on and shows itself."""
    mark = room.mark()
    room.do(device, "advertise", seconds=seconds)
    return mark


@scenario("bluetooth-pair", seconds=300)
def pair(home):
    """`hakaru pair`: a wrong number, the right one, the proof by a reconnect; a bond that is lost is repaired.

    The meter's number stands nowhere in the configuration: it is typed when the meter shows it. The bond
    is replaced only after somebody has said yes, and `hakaru forget` removes it.
    """
    room = home.room
    home.gateway.set_devices([{k: v for k, v in d.items() if k != "passkey"} for d in DEVICES])
    room.do("meter", "set", idle_seconds=4.0)
    room.do("meter", "store", count=3)
    ready(home)

    called_off(home)
    wrong = Terminal(*home.gateway.typed("pair", METER))
    wrong.wait_for("Put the device into pairing mode")
    shown(room, "meter")
    wrong.wait_for("Number")
    wrong.type("271828")
    expect_that("a wrong number is no pairing", wrong.end() != 0)
    expect("bonded after the wrong number", home.gateway.device(METER).get("bonded", False), False)

    right = Terminal(*home.gateway.typed("pair", METER))
    right.wait_for("Put the device into pairing mode")
    room.wait("meter", "window-closed", seconds=70) if not room.seen("meter", "disconnected") else None
    mark = shown(room, "meter")
    right.wait_for("Number")
    right.type("%06d" % int(room.wait("meter", "passkey-shown", after=mark)["passkey"]))
    right.wait_for("Now the proof")
    room.wait("meter", "disconnected", after=mark)
    shown(room, "meter")
    right.wait_for("Paired:")
    expect("exit status", right.end(), 0)
    home.receiver.wait_for(3, "blood_glucose")
    expect_that("the bond is authenticated", room.seen("meter", "paired")[-1]["authenticated"])
    repaired(home)
    code, output, _ = home.gateway.hakaru("forget", METER)
    expect("forget", (code, "is removed" in output), (0, True))
    expect("bonded after forget", home.gateway.device(METER).get("bonded"), False)
    return {"pairings": len(room.seen("meter", "paired"))}


def called_off(home):
    """Ctrl-C while the number is asked for: the meter is left, nothing is bonded, the next pairing may begin."""
    room = home.room
    left = Terminal(*home.gateway.typed("pair", METER))
    left.wait_for("Put the device into pairing mode")
    mark = shown(room, "meter")
    left.wait_for("Number")
    left.interrupt()
    expect("exit status after Ctrl-C", left.end(10), 1)
    room.wait("meter", "disconnected", seconds=15, after=mark)
    expect("the pairing's state", home.gateway.ask("pairing")["pairing"]["state"], "cancelled")
    expect("bonded after Ctrl-C", home.gateway.device(METER).get("bonded", False), False)


def repaired(home):
    """The meter forgets its bond: nothing is thrown away without a yes; with it, all is well again."""
    room = home.room
    room.do("meter", "forget")
    room.do("meter", "store", count=1)

    def asks():
        mark = shown(room, "meter", 10)
        room.wait("meter", "disconnected", after=mark)
        state = home.gateway.device(METER).get("state", "")
        if "bond" not in state:
            raise Failed(state)
        return state
    until("the state asks for a person", asks, 90)
    code, _, errors = home.gateway.hakaru("pair", METER, "--json")
    expect("pairing anew without a yes", (code != 0, json.loads(errors)["error"]["code"]), (True, "stale-bond"))
    expect("still bonded", home.gateway.device(METER).get("bonded"), True)
    number = "%06d" % room.do("meter", "passkey")
    again = Terminal(*home.gateway.typed("pair", METER, "--passkey", number))
    again.wait_for("[y/N]")
    again.type("y")
    again.wait_for("Put the device into pairing mode")
    mark = shown(room, "meter")
    again.wait_for("Now the proof")
    room.wait("meter", "disconnected", after=mark)
    shown(room, "meter")
    expect("exit status", again.end(), 0)
    home.receiver.wait_for(4, "blood_glucose")
    settled(home)
    home.receiver.expect_exactly(4)


@scenario("bluetooth-capture", seconds=240)
def capture(home):
    """`hakaru capture` records a session as a tape, and `hakaru replay` plays it to the same records.

    The cuff's clock is six minutes slow and set in the session; of what the gateway wrote nothing is in the
    tape. The file is for its owner alone.
    """
    room = home.room
    room.do("cuff", "set", clock_offset=-360)
    good = room.do("cuff", "backlog", failed=4, good=3)
    ready(home)
    tape = os.path.join(home.folder, "session.tape")
    recording = Terminal(*home.gateway.typed("capture", CUFF, "-o", tape))
    recording.wait_for("listening")
    room.do("cuff", "advertise", seconds=60)
    expect("exit status", recording.end(90), 0)
    records = home.receiver.wait_for(3, TABLE)
    settled(home)
    expect("systolic values", pressures(records), [reading["systolic"] for reading in good])
    expect("the tape's mode", oct(os.stat(tape).st_mode & 0o777), "0o600")
    with open(tape) as file:
        lines = [json.loads(line) for line in file]
    writes = [line["write"]["value"] for line in lines if "write" in line]
    expect("what the gateway wrote is left out", [value for value in writes if value != "*"], [])
    code, output, errors = home.gateway.hakaru("replay", tape, "--timezone", "Asia/Tokyo", "--json")
    expect("replay's exit status (%s)" % errors, code, 0)
    played = [json.loads(line) for line in output.splitlines()]
    expect("records of the tape", measured(played), stored(home))
    expect("failed measurements of the tape",
           sum(entry.get("outcome") == "failed-measurement" for entry in played), 4)
    shift = (moment(records[0]) - datetime.datetime.fromisoformat(good[0]["device_time"])).total_seconds()
    return {"lines": len(lines), "shifted": "%+g s" % shift}


def values(entry):
    """Numbers by name, as text: every digit counts."""
    return {name: "%s %s" % (value["value"], value["unit"]) for name, value in entry["values"].items()}


def stored(home):
    """What the gateway has stored: moments to the second, as people read them, values, codes, keys."""
    return sorted(([r["observation_time"][:19], r["origin_of_time_code"], r["time_basis"], values(r), r["key"]]
                   for r in home.gateway.records()), key=lambda entry: entry[0])


def measured(played):
    """The same of what the tape gives."""
    return sorted(([r["observation_time"][:19], r["origin_of_time_code"], r["time_basis"], values(r), r["record_key"]]
                   for r in played if r.get("outcome") == "measurement"), key=lambda entry: entry[0])
