"""The six lists as people really hand them over: good ones are taken whole, bad ones leave everything as it was."""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from gateway import PROGRAMS, Gateway  # noqa: E402

HEADER = "consortium_id,participant_id,participation_start,participation_end,residence\r\n"
GOOD = HEADER + "C00001,MDM-001,2026-04-01,2027-03-31,13101\r\nC00001,MDM-002,,,\r\n"
JAPANESE = ("\u30b3\u30f3\u30bd\u30fc\u30b7\u30a2\u30e0ID,\u53c2\u52a0\u8005ID,\u53c2\u52a0\u958b\u59cb\u65e5\r\n"
            "C00001,\uff2d\uff24\uff2d\u2010\uff10\uff10\uff11,2026/4/1\r\nC00001,mdm-002,2026\u5e744\u67081\u65e5\r\n")


class Lists(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        self.gateway.configure(devices="")
        self.gateway.start_daemon()

    def command(self, *words):
        done = subprocess.run(
            [os.path.join(PROGRAMS, "hakaru"), "--socket", self.gateway.path("hakaru.sock"), *words],
            capture_output=True)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def file(self, content, name="list.csv"):
        with open(self.gateway.path(name), "wb") as f:
            f.write(content)
        return self.gateway.path(name)

    def registered(self):
        return [p["id"] for p in self.gateway.hakaru("participants", "list", lines=True)]

    def test_good_lists_are_one_list_in_every_encoding_and_form(self):
        forms = {
            "UTF-8": GOOD.encode(), "with a byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
            "Shift_JIS, Japanese header": JAPANESE.encode("cp932"),
            "UTF-8, Japanese header, mark": b"\xef\xbb\xbf" + JAPANESE.encode(),
            "lines without CR": GOOD.replace("\r\n", "\n").encode(),
            "no end of the last line": GOOD.rstrip().encode(),
            "quoted cells": GOOD.replace("MDM-001", '"MDM-001"').encode(),
            "empty lines": GOOD.replace("\r\nC00001,MDM-002", "\r\n\r\nC00001,MDM-002").encode(),
            "columns in another order": b"participant_id,consortium_id\nMDM-002,C00001\nMDM-001,C00001\n",
        }
        for name, content in forms.items():
            with self.subTest(name):
                path = self.file(content)
                self.assertEqual(self.command("lists", "check", path)[0], 0)
                code, out, err = self.command("lists", "import", path)
                self.assertEqual((code, err), (0, ""))
                self.assertEqual(sorted(set(self.registered()) - {"P0000001"}), ["MDM-001", "MDM-002"])

    def test_bad_lists_are_refused_with_row_and_column_and_change_nothing(self):
        self.assertEqual(self.command("lists", "import", self.file(GOOD.encode()))[0], 0)
        before = self.registered()
        row = "C00001,MDM-003,%s,%s,\r\n"
        bad = {
            "UTF-16": (GOOD.encode("utf-16"), ""),
            "neither UTF-8 nor Shift_JIS": (GOOD.encode() + b"C00001,MDM-\xff\xfe3,,,\r\n", ":4"),
            "a code twice": (GOOD.encode() + b"C00001,MDM-001,2026-05-01,,\r\n", "overlap"),
            "a code twice, spelled otherwise": (GOOD.encode() + b"C00001,mdm-002,,,\r\n", ":4"),
            "periods that overlap": (
                (HEADER + row % ("2026-04-01", "2026-09-30") + row % ("2026-09-30", "")).encode(),
                "overlap"),
            "an end before its start": ((HEADER + row % ("2026-04-02", "2026-04-01")).encode(), ":2"),
            "a day that does not exist": ((HEADER + row % ("2026-02-30", "")).encode(), ":2"),
            "a line break in a quoted code": (
                (HEADER + 'C00001,"MDM-\r\n003",,,\r\n').encode(), ":2"),
            "a quote that never ends": ((HEADER + 'C00001,"MDM-003,,,\r\n').encode(), ":2"),
            "too many cells": ((HEADER + "C00001,MDM-003,,,,,\r\n").encode(), ":2"),
            "no participant": ((HEADER + "C00001,,,,\r\n").encode(), "participant_id"),
            "a name": (b"consortium_id,participant_id,name\nC00001,MDM-003,X\n", "looks like a name"),
            "a telephone number": (
                "consortium_id,participant_id,\u96fb\u8a71\u756a\u53f7\nC00001,MDM-003,03\n".encode("cp932"),
                "phone"),
            "a street for a residence": (
                (HEADER + "C00001,MDM-003,,,1-2-3 Kasumigaseki\r\n").encode(), "residence"),
            "nothing": (b"", ""), "only a mark": (b"\xef\xbb\xbf", ""), "only zeros": (bytes(64), ""),
        }
        for name, (content, says) in bad.items():
            with self.subTest(name):
                path = self.file(content)
                for what in ("check", "import"):
                    code, out, err = self.command("lists", what, path)
                    self.assertEqual((code, out), (1, ""), name)
                    self.assertIn(says, err)
                self.assertEqual(self.registered(), before)

    def test_a_line_break_in_a_quoted_name_of_a_laboratory_is_part_of_it(self):
        path = self.file('consortium_id,test_lab_id,test_lab_name\r\nC00001,1,"A\r\nB, ""C"""\r\n'.encode())
        self.assertEqual(self.command("lists", "import", path)[0], 0)
        code, out, _ = self.command("lists", "export", "labs")
        self.assertEqual(code, 0)
        again = self.file(out.encode(), "again.csv")
        self.assertEqual(self.command("lists", "import", again)[0], 0)
        self.assertEqual(self.command("lists", "export", "labs")[1], out)
        self.assertIn('B, ""C""', out)

    def test_a_list_of_100000_is_taken_whole_while_the_daemon_goes_on_answering(self):
        rows = "".join("C00001,MDM-%06d,2026-04-01,2027-03-31,13101\r\n" % n for n in range(100_000))
        path = self.file((HEADER + rows).encode())
        begin = time.monotonic()
        running = subprocess.Popen(
            [os.path.join(PROGRAMS, "hakaru"), "--socket", self.gateway.path("hakaru.sock"), "lists",
             "import", path], stdout=subprocess.DEVNULL)
        slowest = 0
        while running.poll() is None:
            asked = time.monotonic()
            self.assertIsNotNone(self.gateway.hakaru("status"))
            slowest = max(slowest, time.monotonic() - asked)
        took = time.monotonic() - begin
        self.assertEqual(running.returncode, 0)
        lists = {x["list"]: x["rows"] for x in self.gateway.hakaru("lists", lines=True)}
        self.assertEqual(lists["participants"], 100_000)
        # The figure of the release build is scripts/bench lists; this one has no optimisation.
        self.assertLess(took, 60)
        self.assertLess(slowest, 20)


if __name__ == "__main__":
    unittest.main()
