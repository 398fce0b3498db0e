"""Values that people type, correct and take back, and what a person may know of them.

What fails here reaches a receiver wrong, twice, or after it was taken back.
"""
import csv
import datetime
import io
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import PROGRAMS, ROOT, Gateway, read  # noqa: E402

sys.path.insert(0, os.path.join(ROOT, "Tests/Receiver"))
from rules import Rules  # noqa: E402

AT = "2026-03-01T07:00:00"
LISTS = """\
labs:
  - { consortium_id: C00001, test_lab_id: "000000000001", test_lab_name: "\u4e2d\u592e\u691c\u67fb" }
hba1c-methods:
  - { measurement_method_code: "000001", method_name: "\u514d\u75ab\u5b66\u7684\u65b9\u6cd5" }
"""


class Records(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)

    def up(self, receiver=True, **configuration):
        if receiver:
            self.gateway.start_receiver()
        self.gateway.configure((tapes.CUFF,), **configuration)
        self.gateway.start_daemon()

    def command(self, *words):
        done = subprocess.run(
            [os.path.join(PROGRAMS, "hakaru"), "--socket", self.gateway.path("hakaru.sock"), *words],
            capture_output=True)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def add(self, *values):
        code, out, err = self.command("record", "add", "P0000001", *values, "--json")
        self.assertEqual((code, err), (0, ""))
        return json.loads(out)["record"]

    def refused(self, *values):
        code, _, err = self.command("record", "add", "P0000001", *values, "--json")
        self.assertEqual(code, 1, err)
        return json.loads(err)["error"]["code"]

    def measure(self):
        moment = tapes.START
        self.gateway.played(self.gateway.drop("cuff", tapes.cuff(
            [(125, 80, 64, moment)], at=moment + datetime.timedelta(seconds=6))))
        return self.gateway.hakaru("records", lines=True)[-1]

    def one(self):
        lines = self.gateway.delivered()
        self.assertEqual([line["verdict"] for line in lines], ["accepted"], lines)
        return lines[0]["table"], lines[0]["values"]

    # ---------------------------------------------------------------- typed

    def test_each_typed_value_goes_into_its_table_with_code_1(self):
        self.up()
        path = self.gateway.path("lists.yaml")
        with open(path, "w") as f:
            f.write(LISTS)
        self.assertEqual(self.command("lists", "import", path)[0], 0)
        wanted = [
            (("weight=72.50",), "healthcare_information.weighing_scale", {"body_weight": "72.50"}),
            (("weight=160lb", "body_fat=23.4"), "healthcare_information.weighing_scale",
             {"body_weight": "72.57", "body_fat": "23.4"}),
            (("systolic=125", "diastolic=80", "pulse=64"), "healthcare_information.blood_pressure",
             {"systolic": "125", "pulse_rate": "64"}),
            (("systolic=131", "diastolic=84", "--setting", "checkup", "--lab", "000000000001",
              "--measured-by", "medical-professional"),
             "health_checkup_information.blood_pressure",
             {"systolic": "131", "test_lab_id": "000000000001"}),
            (("hba1c=6.5", "--lab", "000000000001", "--method", "000001"),
             "health_checkup_information.hba1c",
             {"hba1c_value": "6.5", "measurement_method_code": "000001",
              "test_lab_id": "000000000001"}),
            (("glucose=5.4mmol/L",), "healthcare_information.blood_glucose",
             {"blood_glucose": "97.3"}),
            (("steps=8000", "total_active_duration=1440", "calories=310.5"),
             "healthcare_information.activity_monitor",
             {"step": "8000", "total_active_duration": "1440", "calories": "310.5"}),
        ]
        for number, (values, table, columns) in enumerate(wanted):
            record = self.add(*values, "--at", "2026-03-01T07:%02d" % number)
            self.assertEqual((record["data_input_code"], record["origin_of_time_code"],
                              record["time_basis"]), ("1", "1", "person"))
            found, sent = self.one()
            self.assertEqual(found, table)
            self.assertEqual(sent["data_input_code"], "1")
            self.assertEqual(sent["observation_time"], "2026030107%02d00" % number)
            self.assertEqual({name: str(sent[name]) for name in columns}, columns)
            if "production_specification_serial" in sent:
                self.assertEqual(sent["production_specification_serial"], "C00001system-test")
                self.assertTrue(sent["model_number"].startswith("hakaru "))
        clinic = self.gateway.hakaru("records", lines=True)[3]
        self.assertEqual((clinic["setting"], clinic["measured_by"], clinic["sensitivity"],
                          clinic["medical_device"]),
                         ("checkup", "medical-professional", "sensitive", False))
        self.assertEqual(self.gateway.hakaru("devices", lines=True), [])

    def test_slips_of_the_finger_are_asked_about_or_refused(self):
        self.up(receiver=False)
        for values, code in (
                (("weight=725",), "impossible"), (("weight=210",), "unusual"),
                (("systolic=80", "diastolic=125", "pulse=60"), "impossible"),
                (("systolic=125", "diastolic=80"), "missing-value"),
                (("systolic=125",), "missing-value"), (("hba1c=6.5",), "missing-laboratory"),
                (("weight=seventy",), "not-a-number"), (("mood=7",), "unknown-value"),
                (("weight=70", "--at", "1999-12-31T00:00"), "too-old"),
                (("weight=70", "--device", "A4:C1:38:99:99:99"), "unknown-device")):
            at = () if "--at" in values else ("--at", AT)
            self.assertEqual(self.refused(*values, *at), code, values)
        self.assertEqual(self.gateway.hakaru("records", lines=True), [])
        record = self.add("weight=210", "--confirm", "--at", AT)
        self.assertEqual(record["values"]["weight"]["value"], 210)
        # The same twice is one value; another one of that second is a correction.
        self.assertEqual(self.add("weight=210", "--confirm", "--at", AT)["id"], record["id"])
        code, _, err = self.command("record", "add", "P0000001", "weight=71", "--at", AT)
        self.assertEqual(code, 1)
        self.assertIn(record["key"], err)
        self.assertEqual(self.command("record", "add", "P0000009", "weight=71")[0], 1)
        self.assertEqual(self.command("record", "add", "P0000001", "weight")[0], 2)

    def test_a_value_read_from_a_display_carries_the_devices_names(self):
        self.up()
        self.measure()
        self.gateway.delivered()
        self.add("systolic=131", "diastolic=84", "pulse=70", "--device", tapes.CUFF, "--at", AT)
        _, sent = self.one()
        self.assertEqual(sent["model_number"], self.gateway.hakaru("records", lines=True)[0]["model"])
        self.assertEqual(sent["data_input_code"], "1")

    # ---------------------------------------------------------------- edited

    def test_a_correction_replaces_the_value_at_the_receiver_and_keeps_the_original(self):
        self.up()
        record = self.measure()
        _, first = self.one()
        self.assertEqual(first["data_input_code"], "0")
        self.assertEqual(self.command("record", "edit", str(record["id"]), "systolic=135")[0], 2)
        code, out, err = self.command(
            "record", "edit", str(record["id"]), "systolic=135", "--reason", "read wrongly")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("Version 2", out)
        lines = self.gateway.delivered()
        self.assertEqual([(x["verdict"], x["reason"]) for x in lines],
                         [("accepted", "replaces the earlier value")])
        second = lines[0]["values"]
        self.assertEqual((str(second["systolic"]), str(second["diastolic"])), ("135", "80"))
        self.assertEqual(second["data_input_code"], "2")
        same = ("observation_time", "model_manufacturer_code", "model_number",
                "production_specification_serial", "origin_of_time_code")
        self.assertEqual([second[k] for k in same], [first[k] for k in same])
        # Decision 7: what the receiver holds, and the edit's own time for the one after it.
        self.assertEqual(second["update_time"], first["update_time"])
        edited = self.gateway.hakaru("records", lines=True)[0]["updated_at"]
        self.command("record", "edit", record["key"], "systolic=136", "--reason", "again")
        third = self.gateway.delivered()[0]["values"]
        at = datetime.datetime.fromisoformat(edited).astimezone(tapes.ZONE)
        self.assertEqual(third["update_time"][:14], at.strftime("%Y%m%d%H%M%S"))
        self.assertGreater(third["update_time"], first["update_time"])
        shown = self.gateway.hakaru("record", "show", str(record["id"]))
        self.assertEqual([(v["revision"], v["data_input_code"], v["values"]["systolic"]["value"],
                           v["reason"]) for v in shown["versions"]],
                         [(1, "0", 125, "read wrongly"), (2, "2", 135, "again")])
        ledger = self.gateway.hakaru("ledger", "list", lines=True)
        events = [e["event"] for e in ledger]
        self.assertEqual(events.count("corrected"), 2)
        self.assertNotIn("135", json.dumps([e["details"] for e in ledger]))

    def test_a_typed_value_that_is_corrected_replaces_the_typed_one(self):
        self.up()
        record = self.add("weight=72.5", "--at", AT)
        _, first = self.one()
        code, _, err = self.command("record", "edit", record["key"], "weight=725", "--reason", "x")
        self.assertEqual(code, 1)
        self.assertIn("500", err)
        self.assertEqual(self.command(
            "record", "edit", record["key"], "weight=75.2", "--reason", "digits swapped")[0], 0)
        _, second = self.one()
        self.assertEqual((str(second["body_weight"]), second["data_input_code"]), ("75.2", "2"))
        self.assertEqual(second["observation_time"], first["observation_time"])

    def test_a_correction_while_the_receiver_is_away_arrives_once_and_right(self):
        self.gateway.start_receiver()
        self.gateway.stop_receiver()
        self.up(receiver=False)
        record = self.measure()
        self.gateway.wait("a try", lambda: self.gateway.destination()["last_error"])
        self.command("record", "edit", record["key"], "systolic=135", "--reason", "x")
        self.gateway.stop_daemon(9)
        self.gateway.start_daemon()
        self.gateway.start_receiver()
        _, sent = self.one()
        self.assertEqual((str(sent["systolic"]), sent["data_input_code"]), ("135", "2"))
        counts = self.gateway.control(do="stats")
        self.assertEqual((counts["conflicts"], counts["key_with_other_body"]), (0, 0), counts)

    # ---------------------------------------------------------------- withdrawn

    def test_what_was_taken_back_before_it_was_sent_is_never_sent(self):
        self.gateway.start_receiver()
        self.gateway.stop_receiver()
        self.up(receiver=False)
        first = self.measure()
        second = self.add("weight=72.5", "--at", AT)
        code, out, err = self.command("record", "withdraw", first["key"], "--reason", "a child")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("Withdrawn", out)
        self.assertNotIn("It had been sent", out)
        self.gateway.stop_daemon(9)
        self.gateway.start_daemon()
        self.gateway.start_receiver()
        table, _ = self.one()
        self.assertEqual(table, "healthcare_information.weighing_scale")
        states = {r["key"]: r["state"] for r in self.gateway.hakaru("records", lines=True)}
        self.assertEqual(states, {first["key"]: "withdrawn", second["key"]: "delivered"})
        self.assertEqual(len(self.gateway.hakaru("records", "--state", "withdrawn", lines=True)), 1)
        # The device sends its memory again: what was taken back stays so.
        self.measure_again = self.gateway.drop("again", tapes.cuff(
            [(125, 80, 64, tapes.START)], at=tapes.START + datetime.timedelta(minutes=9)))
        self.gateway.played(self.measure_again)
        self.assertEqual(self.gateway.delivered(), [])
        self.assertEqual(self.command("record", "edit", first["key"], "systolic=120",
                                      "--reason", "x")[0], 1)

    def test_a_withdrawal_says_what_was_sent_and_where(self):
        self.up()
        record = self.measure()
        self.gateway.delivered()
        code, out, _ = self.command("record", "withdraw", str(record["id"]), "--reason", "not mine")
        self.assertEqual(code, 0)
        self.assertIn("It had been sent: common-db at ", out)
        answer = json.loads(self.command(
            "record", "withdraw", str(record["id"]), "--reason", "x", "--json")[1])
        self.assertEqual((answer["already"], answer["was_sent"], answer["may_have_been_sent"]),
                         (True, True, False))
        self.assertEqual(self.gateway.delivered(), [])

    # ---------------------------------------------------------------- for the person

    def test_a_person_sees_what_went_where_and_takes_everything_along_without_a_daemon(self):
        self.up()
        record = self.measure()
        self.gateway.delivered()
        self.command("record", "edit", record["key"], "systolic=135", "--reason", "x")
        self.gateway.delivered()
        gone = self.add("weight=72.5", "--at", AT)
        self.gateway.delivered()
        self.command("record", "withdraw", gone["key"], "--reason", "x")

        def ask(*words):
            code, out, err = self.command(*words)
            self.assertEqual(code, 0, err)
            return out, err

        place = ("--config", self.gateway.path("hakaru.yaml"),
                 "--state-directory", self.gateway.path("state"))
        answers = []
        for daemon in (True, False):
            if not daemon:
                self.gateway.stop_daemon()
            sent = [json.loads(x) for x in
                    ask("deliveries", "p0000001", "--json", *place)[0].splitlines()]
            self.assertEqual([(s["destination"], s["answer"], s["kind"]) for s in sent],
                             [("common-db", "accepted", "blood-pressure")] * 2
                             + [("common-db", "accepted", "weight")])
            self.assertIn("2026-03-01 08:00:00", ask("deliveries", "P0000001", *place)[0])
            text, errors = ask("export", "P0000001", *place)
            self.assertIn("withdrawn", errors)
            document = Rules("meti-1.0", ("blood-glucose",)).read(text.strip().encode())
            self.assertEqual((document.reason, [e.reason for e in document.entries]), ("", [""]))
            self.assertEqual(str(document.entries[0].values["systolic"]), "135")
            table = list(csv.DictReader(io.StringIO(
                ask("export", "P0000001", "--format", "csv", *place)[0])))
            self.assertIn(("systolic", "135", "mm[Hg]", "2"),
                          [(r["name"], r["value"], r["unit"], r["data_input_code"]) for r in table])
            self.assertIn(("weight", "72.5", "withdrawn"),
                          [(r["name"], r["value"], r["state"]) for r in table])
            answers.append((sent, table))
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(self.command("deliveries", "P0000001")[0], 3, "no store was named")
        # The store belongs to the daemon again.
        self.gateway.start_daemon()
        self.assertEqual(len(self.gateway.hakaru("records", lines=True)), 2)

    def test_the_log_holds_nothing_that_was_typed(self):
        self.up()
        record = self.add("weight=72.513", "--at", AT)
        self.command("record", "edit", record["key"], "weight=73.613", "--reason", "x")
        self.gateway.delivered()
        log = read(self.gateway.path("hakarud.out"))
        for text in ("72.513", "73.613", "P0000001"):
            self.assertNotIn(text, log)


if __name__ == "__main__":
    unittest.main()
