#!/usr/bin/env python3
"""A measurement event (健康測定会) of a day, played to the real daemon: who got which value?

100 participants pass four stations, two with identical cuffs (exchanged at noon) and two more cuffs; 1,500
readings. Half of the people have cards, the others type their code; 7 % are mistyped or cards that nobody knows.
Five people measure only after the next card was read, 20 readings come an hour late, three people withdraw at
15:00, and the network is away until the evening. Every reading is compared with the person who really took it.
Then each file of the store and the log are searched byte for byte for names and card numbers. The exit code is
0 only when no reading is under a wrong person, nothing of the withdrawn was sent and nothing was found.
"""
import argparse
import datetime
import http.client
import json
import os
import random
import signal
import socket
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
if __name__ == "__main__":
    os.environ.setdefault("HAKARU_BUILD", os.path.join(ROOT, ".build/release"))
sys.path.insert(0, os.path.join(ROOT, "Tests/System"))
import tapes  # noqa: E402
from gateway import Gateway, Stuck  # noqa: E402

READINGS = (4, 4, 4, 3)  # at each station, for each person
NOON = datetime.datetime(2026, 3, 1, 12, 0, 0, tzinfo=tapes.ZONE)
SECOND = datetime.timedelta(seconds=1)
DOUBT = "the person before may have measured only now"
NOBODY = "nobody had a session at table-%d then"
# What a list might bring along, refused at its import; none of it may be left anywhere.
NAMES = ("\u5c71\u7530\u82b1\u5b50", "YAMADA Hanako")


class Socket(http.client.HTTPConnection):
    """The daemon's socket without a process for each question."""

    def __init__(self, path):
        super().__init__("hakaru")
        self.file = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.file)

    def ask(self, method, path, body=None):
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        self.request(method, path, data)
        answer = self.getresponse()
        return answer.status, json.loads(answer.read())


def mistype(code, chance):
    """A slip of one character, in a spelling that a keyboard gives."""
    place = chance.randrange(len(code) - 3, len(code))
    return code[:place] + chance.choice("XYZ") + code[place + 1:]


def spelling(code, chance):
    """The right code as somebody types it."""
    return chance.choice([code, code.lower(), code.replace("-", "\u2010"),
                          "".join(chr(ord(c) + 0xFEE0) for c in code)])


class Day:
    def __init__(self, gateway, people, seed):
        self.gateway, self.chance = gateway, random.Random(seed)
        self.people = ["EV-%03d" % (n + 1) for n in range(people)]
        self.truth = {}          # systolic, diastolic and time of a reading: who took it, and where
        self.expected = {}       # the same: the person, or why it is nobody's
        self.tapes = []          # (time, name, text)
        self.calls = []          # (time, what to ask)
        self.counts = dict.fromkeys(
            ("mistyped", "unknown cards", "unnoticed", "late people", "late readings"), 0)
        # The IDm of a card: eight bytes. Every second person has one.
        self.cards = {person: "0114" + self.chance.randbytes(6).hex().upper()
                      for person in self.people[::2]}
        self.strangers = []      # cards that nobody registered

    def cuff(self, station, moment):
        """The cuff that stands at a station then: the first two are exchanged at noon."""
        if moment >= NOON and station < 2:
            station = 1 - station
        return "A4:C1:38:00:0E:%02X" % station

    def reading(self, station, person, moment, expected, delay=0):
        number = len(self.truth)
        record = (100 + number % 60, 60 + number // 60 % 35, 60 + number % 30, moment)
        key = (moment.isoformat(), self.cuff(station, moment))
        self.truth[key], self.expected[key] = person, expected
        at = moment + SECOND * (6 + delay)
        self.tapes.append((at, "%05d-%d" % (number, station), tapes.cuff(
            [record], at=at, address=self.cuff(station, moment))))

    def begin(self, station, moment, **who):
        self.calls.append((moment, "POST", "/v1/sessions",
                           {"station": "table-%d" % station, "at": moment.isoformat(), **who}))

    def read(self, station, person, moment):
        """The right card or code."""
        if person not in self.cards:
            return self.begin(station, moment, participant=spelling(person, self.chance))
        card = self.cards[person]
        spaced = " ".join(card[n:n + 2] for n in range(0, 16, 2))
        return self.begin(station, moment,
                          card=self.chance.choice([card, card.lower(), spaced]))

    def misread(self, station, person, moment):
        """A mistyped code, or a card that nobody registered."""
        if person not in self.cards:
            self.counts["mistyped"] += 1
            return self.begin(station, moment, participant=mistype(person, self.chance))
        self.counts["unknown cards"] += 1
        self.strangers.append("0114" + self.chance.randbytes(6).hex().upper())
        return self.begin(station, moment, card=self.strangers[-1])

    def visit(self, station, index, moment, late, cut, may_delay, doubt):
        """One person at one station, from the card to the last value."""
        person, chance = self.people[index], self.chance
        wanted = person
        if chance.random() < 0.07:
            self.misread(station, person, moment)
            moment += SECOND * 4
            # Nobody noticed the refusal; who is late besides is one fault too many for one person.
            if chance.random() < 0.3 and not late and not cut:
                self.counts["unnoticed"] += 1
                wanted = None
        if wanted:
            self.read(station, person, moment)
        begun, missing = moment, False
        moment += SECOND * (8 if not late else 0)
        for number in range(READINGS[station]):
            if late:
                break
            moment += SECOND * chance.randint(38, 45)
            if abs(moment - NOON) < SECOND * 3:  # the cuffs are being carried
                moment = NOON + SECOND * 4
            what = NOBODY % station if not wanted else DOUBT if doubt else person
            delay = 3600 if (may_delay and not cut and wanted
                             and chance.random() < 20 / 1500) else 0
            self.counts["late readings"] += bool(delay)
            missing = missing or bool(delay)
            self.reading(station, person, moment, what, delay)
        return begun, wanted is not None, missing

    def plan(self):
        slot = datetime.timedelta(seconds=284)  # 100 people in eight hours
        start = NOON - slot * len(self.people) / 2
        lates = set()
        while len(lates) < 5:  # two in a row at one table would be one more fault at once
            new = (len(lates) % 4, self.chance.randrange(2, len(self.people) - 3))
            if all(new[0] != s or abs(new[1] - p) > 2 for s, p in lates):
                lates.add(new)
        for station in range(4):
            order = list(range(len(self.people)))
            order = order[station * 7:] + order[:station * 7]
            pending, missing = None, False
            for turn, index in enumerate(order):
                moment = start + slot * turn + SECOND * station
                late = (station, turn) in lates
                # A value that comes an hour late is waited for like one that was not taken yet; when it
                # has come, what was doubtful until then is the next person's after all.
                cut = pending is not None or missing
                begun, has_session, missing = self.visit(
                    station, index, moment, late, cut, (station, turn + 1) not in lates,
                    pending is not None)
                if pending:  # the person before sits down only now, in the next one's session
                    other, count = pending
                    for number in range(count):
                        self.reading(station, other, begun + SECOND * (3 + number),
                                     DOUBT if has_session else NOBODY % station)
                    pending = None
                if late:
                    self.counts["late people"] += 1
                    pending = (self.people[index], READINGS[station])
        for cuff, station in (("A4:C1:38:00:0E:00", 1), ("A4:C1:38:00:0E:01", 0)):
            self.calls.append((NOON, "POST", "/v1/stations/table-%d/devices" % station,
                               {"device": cuff, "at": NOON.isoformat()}))
        self.withdrawn = self.chance.sample(self.people, 3)
        for person in self.withdrawn:
            self.calls.append((NOON.replace(hour=15), "POST", "/v1/consents/withdraw",
                               {"participant": person, "destination": "common-db"}))

    # ------------------------------------------------------------ playing

    def register(self, ask):
        rows = ["\u53c2\u52a0\u8005ID,\u30b3\u30f3\u30bd\u30fc\u30b7\u30a2\u30e0ID,"
                "\u53c2\u52a0\u958b\u59cb\u65e5"]
        rows += ["%s,C00001,2026/2/1" % person for person in self.people]
        status, answer = ask("POST", "/v1/lists?file=event.csv",
                             ("\r\n".join(rows) + "\r\n").encode("cp932"))
        assert status == 200, answer
        named = "participant_id,consortium_id,\u6c0f\u540d\r\n" + "".join(
            "%s,C00001,%s\r\n" % (person, NAMES[n % 2]) for n, person in enumerate(self.people))
        status, answer = ask("POST", "/v1/lists?file=names.csv", named.encode("cp932"))
        assert status == 422, answer
        for person, card in self.cards.items():
            status, answer = ask("POST", "/v1/participants/%s/card" % person, {"card": card})
            assert status == 200, answer
        for person in self.people:
            status, answer = ask("POST", "/v1/consents/grant",
                                 {"participant": person, "destination": "common-db"})
            assert status == 200, answer

    def play(self, ask):
        """Cards, moves and tapes in the order of the day; tapes go in heaps between two cards."""
        events = sorted([(c[0], 0, n, c) for n, c in enumerate(self.calls)]
                        + [(t[0], 1, n, t) for n, t in enumerate(self.tapes)],
                        key=lambda e: e[:3])
        waiting, refused = [], 0
        for _, is_tape, _, event in events:
            if is_tape:
                waiting.append(self.gateway.drop(event[1], event[2]))
                continue
            self.settle(waiting)
            waiting = []
            status, answer = ask(*event[1:])
            refused += status == 404
            assert status in (200, 404), answer
        self.settle(waiting)
        return refused

    def settle(self, targets):
        for target in targets:
            end = time.monotonic() + 60
            while not os.path.exists(target + ".played"):
                if os.path.exists(target + ".failed") or time.monotonic() > end:
                    self.gateway.played(target)
                time.sleep(0.001)
            os.unlink(target + ".played")


def judge(day, gateway):
    """Every stored reading against who really took it."""
    records, after = [], 0
    while True:
        page = gateway.hakaru("records", "--after", str(after), "--limit", "1000", lines=True)
        if not page:
            break
        records, after = records + page, page[-1]["id"]
    found = {"right": 0, "wrong": 0, "unassigned": 0}
    problems, reasons = [], {}
    for record in records:
        address = record["device"].split(":", 1)[1]
        moment = datetime.datetime.fromisoformat(record["observation_time"]).isoformat()
        person, expected = day.truth.get((moment, address)), day.expected.get((moment, address))
        if person is None:
            problems.append("a reading that nobody took: %s" % moment)
        elif record["participant"] is None:
            found["unassigned"] += 1
            reason = record["participant_rule"]
            reasons[reason] = reasons.get(reason, 0) + 1
            if reason != expected:
                problems.append("%s %s: unassigned as '%s', due was '%s'" % (
                    moment, address, reason, expected))
        elif record["participant"] == person:
            found["right"] += 1
            if expected != person:
                problems.append("%s: assigned although '%s' was due" % (moment, expected))
        else:
            found["wrong"] += 1
            problems.append("%s: a WRONG PERSON has it" % moment)
    if len(records) != len(day.truth):
        problems.append("%d readings were taken, %d are stored" % (len(day.truth), len(records)))
    return records, found, reasons, problems


def traces(day, gateway):
    """Names and card numbers that stand in a file of the store or in the log, byte for byte."""
    texts = [name.encode(code) for name in NAMES for code in ("utf-8", "cp932", "utf-16-le")]
    for card in list(day.cards.values()) + day.strangers:
        spaced = " ".join(card[n:n + 2] for n in range(0, 16, 2))
        texts += [card.encode(), card.lower().encode(), spaced.encode(), bytes.fromhex(card)]
    files = [gateway.path("hakarud.out")]
    for folder, _, names in os.walk(gateway.path("state")):
        files += [os.path.join(folder, name) for name in names]
    found, size = [], 0
    for path in files:
        with open(path, "rb") as f:
            content = f.read()
        size += len(content)
        found += ["%s holds %r" % (os.path.basename(path), text) for text in texts if text in content]
    print("searched %d files, %.1f MB, for %d names and card numbers in their spellings: %d found"
          % (len(files), size / 1e6, len(texts), len(found)))
    return found


def run(people, seed, gateway):
    day = Day(gateway, people, seed)
    day.plan()
    stations = "\n".join(
        '  - { name: table-%d, devices: [ { address: "A4:C1:38:00:0E:%02X" } ], measured-by: staff,\n'
        '      expect: [%s] }' % (n, n, ", ".join(["blood-pressure"] * READINGS[n]))
        for n in range(4))
    gateway.start_receiver()
    gateway.stop_receiver()  # it is known where it will be; until the evening nobody is there
    gateway.configure(["00:00:00:00:00:01"], more="stations:\n" + stations)
    gateway.start_daemon()
    connection = Socket(gateway.path("hakaru.sock"))

    def ask(method, path, body=None):
        try:
            return connection.ask(method, path, body)
        except (http.client.HTTPException, OSError):
            connection.close()
            return connection.ask(method, path, body)

    begin = time.monotonic()
    day.register(ask)
    refused = day.play(ask)
    records, found, reasons, problems = judge(day, gateway)
    took = time.monotonic() - begin
    before = gateway.hakaru("status")["records"]
    gateway.start_receiver()
    gateway.delivered()
    connection.close()
    with open(gateway.path("received")) as f:
        lines = [json.loads(line) for line in f]
    sent = [line for line in lines if line["event"] == "record" and line["verdict"] == "accepted"]
    rejected = [line for line in lines
                if line["event"] == "record" and line["verdict"] not in ("accepted", "duplicate")]
    withdrawn = [r for r in records if r["participant"] in day.withdrawn]
    leaked = sum(line.get("person_id") in day.withdrawn for line in sent)
    due = found["right"] - len(withdrawn)
    print("participants %d, %d of them with cards, stations 4, sessions begun %d"
          % (people, len(day.cards), len(day.calls) - refused - 5))
    print("refused %d: codes mistyped %d, cards that nobody knows %d; of these unnoticed %d"
          % (refused, day.counts["mistyped"], day.counts["unknown cards"], day.counts["unnoticed"]))
    print("readings taken %d, stored %d; measured after the next card: %d people; an hour late: %d"
          % (len(day.truth), len(records), day.counts["late people"], day.counts["late readings"]))
    print("under the right person %d, under a WRONG person %d, unassigned %d"
          % (found["right"], found["wrong"], found["unassigned"]))
    for reason, count in sorted(reasons.items()):
        print("    %4d  %s" % (count, reason))
    print("waiting before the evening %d, sent %d, due %d, refused by the receiver %d"
          % (before["waiting"], len(sent), due, len(rejected)))
    print("readings of the withdrawn %d, of them sent %d" % (len(withdrawn), leaked))
    print("played in %.1f s" % took)
    if len(sent) != due:
        problems.append("%d readings were sent, %d were due" % (len(sent), due))
    if leaked:
        problems.append("%d readings of people who had withdrawn were sent" % leaked)
    if found["wrong"]:
        problems.append("%d readings are under a wrong person" % found["wrong"])
    due = day.counts["mistyped"] + day.counts["unknown cards"]
    if refused != due:
        problems.append("%d codes and cards were wrong, %d refused" % (due, refused))
    return problems + traces(day, gateway)


def play(name, run, people, well):
    """A scenario's main program: plays it, prints its problems or that all is `well`, returns the exit code."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=people)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    gateway = Gateway("hakaru-event-")
    problems = ["it did not come to its end"]
    try:
        problems = run(options.people, options.seed, gateway)
    except Stuck as stuck:
        problems = [str(stuck)]
    finally:
        codes = gateway.close()
    if any(code not in (0, -signal.SIGTERM) for code in codes):
        problems.append("exit codes %s" % codes)
    for problem in problems[:20]:
        print("%s: %s" % (name, problem), file=sys.stderr)
    if not problems:
        print(well)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(play("event-day", run, 100, "every reading is the right person's, or nobody's for the right reason"))
