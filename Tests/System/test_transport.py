"""The transport table of the contract: what goes out, byte for byte, and what each answer does."""
import datetime
import email.utils
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from answers import Receiver, answer  # noqa: E402
from gateway import PROGRAMS, Gateway  # noqa: E402

TLS = re.compile(r"\n    tls: .*")


def results(*rows):
    """The answer's `results`: (index, status) or (index, status, reason)."""
    return {"results": [dict(zip(("index", "status", "reason"), row)) for row in rows]}


class Base(unittest.TestCase):
    def setUp(self):
        self.gateway, self.receiver = Gateway(), Receiver()
        self.addCleanup(self.gateway.close)
        self.addCleanup(self.receiver.close)
        self.hours = 0

    def up(self, change=lambda text: text):
        self.gateway.url = self.receiver.url
        self.gateway.configure((tapes.CUFF,), change=lambda text: change(
            TLS.sub("", text).replace("initial: 100ms, maximum: 1s", "initial: 20ms, maximum: 50ms")))
        self.gateway.start_daemon()

    def measure(self, count=1):
        self.hours += 1
        at = tapes.START + datetime.timedelta(hours=self.hours)
        self.gateway.played(self.gateway.drop("t%d" % self.hours, tapes.cuff(tapes.series(count, first=at), at=at)))

    def records(self):
        records = self.gateway.hakaru("status")["records"]
        return records["delivered"], records["dead_letters"], records["waiting"]

    def given(self, *answers, count=1):
        """Measures, answers so, and returns what was delivered and dead-lettered, and the requests."""
        before = self.records()
        self.receiver.new()
        self.receiver.say(*answers)
        self.measure(count)
        self.gateway.wait("the answers to %s" % (answers,), lambda: not self.receiver.answers)
        self.gateway.wait("the end of what waits after %s" % (answers,), lambda: not self.records()[2])
        after = self.records()
        return after[0] - before[0], after[1] - before[1], self.receiver.new()


class Transport(Base):
    def test_a_request_has_every_header_and_every_try_is_the_same_to_the_byte_also_after_a_restart(self):
        self.up()
        version = subprocess.run([os.path.join(PROGRAMS, "hakaru"), "--version"], capture_output=True, text=True)
        self.receiver.rest = answer(503, Retry_After="0")
        self.measure(3)
        self.gateway.wait("some tries", lambda: len(self.receiver.requests) > 3)
        self.gateway.stop_daemon(signal.SIGKILL)
        before = self.receiver.new()
        self.receiver.rest = answer(200)
        self.gateway.start_daemon()
        self.gateway.wait("delivery", lambda: not self.records()[2])
        requests = before + self.receiver.new()
        for request in requests:
            self.assertEqual(request["line"], "POST /v1/records HTTP/1.1")
            headers = request["headers"]
            self.assertEqual(headers["Content-Type"], "application/json; charset=utf-8")
            self.assertEqual(headers["User-Agent"], "hakaru/" + version.stdout.split()[1])
            self.assertEqual(headers["Authorization"], "Bearer demonstration")
            self.assertTrue(headers["Idempotency-Key"])
            self.assertNotEqual(request["body"][:3], b"\xef\xbb\xbf")
        keys = {}
        for request in requests:
            key = request["headers"]["Idempotency-Key"]
            self.assertEqual(keys.setdefault(key, request["body"]), request["body"])
        self.assertEqual(len(set(keys.values())), len(keys), "one key for one document")
        document = json.loads(requests[0]["body"])
        self.assertEqual(list(document), ["format_version", "send_time", "consortium_id", "person_information"])

    def test_what_an_answer_says_of_one_record(self):
        """(answer, delivered, dead letters, requests)"""
        self.up()
        date = "Sun, 06 Nov 1994 08:49:37 GMT"
        passing = [408, 425, 429, 500, 502, 503, 504, 507, 511, 599]
        cases = [(answer(status), 1, 0, 1) for status in (200, 201, 202, 204, 206, 226, 299, 409)]
        cases += [(answer(status), 1, 0, 2) for status in passing + [401, 403, 301, 302, 307, 308, 404, 410, 415, 431]]
        cases += [(answer(503, Retry_After=after), 1, 0, 2) for after in ("0", "soon", "-1", "1.5", "", date)]
        accepted = results((0, "accepted"))
        cases += [
            (answer(200, b"OK", "text/plain"), 1, 0, 1), (answer(200, {"ok": True, "id": [1]}), 1, 0, 1),
            (answer(200, b"\xef\xbb\xbf" + json.dumps(accepted).encode()), 1, 0, 1),
            (answer(200, {**accepted, "trace": {"a": 1}}), 1, 0, 1), (answer(200, results((0, "duplicate"))), 1, 0, 1),
            (answer(200, results((0, "rejected", "no"))), 0, 1, 1), (answer(422, results((0, "rejected", "no"))), 0, 1, 1),
            (answer(422, accepted), 1, 0, 1), (answer(409, results((0, "rejected"))), 0, 1, 1),
            (answer(422, '{"results":[{"index":0,"status":"rejected","reason":"該当なし"}]}'.encode("shift_jis")), 0, 1, 1),
            (answer(400), 0, 1, 1), (answer(422, b"bad value"), 0, 1, 1),
            # Not let in: what stands in the body decides nothing.
            (answer(403, results((0, "rejected", "no"))), 1, 0, 2),
            # Answers that are none.
            (answer(200, b"<html>portal</html>", "text/html"), 1, 0, 2), (answer(200, b'{"results":['), 1, 0, 2),
            (answer(200, results((7, "accepted"))), 1, 0, 2), (answer(200, results((0, "fine"))), 1, 0, 2),
            (answer(200, accepted)[:-3], 1, 0, 2), (b"", 1, 0, 2), (b"hello\r\n\r\n", 1, 0, 2),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", 1, 0, 2),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 1, 0, 1),
            (b"HTTP/1.0 200 OK\r\n\r\n", 1, 0, 1),
            (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(200), 1, 0, 1)]
        for said, delivered, dead, count in cases:
            got = self.given(said)
            self.assertEqual((got[0], got[1], len(got[2])), (delivered, dead, count), (said[:200], got[2]))
            self.assertEqual(len({request["headers"]["Idempotency-Key"] for request in got[2]}), 1, said[:200])
        kept = self.gateway.hakaru("dead-letters", "list", lines=True)
        self.assertEqual(len(kept), sum(case[2] for case in cases))
        self.assertTrue(all(letter["answer"] for letter in kept), "the answer is kept")

    def test_a_pause_that_is_asked_for_in_seconds_or_as_a_date_is_kept(self):
        self.up()
        for pause in (lambda: "1", lambda: email.utils.formatdate(time.time() + 3, usegmt=True)):
            began, after = time.monotonic(), pause()
            self.given(lambda request: answer(429, Retry_After=pause()))
            self.assertGreater(time.monotonic() - began, 0.9, after)

    def test_holding_shows_in_the_status_and_loses_nothing(self):
        self.up(lambda text: text.replace("initial: 20ms, maximum: 50ms", "initial: 1h, maximum: 1h"))
        self.receiver.rest = answer(301, Location="http://127.0.0.1:1/")
        self.measure()
        shown = self.gateway.wait("holding", lambda: [
            d for d in self.gateway.hakaru("status")["destinations"] if d["state"] == "held"])[0]
        self.assertEqual((shown["waiting"], shown["last_delivered_at"]), (1, None))
        self.assertIn("301", shown["last_error"])
        self.assertTrue(shown["oldest_waiting_at"])
        self.assertEqual(len(self.receiver.requests), 1, "a redirect is not followed")
        self.assertEqual(self.gateway.hakaru("status")["records"]["dead_letters"], 0)

    def test_of_a_batch_the_culprit_alone_stays_behind(self):
        self.up()

        def culprit(request):
            return answer(400, {"error": "bad value"}) if any(
                time.endswith("5700") for _, _, time in request["records"]) else answer(200)
        self.receiver.rest = culprit
        before = self.records()
        self.measure(16)
        self.gateway.wait("the end", lambda: not self.records()[2])
        after = self.records()
        self.assertEqual((after[0] - before[0], after[1] - before[1]), (15, 1))
        letter = self.gateway.hakaru("dead-letters", "list", lines=True)[0]
        self.assertIn("bad value", letter["answer"])
        self.assertIn("5700", letter["document"])

    def test_after_413_batches_are_smaller_and_arrive(self):
        self.up()
        self.receiver.rest = lambda request: answer(413 if len(request["records"]) > 3 else 200)
        self.measure(16)
        self.gateway.wait("the end", lambda: not self.records()[2])
        self.assertEqual(self.records()[:2], (16, 0))

    def test_a_long_reason_for_each_of_many_records_is_no_endless_answer(self):
        self.receiver.rest = answer(503)
        self.up(lambda text: text.replace("accept-simulated: true", "accept-simulated: true\n    batch: { max-records: 2000 }"))
        self.measure(1100)
        self.receiver.rest = lambda request: answer(200, results(*[
            (index, "accepted", "x" * 1000) for index in range(len(request["records"]))]))
        self.gateway.wait("the end", lambda: not self.records()[2])
        self.assertEqual(self.records()[:2], (1100, 0))

    def test_per_device_the_oldest_goes_first(self):
        self.receiver.rest = answer(503)
        self.up(lambda text: text.replace("accept-simulated: true", "accept-simulated: true\n    batch: { max-records: 3 }"))
        for _ in range(4):
            self.measure(5)
        self.receiver.new()
        self.receiver.rest = answer(200)
        self.gateway.wait("the end", lambda: not self.records()[2])
        sent = [time for request in self.receiver.new() if b" 200 " in request["answer"] for _, _, time in request["records"]]
        self.assertEqual(sent, sorted(sent))
        self.assertEqual(len(sent), 20)


class SeveralDestinations(Base):
    def test_each_gets_its_own_format_and_one_that_is_away_holds_up_none(self):
        other = Receiver()
        self.addCleanup(other.close)
        more = ("  - { name: second, format: meti-1.0-tis, url: %s, accept-simulated: true }\n"
                "  - { name: real-only, format: meti-1.0, url: %s }\n"
                "  - { name: away, format: meti-1.0, url: http://127.0.0.1:9/, accept-simulated: true }\n" % (other.url, other.url))
        consents = "".join("      - { destination: %s, kinds: all }\n" % name
                           for name in ("common-db", "second", "real-only", "away"))
        self.up(lambda text: text.replace("participants:\n", more + "participants:\n").replace(
            "consent: [ { destination: common-db, kinds: all } ]", "consent:\n" + consents))
        self.measure(2)
        self.gateway.wait("both", lambda: self.receiver.requests and other.requests)
        self.gateway.wait("the rest", lambda: all(
            d["state"] != "sending" for d in self.gateway.hakaru("status")["destinations"]))
        first = json.loads(self.receiver.new()[0]["body"])["person_information"][0]
        second = json.loads(other.new()[0]["body"])["person_information"][0]
        self.assertIn("data_input_code", first["healthcare_information"]["blood_pressure"][0])
        self.assertIn("input_method_code", second["healthcare_information"]["blood_pressure"][0])
        shown = {d["name"]: d for d in self.gateway.hakaru("status")["destinations"]}
        self.assertEqual({name: d["waiting"] for name, d in shown.items()},
                         {"common-db": 0, "second": 0, "real-only": 0, "away": 2})
        self.assertEqual(shown["away"]["state"], "retrying")


if __name__ == "__main__":
    unittest.main()
