"""`hakaru doctor`, with each fault made real: a name that is not there, a certificate that is over, a file of no use."""
import json
import os
import pty
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import PROGRAMS, ROOT, Gateway, read  # noqa: E402


class Doctor(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        self.environment = {}

    def run_doctor(self, *words):
        return subprocess.run(
            [os.path.join(PROGRAMS, "hakaru"), "doctor", "--config", self.gateway.path("hakaru.yaml"),
             "--state-directory", self.gateway.path("state"), "--runtime-directory", self.gateway.folder, *words],
            capture_output=True, text=True, timeout=90,
            env={**os.environ, "LC_ALL": "C.UTF-8", "HAKARU_DATA_DIRECTORY": ROOT, **self.environment})

    def problems(self):
        """The codes of what is a problem, but for the clock, which is the test machine's own."""
        done = self.run_doctor("--json")
        self.assertEqual(done.stderr, "")
        self.findings = [json.loads(line) for line in done.stdout.splitlines()]
        problems = [f for f in self.findings if f["state"] == "problem"]
        for finding in problems:
            self.assertTrue(finding.get("remedy"), finding)
        self.assertEqual(done.returncode, 1 if problems else 0)
        return sorted(f["code"] for f in problems if f["code"] != "clock-not-synchronised")

    def up(self, certificate="server", **configuration):
        self.gateway.start_receiver(certificate)
        self.gateway.configure((tapes.CUFF,), **configuration)

    def test_a_gateway_that_is_well_has_no_problem_and_every_check_says_a_line(self):
        self.up()
        self.gateway.start_daemon()
        self.assertEqual(self.problems(), [])
        checks = [f["check"] for f in self.findings]
        for check in ("configuration", "daemon", "clock", "permissions", "disk", "destination", "profiles", "lists"):
            self.assertIn(check, checks)
        lines = self.run_doctor().stdout.splitlines()
        self.assertEqual(len(lines), len(self.findings), "one line each")

    def test_without_a_daemon_it_says_so_and_looks_at_the_rest(self):
        self.up()
        self.assertEqual(self.problems(), ["no-daemon"])
        self.assertIn("destination", [f["code"] for f in self.findings])

    def test_an_expired_certificate_a_dead_port_and_an_unknown_name_are_told_apart(self):
        self.up("expired")
        self.gateway.start_daemon()
        self.assertEqual(self.problems(), ["tls"])
        self.gateway.stop_receiver()
        self.assertEqual(self.problems(), ["connection"])
        self.gateway.configure((tapes.CUFF,), change=lambda text: re.sub(
            r"https://\S+", "https://receiver.invalid/v1/records", text))
        self.assertIn("dns", self.problems())

    def test_an_authority_that_nobody_knows_is_a_matter_of_the_certificate(self):
        self.up(change=lambda text: re.sub(r"(?m)^    tls:.*\n", "", text))
        self.assertIn("tls", self.problems())

    def test_a_missing_token_and_one_that_everybody_may_read_are_named(self):
        self.up()
        os.chmod(self.gateway.path("token"), 0o644)
        self.problems()
        self.assertIn("readable-by-all", [f["code"] for f in self.findings if f["state"] == "warning"])
        os.unlink(self.gateway.path("token"))
        self.assertIn("missing", self.problems())

    def test_each_mistake_of_the_configuration_stands_with_its_line(self):
        self.up(change=lambda text: text.replace("consortium-id", "consortium").replace("kinds: all", "kinds: some"))
        self.assertEqual(set(self.problems()), {"configuration", "no-daemon"})
        told = [f["message"] for f in self.findings if f["code"] == "configuration"]
        self.assertGreaterEqual(len(told), 2)
        for message in told:
            self.assertRegex(message, r"hakaru\.yaml:\d+:\d+")

    def test_a_configuration_that_was_refused_while_running_is_a_problem_though_the_daemon_answers(self):
        self.up()
        self.gateway.start_daemon()
        path = self.gateway.path("hakaru.yaml")
        text = read(path)
        with open(path, "w") as file:
            file.write(text.replace("kinds: all", "kinds: some"))
        self.gateway.wait("the refusal", lambda: self.gateway.hakaru("status")["configuration"]["state"] == "refused")
        self.assertEqual(set(self.problems()), {"configuration", "configuration-refused"})

    def test_a_broken_profile_of_the_owner_is_named_with_its_file(self):
        self.up()
        os.makedirs(self.gateway.path("own"))
        with open(self.gateway.path("own", "mine.yaml"), "w") as file:
            file.write("id: mine\nmatch: [\n")
        self.environment["HAKARU_OWN_PROFILES"] = self.gateway.path("own")
        self.assertIn("profile", self.problems())
        self.assertIn("mine.yaml", [f for f in self.findings if f["code"] == "profile"][0]["subject"])

    def test_a_missing_bus_and_a_bus_without_bluetoothd_are_told_apart(self):
        self.up(change=lambda text: text.replace("bluetooth: { enabled: false }", "bluetooth: { enabled: true }"))
        self.environment["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=" + self.gateway.path("no-bus")
        self.assertIn("no-system-bus", self.problems())
        bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address=1",
                                "--address=unix:path=" + self.gateway.path("bus")], stdout=subprocess.PIPE, text=True)
        self.addCleanup(bus.stdout.close)
        self.addCleanup(bus.wait)
        self.addCleanup(bus.kill)
        self.environment["DBUS_SYSTEM_BUS_ADDRESS"] = bus.stdout.readline().strip()
        self.assertIn("no-bluetoothd", self.problems())

    def test_a_disk_with_less_than_the_reserve_is_a_problem(self):
        self.up(more="storage: { maximum: 1000GB, reserve: 500GB }")
        os.makedirs(self.gateway.path("state"))
        self.assertIn("disk-short", self.problems())

    def readers(self):
        """What is said of readers, as (code, subject), and the whole findings by code."""
        self.problems()
        found = [f for f in self.findings if f["check"] == "readers"]
        return [(f["code"], f.get("subject")) for f in found], {f["code"]: f for f in found}

    def test_a_reader_that_is_not_there_is_named_with_and_without_a_daemon(self):
        node = "/dev/serial/by-id/nothing-of-this-name"
        self.up(more='stations: [ { name: table-1, readers: [ { kind: serial, port: "%s" } ] } ]' % node)
        self.assertEqual(self.readers()[0], [("reader-absent", node)])
        self.gateway.start_daemon()
        codes, findings = self.readers()
        self.assertEqual(codes, [("reader-absent", node)])
        self.assertIn("table-1", findings["reader-absent"]["message"])
        self.assertIn("hakaru station unbind " + node, findings["reader-absent"]["remedy"])

    def test_a_line_is_well_while_the_gateway_has_it_and_held_while_somebody_else_has(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        node = os.ttyname(slave)
        self.up(more='stations: [ { name: table-1, readers: [ { kind: serial, port: "%s" } ] } ]' % node)
        codes, findings = self.readers()
        self.assertEqual(codes, [("reader-held", node)])
        self.assertIn(read("/proc/self/comm").strip(), findings["reader-held"]["message"])
        self.assertIn("fuser", findings["reader-held"]["remedy"])
        os.close(slave)
        self.gateway.start_daemon()
        self.gateway.wait("the reader", lambda: [r["state"] for r in self.gateway.hakaru(
            "station", "readers", lines=True)] == ["ready"])
        self.assertEqual(self.readers()[0], [("readers", None)])
        # What the gateway has open itself is nobody else's.
        self.gateway.stop_daemon()
        self.assertEqual(self.readers()[0], [("readers", None)])

    def test_it_answers_in_the_readers_language_and_the_codes_stay(self):
        self.up()
        codes = self.problems()
        english = self.run_doctor().stdout
        self.environment["LC_ALL"] = "ja_JP.UTF-8"
        self.assertEqual(self.problems(), codes)
        japanese = self.run_doctor().stdout
        self.assertRegex(japanese, "[ぁ-ん]")
        self.assertNotRegex(english, "[ぁ-ん]")
        self.assertEqual(len(japanese.splitlines()), len(english.splitlines()))

    def test_it_sends_nothing_and_changes_nothing(self):
        self.up()
        before = sorted(os.listdir(self.gateway.folder))
        self.problems()
        self.assertEqual(sorted(os.listdir(self.gateway.folder)), before)
        self.assertFalse(os.path.exists(self.gateway.path("received")) and "record" in read(
            self.gateway.path("received")))


if __name__ == "__main__":
    unittest.main()
