"""The store from outside: copies and their way back, history for a new destination, refused records."""
import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import PROGRAMS, Gateway, read  # noqa: E402


class StoreTest(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)

    def play(self, name, count, first=tapes.START):
        self.gateway.played(self.gateway.drop(name, tapes.cuff(tapes.series(count, first=first), at=first)))

    def run_copy(self, *words):
        """Exit code, JSON of the output, JSON of the error."""
        done = subprocess.run(
            [os.path.join(PROGRAMS, "hakaru"), *words, "--state-directory", self.gateway.path("state"), "--json"],
            capture_output=True, check=False)
        return (done.returncode, json.loads(done.stdout) if done.stdout else None,
                json.loads(done.stderr)["error"] if done.stderr else None)


class Copies(StoreTest):
    def test_a_copy_is_made_while_the_daemon_works_and_brings_everything_back(self):
        self.gateway.configure([tapes.CUFF])
        self.gateway.start_daemon()
        self.play("one", 3)
        file = self.gateway.path("copy")
        code, made, _ = self.run_copy("backup", file)
        self.assertEqual(code, 0)
        self.assertEqual((made["records"], made["waiting"], made["sealed"]), (3, 3, False))
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.play("two", 2, first=tapes.START.replace(hour=12))
        # The daemon has the store: nothing is restored, and nothing is written over.
        code, _, error = self.run_copy("restore", file)
        self.assertEqual((code, error["code"]), (1, "in-use"))
        self.assertEqual(self.run_copy("backup", file)[0], 1)
        self.assertEqual(self.gateway.hakaru("status")["records"]["stored"], 5)
        self.gateway.stop_daemon()
        code, made, _ = self.run_copy("restore", file)
        self.assertEqual((code, made["records"]), (0, 3))
        self.assertTrue(os.path.exists(made["set_aside"]))
        self.gateway.start_daemon()
        self.assertEqual(self.gateway.hakaru("status")["records"]["stored"], 3)
        # The device still has what came after the copy.
        self.play("three", 2, first=tapes.START.replace(hour=12))
        self.assertEqual(self.gateway.hakaru("status")["records"]["stored"], 5)
        events = [entry["event"] for entry in self.gateway.hakaru("ledger", "list", lines=True)]
        self.assertIn("restored", events)
        self.assertTrue(self.gateway.hakaru("ledger", "verify")["whole"])

    def test_a_damaged_copy_is_refused_and_the_store_stays(self):
        self.gateway.configure([tapes.CUFF])
        self.gateway.start_daemon()
        self.play("one", 3)
        file = self.gateway.path("copy")
        self.assertEqual(self.run_copy("backup", file)[0], 0)
        self.gateway.stop_daemon()
        with open(file, "r+b") as copy:
            copy.seek(20480)
            copy.write(b"\xa5" * 4096)
        code, _, error = self.run_copy("restore", file)
        self.assertEqual(code, 1)
        self.assertIn(file, error["message"])
        self.gateway.start_daemon()
        self.assertEqual(self.gateway.hakaru("status")["records"]["stored"], 3)

    def test_without_a_store_or_a_file_a_copy_says_so(self):
        code, _, error = self.run_copy("backup", self.gateway.path("copy"))
        self.assertEqual((code, error["code"]), (1, "gone"))
        code, _, error = self.run_copy("restore", self.gateway.path("nothing"))
        self.assertEqual((code, error["code"]), (1, "gone"))
        self.assertEqual(self.run_copy("backup")[0], 2)


class History(StoreTest):
    MORE = """  - name: files
    format: meti-1.0
    directory: %s
    accept-simulated: true
    history-from: 2026-03-01
participants:"""

    def test_a_destination_that_is_added_later_gets_what_was_measured_before(self):
        self.gateway.start_receiver()
        self.gateway.configure([tapes.CUFF])
        self.gateway.start_daemon()
        self.play("before", 2, first=tapes.START.replace(month=2))
        self.play("one", 3)
        self.gateway.delivered()
        self.gateway.stop_daemon()
        folder = self.gateway.path("files")
        os.makedirs(folder)
        self.gateway.configure([tapes.CUFF], change=lambda text: text.replace(
            "participants:", self.MORE % folder).replace(
            "kinds: all }", "kinds: all }, { destination: files, kinds: all }"))
        self.gateway.start_daemon()
        self.gateway.wait("the history", lambda: self.times(folder))
        expected = [moment.strftime("%Y%m%d%H%M%S") for _, _, _, moment in tapes.series(3)]
        self.assertEqual(self.times(folder), expected)
        self.gateway.stop_daemon()
        self.gateway.start_daemon()
        self.play("two", 1, first=tapes.START.replace(hour=12))
        self.gateway.wait("the new reading", lambda: len(self.times(folder)) == 4)
        self.assertEqual(self.times(folder)[:3], expected, "nothing was sent twice")

    @staticmethod
    def times(folder):
        """Observation times of all documents in a directory."""
        found = []
        for name in os.listdir(folder):
            if not name.startswith("."):
                people = json.loads(read(os.path.join(folder, name)))["person_information"]
                found += [row["observation_time"] for person in people
                          for row in person["healthcare_information"]["blood_pressure"]]
        return sorted(found)


class Refused(StoreTest):
    def test_a_refused_record_keeps_what_was_sent_of_it_and_nobody_elses_values(self):
        self.gateway.start_receiver()
        self.gateway.configure([tapes.CUFF])
        self.gateway.control(do="misbehave", mode="reject", record=1, reason="no such person", times=1)
        self.gateway.start_daemon()
        self.play("one", 3)
        self.gateway.wait("a dead letter", lambda: self.gateway.hakaru("status")["records"]["dead_letters"] == 1)
        letter, = self.gateway.hakaru("dead-letters", "list", lines=True)
        document = json.loads(letter["document"])
        row, = document["person_information"][0]["healthcare_information"]["blood_pressure"]
        refused = tapes.series(3)[1]
        self.assertEqual(row["systolic"], refused[0])
        self.assertEqual(row["observation_time"], refused[3].strftime("%Y%m%d%H%M%S"))
        self.gateway.news()
        self.gateway.hakaru("dead-letters", "retry", "--all")
        again, = self.gateway.delivered()
        self.assertEqual(again["values"]["observation_time"], row["observation_time"], "the same natural key")

    def test_after_a_kill_the_numbers_of_the_status_are_those_of_the_rows(self):
        self.gateway.configure([tapes.CUFF])
        self.gateway.start_daemon()
        self.play("one", 7)
        self.gateway.stop_daemon(signal.SIGKILL)
        self.gateway.start_daemon()
        records = self.gateway.hakaru("status")["records"]
        self.assertEqual((records["stored"], records["waiting"]), (7, 7))
        self.assertEqual(len(self.gateway.hakaru("records", lines=True)), 7)


if __name__ == "__main__":
    unittest.main()
