"""Few file descriptors and many clients: what is measured is stored and sent all the same."""
import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import Gateway, read  # noqa: E402


class Descriptors(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        self.gateway.start_receiver()
        self.gateway.configure((tapes.CUFF,))
        start = self.gateway.start

        def limited(*command, log):
            words = ("prlimit", "--nofile=40:40") if command[0].endswith("hakarud") else ()
            return start(*words, *command, log=log)
        self.gateway.start = limited

    def clients(self, count):
        """So many connections to the socket that say nothing."""
        made = []
        for _ in range(count):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            self.addCleanup(client.close)
            client.connect_ex(self.gateway.path("hakaru.sock"))
            made.append(client)
        return made

    def test_clients_take_no_descriptor_that_storing_and_sending_need(self):
        self.gateway.start_daemon()
        silent = self.clients(60)
        used = "/proc/%d/fd" % self.gateway.daemon.pid
        self.assertLess(len(os.listdir(used)), 36)
        self.gateway.played(self.gateway.drop("a", tapes.cuff(tapes.series(3))))
        self.gateway.wait("the records", lambda: read(self.gateway.path("received")).count('"event": "record"') == 3)
        self.assertLess(len(os.listdir(used)), 40)
        # Once they are gone whoever asks has a turn again.
        for client in silent:
            client.close()
        self.gateway.wait(
            "a turn", lambda: (self.gateway.hakaru("status") or {"records": {}})["records"].get("waiting") == 0)


if __name__ == "__main__":
    unittest.main()
