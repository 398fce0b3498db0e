#!/usr/bin/env python3
"""A measurement event in real time, with readers at its stations: whose value is it when people scan cards?

Four stations, each with a cuff and a scanner on a serial line (a pseudo-terminal). Half of the people scan their
participant code, half a card that was registered. Some cards are nobody's, some codes are read in halves, and some
people measure only after the next card was read. Every stored value is compared with the person who took it, and
store and log are searched for card numbers. The exit code is 0 only when no value is under a wrong person.
"""
import datetime
import os
import pty
import random
import sys
import time
import tty

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
if __name__ == "__main__":
    os.environ.setdefault("HAKARU_BUILD", os.path.join(ROOT, ".build/release"))
sys.path.insert(0, os.path.join(ROOT, "Tests/System"))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from event_day import DOUBT, NOBODY, Socket, play  # noqa: E402
from gateway import Stuck  # noqa: E402

STATIONS, READINGS = 4, 2
STEP = 3.0  # seconds between a card and a value, and between two values


class Scanner:
    """A scanner on a line: the daemon opens the other end."""

    def __init__(self):
        self.own, self.other = pty.openpty()
        tty.setraw(self.other)
        self.node = os.ttyname(self.other)

    def scan(self, text, end="\r\n"):
        os.write(self.own, (text + end).encode())


class Event:
    def __init__(self, people, seed):
        self.chance = random.Random(seed)
        self.people = ["EV-%03d" % (n + 1) for n in range(people)]
        self.cards = {code: "%016X" % self.chance.getrandbits(64) for code in self.people[::2]}
        self.scanners = [Scanner() for _ in range(STATIONS)]
        self.truth = {}  # time and device of a value: who took it, and what must stand in its record
        self.steps = []  # (second, station, what, …)
        self.counts = dict.fromkeys(("cards", "codes", "unknown", "halves", "late"), 0)

    def cuff(self, station):
        return "A4:C1:38:00:0F:%02X" % station

    def plan(self):
        """Each station's visits one after the other; the stations run side by side."""
        for station in range(STATIONS):
            second, pending = 1.0 + station * 0.4, None
            order = self.people[station * 3:] + self.people[:station * 3]
            late = set(self.chance.sample(range(2, len(order) - 3, 4), 1)) if len(order) > 7 else set()
            for turn, code in enumerate(order):
                known, fault = True, self.chance.random()
                if turn in late or pending:
                    fault = 1
                if fault < 0.07:
                    self.steps.append((second, station, "scan", "%016X" % self.chance.getrandbits(64), "\r\n"))
                    self.counts["unknown"] += 1
                    known = self.chance.random() < 0.5  # noticed: the right card follows
                    second += 1.5
                elif fault < 0.12:
                    self.steps.append((second, station, "scan", code[:-1], ""))
                    self.counts["halves"] += 1
                    second += 1.5
                if known:
                    card = self.cards.get(code)
                    self.counts["cards" if card else "codes"] += 1
                    self.steps.append((second, station, "scan", card or code, "\r\n"))
                if turn in late:
                    self.counts["late"] += 1
                    pending, second = code, second + STEP
                    continue
                takers = ([pending] * READINGS if pending else []) + [code] * READINGS
                for taker in takers:
                    second += STEP
                    self.steps.append((second, station, "measure", taker,
                                       DOUBT if pending else code if known else NOBODY % station))
                pending, second = None, second + STEP
        self.steps.sort(key=lambda step: step[:2])

    def measure(self, gateway, number, station, taker, expected):
        now = datetime.datetime.now(tapes.ZONE)
        moment = now.replace(microsecond=0)
        self.truth[(moment.isoformat(), self.cuff(station))] = (taker, expected)
        gateway.drop("%05d" % number, tapes.cuff(
            [(100 + number % 60, 60 + number // 60 % 35, 70, moment)], at=now, address=self.cuff(station)))

    def play(self, gateway):
        begin = time.monotonic()
        for number, (second, station, what, *rest) in enumerate(self.steps):
            time.sleep(max(0, begin + second - time.monotonic()))
            if what == "scan":
                self.scanners[station].scan(*rest)
            else:
                self.measure(gateway, number, station, *rest)
        return time.monotonic() - begin


def configuration(event):
    lines = ["stations:"]
    for number, scanner in enumerate(event.scanners):
        lines.append(
            '  - { name: table-%d, devices: [ { address: "%s" } ], expect: [%s],\n'
            '      readers: [ { kind: serial, port: %s } ] }' % (
                number, event.cuff(number), ", ".join(["blood-pressure"] * READINGS), scanner.node))
    return "\n".join(lines)


def register(event, gateway):
    connection = Socket(gateway.path("hakaru.sock"))
    rows = "consortium_id,participant_id\n" + "".join("C00001,%s\n" % code for code in event.people)
    for method, path, body in [("POST", "/v1/lists?file=event.csv", rows.encode())] + [
            ("POST", "/v1/participants/%s/card" % code, {"card": card}) for code, card in event.cards.items()]:
        status, answer = connection.ask(method, path, body)
        assert status == 200, answer
    connection.close()


def judge(event, records):
    found = {"right": 0, "wrong": 0, "unassigned": 0}
    problems = []
    for record in records:
        moment = datetime.datetime.fromisoformat(record["observation_time"]).isoformat()
        taker, expected = event.truth.get((moment, record["device"].split(":", 1)[1]), (None, None))
        person, rule = record["participant"], record["participant_rule"]
        if taker is None:
            problems.append("a value that nobody took: %s" % moment)
        elif person is None:
            found["unassigned"] += 1
            if rule != expected:
                problems.append("%s: unassigned as '%s', due was '%s'" % (moment, rule, expected))
        elif person == taker:
            found["right"] += 1
            if expected != taker:
                problems.append("%s: assigned although '%s' was due" % (moment, expected))
        else:
            found["wrong"] += 1
            problems.append("%s: a WRONG PERSON has it" % moment)
    if len(records) != len(event.truth):
        problems.append("%d values were taken, %d are stored" % (len(event.truth), len(records)))
    return found, problems


def traces(event, gateway):
    """Files of store and log in which a card's number stands."""
    numbers = list(event.cards.values()) + [step[3] for step in event.steps if step[2] == "scan" and len(step[3]) == 16]
    forms = [form for number in numbers for form in (number.encode(), number.lower().encode(), bytes.fromhex(number))]
    paths = [os.path.join(gateway.path("state"), name) for name in os.listdir(gateway.path("state"))]
    found = []
    for path in [path for path in paths if os.path.isfile(path)] + [gateway.path("hakarud.out")]:
        with open(path, "rb") as file:
            data = file.read()
        found += [path] if any(form in data for form in forms) else []
    return found


def run(people, seed, gateway):
    event = Event(people, seed)
    event.plan()
    gateway.configure(["00:00:00:00:00:01"], more=configuration(event))
    gateway.start_daemon("--log-level", "debug")
    gateway.wait("the readers", lambda: all(
        reader["state"] == "ready" for reader in gateway.hakaru("station", "readers", lines=True)))
    register(event, gateway)
    took = event.play(gateway)
    gateway.wait("the last value", lambda: gateway.hakaru("status")["records"]["stored"] >= len(event.truth))
    records = gateway.hakaru("records", "--limit", "10000", lines=True)
    found, problems = judge(event, records)
    readers = gateway.hakaru("station", "readers", lines=True)
    reads, refused = (sum(reader[name] for reader in readers) for name in ("reads", "refused"))
    counts = event.counts
    print("participants %d, stations %d, each with a scanner: %d codes and %d cards read; %d cards of nobody, %d halves"
          % (people, STATIONS, counts["codes"], counts["cards"], counts["unknown"], counts["halves"]))
    print("reads %d, refused %d, sessions begun %d; measured after the next card: %d people"
          % (reads, refused, reads - refused, counts["late"]))
    print("values taken %d, stored %d: under the right person %d, under a WRONG person %d, unassigned %d"
          % (len(event.truth), len(records), found["right"], found["wrong"], found["unassigned"]))
    left = traces(event, gateway)
    print("files of store and log with a card's number: %d; played in %.0f s" % (len(left), took))
    if refused != counts["unknown"] + counts["halves"] or reads - refused != counts["codes"] + counts["cards"]:
        problems.append("reads and refusals are not those of the plan")
    return problems + ["a card's number stands in " + path for path in left]


if __name__ == "__main__":
    sys.exit(play("event-readers", run, 24, "every value is the right person's, or nobody's for the right reason"))
