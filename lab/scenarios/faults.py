"""One fault after the other, with a measurement behind each: what was measured arrives, exactly once."""
import os
import signal
import time

from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until
from scenarios.cuff import CUFF, pressures, ready, settled
from scenarios.meter import TABLE as GLUCOSE

METER, SCALE = "00:60:19:00:00:03", "C0:26:DA:00:00:02"
RECOVERED_WITHIN = 60  # seconds
NOT_PERMITTED, FIELD_IGNORED, UNLIKELY = 0x03, 0x80, 0x0E

# Frames of 2A35 that no cuff should send: cut off, too long, reserved flags, a date that cannot be, nothing.
WRONG_PRESSURES = {
    "empty": "", "one byte": "16", "cut off in the date": "167d00500066 00ea0703".replace(" ", ""),
    "reserved flags": "f67d0050006600ea070301080f1f40000000", "too long": "16" + "7d00" * 12,
    "month 13": "167d0050006600ea070d01080f1f40000000", "infinite": "16fe07fe07fe07ea070301080f1f40000000",
    "all ones": "ff" * 20}
# Frames of 2A18: the same, and a number that is no number.
WRONG_GLUCOSE = {
    "empty": "", "cut off": "0b0500ea07", "reserved flags": "ff0500ea070301080f1f000068b0f80000",
    "month 13": "0b0500ea070d01080f1f000068b0f80000"}
# Answers of the record access control point.
WRONG_ANSWERS = {"empty answer": "", "short answer": "06", "answer to another request": "06000401",
                 "unknown opcode": "ff000101", "failed": "06000105"}
CUFF_STEPS = ["connected", "pairing-request", "paired", "encrypted", "clock-read", "clock-set", "subscribed",
              "sending", "confirmed", "session-done"]
METER_STEPS = ["connected", "pairing-request", "passkey-shown", "paired", "encrypted", "subscribed", "racp",
               "record", "reported", "answering", "session-done"]
# kill -9 of the daemon; what it has sent and not yet written down it sends again, under the same key.
KILLED_AT = (None, "connected", "clock-set")
KILLS = len(KILLED_AT)
FIRST_BOND = ("pairing-request", "passkey-shown", "paired")


class Course:
    """The run: counts what was measured, injects faults, and looks whether it comes right."""

    def __init__(self, home):
        self.home, self.room = home, home.room
        self.systolic, self.weight, self.sequence = 100, 50.0, 0
        self.pressures, self.weights, self.sugars = [], [], []
        self.names, self.seconds, self.shown = [], [], []
        self.measured = 0.0

    # What people do

    def pressure(self):
        """Somebody measures with the cuff: a value that no other measurement has.

        A measurement takes longer than the seconds in which two may be dated alike while the clock is set.
        """
        time.sleep(max(0, self.measured + 5 - time.time()))
        self.measured = time.time()
        self.systolic += 1
        self.room.do("cuff", "measure", systolic=self.systolic, diastolic=60, pulse=60)
        self.pressures.append(self.systolic)

    def weigh(self):
        """Somebody weighs; the scale begins to advertise by itself."""
        self.weight = round(self.weight + 0.35, 2)
        self.room.do("scale", "weigh", kg=self.weight, seconds=30)
        self.weights.append(self.weight)

    def sugar(self, count=2):
        """Somebody measured glucose."""
        self.sugars += [entry["glucose"] for entry in self.room.do("meter", "store", count=count, minutes_apart=3)]

    # Whether it has come right

    def handed_over(self, device, mark):
        """Nothing is left in the device; shows it again where a session has ended with something left."""
        records = self.room.do(device, "records")
        if records["delivered"] >= records["stored"]:
            return True
        last = max((e["at"] for name in ("disconnected", "window-closed", "vanished")
                    for e in self.room.seen(device, name, mark)), default=0)
        begun = max((e["at"] for e in self.room.seen(device, "advertising", mark)), default=0)
        if last >= begun and not self.room.do(device, "linked"):
            self.room.do(device, "advertise", seconds=30)
        raise Failed(records)

    def sugars_arrived(self, mark):
        """All glucose values are stored; shows the meter again where it has hidden."""
        got = sum(r["kind"] == "glucose" for r in self.home.gateway.records())
        if got >= len(self.sugars):
            return True
        last = max((e["at"] for name in ("disconnected", "window-closed", "vanished")
                    for e in self.room.seen("meter", name, mark)), default=0)
        begun = max((e["at"] for e in self.room.seen("meter", "advertising", mark)), default=0)
        if last >= begun and not self.room.do("meter", "linked"):
            self.room.do("meter", "advertise", seconds=30)
        raise Failed("%d of %d; %s" % (got, len(self.sugars), self.home.gateway.device(METER).get("state")))

    def stored(self, kind, count):
        """So many records of a kind are stored."""
        got = sum(r["kind"] == kind for r in self.home.gateway.records())
        if got < count:
            raise Failed("%d of %d" % (got, count))
        return True

    def comes_right(self, name, device, mark, began, limit=RECOVERED_WITHIN):
        """Waits until the device's measurement is stored, and notes how long that took."""
        try:
            if device == "meter":
                until("%s: the meter's records are stored" % name, lambda: self.sugars_arrived(mark), limit, 0.5)
            else:
                until("%s: the %s has handed over all" % (name, device),
                      lambda: self.handed_over(device, mark), limit, 0.5)
                kind, count = (("blood-pressure", len(self.pressures)) if device == "cuff"
                               else ("weight", len(self.weights)))
                until("%s: all is stored" % name, lambda: self.stored(kind, count), 10, 0.3)
        except Failed as problem:
            raise Failed("%s (after %d faults; cuff %s; %s)" % (
                problem, len(self.names), self.home.gateway.device(CUFF).get("state"), self.home.gateway.adapter()))
        took = time.time() - began
        self.names.append(name)
        self.seconds.append((took, name))
        print("FAULT %-48s %5.1f s" % (name, took), flush=True)
        self.rest(device, mark)

    def rest(self, device, mark):
        """The device's own end of the session, so that the next fault meets a quiet room."""
        for _ in range(100):
            if not self.room.do(device, "linked"):
                break
            time.sleep(0.2)
        self.room.do(device, "advertise", on=False)

    # Faults of the devices

    def vanish(self, device, step, how="fade", after=1):
        """The device is gone at a step of the session."""
        mark = self.room.mark()
        if step in FIRST_BOND:
            self.unbond(device)
        self.room.do(device, "vanish_at", event=step, after=after, how=how)
        self.use(device)
        self.show(device)
        self.room.wait(device, "vanished", seconds=45, after=mark)
        began, mark = time.time(), self.room.mark()
        if step in FIRST_BOND:  # half a bond may be left: the owner starts anew, as the manual says
            self.unbond(device)
        self.room.wait(device, "disconnected", seconds=10, after=0)
        self.show(device)
        self.comes_right("%s vanishes (%s) at %s" % (device, how, step), device, mark, began)

    def use(self, device):
        {"cuff": self.pressure, "scale": self.weigh, "meter": self.sugar}[device]()

    def show(self, device):
        if not self.room.do(device, "linked"):
            self.room.do(device, "advertise", seconds=30)

    def unbond(self, device):
        """Both sides forget the bond."""
        address = {"cuff": CUFF, "scale": SCALE, "meter": METER}[device]
        code, output, errors = self.home.gateway.hakaru("forget", address)
        expect("hakaru forget (%s%s)" % (output, errors), code, 0)
        self.room.do(device, "forget")

    def with_setting(self, name, device, good, **settings):
        """The device behaves wrongly for one session, then as it should; its reading comes."""
        began, mark = time.time(), self.room.mark()
        self.room.do(device, "set", **settings)
        self.use(device)
        self.show(device)
        self.room.wait(device, "disconnected", seconds=50, after=mark)
        self.room.do(device, "set", **good)
        self.comes_right(name, device, mark, began)

    def wrong_pressure(self, name, value):
        """A frame that cannot be read, and a good one behind it."""
        began, mark = time.time(), self.room.mark()
        self.room.do("cuff", "store_bytes", value=value)
        self.pressure()
        self.show("cuff")
        self.comes_right("cuff sends 2A35 %s" % name, "cuff", mark, began)

    def wrong_glucose(self, name, value):
        """The same of the meter."""
        self.with_setting("meter sends 2A18 %s" % name, "meter", {"garbage": []}, garbage=[value])

    def deaf(self, device, step):
        """The device hears nothing any more from a step on: the link stands, nobody answers."""
        began, mark = time.time(), self.room.mark()
        self.use(device)
        self.show(device)
        self.room.wait(device, step, seconds=30, after=mark)
        self.room.do(device, "deaf", on=True)
        self.room.wait(device, "disconnected", seconds=50, after=mark)
        self.room.do(device, "deaf", on=False)
        self.comes_right("%s is deaf after %s" % (device, step), device, mark, began)

    # Faults of the stack

    def during(self, name, step, fault, device="cuff"):
        """Something breaks while a session is at a step (None: while nothing goes on)."""
        mark = self.room.mark()
        self.use(device)
        self.show(device)
        if step:
            self.room.wait(device, step, seconds=45, after=mark)
        began = time.time()
        fault()
        self.home.gateway.wait_for_adapter("scanning", seconds=RECOVERED_WITHIN)
        self.comes_right("%s%s" % (name, " at " + step if step else ""), device, mark, began, 90)

    def bluetoothd_killed(self):
        self.home.bluetooth.daemon.kill()
        time.sleep(1)
        self.home.bluetooth.start()

    def bluetoothd_hangs(self):
        os.kill(self.home.bluetooth.daemon.id, signal.SIGSTOP)
        time.sleep(12)
        os.kill(self.home.bluetooth.daemon.id, signal.SIGCONT)

    def adapter_pulled(self):
        self.room.do("dongle", "unplug")
        time.sleep(2)
        self.room.do("dongle", "plug")

    def discovery_stuck(self, seconds=8):
        self.room.do("dongle", "set", scan_refused=True)
        time.sleep(seconds)
        self.room.do("dongle", "set", scan_refused=False)

    def controller_silent(self, seconds=6):
        self.room.do("dongle", "set", silent=True)
        time.sleep(seconds)
        self.room.do("dongle", "set", silent=False)

    def daemon_killed(self):
        self.home.gateway.daemon.kill()
        self.home.gateway.start()

    # Faults that a person has to mend: clearly shown, then mended

    def wants_person(self, name, device, address, word, mend):
        """The state says what is wrong; after the person's deed all arrives."""
        def asks():
            state = self.home.gateway.device(address).get("state", "")
            if not state.startswith("needs-person") or word not in state:
                if not self.room.do(device, "linked"):
                    self.room.do(device, "advertise", seconds=10)
                raise Failed(state)
            return state
        mark = self.room.mark()
        self.shown.append(until("%s is shown" % name, asks, RECOVERED_WITHIN, 3))
        mend()
        began = time.time()
        self.room.do(device, "advertise", on=False)
        time.sleep(16)  # whoever mends something needs a moment; the device is silent meanwhile
        self.show(device)
        self.comes_right(name, device, mark, began)

    def bond_lost(self, device, address):
        """The device has forgotten its bond; `hakaru forget` and its next use make a new one."""
        self.room.do(device, "forget")
        self.use(device)
        self.show(device)
        self.wants_person("%s loses its bond" % device, device, address, "bond", lambda: self.unbond(device))

    def wrong_passkey(self):
        """The meter shows another number than the configuration has."""
        self.unbond("meter")
        self.room.do("meter", "set", passkey=271828)
        self.use("meter")
        self.show("meter")
        self.wants_person("wrong passkey", "meter", METER, "pairing",
                          lambda: self.room.do("meter", "set", passkey=314159))


def play(course):
    """All faults, the mild ones of the devices first."""
    for step in CUFF_STEPS:
        course.vanish("cuff", step)
    for step in ("connected", "encrypted", "clock-read", "clock-set", "subscribed", "sending", "confirmed"):
        course.vanish("cuff", step, "disconnect")
    for step in ("connected", "paired", "clock-set", "subscribed", "sending"):
        course.vanish("scale", step)
    for step in METER_STEPS:
        course.vanish("meter", step)
    for step in ("connected", "racp", "record"):
        course.vanish("meter", step, "disconnect")
    for name, value in WRONG_PRESSURES.items():
        course.wrong_pressure(name, value)
    for name, value in WRONG_GLUCOSE.items():
        course.wrong_glucose(name, value)
    for name, value in WRONG_ANSWERS.items():
        course.with_setting("meter's RACP: " + name, "meter", {"wrong_answer": ""}, wrong_answer=value)
    for name, value in (("nothing", ""), ("three bytes", "ea0703"), ("month 13", "ea070d01080f1f")):
        course.with_setting("cuff's clock gives " + name, "cuff", {"clock_value": None}, clock_value=value)
    for name, code in (("not permitted", NOT_PERMITTED), ("ignored", FIELD_IGNORED), ("unlikely", UNLIKELY)):
        course.with_setting("cuff's clock refuses: " + name, "cuff", {"clock_refuses": 0}, clock_refuses=code)
    # A reading whose clock nobody knows has the second in which it came; nobody measures twice in one.
    time.sleep(3)
    course.deaf("cuff", "encrypted")
    course.deaf("meter", "subscribed")
    for step in (None, "connected", "subscribed"):
        course.during("bluetoothd is killed", step, course.bluetoothd_killed)
    for step in (None, "connected", "subscribed"):
        course.during("the adapter is pulled and put back", step, course.adapter_pulled)
    for step in ("connected", "session-done"):
        course.during("no discovery can be started", step, course.discovery_stuck)
    for step in (None, "encrypted"):
        course.during("the controller does not answer", step, course.controller_silent)
    course.during("bluetoothd hangs", "connected", course.bluetoothd_hangs)
    for step in KILLED_AT:
        course.during("hakarud is killed", step, course.daemon_killed)
    course.bond_lost("cuff", CUFF)
    course.bond_lost("meter", METER)
    course.wrong_passkey()


def sent_again(home):
    """How many records came more than once; each of them the same and under its first key."""
    first, again = {}, 0
    for entry in home.receiver.arrivals():
        words = entry["idempotency_key"], entry["values"]
        natural = tuple(entry["values"].get(name) for name in (
            "observation_time", "systolic", "body_weight", "blood_glucose"))
        if natural in first:
            expect("key and values of what came again", words, first[natural])
            expect("the receiver's word on it", entry["verdict"], "duplicate")
            again += 1
        first.setdefault(natural, words)
    return again


@scenario("bluetooth-faults", seconds=3000)
def faults(home):
    """More than 60 faults, a measurement behind each: right within a minute or shown; none lost, none doubled."""
    room = home.room
    room.do("meter", "set", idle_seconds=3.0)
    for device in ("cuff", "scale"):
        room.do(device, "set", idle_seconds=8.0, closes_after=0.5)
    ready(home)
    course = Course(home)
    play(course)
    settled(home)
    arrived = home.receiver.records("blood_pressure")
    expect("blood pressures, each once", sorted(pressures(arrived)), sorted(course.pressures))
    expect("weights, each once", sorted(float(r["body_weight"]) for r in home.receiver.records("weighing_scale")),
           sorted(course.weights))
    expect("glucose values, each once", sorted(float(r["blood_glucose"]) for r in home.receiver.records(GLUCOSE)),
           sorted(float(value) for value in course.sugars))
    again = sent_again(home)
    expect_that("only what was killed between sending and writing down comes again, not %d" % again, again <= KILLS)
    expect_that("at least 60 faults, not %d" % len(course.names), len(course.names) >= 60)
    ordered = sorted(course.seconds)
    return {"faults": len(course.names), "lost": 0, "doubled": 0, "sent again under the same key": again, "shown to a person": len(course.shown),
            "right again after": "%.1f s (half of them), %.1f s at most (%s)" % (
                ordered[len(ordered) // 2][0], *ordered[-1])}
