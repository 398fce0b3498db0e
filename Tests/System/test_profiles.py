"""Profiles as the running gateway meets them: own ones, changed ones, broken ones."""
import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from gateway import PROGRAMS, ROOT, Gateway  # noqa: E402

PROFILE = """\
profile: 1
id: %(id)s
revision: 1
title: A scale of this test
class: scale
manufacturer-code: Example
models: [ { name: Model %(id)s } ]
transport: ble-gatt
confidence: inferred
match: [ { name-prefix: "Name-%(id)s" } ]
session: { bond: none, steps: [ { subscribe: fff1 } ] }
layouts:
  - source: gatt:fff1
    fields: { kind: weight, length: 2, values: [ { name: weight, at: 0, type: u16be, units: [ { unit: kg, scale: 0.01 } ] } ] }
time: { clock: none, readings: live }
"""


def weighing(name, grams_times_100, hour):
    """A session of the scale that calls itself so."""
    data = "020106" + bytes([len(name) + 1, 9]).hex() + name.encode().hex()
    at = "2026-03-01T%02d:00:0%%d+09:00" % hour
    lines = [{"tape": 1, "transport": "ble", "address": "A4:C1:38:00:00:77"},
             {"at": at % 0, "advertisement": {"data": data}}, {"at": at % 1, "connected": {}},
             {"at": at % 2, "notify": {"uuid": "fff1", "value": "%04x" % grams_times_100}},
             {"at": at % 3, "disconnected": {"by": "device"}}]
    return "".join(json.dumps(line) + "\n" for line in lines)


class ProfileTest(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        self.own = self.gateway.path("own")
        os.environ["HAKARU_OWN_PROFILES"] = self.own
        self.addCleanup(os.environ.pop, "HAKARU_OWN_PROFILES")
        self.shipped = len([n for n in os.listdir(os.path.join(ROOT, "device-profiles"))
                            if n.endswith(".yaml")])

    def write(self, name, text):
        """Puts a profile into the own directory, whole at once."""
        with open(os.path.join(self.own, name + ".new"), "w") as f:
            f.write(text)
        os.rename(os.path.join(self.own, name + ".new"), os.path.join(self.own, name))

    def up(self):
        self.gateway.configure(["A4:C1:38:00:00:77"])
        self.gateway.start_daemon()
        self.loaded(self.shipped)

    def profiles(self):
        return self.gateway.hakaru("status")["profiles"]

    def loaded(self, count):
        self.gateway.wait("%d profiles" % count, lambda: self.profiles()["loaded"] == count)

    def stored(self, count):
        self.gateway.wait("%d records" % count,
                          lambda: self.gateway.hakaru("status")["records"]["stored"] == count)


class Changes(ProfileTest):
    def test_a_new_file_is_in_use_at_once_and_a_broken_edit_leaves_the_old_one_in_force(self):
        os.makedirs(self.own)
        self.up()
        target = self.gateway.drop("before", weighing("Name-mine", 7000, 7))
        self.gateway.wait("the refusal", lambda: os.path.exists(target + ".failed"))
        self.write("mine.yaml", PROFILE % {"id": "mine"})
        self.loaded(self.shipped + 1)
        self.gateway.played(self.gateway.drop("first", weighing("Name-mine", 7010, 8)))
        self.stored(1)
        self.write("mine.yaml", (PROFILE % {"id": "mine"}).replace("class: scale", "class: scalle"))
        self.gateway.wait("the problem", lambda: self.profiles()["problems"])
        self.assertEqual(self.profiles()["loaded"], self.shipped + 1)
        self.assertIn("mine.yaml:5:8: class: ", json.dumps(self.profiles()["problems"]))
        self.gateway.played(self.gateway.drop("second", weighing("Name-mine", 7020, 9)))
        self.stored(2)
        self.write("mine.yaml", PROFILE % {"id": "mine"})
        self.gateway.wait("the repair", lambda: not self.profiles()["problems"])
        os.unlink(os.path.join(self.own, "mine.yaml"))
        self.loaded(self.shipped)

    def test_a_corrected_profile_decodes_what_waits_again_under_the_same_key(self):
        narrow = PROFILE.replace("time: {", "plausible: { weight: { unit: kg, minimum: 2, maximum: 60 } }\ntime: {")
        os.mkdir(self.own)
        self.up()
        self.write("scale.yaml", narrow % {"id": "retried"})
        self.loaded(self.shipped + 1)
        self.gateway.played(self.gateway.drop("heavy", weighing("Name-retried", 7050, 8)))
        self.gateway.wait("quarantine", lambda: self.gateway.hakaru("status")["records"]["quarantined"] == 1)
        waiting, = self.gateway.hakaru("quarantine", "list", lines=True)
        self.assertEqual(waiting["reason"], "implausible")
        self.assertEqual(self.gateway.hakaru("quarantine", "retry", "--all"), {"released": 0, "left": 1})
        self.write("scale.yaml", (PROFILE % {"id": "retried"}).replace("revision: 1", "revision: 2"))
        self.gateway.wait("the new profile", lambda: self.gateway.hakaru(
            "quarantine", "retry", "--all")["released"] == 1)
        record, = self.gateway.hakaru("records", lines=True)
        self.assertEqual(record["key"], waiting["key"])
        self.assertEqual(record["profile_revision"], 2)
        self.assertEqual(record["values"]["weight"]["value"], 70.5)
        self.assertEqual((record["time_basis"], record["clock_offset"]), ("received", None))
        self.assertGreaterEqual(record["uncertainty"], 0)
        self.assertEqual(self.gateway.hakaru("status")["records"]["quarantined"], 0)

    def test_sighup_reads_the_files_again_and_keeps_the_old_profile_of_a_bad_one(self):
        """The directory comes after the start, so that nothing but the signal can tell of it."""
        self.up()
        os.makedirs(self.own)
        self.write("mine.yaml", PROFILE % {"id": "mine"})
        self.assertEqual(self.profiles()["loaded"], self.shipped)
        self.gateway.daemon.send_signal(signal.SIGHUP)
        self.loaded(self.shipped + 1)
        self.write("mine.yaml", "profile: [")
        self.gateway.daemon.send_signal(signal.SIGHUP)
        self.gateway.wait("the problem", lambda: self.profiles()["problems"])
        self.assertEqual(self.profiles()["loaded"], self.shipped + 1)
        self.gateway.played(self.gateway.drop("tape", weighing("Name-mine", 7010, 8)))
        self.stored(1)

    def test_an_own_profile_takes_the_place_of_the_shipped_one_of_its_id(self):
        os.makedirs(self.own)
        self.write("mine.yaml", PROFILE % {"id": "and-uc-352ble"})
        self.up()
        self.gateway.played(
            self.gateway.drop("tape", weighing("Name-and-uc-352ble", 7010, 8)))
        self.stored(1)
        listed = [p for p in self.gateway.hakaru("profile", "list", lines=True)
                  if p["id"] == "and-uc-352ble"]
        self.assertEqual([(p["origin"], p["overrides_shipped"]) for p in listed], [("own", True)])


class Broken(ProfileTest):
    def test_a_broken_directory_is_named_file_by_file_and_all_others_are_loaded(self):
        os.makedirs(self.own)
        good = PROFILE % {"id": "good"}
        self.write("a-good.yaml", good)
        self.write("b-yaml.yaml", "profile: 1\nid: [\n")
        self.write("c-type.yaml", (PROFILE % {"id": "c"}).replace("revision: 1", "revision: one"))
        self.write("d-twice.yaml", "# again\n" + good)
        self.write("e-offset.yaml", (PROFILE % {"id": "e"}).replace("at: 0", "at: 9"))
        os.symlink("/nowhere/at/all", os.path.join(self.own, "f-gone.yaml"))
        expected = ["b-yaml.yaml:3:1: ", "c-type.yaml:3:11: revision: ", "d-twice.yaml:3:5: id: ",
                    "e-offset.yaml:14:70: ", "f-gone.yaml:1:1: cannot be read"]
        self.gateway.configure(["A4:C1:38:00:00:77"])
        self.gateway.start_daemon()
        self.loaded(self.shipped + 1)
        self.gateway.played(self.gateway.drop("tape", weighing("Name-good", 7010, 8)))
        self.stored(1)
        check = subprocess.run([os.path.join(PROGRAMS, "hakarud"), "--check-config", "--config",
                                self.gateway.path("hakaru.yaml")], capture_output=True, text=True,
                               env={**os.environ, "HAKARU_DATA_DIRECTORY": ROOT}, timeout=20)
        listed = subprocess.run([os.path.join(PROGRAMS, "hakaru"), "profile", "list"],
                                capture_output=True, text=True, timeout=20)
        self.assertEqual((check.returncode, listed.returncode), (1, 1))
        places = {"the log": self.gateway.log(), "the status": json.dumps(self.profiles()),
                  "the check": check.stdout + check.stderr, "the list": listed.stderr}
        for where, text in places.items():
            for place in expected:
                self.assertIn(place, text, where)
        self.assertIn("good ", listed.stdout)
        self.assertEqual(len(listed.stdout.splitlines()), self.shipped + 2)


if __name__ == "__main__":
    unittest.main()
