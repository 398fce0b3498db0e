"""People as the whole gateway knows them: lists, stations, consent. What fails here reaches a wrong person."""
import datetime
import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../scripts/lib"))
import event_day  # noqa: E402
from event_readers import Scanner  # noqa: E402
import tapes  # noqa: E402
from gateway import PROGRAMS, Gateway  # noqa: E402

STATION = "stations:\n  - { name: one, devices: [ { address: \"A4:C1:38:00:09:01\" } ] }\n"


class People(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)

    def command(self, *words, text=None):
        done = subprocess.run(
            [os.path.join(PROGRAMS, "hakaru"), "--socket", self.gateway.path("hakaru.sock"), *words],
            capture_output=True, input=text)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def up(self, receiver=True):
        if receiver:
            self.gateway.start_receiver()
        self.gateway.configure((tapes.CUFF,), more=STATION)
        self.gateway.start_daemon()

    def measure(self, name, moment, at=None):
        self.gateway.played(self.gateway.drop(name, tapes.cuff(
            [(120, 80, 60, moment)], at=at or moment + event_day.SECOND * 6,
            address="A4:C1:38:00:09:01")))

    def register(self, text="consortium_id,participant_id\nC00001,MDM-001\nC00001,MDM-002\n"):
        path = self.gateway.path("list.csv")
        with open(path, "wb") as f:
            f.write(text.encode("cp932"))
        return self.command("lists", "import", path)

    def test_an_event_gives_no_value_to_a_wrong_person(self):
        self.assertEqual(event_day.run(14, 9, self.gateway), [])

    def test_a_card_a_value_a_delivery_and_a_withdrawal(self):
        self.up()
        self.assertEqual(self.register()[0], 0)
        self.assertEqual(self.command(
            "consent", "grant", "mdm-001", "--destination", "common-db")[0], 0)
        self.assertEqual(self.command(
            "participants", "card", "MDM-001", "-", text=b"01 14 B3 4D 2A 16 C8 09\n")[0], 0)
        begun = tapes.START.isoformat()
        code, out, err = self.command("session", "begin", "--card", "0114b34d2a16c809", "--at", begun)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("MDM-001 measures at one", out)
        self.measure("first", tapes.START + event_day.SECOND * 60)
        lines = self.gateway.delivered()
        self.assertEqual([(line["person_id"], line["verdict"]) for line in lines],
                         [("MDM-001", "accepted")])
        self.command("consent", "withdraw", "MDM-001", "--destination", "common-db")
        self.measure("second", tapes.START + event_day.SECOND * 120)
        self.assertEqual(self.gateway.delivered(), [])
        held = self.gateway.hakaru("records", "--state", "held", lines=True)
        self.assertEqual([r["participant"] for r in held], ["MDM-001"])
        code, out, _ = self.command(
            "consent", "grant", "MDM-001", "--destination", "common-db", "--send-held")
        self.assertIn("1 held records", out)
        self.assertEqual(len(self.gateway.delivered()), 1)
        store = self.gateway.path("state")
        for name in os.listdir(store):
            with open(os.path.join(store, name), "rb") as f:
                content = f.read()
            self.assertNotIn(b"0114B34D2A16C809", content.upper(), name)
            self.assertNotIn(bytes.fromhex("0114B34D2A16C809"), content, name)

    def test_an_unassigned_value_is_given_to_a_person_by_a_person(self):
        self.up()
        self.register()
        self.command("consent", "grant", "MDM-002", "--destination", "common-db")
        self.measure("lost", tapes.START)
        record = self.gateway.hakaru("records", "--state", "unassigned", lines=True)[0]
        self.assertEqual(record["participant_rule"], "nobody had a session at one then")
        code, _, err = self.command("records", "assign", str(record["id"]), "MDM-0O2", "--reason", "x")
        self.assertEqual(code, 1)
        self.assertIn("MDM-002", err)
        code, out, err = self.command(
            "records", "assign", str(record["id"]), "\uff2d\uff24\uff2d\u2010\uff10\uff10\uff12",
            "--reason", "the sheet")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([line["person_id"] for line in self.gateway.delivered()], ["MDM-002"])
        ledger = self.gateway.hakaru("ledger", "list", lines=True)
        entry = next(e for e in ledger if e["event"] == "assigned")
        self.assertIn("the sheet", json.dumps(entry))
        self.assertEqual(self.command(
            "records", "assign", str(record["id"]), "MDM-001", "--reason", "x")[0], 1)

    def reader(self):
        """The one reader, as the daemon tells it."""
        return self.gateway.hakaru("station", "readers", lines=True)[0]

    def who(self):
        """Who has the session at the station."""
        session = self.gateway.hakaru("session", "show", lines=True)[0]["session"]
        return session and session["participant"]

    def test_a_reader_that_is_bound_begins_sessions_and_leaves_no_card_number(self):
        self.up(receiver=False)
        self.register()
        scanner, card = Scanner(), "0114B34C5D6E7F80"
        code, out, err = self.command("station", "bind", "one", scanner.node, "--speed", "19200")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out, "%s is the serial reader of one; state: ready.\n" % scanner.node)
        scanner.scan("mdm-001")
        self.gateway.wait("the session", lambda: self.who() == "MDM-001")
        scanner.scan(card)
        self.gateway.wait("the refusal", lambda: self.reader()["refused"] == 1)
        self.assertIsNone(self.who())
        self.assertEqual(self.reader()["last_refusal"]["code"], "unknown-card")
        desk = subprocess.Popen(
            [os.path.join(PROGRAMS, "hakaru"), "--socket", self.gateway.path("hakaru.sock"),
             "participants", "card", "MDM-002", "--station", "one"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        # Whoever stands there is told what to do.
        self.assertIn("lay the card on a reader of station one", desk.stderr.readline())
        time.sleep(2.1)  # the same card once more within a moment would be the same scan
        scanner.scan(card)
        self.assertEqual(desk.communicate(timeout=30)[0], "The card is MDM-002's.\n")
        time.sleep(2.1)
        scanner.scan(card)
        self.gateway.wait("the session", lambda: self.who() == "MDM-002")
        # After a restart the reader is bound as before; then it is given back.
        self.gateway.stop_daemon()
        self.gateway.start_daemon()
        self.gateway.wait("the reader", lambda: self.reader()["state"] == "ready")
        scanner.scan("MDM-001")
        self.gateway.wait("the session", lambda: self.who() == "MDM-001")
        self.assertEqual(self.command("station", "unbind", scanner.node)[0], 0)
        self.assertEqual(self.command("station", "unbind", scanner.node)[0], 1)
        store = self.gateway.path("state")
        for path in [os.path.join(store, name) for name in os.listdir(store)] + [
                self.gateway.path("hakarud.out")]:
            with open(path, "rb") as f:
                content = f.read()
            for form in (card.encode(), card.lower().encode(), bytes.fromhex(card)):
                self.assertNotIn(form, content, path)

    def test_the_screen_of_a_station_shows_a_value_to_whose_it_is_and_to_nobody_else(self):
        self.up(receiver=False)
        self.register()
        screen = subprocess.Popen(
            ["timeout", "60", os.path.join(PROGRAMS, "hakaru"), "--socket", self.gateway.path("hakaru.sock"),
             "station", "screen", "one", "--json"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(screen.stdout.close)

        def shown():
            line = json.loads(screen.stdout.readline())
            return line["state"], line["participant"], [
                record["values"]["systolic"]["value"] for record in line["records"]]

        self.assertEqual(shown(), ("free", None, []))
        self.assertEqual(self.command("session", "begin", "MDM-001", "--station", "one")[0], 0)
        self.assertEqual(shown(), ("turn", "MDM-001", []))
        time.sleep(4)
        now = datetime.datetime.now(tapes.ZONE).replace(microsecond=0)
        self.measure("hers", now - event_day.SECOND)
        self.assertEqual(shown(), ("values", "MDM-001", [120]))
        time.sleep(4)
        self.assertEqual(self.command(
            "session", "begin", "MDM-002", "--station", "one", "--previous-left")[0], 0)
        self.assertEqual(shown(), ("turn", "MDM-002", []))
        # What the cuff brings of the person before is hers, and not for the eyes of the one who stands here now.
        self.measure("late", now, at=now + event_day.SECOND * 60)
        self.assertEqual(self.gateway.hakaru("records", lines=True)[-1]["participant"], "MDM-001")
        self.assertEqual(self.command("session", "begin", "NOBODY-1", "--station", "one")[0], 1)
        self.assertEqual(shown(), ("free", None, []))
        self.gateway.stop_daemon()
        self.assertEqual(shown(), ("away", None, []))
        self.gateway.start_daemon()
        self.assertEqual(shown(), ("free", None, []))
        screen.send_signal(signal.SIGINT)
        self.assertEqual(screen.wait(10), 0)

    def test_a_reader_that_cannot_be_is_refused_with_what_would_be_accepted(self):
        self.up(receiver=False)
        for words, text in [
                (("two", "1-1"), "there is no station two"),
                (("one", "/dev/input/event3"), "port is a USB port"),
                (("one", "1-1"), "give its kind"),
                (("one", "/dev/ttyS0", "--kind", "pasori"), "is no place of a pasori reader"),
                (("one", "1-1", "--kind", "serial", "--speed", "9601"), "speed is one of")]:
            code, _, err = self.command("station", "bind", *words)
            self.assertEqual(code, 1, words)
            self.assertIn(text, err)
        self.assertEqual(self.gateway.hakaru("station", "readers", lines=True), [])
        code, out, _ = self.command("station", "bind", "one", "05e0:1200@9-1", "--kind", "keyboard")
        self.assertEqual(code, 0)
        self.assertIn("state: not plugged in", out)
        code, _, err = self.command("port", "bind", "05e0:1200@9-1", "AD-4212")
        self.assertEqual(code, 1)
        status = self.command("status")[1]
        self.assertIn("the reader of one at 05e0:1200@9-1: not plugged in", status)

    def test_a_list_with_personal_data_is_refused_whole(self):
        self.up(receiver=False)
        code, _, err = self.register(
            "consortium_id,participant_id,\u6c0f\u540d\nC00001,MDM-001,\u5c71\u7530\n")
        self.assertEqual(code, 1)
        self.assertIn("looks like a name", err)
        self.assertEqual([p["id"] for p in self.gateway.hakaru("participants", "list", lines=True)],
                         ["P0000001"])

    def test_what_was_decided_is_there_after_a_kill(self):
        self.up()
        self.register()
        self.command("session", "begin", "MDM-001", "--at", tapes.START.isoformat())
        self.gateway.stop_daemon(9)
        self.gateway.start_daemon()
        self.measure("after", tapes.START + event_day.SECOND * 60)
        record = self.gateway.hakaru("records", lines=True)[0]
        self.assertEqual((record["participant"], record["participant_rule"]),
                         ("MDM-001", "station-session"))


if __name__ == "__main__":
    unittest.main()
