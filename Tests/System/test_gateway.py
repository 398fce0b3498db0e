"""The whole gateway as its users meet it: processes, files, TLS. What fails here, a user would lose."""
import datetime
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import PROGRAMS, TOKEN, Gateway, read  # noqa: E402


class SystemTest(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)

    def up(self, addresses=(tapes.CUFF,), receiver=True, **configuration):
        if receiver:
            self.gateway.start_receiver()
        self.gateway.configure(addresses, **configuration)
        return self.gateway.start_daemon()

    def play(self, name, text):
        self.gateway.played(self.gateway.drop(name, text))

    def status(self, *path):
        value = self.gateway.hakaru("status")
        for key in path:
            value = value[key]
        return value


class Delivery(SystemTest):
    def test_a_backlog_arrives_shifted_by_the_clock_error_and_only_once(self):
        self.up()
        slow = datetime.timedelta(minutes=6)
        records = tapes.series(3)
        self.play("first", tapes.cuff(records, slow=slow))
        lines = self.gateway.delivered()
        self.assertEqual([line["verdict"] for line in lines], ["accepted"] * 3)
        self.assertEqual([line["values"]["observation_time"] for line in lines],
                         [moment.strftime("%Y%m%d%H%M%S") for _, _, _, moment in records])
        self.assertEqual({line["values"]["origin_of_time_code"] for line in lines}, {"1"})
        self.play("again", tapes.cuff(records, slow=slow))
        self.assertEqual(self.gateway.delivered(), [])
        self.assertEqual(self.status("records", "delivered"), 3)

    def test_the_rest_of_a_cut_off_backlog_keeps_the_old_clock_error(self):
        """The first session set the clock; what it did not fetch was stamped before."""
        self.up()
        slow = datetime.timedelta(minutes=6)
        records = tapes.series(4)
        cut = tapes.cuff(records[:2], slow=slow).splitlines(True)
        # The link is lost: the device never ends the session in order.
        services = next(i for i, line in enumerate(cut) if '"services"' in line)
        self.assertGreater(services, 0)
        self.play("cut", "".join(cut))
        later = tapes.START + datetime.timedelta(minutes=10)
        rest = tapes.cuff([(s, d, p, t - slow) for s, d, p, t in records[2:]], at=later)
        self.play("rest", rest)
        times = [line["values"]["observation_time"] for line in self.gateway.delivered()]
        self.assertEqual(times, [t.strftime("%Y%m%d%H%M%S") for _, _, _, t in records])

    def test_nothing_goes_out_for_a_person_without_consent(self):
        self.up(change=lambda text: text.replace("kinds: all", "kinds: [weight]"))
        self.play("cuff", tapes.cuff(tapes.series(2)))
        self.gateway.wait("storing", lambda: self.status("records", "stored") == 2)
        self.assertEqual(self.gateway.delivered(), [])
        states = [r["destinations"] for r in self.gateway.hakaru("records", lines=True)]
        self.assertEqual(states, [{"common-db": "held"}] * 2)

    def test_a_device_that_nobody_owns_is_shown_and_never_sent(self):
        self.up(addresses=("A4:C1:38:FF:FF:FF",))
        self.play("cuff", tapes.cuff(tapes.series(2)))
        self.gateway.wait("storing", lambda: self.status("records", "unassigned") == 2)
        self.assertEqual(self.gateway.delivered(), [])

    def test_records_of_tapes_go_only_where_simulated_records_are_accepted(self):
        self.up(change=lambda text: text.replace("accept-simulated: true", "accept-simulated: false"))
        self.play("cuff", tapes.cuff(tapes.series(1)))
        self.gateway.wait("storing", lambda: self.status("records", "stored") == 1)
        self.assertEqual(self.gateway.delivered(), [])

    def test_nothing_is_dated_while_the_gateways_clock_is_not_synchronised(self):
        self.up()
        self.play("cuff", tapes.cuff(tapes.series(2), synchronised=False))
        self.gateway.wait("quarantine", lambda: self.status("records", "quarantined") == 2)
        self.assertEqual(self.gateway.delivered(), [])
        waiting = self.gateway.hakaru("quarantine", "list", lines=True)
        self.assertEqual({r["reason"] for r in waiting}, {"no-clock-sync"})


class Decisions(SystemTest):
    def hakaru(self, *words):
        done = subprocess.run(
            [os.path.join(PROGRAMS, "hakaru"), "--socket", self.gateway.path("hakaru.sock"), *words],
            capture_output=True, timeout=60)
        return done.returncode, (done.stdout + done.stderr).decode()

    def undated(self, count=2):
        self.up()
        self.play("cuff", tapes.cuff(tapes.series(count), synchronised=False))
        self.gateway.wait("quarantine", lambda: self.status("records", "quarantined") == count)
        return self.gateway.hakaru("quarantine", "list", lines=True)

    def test_a_person_releases_one_reading_and_discards_another_and_both_are_in_the_ledger(self):
        first, second = self.undated()
        code, text = self.hakaru("quarantine", "show", str(first["id"]))
        self.assertEqual(code, 0, text)
        self.assertIn("The device wrote", text)
        self.assertIn("origin_of_time_code 1", text)
        code, text = self.hakaru("quarantine", "release", first["key"], "--use-reception-time")
        self.assertEqual(code, 1)
        self.assertIn("give a time", text)
        code, text = self.hakaru("quarantine", "release", first["key"], "--time", "2199-01-01T00:00")
        self.assertEqual(code, 0 if not self.status("clock", "synchronised") else 1, text)
        if code:
            code, text = self.hakaru("quarantine", "release", first["key"], "--time",
                                     "2026-03-01T07:30")
            self.assertEqual(code, 0, text)
        line, = self.gateway.delivered()
        self.assertEqual(line["values"]["origin_of_time_code"], "1")
        self.assertEqual(line["values"]["data_input_code"], "0")
        code, text = self.hakaru("quarantine", "discard", second["key"], "--reason", "a guest")
        self.assertEqual((code, text), (0, "Discarded.\n"))
        self.assertEqual(self.status("records", "quarantined"), 0)
        self.gateway.stop_daemon(signal.SIGKILL)
        self.gateway.start_daemon()
        events = [e["event"] for e in self.gateway.hakaru("ledger", "list", lines=True)]
        for event in ("configuration-changed", "consent-changed", "released", "delivery", "discarded"):
            self.assertEqual(events.count(event), 1, events)
        self.assertIn("received", events)
        code, text = self.hakaru("ledger", "verify")
        self.assertEqual(code, 0, text)
        self.assertEqual(self.gateway.news(), [], "nothing goes out twice")

    def test_a_ledger_that_somebody_changed_is_found_out(self):
        self.undated()
        self.gateway.stop_daemon()
        store = sqlite3.connect(self.gateway.path("state", "hakaru.db"))
        store.execute("DROP TRIGGER ledger_is_fixed")
        store.execute("UPDATE ledger SET subject='ble:other' WHERE event='received'")
        number, = store.execute("SELECT id FROM ledger WHERE event='received'").fetchone()
        store.commit()
        store.close()
        self.gateway.start_daemon()
        code, text = self.hakaru("ledger", "verify")
        self.assertEqual(code, 1)
        self.assertIn("row %d was changed" % number, text)

    def test_readings_of_a_gateway_with_a_wrong_clock_are_dated_when_it_is_set_also_after_kills(self):
        """The clock steps from 1970 to the right time within the tape; the daemon is killed meanwhile."""
        self.up()
        text = tapes.wrong_clock(tapes.series(5))
        target = self.gateway.drop("wrong", text)
        for pause in (0.02, 0.01, 0.03, 0.005, 0.05):
            try:
                self.gateway.daemon.wait(pause)
            except subprocess.TimeoutExpired:
                pass
            self.gateway.stop_daemon(signal.SIGKILL)
            self.gateway.start_daemon()
        self.gateway.played(target)
        self.gateway.wait("dating", lambda: self.status("records", "quarantined") == 0)
        self.gateway.delivered()
        lines = [json.loads(line) for line in read(self.gateway.path("received")).splitlines()]
        times = sorted(line["values"]["observation_time"] for line in lines
                       if line["event"] == "record" and line["verdict"] == "accepted")
        self.assertEqual(times, [t.strftime("%Y%m%d%H%M%S") for _, _, _, t in tapes.series(5)])
        records = self.gateway.hakaru("records", lines=True)
        self.assertEqual({r["time_basis"] for r in records}, {"device-clock"})
        self.assertEqual(self.hakaru("ledger", "verify")[0], 0)

    def test_a_refused_record_is_sent_again_under_a_new_key_when_a_person_says_so(self):
        self.up()
        self.gateway.control(do="misbehave", mode="reject", record=0, reason="no such person", times=1)
        self.play("cuff", tapes.cuff(tapes.series(1)))
        self.gateway.wait("a dead letter", lambda: self.status("records", "dead_letters") == 1)
        letter, = self.gateway.hakaru("dead-letters", "list", lines=True)
        self.assertIn("no such person", letter["answer"])
        self.gateway.news()
        self.assertEqual(self.hakaru("dead-letters", "retry", letter["key"])[0], 0)
        self.gateway.wait("delivery", lambda: self.status("records", "delivered") == 1)
        self.assertEqual(self.status("records", "dead_letters"), 0)

    def test_a_devices_clock_is_shown_over_time(self):
        self.up()
        for day, slow in ((0, 6), (1, 0), (2, -3)):
            at = tapes.START + datetime.timedelta(days=day)
            self.play("day-%d" % day, tapes.cuff(
                tapes.series(1, first=at), at=at, slow=datetime.timedelta(minutes=slow)))
        shown = self.gateway.hakaru("devices", "show", tapes.CUFF)
        offsets = [entry["offset_seconds"] for entry in shown["clock_history"]]
        self.assertEqual(len(offsets), 3)
        # The device shows whole seconds.
        for offset, expected in zip(offsets, (360, 0, -180)):
            self.assertAlmostEqual(offset, expected, delta=1.5)
        self.assertTrue(shown["device"]["clock"]["set_at"])


class Receivers(SystemTest):
    def test_an_outage_loses_nothing_and_ends_by_itself(self):
        self.up()
        self.gateway.stop_receiver()
        self.play("cuff", tapes.cuff(tapes.series(5)))
        self.gateway.wait("retrying", lambda: self.gateway.destination()["state"] == "retrying")
        self.assertEqual(self.gateway.destination()["waiting"], 5)
        self.assertIn("connect", self.gateway.destination()["last_error"].lower())
        self.gateway.start_receiver()
        self.assertEqual(len(self.gateway.delivered()), 5)
        self.assertEqual(self.gateway.destination()["state"], "idle")

    def test_a_wrong_token_holds_and_a_corrected_file_heals_without_a_restart(self):
        self.gateway.token("wrong")
        self.up()
        self.play("cuff", tapes.cuff(tapes.series(3)))
        self.gateway.wait("holding", lambda: self.gateway.destination()["state"] == "held")
        self.assertIn("401", self.gateway.destination()["last_error"])
        self.assertEqual(self.status("records", "dead_letters"), 0)
        self.gateway.token(TOKEN)
        self.assertEqual(len(self.gateway.delivered()), 3)

    def test_an_expired_certificate_is_never_trusted_and_heals_when_it_is_renewed(self):
        self.gateway.start_receiver("expired")
        self.gateway.configure([tapes.CUFF])
        self.gateway.start_daemon()
        self.play("cuff", tapes.cuff(tapes.series(2)))
        self.gateway.wait("a reason", lambda: self.gateway.destination()["last_error"])
        self.assertIn("certificate", self.gateway.destination()["last_error"].lower())
        self.assertEqual(self.gateway.news(), [])
        self.gateway.stop_receiver()
        self.gateway.start_receiver()
        self.assertEqual(len(self.gateway.delivered()), 2)

    def test_one_refused_record_does_not_hold_up_the_others(self):
        self.up()
        self.gateway.control(do="misbehave", mode="reject", record=1, reason="no such person", times=1)
        self.play("cuff", tapes.cuff(tapes.series(4)))
        self.gateway.delivered()
        self.gateway.wait("a dead letter", lambda: self.status("records", "dead_letters") == 1)
        self.assertEqual(self.status("records", "delivered"), 3)

    def test_answers_that_are_none_are_tried_again(self):
        self.up()
        for mode in ({"mode": "status", "status": 503, "retry_after": 1}, {"mode": "cut"},
                     {"mode": "garbage"}, {"mode": "reset"}):
            self.gateway.control(do="misbehave", times=1, **mode)
        self.play("cuff", tapes.cuff(tapes.series(3)))
        self.gateway.delivered()
        stats = self.gateway.control(do="stats")
        self.assertEqual(self.status("records", "delivered"), 3)
        self.assertEqual(stats.get("conflicts", 0), 0)


class Endings(SystemTest):
    def test_killed_at_any_moment_it_loses_nothing_and_sends_nothing_twice_under_a_new_key(self):
        """A stream of tapes, kill -9 at random moments; the seed makes a failure repeatable."""
        chance = random.Random(20260301)
        self.up()
        due = {}
        for round_number in range(12):
            start = tapes.START + datetime.timedelta(hours=round_number)
            records = tapes.series(6, first=start, systolic=100 + round_number)
            for _, _, _, moment in records:
                due[moment.strftime("%Y%m%d%H%M%S")] = True
            target = self.gateway.drop("round-%d" % round_number, tapes.cuff(records, at=start))
            try:
                self.gateway.daemon.wait(chance.uniform(0, 0.12))
            except subprocess.TimeoutExpired:
                pass
            self.gateway.stop_daemon(signal.SIGKILL)
            self.gateway.start_daemon()
            self.gateway.played(target)
        self.gateway.delivered()
        stats = self.gateway.control(do="stats")
        lines = [json.loads(line) for line in read(self.gateway.path("received")).splitlines()]
        accepted = [line["values"]["observation_time"] for line in lines
                    if line["event"] == "record" and line["verdict"] == "accepted"]
        self.assertEqual(sorted(accepted), sorted(due))
        self.assertEqual(stats.get("conflicts", 0), 0)
        self.assertEqual(self.status("records", "stored"), len(due))

    def test_sigterm_ends_it_in_order_within_seconds(self):
        self.up()
        self.play("cuff", tapes.cuff(tapes.series(3)))
        self.assertEqual(self.gateway.stop_daemon(), 0)
        self.assertIn("stopped", self.gateway.log())
        self.assertFalse(os.path.exists(self.gateway.path("hakaru.sock")))

    def test_a_second_daemon_leaves_the_first_ones_socket_alone(self):
        self.up()
        second = subprocess.run(
            [os.path.join(PROGRAMS, "hakarud"), "--config", self.gateway.path("hakaru.yaml"),
             "--state-directory", self.gateway.path("state"),
             "--runtime-directory", self.gateway.folder], capture_output=True, timeout=20)
        self.assertEqual(second.returncode, 1)
        self.assertIn("hakaru.sock", second.stderr.decode())
        self.assertTrue(self.status("version"))


class Store(SystemTest):
    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_a_full_disk_is_a_state_and_everything_arrives_once_there_is_room(self):
        state = self.gateway.path("state")
        os.makedirs(state)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", state])
        self.up()
        for number in range(30):
            start = tapes.START + datetime.timedelta(hours=number)
            self.gateway.drop("t%02d" % number, tapes.cuff(
                tapes.series(20, first=start), at=start))
        self.gateway.wait("the full state", lambda: self.status("storage", "state") == "disk-full")
        self.assertIn("state", self.status("storage", "reason"))
        subprocess.run(["mount", "-o", "remount,size=64m", state], check=True)
        self.gateway.wait("every tape", lambda: not [
            f for f in os.listdir(self.gateway.path("tapes")) if f.endswith(".tape")], 90)
        self.gateway.wait("healing", lambda: self.status("storage", "state") == "ok")
        self.gateway.delivered()
        self.assertEqual(self.status("records", "stored"), 600, self.gateway.tails())
        self.assertEqual(self.status("records", "delivered"), 600)
        self.assertEqual(self.gateway.daemon.poll(), None)


class People(SystemTest):
    def holding(self, text):
        """The files of the state directory in which a text stands."""
        state = self.gateway.path("state")
        found = []
        for name in sorted(os.listdir(state)):
            with open(os.path.join(state, name), "rb") as f:
                if text in f.read():
                    found.append(name)
        return found

    def test_a_purge_leaves_no_byte_of_a_persons_values_in_any_file(self):
        self.up()
        self.play("cuff", tapes.cuff(tapes.series(20, systolic=187)))
        self.gateway.delivered()
        self.assertTrue(self.holding(b'"number":187'))
        answer = self.gateway.hakaru("purge", "P0000001")
        self.assertEqual(answer["records"], 20)
        self.assertTrue(answer["still_configured"])
        self.assertEqual(self.holding(b'"number":187'), [])
        self.assertEqual(self.status("records", "stored"), 0)
        self.assertIn("purged", [e["event"] for e in self.gateway.hakaru(
            "ledger", "list", lines=True)])
        self.assertTrue(self.gateway.hakaru("ledger", "verify")["whole"])

    def test_with_a_master_key_no_file_holds_a_value_and_a_lost_key_is_a_state(self):
        key = self.gateway.path("master.key")
        with open(key, "w") as f:
            f.write("5a" * 32 + "\n")
        self.up(more="storage: { encryption: { key-file: %s } }" % key)
        self.play("cuff", tapes.cuff(tapes.series(5, systolic=187)))
        self.assertEqual(len(self.gateway.delivered()), 5)
        self.assertEqual(self.holding(b'"number":187'), [])
        self.assertEqual(self.status("storage", "encryption"), "on")
        self.gateway.stop_daemon()
        os.rename(key, key + ".away")
        self.gateway.start_daemon()
        self.assertEqual(self.gateway.daemon.poll(), None)
        self.assertIn("key-missing", self.gateway.log())
        os.rename(key + ".away", key)
        self.gateway.wait("the key", lambda: self.status("records", "stored") == 5)


class Mistakes(SystemTest):
    def test_every_mistake_of_a_configuration_is_named_with_its_place(self):
        self.gateway.configure([tapes.CUFF], change=lambda text: text.replace(
            "timezone: Asia/Tokyo", "timezone: Asia/Tokio\n  settting: home").replace(
            "https://", "http://receiver.example/"))
        for options in ([], ["--check-config"]):
            done = subprocess.run([os.path.join(PROGRAMS, "hakarud"), "--config",
                                   self.gateway.path("hakaru.yaml"), *options], capture_output=True,
                                  timeout=20)
            text = (done.stdout + done.stderr).decode()
            self.assertEqual(done.returncode, 1)
            for expected in ("hakaru.yaml:4:", "Asia/Tokio", "settting", "setting", "http"):
                self.assertIn(expected, text)

    def test_a_demonstration_plays_recorded_devices_and_nothing_twice(self):
        self.up([])
        gateway = self.gateway
        first = gateway.hakaru("demo", lines=True)
        self.assertEqual({r["kind"] for r in first}, {"blood-pressure", "weight",
                                                    "body-composition"})
        self.assertTrue(all(r["simulated"] and r["participant"] is None for r in first))
        self.assertEqual(gateway.hakaru("demo", lines=True) or [], [], "the same sessions once more")
        self.assertEqual(gateway.hakaru("status")["records"]["stored"], len(first))

    def test_a_broken_tape_is_set_aside_with_its_line_and_the_next_one_plays(self):
        self.up()
        text = tapes.cuff(tapes.series(1)).replace('"connected"', '"conected"')
        target = self.gateway.drop("broken", text)
        self.gateway.wait("the failure", lambda: os.path.exists(target + ".failed.reason"))
        self.assertIn("broken.tape:3", read(target + ".failed.reason"))
        self.play("whole", tapes.cuff(tapes.series(1)))
        self.assertEqual(len(self.gateway.delivered()), 1)

    def test_the_log_names_no_person_no_value_and_no_whole_address(self):
        self.up()
        self.play("cuff", tapes.cuff(tapes.series(3, systolic=187)))
        self.gateway.delivered()
        self.gateway.stop_daemon()
        log = self.gateway.log()
        for secret in ("P0000001", tapes.CUFF, "187", "188", TOKEN):
            self.assertNotIn(secret, log)
        self.assertIn("record-stored", log)

    def test_metrics_count_what_happened(self):
        self.up()
        self.play("cuff", tapes.cuff(tapes.series(2)))
        self.gateway.delivered()
        text = subprocess.run(["curl", "-s", "--unix-socket", self.gateway.path("hakaru.sock"),
                               "http://hakaru/metrics"], capture_output=True).stdout.decode()
        self.assertIn("hakaru_records_stored 2\n", text)
        self.assertIn('hakaru_destination_delivered_total{destination="common-db"} 2\n', text)


if __name__ == "__main__":
    unittest.main()
