"""A device in radio range that means harm: what it says reaches no terminal, no memory without end, no other device."""
import datetime
import json
import os
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import PROGRAMS, Gateway  # noqa: E402

# Clears the screen, sets the window's title, C1 control sequence, turns the text around, a line of its own, a NUL.
ATTACK = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnitaer\u2066\nfake-event key=1\r\x00\x7f"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]")
COMMANDS = [("status",), ("devices",), ("records",), ("sightings",), ("quarantine", "list"), ("ledger", "list"),
            ("dead-letters", "list"), ("profile", "list")]


def session(reads, frames, name="A&D_UA-651BLE_" + ATTACK, address=tapes.CUFF, at=tapes.START):
    """A session of a device that looks like the cuff and says whatever it likes."""
    step = datetime.timedelta(milliseconds=20)
    now = at
    lines = [{"tape": 1, "transport": "ble", "address": address, "address-type": "public", "note": "Constructed"}]

    def line(kind, value):
        nonlocal now
        lines.append({"at": now.isoformat(timespec="milliseconds"), kind: value})
        now += step
    shown = name.encode()[:200]
    line("advertisement", {"data": "020105" + "03021018" + "%02x09" % (len(shown) + 1) + shown.hex(), "rssi": -60})
    line("connected", {})
    services = [{"uuid": "1810", "characteristics": [{"uuid": "2a35", "properties": ["indicate"]},
                                                     {"uuid": "2a08", "properties": ["read", "write"]}]}]
    if reads:
        services.append({"uuid": "180a", "characteristics": [
            {"uuid": uuid, "properties": ["read"]} for uuid in reads]})
    line("services", services)
    for uuid, value in reads.items():
        line("read", {"uuid": uuid, "value": value.hex()})
    line("read", {"uuid": "2a08", "value": tapes.date_time(now)})
    line("write", {"uuid": "2a08", "value": "*"})
    for frame in frames:
        line("indicate", {"uuid": "2a35", "value": frame})
    line("disconnected", {"by": "device"})
    return "".join(json.dumps(entry) + "\n" for entry in lines)


class Hostile(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        self.gateway.start_receiver()
        self.gateway.configure((tapes.CUFF, "A4:C1:38:00:01:02"))
        self.gateway.start_daemon()

    def said(self, *words):
        done = subprocess.run([os.path.join(PROGRAMS, "hakaru"), "--socket", self.gateway.path("hakaru.sock"), *words],
                              capture_output=True)
        return (done.stdout + done.stderr).decode()

    def peak(self):
        """The most memory that the daemon has had, in MB."""
        with open("/proc/%d/status" % self.gateway.daemon.pid) as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) / 1024

    def another_cuff_is_served(self):
        at = tapes.START + datetime.timedelta(hours=2)
        self.gateway.news()
        self.gateway.played(self.gateway.drop("real", tapes.cuff(
            tapes.series(2, first=at, systolic=150), at=at, address="A4:C1:38:00:01:02")))
        self.assertEqual([line["verdict"] for line in self.gateway.delivered()], ["accepted"] * 2)

    def test_names_that_steer_a_terminal_reach_none_neither_by_command_nor_by_log(self):
        reads = {uuid: ATTACK.encode() for uuid in ("2a29", "2a24", "2a25", "2a26")}
        frames = [tapes.pressure(120, 80, 60, tapes.START)]
        target = self.gateway.drop("attack", session(reads, frames))
        self.gateway.wait("its end", lambda: any(
            os.path.exists(target + end) for end in (".played", ".failed")))
        self.assertIn("[2J", json.dumps(self.gateway.hakaru("devices", lines=True)), "the name was taken")
        for words in COMMANDS + [("devices", "show", tapes.CUFF)]:
            self.assertIsNone(STEERING.search(self.said(*words)), words)
            shown = self.said(*words, "--json")
            self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", shown), words)
        log = self.gateway.log()
        self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u202e\u2066]", log))
        self.assertNotRegex(log, r"(?m)^(<\d>)?fake-event")
        self.another_cuff_is_served()

    def test_strings_without_end_are_cut_and_bytes_that_are_no_text_are_no_crash(self):
        reads = {"2a29": b"\xff\xfe" * 250, "2a24": b"A" * 512, "2a25": b"\xc3" * 512}
        target = self.gateway.drop("long", session(reads, [tapes.pressure(120, 80, 60, tapes.START)], name="x" * 29))
        self.gateway.wait("its end", lambda: any(os.path.exists(target + end) for end in (".played", ".failed")))
        self.another_cuff_is_served()

    def test_frames_of_every_wrong_length_are_counted_and_give_no_number(self):
        good = tapes.pressure(120, 80, 60, tapes.START)
        frames = [good[:2 * size] for size in range(0, len(good) // 2)] + [good + "00" * n for n in (1, 5, 200, 490)]
        target = self.gateway.drop("lengths", session({}, frames, name="A&D_UA-651BLE_0A1B2C"))
        self.gateway.wait("its end", lambda: any(os.path.exists(target + end) for end in (".played", ".failed")))
        for record in self.gateway.hakaru("records", lines=True):
            self.assertEqual(record["values"]["systolic"]["value"], 120)
        self.another_cuff_is_served()

    def test_a_flood_of_records_is_stored_in_bounded_memory_while_another_device_is_served(self):
        """Each record of its own; 65,536 in the lab, as many as a quick test has time for here."""
        count = int(os.environ.get("HAKARU_FLOOD", "3000"))
        minute = datetime.timedelta(minutes=1)
        frames = [tapes.pressure(90 + n % 100, 60 + n % 40, 50 + n % 60, tapes.START - minute * (n % 40000))
                  for n in range(count)]
        before, began = self.peak(), time.monotonic()
        text = session({}, frames, name="A&D_UA-651BLE_0A1B2C")
        target = self.gateway.drop("flood", text)
        self.gateway.wait("its end", lambda: any(
            os.path.exists(target + end) for end in (".played", ".failed")), seconds=900)
        self.gateway.wait("storing", lambda: self.gateway.hakaru("status")["records"]["stored"] > count // 2)
        seconds, grown = time.monotonic() - began, self.peak() - before
        print("%d records in %.1f s, peak memory +%.0f MB, tape %.0f MB" % (
            count, seconds, grown, len(text) / 1e6), file=sys.stderr)
        self.assertLess(grown, 64 + 4 * len(text) / 1e6)
        self.gateway.wait("delivery", lambda: not self.gateway.hakaru("status")["records"]["waiting"], seconds=900)
        self.another_cuff_is_served()


if __name__ == "__main__":
    unittest.main()
