"""Tapes as people drop them: several at once, half written, by a strange name, and things that are no tapes."""
import datetime
import json
import os
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import PROGRAMS, ROOT, Gateway  # noqa: E402

HOUR = datetime.timedelta(hours=1)


def tape(number, **options):
    """A session with one measurement of its own."""
    at = tapes.START + HOUR * number
    return tapes.cuff(tapes.series(1, first=at), at=at, **options)


class Directory(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        self.gateway.configure((tapes.CUFF,))

    def path(self, name):
        return self.gateway.path("tapes", name)

    def put(self, name, text):
        with open(self.path(name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def ends(self, name, how):
        self.gateway.wait("%s as %s" % (name, how), lambda: os.path.exists(self.path(name + "." + how)), 10)

    def reason(self, name):
        self.ends(name, "failed.reason")
        with open(self.path(name + ".failed.reason")) as file:
            return file.read()

    def stored(self):
        return self.gateway.hakaru("status")["records"]["stored"]

    def test_what_is_no_tape_harms_nobody_and_says_why(self):
        self.put("before.tape", tape(0))
        self.gateway.start_daemon()
        self.ends("before.tape", "played")
        os.mkfifo(self.path("pipe.tape"))
        self.assertIn("not a regular file", self.reason("pipe.tape"))
        os.symlink("/none/such", self.path("link.tape"))
        self.assertIn("No such file", self.reason("link.tape"))
        self.put("empty.tape", "")
        self.assertIn("the tape is empty", self.reason("empty.tape"))
        self.put("binary.tape", bytes(range(256)) * 10)
        self.assertIn("binary.tape:1: not JSON", self.reason("binary.tape"))
        self.put("wide.tape", tape(1).encode("utf-16"))
        self.reason("wide.tape")
        os.mkdir(self.path("folder.tape"))
        self.put("notes.txt", "no tape")
        self.put(".hidden.tape", tape(2))
        with open(os.fsencode(self.path("")) + b"\xff\xfe.tape", "w") as file:
            file.write(tape(3))
        os.mkdir(self.path("below"), 0o000)
        self.put("after.tape", tape(4))
        self.ends("after.tape", "played")
        self.assertEqual(self.stored(), 2)
        self.assertLess(self.gateway.log().count("event=tape-failed"), 20, "none is tried for ever")
        for name in ("folder.tape", "notes.txt", ".hidden.tape"):
            self.assertTrue(os.path.exists(self.path(name)), name)

    def test_a_tape_that_is_still_being_copied_is_waited_for_while_others_play(self):
        self.gateway.start_daemon()
        text = tape(0)
        with open(self.path("slow.tape"), "w") as file:
            for part in (text[:100], text[100:len(text) // 2], text[len(text) // 2:]):
                file.write(part)
                file.flush()
                other = "other-%d" % len(part)
                self.put(other + ".tape", tape(1 + len(part)))
                self.ends(other + ".tape", "played")
                self.assertTrue(os.path.exists(self.path("slow.tape")), "not taken half written")
        self.ends("slow.tape", "played")
        self.assertEqual(self.stored(), 4)

    def test_many_at_once_are_all_played_and_one_that_comes_again_brings_nothing_twice(self):
        self.gateway.start_daemon()
        texts = [tape(number) for number in range(40)]
        copies = [threading.Thread(target=self.put, args=("t%02d.tape" % n, text)) for n, text in enumerate(texts)]
        for copy in copies:
            copy.start()
        for copy in copies:
            copy.join()
        for number in range(40):
            self.ends("t%02d.tape" % number, "played")
        self.assertEqual(self.stored(), 40)
        os.unlink(self.path("t07.tape.played"))
        self.put("t07.tape", texts[7])
        self.ends("t07.tape", "played")
        self.assertEqual(self.stored(), 40)

    def test_every_way_to_write_lines_and_names_is_read(self):
        self.gateway.start_daemon()
        self.put("lines.tape", tape(0).replace("\n", "\r\n"))
        self.put("mark.tape", b"\xef\xbb\xbf" + tape(1).encode())
        self.put("no-end.tape", tape(2).rstrip("\n"))
        self.put("blank.tape", tape(3).replace("\n", "\n\n \n"))
        self.put("名前 と 空白 é.tape", tape(4))
        self.put("new\nline.tape", tape(5))
        first, rest = tape(6).split("\n", 1)
        self.put("long.tape", json.dumps({**json.loads(first), "note": "x" * 1_000_000}) + "\n" + rest)
        for name in ("lines", "mark", "no-end", "blank", "名前 と 空白 é", "new\nline", "long"):
            self.ends(name + ".tape", "played")
        self.assertEqual(self.stored(), 7)

    @unittest.skipIf(os.geteuid() == 0, "root may rename everywhere")
    def test_one_that_cannot_be_renamed_is_played_once(self):
        self.put("stays.tape", tape(0))
        os.chmod(self.path(""), 0o500)
        self.addCleanup(os.chmod, self.path(""), 0o700)
        self.gateway.start_daemon()
        self.gateway.wait("it", lambda: self.stored() == 1)
        time.sleep(0.5)
        self.assertEqual(self.gateway.log().count("tape-not-renamed"), 1)


class Replay(unittest.TestCase):
    """`hakaru replay`: which line is wrong, and what was expected."""

    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)

    def replay(self, *texts, words=()):
        names = []
        for number, text in enumerate(texts):
            names.append(self.gateway.path("%d.tape" % number))
            with open(names[-1], "w") as file:
                file.write(text)
        done = subprocess.run([os.path.join(PROGRAMS, "hakaru"), "replay", *names, *words, "--json"],
                              capture_output=True, env={**os.environ, "HAKARU_DATA_DIRECTORY": ROOT})
        message = json.loads(done.stderr)["error"]["message"] if done.stderr else None
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], message

    def test_a_line_that_is_wrong_is_named_by_its_number(self):
        good = tape(0).splitlines(True)
        moment = json.loads(good[1])["at"]

        def with_line(number, text):
            return "".join(good[:number - 1] + [text if isinstance(text, str) else json.dumps(text)] + ["\n"] + good[number:])
        wrong = [
            (1, {"tape": 2, "transport": "ble"}, "a header"), (1, {"tape": 1, "transport": "nfc"}, "transport"),
            (1, {"tape": 1, "transport": "ble", "address": "zz"}, "address"), (1, "[]", "a header"),
            (3, {"at": moment, "jumped": {}}, "jumped"), (3, {"at": moment}, "one event"),
            (3, {"at": moment, "connected": {}, "disconnected": {}}, "one event"),
            (3, {"connected": {}}, "at"), (3, {"at": "2026-03-01T08:00:00", "connected": {}}, "at"),
            (3, {"at": "2026-02-30T08:00:00Z", "connected": {}}, "at"), (3, {"at": 5, "connected": {}}, "at"),
            (3, {"at": "2020-01-01T00:00:00Z", "connected": {}}, "before"), (3, "{", "not JSON"), (3, "\x00", "not JSON"),
            (5, {"at": moment, "read": {"uuid": "2a08", "value": "e"}}, ""),
            (5, {"at": moment, "read": {"uuid": "zz", "value": "e9"}}, "")]
        for number, line, word in wrong:
            code, lines, message = self.replay(with_line(number, line))
            self.assertEqual(code, 1, (line, lines))
            self.assertIn("0.tape:%d:" % number, message, line)
            self.assertIn(word, message, line)

    def test_something_else_or_nothing_written_fails_with_what_was_expected_and_what_came(self):
        good = tape(0)
        self.assertEqual(self.replay(good)[0], 0)
        code, _, message = self.replay(good.replace('"*"', '"e9070101000000"'))
        self.assertEqual(code, 1)
        self.assertIn("e9 07 01 01 00 00 00", message)
        self.assertRegex(message, "wrote ea 07 03 01")
        line = next(line for line in good.splitlines(True) if '"write": {' in line)
        code, _, message = self.replay(good.replace(line, line + line))
        self.assertEqual(code, 1)
        self.assertIn("wrote nothing", message)

    def test_several_are_sessions_that_remember_each_other_and_one_that_is_missing_fails_the_rest(self):
        code, lines, _ = self.replay(tape(0), tape(0), tape(1))
        self.assertEqual((code, [line["outcome"] for line in lines]), (0, ["measurement", "duplicate", "measurement"]))
        self.assertEqual(lines[0]["record_key"], lines[1]["record_key"])
        code, lines, message = self.replay(tape(0), words=["/none/such.tape"])
        self.assertEqual((code, len(lines)), (1, 1))
        self.assertIn("/none/such.tape", message)

    def test_each_line_has_what_the_contract_names(self):
        _, lines, _ = self.replay(tape(0))
        self.assertLessEqual({"outcome", "kind", "values", "device_time", "user_slot", "sequence_number", "flags", "profile",
                              "observation_time", "origin_of_time_code", "data_input_code", "time_basis", "clock_offset",
                              "record_key"}, set(lines[0]))
        for zone, shown in (("Asia/Tokyo", "07:59:00+09:00"), ("UTC", "+00:00"), ("Asia/Kathmandu", "+05:45"),
                            ("America/New_York", "-05:00")):
            _, lines, _ = self.replay(tape(0), words=["--timezone", zone])
            self.assertTrue(lines[0]["observation_time"].endswith(shown), (zone, lines[0]["observation_time"]))
        for words in (["--timezone", "Mars/Olympus"], ["--tolerance", "soon"], ["--tolerance", "-1s"]):
            self.assertEqual(self.replay(tape(0), words=words)[0], 2, words)

    def test_the_tolerance_decides_between_the_devices_own_time_and_the_corrected_one(self):
        for slow, words, code in ((0, [], "0"), (1, [], "0"), (3, [], "1"), (3, ["--tolerance", "5s"], "0"), (300, ["--tolerance", "10m"], "0"),
                                  (1, ["--tolerance", "0s"], "1"), (360, [], "1")):
            _, lines, _ = self.replay(tape(0, slow=datetime.timedelta(seconds=slow)), words=words)
            expected = "2026-03-01T07:59:00+09:00" if code == "1" else (
                datetime.datetime(2026, 3, 1, 7, 59) - datetime.timedelta(seconds=slow)).isoformat() + "+09:00"
            self.assertEqual((lines[0]["origin_of_time_code"], lines[0]["time_basis"]),
                             (code, "corrected" if code == "1" else "device-clock"), (slow, words))
            self.assertLessEqual(abs((datetime.datetime.fromisoformat(lines[0]["observation_time"])
                                      - datetime.datetime.fromisoformat(expected)).total_seconds()), 1, (slow, words))


if __name__ == "__main__":
    unittest.main()
