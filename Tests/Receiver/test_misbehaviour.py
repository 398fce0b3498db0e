"""How the receiver is a bad server on request, and what it does over TLS."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import HERE, Receiver, WithReceiver, document  # noqa: E402


class Misbehaving(WithReceiver):
    def ask(self, **how):
        self.assertTrue(self.receiver.ctl({"do": "misbehave", **how}).get("ok"), how)

    def test_a_status_comes_as_often_as_asked_with_its_retry_after(self):
        self.ask(mode="status", status=503, retry_after=2, times=2)
        for _ in range(2):
            status, _, headers = self.receiver.post(document())
            self.assertEqual((status, headers["Retry-After"]), (503, "2"))
        self.assertEqual(self.receiver.post(document())[0], 200)
        self.ask(mode="status", status=429, retry_after_date=5)
        self.assertTrue(self.receiver.post(document())[2]["Retry-After"].endswith("GMT"))

    def test_a_lost_answer_leaves_the_records_stored(self):
        body = document(observation_time="20250303030303")
        self.ask(mode="status", status=500, after_storing=True)
        self.assertEqual(self.receiver.post(body, key="lost-answer")[0], 500)
        again = self.receiver.post(body, key="lost-answer")[1]
        self.assertEqual(again["results"][0]["status"], "duplicate")

    def test_half_an_answer_ends_in_the_middle(self):
        self.ask(mode="cut")
        with self.assertRaises(http.client.IncompleteRead):
            self.receiver.post(document())

    def test_a_reset_gives_no_answer(self):
        self.ask(mode="reset")
        with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
            self.receiver.post(document())

    def test_slow_answers_are_slow(self):
        for how in ({"mode": "slow", "seconds": 3}, {"mode": "slow-loris", "interval": 1}):
            with self.subTest(how):
                self.ask(**how)
                with self.assertRaises((socket.timeout, TimeoutError)):
                    began = time.monotonic()
                    while time.monotonic() < began + 3:
                        self.receiver.post(document(), timeout=0.4)
                self.receiver.ctl({"do": "behave"})

    def test_one_record_is_rejected_on_request_and_not_stored(self):
        body = document(observation_time="20250404040404")
        self.ask(mode="reject", record=0, reason="not today")
        _, answer, _ = self.receiver.post(body)
        self.assertEqual(answer["results"][0]["reason"], "not today")
        self.assertEqual(self.receiver.post(body)[1]["results"][0]["status"], "accepted")

    def test_garbage_redirects_and_own_answers(self):
        self.ask(mode="garbage")
        self.assertEqual(self.receiver.post(document())[1][:2], b"\x00\xff")
        self.ask(mode="redirect", status=307, location="https://example.invalid/")
        status, _, headers = self.receiver.post(document())
        self.assertEqual((status, headers["Location"]), (307, "https://example.invalid/"))
        self.ask(mode="answer", status=200, body={"results": 5})
        self.assertEqual(self.receiver.post(document())[1], {"results": 5})

    def test_documents_that_hold_the_culprit_are_refused_until_told_otherwise(self):
        self.ask(mode="refuse", status=422, containing='"65.5"', times=0)
        bad = json.dumps(document(body_weight=65.5, model_number="65.5")).encode()
        good = document(observation_time="20250707070707")
        for _ in range(2):
            status, answer, _ = self.receiver.post(bad)
            self.assertEqual((status, "results" in answer), (422, False))
        self.assertEqual(self.receiver.post(good)[0], 200)

    def test_an_unknown_command_is_an_error(self):
        self.assertIn("error", self.receiver.ctl({"do": "misbehave", "mode": "politely"}))
        self.assertIn("error", self.receiver.ctl({"do": "dance"}))


class WithTLS(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([os.path.join(HERE, "make-certificates.sh"), cls.folder.name], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def receiver(self, certificate, *options):
        receiver = Receiver(*options, certificate=[
            "--cert", self.path(certificate), "--key", self.path("server.key")])
        self.addCleanup(receiver.stop)
        return receiver

    def test_the_test_authority_is_trusted_and_the_others_are_not(self):
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        good = self.receiver("server.pem")
        self.assertEqual(good.post(document(), context=context)[0], 200)
        for name in ("expired.pem", "other.pem"):
            with self.subTest(name), self.assertRaises(ssl.SSLCertVerificationError):
                self.receiver(name).post(document(), context=context)

    def test_a_client_certificate_is_asked_for(self):
        receiver = self.receiver("server.pem", "--client-ca", self.path("ca.pem"))
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            receiver.post(document(), context=context)
        context.load_cert_chain(self.path("client.pem"), self.path("client.key"))
        self.assertEqual(receiver.post(document(), context=context)[0], 200)

    def test_half_an_answer_over_tls_is_noticed(self):
        receiver = self.receiver("server.pem")
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        receiver.ctl({"do": "misbehave", "mode": "cut"})
        with self.assertRaises((http.client.IncompleteRead, ssl.SSLError, ConnectionError)):
            receiver.post(document(), key="cut-off-1", context=context)
        self.assertEqual(receiver.post(document(), key="cut-off-1", context=context)[0], 200)


if __name__ == "__main__":
    unittest.main()
