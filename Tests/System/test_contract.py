"""The contract's words as an outsider reads them: the configuration, the socket, the command line."""
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import PROGRAMS, ROOT, Gateway  # noqa: E402

SAMPLE = """\
gateway:
  id: gw-0001                    # names this gateway in logs, FHIR, MQTT
  consortium-id: C00001
  timezone: Asia/Tokyo
  setting: home                  # home | pharmacy | checkup
  test-lab-id: "000000000001"    # needed when setting is checkup
bluetooth: { enabled: true, adapters: [hci0] }     # adapters: all of them when left out
usb:       { enabled: true }
tape:      { enabled: false, directory: /var/lib/hakaru/tapes }
destinations:
  - name: common-db
    format: meti-1.0
    url: https://collector.example/v1/records
    authorization: { bearer-token-file: %(folder)s/token }
    tls: { ca-file: %(folder)s/token, client-certificate-file: %(folder)s/token, client-key-file: %(folder)s/token }
    extensions: [blood-glucose]  # default: none
    accept-simulated: false      # records from tapes are sent only where true
    batch: { max-records: 100 }
    retry: { initial: 1s, maximum: 15m }           # full jitter between 0 and the current step
participants:                    # small homes; larger rosters are imported
  - id: P0000001
    devices: [ { model: UC-352BLE, address: "A4:C1:38:00:00:01", slot: 1, wearing-position: "31" } ]
    consent: [ { destination: common-db, kinds: all } ]
retention: { delivered: 90d, raw-frames: 30d }
storage: { maximum: 512MB }
"""


class Configuration(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        # The formats alone: profiles are looked at too, which takes its time.
        os.mkdir(self.gateway.path("data"))
        os.symlink(os.path.join(ROOT, "exchange-formats"), self.gateway.path("data", "exchange-formats"))
        os.mkdir(self.gateway.path("data", "device-profiles"))

    def check(self, text):
        """What --check-config says: its exit code and a line for each problem."""
        with open(self.gateway.path("hakaru.yaml"), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run([os.path.join(PROGRAMS, "hakarud"), "--check-config", "--config",
                               self.gateway.path("hakaru.yaml")], capture_output=True, text=True,
                              env={**os.environ, "HAKARU_DATA_DIRECTORY": self.gateway.path("data")})
        return done.returncode, done.stdout.replace(self.gateway.folder + "/", "").splitlines()

    def sample(self, *changes):
        text = SAMPLE % {"folder": self.gateway.folder}
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return text

    def test_the_contracts_own_example_is_accepted_however_an_editor_saves_it(self):
        text = self.sample()
        for saved in (text, text.replace("\n", "\r\n"), "\ufeff" + text, text.rstrip("\n"), text.replace("home  ", "pharmacy"),
                      text.replace("meti-1.0", "meti-1.0-tis").replace("    extensions: [blood-glucose]", "    #"),
                      text.replace("https://collector.example", "http://127.0.0.1:8080").replace("    tls:", "    #"),
                      text.replace("https://collector.example", "http://[::1]:8080").replace("    tls:", "    #"),
                      text.replace("https://collector.example", "http://localhost").replace("    tls:", "    #")):
            self.assertEqual(self.check(saved)[0], 0, self.check(saved))

    def test_each_impossible_value_is_one_problem_with_its_place_and_what_would_be_accepted(self):
        """(what is changed, into what, line, column, a part of the message)"""
        for old, new, line, column, part in (
                ("gw-0001 ", '"" ', 2, 7, "accepted: "), ("C00001", "C0000001", 3, 18, "accepted: "),
                ("Asia/Tokyo", "Asia/Tokio", 4, 13, "Asia/Tokio"), ("home  ", "kiosk ", 5, 12, "home, pharmacy, checkup"),
                ('"000000000001"', '"0000000000001"', 6, 16, "accepted: "), ("true, adapters", "yes, adapters", 7, 23, "true, false"),
                ("[hci0]", "hci0", 7, 39, "a list"), ("[hci0]", "[eth0]", 7, 40, "hci0"), ("usb:  ", "USB:  ", 8, 1, "did you mean usb"),
                ("meti-1.0", "meti-9", 12, 13, "meti-1.0"), ("https:", "http:", 13, 10, "unencrypted"),
                ("https://c", "http://127.0.0.1.c", 13, 10, "unencrypted"), ("https://", "https://me:secret@", 13, 10, "password"),
                ("https:", "ftp:", 13, 10, "https"), ("[blood-glucose]", "[blood-glukose]", 16, 18, "blood-glucose"),
                ("simulated: false", "simulated: maybe", 17, 23, "true, false"), ("max-records: 100", "max-records: 0", 18, 27, "1 to "),
                ("max-records: 100", "max-records: many", 18, 27, "a whole number"), ("initial: 1s", "initial: 1", 19, 23, "a duration"),
                ("maximum: 15m", "maximum: 10ms", 19, 27, "initial at most maximum"), ("id: P0000001", "id: 参加者", 21, 9, "accepted"),
                ("A4:C1:38:00:00:01", "A4:C1:38", 22, 45, "a Bluetooth address"), ("slot: 1", "slot: one", 22, 72, "a whole number"),
                ('"31"', '"99"', 22, 93, "31"), ("destination: common-db", "destination: nowhere", 23, 31, "common-db"),
                ("kinds: all", "kinds: [wieght]", 23, 51, "did you mean weight"), ("90d", "-90d", 24, 25, "a duration"),
                ("512MB", "512", 25, 21, "a size")):
            code, lines = self.check(self.sample((old, new)))
            self.assertEqual((code, len(lines)), (1, 1), (new, lines))
            self.assertRegex(lines[0], r"^hakaru\.yaml:%d:\d+: " % line, new)
            self.assertIn(part, lines[0], new)
            self.assertNotIn("secret", lines[0])

    def test_all_problems_are_told_not_only_the_first(self):
        code, lines = self.check(self.sample(
            ("setting: home", "setting: shop"), ("https:", "http:"), ("slot: 1", "slot: -1"), ("storage:", "colour: red\nstorage:"),
            ("90d", "soon"), ("adapters: [hci0]", "adapter: hci0")))
        self.assertEqual((code, len(lines)), (1, 6), lines)
        numbers = [int(line.split(":")[1]) for line in lines]
        self.assertEqual(numbers, sorted(numbers), "in the order of the file")

    def test_what_is_no_configuration_at_all_is_an_error_with_a_place(self):
        for text in ("", "- a\n", "gateway: 5\n", "\tgateway: {}\n", "gateway: {\n", b"\x00\xff", "a: &x [*x]\n", SAMPLE + "---\n" + SAMPLE,
                     SAMPLE + "storage: { maximum: 1GB }\n", "[" * 5000, "gateway: { id: a, id: b }\n"):
            code, lines = self.check(text)
            self.assertEqual(code, 1, text[:40])
            self.assertRegex(lines[0], r"^hakaru\.yaml:\d+:\d+: ", text[:40])

    def test_a_checkup_needs_its_laboratory(self):
        code, lines = self.check(self.sample(("setting: home", "setting: checkup"), ('  test-lab-id: "000000000001"', "  #")))
        self.assertEqual((code, len(lines)), (1, 1))
        self.assertIn("test-lab-id", lines[0])


class AtTheSocket(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway()
        cls.gateway.configure((tapes.CUFF,))
        cls.gateway.start_daemon()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()

    def connect(self, timeout=5):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(timeout)
        client.connect(self.gateway.path("hakaru.sock"))
        return client

    def ask(self, method, path, head="", body=b""):
        """Status, headers and body."""
        with self.connect() as client:
            try:
                client.sendall(("%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n" % (method, path, head)).encode() + body)
            except BrokenPipeError:
                pass
            data = b""
            try:
                while more := client.recv(65536):
                    data += more
            except ConnectionResetError:
                pass
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body


class Socket(AtTheSocket):
    def test_the_status_has_every_member_of_the_contract_in_its_type(self):
        code, headers, body = self.ask("GET", "/v1/status")
        status = json.loads(body)
        self.assertEqual((code, headers["content-type"].split(";")[0]), (200, "application/json"))
        self.assertEqual(status["gateway"], "system-test")
        moment = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)$"
        self.assertRegex(status["started_at"], moment)
        self.assertIsInstance(status["version"], str)
        self.assertIsInstance(status["clock"]["synchronised"], bool)
        self.assertIsInstance(status["bluetooth"], list)
        self.assertIsInstance(status["usb"]["state"], str)
        for name in ("stored", "waiting", "unassigned", "quarantined", "dead_letters", "delivered"):
            self.assertEqual(status["records"][name], 0)
        destination = status["destinations"][0]
        self.assertEqual(destination["name"], "common-db")
        self.assertIn(destination["state"], ("sending", "idle", "retrying", "held"))
        self.assertEqual(destination["waiting"], 0)
        for name in ("oldest_waiting_at", "last_delivered_at", "last_error", "next_attempt_at"):
            self.assertIsNone(destination[name])
        for name in ("used_bytes", "maximum_bytes"):
            self.assertGreater(status["storage"][name], 0)

    def test_every_path_of_the_contract_answers_and_others_do_not(self):
        for path in ("status", "devices", "sightings", "records", "records?after=0&limit=5&state=all", "quarantine", "dead-letters",
                     "destinations", "sessions"):
            code, _, body = self.ask("GET", "/v1/" + path)
            self.assertEqual(code, 200, path)
            self.assertIsInstance(json.loads(body), dict, path)
            code, headers, body = self.ask("HEAD", "/v1/" + path)
            self.assertEqual((code, body), (200, b""), path)
            self.assertGreater(int(headers["content-length"]), 0, path)
        code, headers, _ = self.ask("GET", "/metrics")
        self.assertEqual((code, headers["content-type"].split(";")[0]), (200, "text/plain"))
        for path in ("/", "/v1", "/v1/", "/v1/nothing", "/v1/status/", "//v1/status", "/v1/../v1/status", "/V1/status"):
            code, _, body = self.ask("GET", path)
            self.assertEqual((code, json.loads(body)["error"]["code"]), (404, "not-found"), path)
        for query in ("limit=0", "limit=-1", "limit=x", "limit=99999999999999999999", "after=x", "state=nothing"):
            code, _, body = self.ask("GET", "/v1/records?" + query)
            self.assertEqual((code, json.loads(body)["error"]["code"]), (400, "bad-request"), query)

    def test_a_method_that_a_path_does_not_take_is_refused_with_those_that_it_takes(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO", "get"):
            code, headers, _ = self.ask(method, "/v1/status")
            self.assertEqual((code, headers["allow"]), (405, "get"), method)

    def test_bodies_that_are_none_change_nothing(self):
        for body in (b"", b"abc", b"\xff\xfe\x00", b"[" * 20000, b'{"participant":5}', b'{"participant":"nobody","values":{}}'):
            code, _, said = self.ask("POST", "/v1/records", "Content-Length: %d\r\n" % len(body), body)
            self.assertIn(code, (400, 404, 422), body[:20])
            self.assertIn("error", json.loads(said))
        code, _, _ = self.ask("POST", "/v1/records", "Content-Length: 50000000\r\n", b"a" * 1000000)
        self.assertEqual(code, 413)
        self.assertEqual(self.gateway.hakaru("status")["records"]["stored"], 0)

    def test_garbage_and_endless_headers_are_no_harm(self):
        for data in (b"\x00\xff\xfe\r\n\r\n", b"GET\r\n\r\n", b"GET /v1/status HTTP/9.9\r\n\r\n", b"\r\n\r\n",
                     b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 1000000 + b"\r\n\r\n"):
            with self.connect() as client:
                try:
                    client.sendall(data)
                except BrokenPipeError:
                    pass
        with self.connect() as client:
            client.sendall(b"GET /v1/destinations HTTP/1.1\r\nHost: h\r\n\r\n" * 3)
            data = b""
            while data.count(b"HTTP/1.1 200") < 3:
                data += client.recv(65536)
        self.assertEqual(self.ask("GET", "/v1/status")[0], 200)

    def test_a_thousand_clients_at_once_are_answered_also_while_hundreds_say_nothing(self):
        silent = []
        for number in range(400):
            silent.append(self.connect())
            if number % 2:
                silent[-1].sendall(b"GET /v1/st")
        began = time.monotonic()
        self.assertEqual(self.ask("GET", "/v1/status")[0], 200)
        self.assertLess(time.monotonic() - began, 2, "those who say nothing hold up nobody")
        codes = []
        threads = [threading.Thread(target=lambda: codes.append(self.ask("GET", "/v1/destinations")[0])) for _ in range(600)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(codes, [200] * 600)
        for client in silent:
            client.close()
        self.assertEqual(self.ask("GET", "/v1/status")[0], 200)

    def test_nobody_else_may_open_files_of_the_state_or_the_socket(self):
        for path in [self.gateway.path("hakaru.sock")] + [
                os.path.join(self.gateway.path("state"), name) for name in os.listdir(self.gateway.path("state"))]:
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o007, 0, path)


class Events(AtTheSocket):
    def test_an_event_reaches_who_listens(self):
        with self.connect() as client:
            client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: h\r\n\r\n")
            head = client.recv(65536)
            self.assertIn(b"text/event-stream", head.lower())
            at = tapes.START
            self.gateway.played(self.gateway.drop("event", tapes.cuff(tapes.series(1), at=at)))
            data = b""
            while b"\ndata: {" not in data:
                data += client.recv(65536)


class CommandLine(unittest.TestCase):
    def hakaru(self, *words):
        done = subprocess.run([os.path.join(PROGRAMS, "hakaru"), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "HAKARU_DATA_DIRECTORY": ROOT, "HAKARU_SOCKET": "/none/such.sock"})
        return done.returncode, done.stdout, done.stderr

    def test_every_command_of_the_contract_that_needs_the_daemon_says_3_without_it(self):
        device, file = "A4:C1:38:00:00:01", os.path.join(ROOT, "README.md")
        for text in ("status", "devices", "sightings", "pair " + device, "forget " + device, "records", "quarantine list",
                     "quarantine show 1", "quarantine release 1 --use-reception-time", "quarantine discard 1 --reason x",
                     "dead-letters list", "dead-letters show 1", "dead-letters retry 1", "dead-letters discard 1 --reason x",
                     "participants list", "participants import " + file, "participants export", "consent grant P1 --destination db",
                     "consent withdraw P1 --destination db", "consent list", "session begin P1", "session end", "session show", "record add P1 weight=60",
                     "record edit 1 weight=60 --reason x", "deliveries P1", "export P1", "purge P1", "lists import " + file,
                     "capture " + device, "demo"):
            code, out, errors = self.hakaru(*text.split(), "--json")
            if text.startswith(("lists", "participants import")) and code == 1:
                continue
            self.assertEqual((code, out), (3, ""), (text, errors))
            error = json.loads(errors)["error"]
            self.assertEqual(error["code"], "no-daemon", text)
            # These two look into the store itself before they give up.
            looked = "/etc/hakaru/hakaru.yaml" if text.startswith(("deliveries", "export")) else "/none/such.sock"
            self.assertIn(looked, error["message"], text)
            code, out, errors = self.hakaru(*text.split())
            self.assertEqual((code, out), (3, ""), text)
            self.assertFalse(errors.startswith("{"), text)

    def test_wrong_usage_is_2_and_help_is_0(self):
        for text in ("", "nonsense", "status extra", "status --colour", "quarantine", "quarantine nonsense", "records --limit", "decode",
                     "replay", "explain", "pair", "session begin", "record add", "profile nonsense", "consent grant"):
            code, out, errors = self.hakaru(*text.split(), "--json")
            self.assertEqual((code, out), (2, ""), (text, errors))
            self.assertEqual(json.loads(errors)["error"]["code"], "usage", text)
        for text in ("--help", "status --help", "help", "quarantine --help", "decode --help"):
            code, out, errors = self.hakaru(*text.split())
            self.assertEqual((code, errors), (0, ""), text)
            self.assertTrue(out, text)

    def test_every_command_that_answers_without_a_daemon_answers_in_json(self):
        for text in ("completion bash", "profile list", "profile show sig", "explain --usb 0590:0028",
                     "decode --model sig --source gatt:2a19 --hex 64"):
            code, out, errors = self.hakaru(*text.split(), "--json")
            self.assertEqual((code, errors), (0, ""), text)
            for line in out.splitlines():
                self.assertIsInstance(json.loads(line), dict, text)
            self.assertTrue(out, text)

    def test_explain_has_the_contracts_members(self):
        for words in (["--advertisement", "02010503031018"], ["--advertisement", "020106"],
                      ["--usb", "0590:0028"], ["--usb", "0590:0028", "--product", "HHX-CABLE-USB1"], ["--usb", "dead:beef"]):
            code, out, errors = self.hakaru("explain", *words, "--json")
            self.assertEqual(code, 0, (words, errors))
            said = json.loads(out)
            self.assertIn("profile", said)
            for candidate in said["candidates"]:
                self.assertLessEqual({"profile", "score", "because", "against"}, set(candidate))
            if said["profile"] is not None:
                self.assertIn(said["profile"], [candidate["profile"] for candidate in said["candidates"]])


if __name__ == "__main__":
    unittest.main()
