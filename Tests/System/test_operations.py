"""What an operator does to a running gateway: edits its file, watches it, trusts its watchdog and its metrics."""
import ctypes
import datetime
import glob
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import PROGRAMS, ROOT, Gateway, read  # noqa: E402


class Operations(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)

    def status(self, *path):
        value = self.gateway.hakaru("status")
        for key in path:
            value = value[key]
        return value

    def edit(self, change):
        """Changes the configuration as an editor does: another file takes the name."""
        path = self.gateway.path("hakaru.yaml")
        text = change(read(path))
        self.assertNotEqual(text, read(path))
        with open(path + ".new", "w") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def wait_for_state(self, state):
        self.gateway.wait("configuration " + state, lambda: self.status("configuration", "state") == state)


class Reloading(Operations):
    def test_an_owner_written_into_the_file_owns_what_is_measured_from_then_on_without_a_restart(self):
        self.gateway.start_receiver()
        self.gateway.configure(("A4:C1:38:FF:FF:FF",))
        self.gateway.start_daemon()
        process = self.gateway.daemon.pid
        self.gateway.played(self.gateway.drop("before", tapes.cuff(tapes.series(1))))
        self.gateway.wait("storing", lambda: self.status("records", "unassigned") == 1)
        loaded = self.status("configuration", "loaded_at")
        self.edit(lambda text: text.replace("A4:C1:38:FF:FF:FF", tapes.CUFF))
        self.gateway.wait("reading it again", lambda: self.status("configuration", "loaded_at") != loaded)
        later = tapes.START + datetime.timedelta(hours=1)
        self.gateway.played(self.gateway.drop("after", tapes.cuff(
            tapes.series(2, first=later, systolic=140), at=later)))
        self.assertEqual(len(self.gateway.delivered()), 2)
        self.assertEqual(self.status("records", "unassigned"), 1, "what was stored before stays as it was")
        self.assertEqual(self.gateway.daemon.poll(), None)
        self.assertEqual(self.gateway.daemon.pid, process)
        self.assertIn("configuration-reloaded changed=participants", self.gateway.log())

    def test_a_corrected_address_of_a_destination_sends_the_backlog_at_once_and_once(self):
        self.gateway.configure((tapes.CUFF,))
        self.gateway.start_daemon()
        self.gateway.played(self.gateway.drop("cuff", tapes.cuff(tapes.series(5))))
        self.gateway.wait("a failed try", lambda: self.gateway.destination()["state"] == "retrying")
        self.gateway.start_receiver()
        self.edit(lambda text: text.replace("https://127.0.0.1:9/v1/records", self.gateway.url))
        lines = self.gateway.delivered()
        self.assertEqual([line["verdict"] for line in lines], ["accepted"] * 5)
        self.assertEqual(self.status("records", "delivered"), 5)

    def test_a_destination_comes_goes_and_comes_back_with_what_waited_for_it(self):
        self.gateway.start_receiver()
        self.gateway.configure((tapes.CUFF,))
        self.gateway.start_daemon()
        self.gateway.stop_receiver()
        self.gateway.played(self.gateway.drop("cuff", tapes.cuff(tapes.series(3))))
        self.gateway.wait("storing", lambda: self.status("records", "waiting") == 3)
        whole = read(self.gateway.path("hakaru.yaml"))
        self.edit(lambda text: re.sub(r"(?ms)^destinations:.*?^participants:", "participants:", text)
                  .replace("consent: [ { destination: common-db, kinds: all } ]", "consent: []"))
        self.gateway.wait("its end", lambda: self.status("destinations") == [])
        self.assertEqual(self.status("records", "stored"), 3, "nothing is dropped with it")
        self.gateway.start_receiver()
        self.edit(lambda text: whole)
        self.gateway.wait("its return", lambda: self.status("destinations"))
        self.assertEqual(len(self.gateway.delivered()), 3)

    def test_a_mistake_in_the_file_leaves_everything_as_it_was_and_is_told_where_people_look(self):
        self.gateway.start_receiver()
        self.gateway.configure((tapes.CUFF,))
        self.gateway.start_daemon()
        self.edit(lambda text: text.replace("kinds: all", "kinds: everything"))
        self.wait_for_state("refused")
        problem, = self.status("configuration", "problems")
        self.assertRegex(problem, r"hakaru.yaml:\d+:\d+: participants\[0\].consent\[0\].kinds")
        self.assertIn("configuration-refused", self.gateway.log())
        shown = subprocess.run([os.path.join(PROGRAMS, "hakaru"), "--socket", self.gateway.path("hakaru.sock"),
                                "status"], capture_output=True, text=True)
        self.assertIn("the former one is in force", shown.stdout)
        self.gateway.played(self.gateway.drop("cuff", tapes.cuff(tapes.series(1))))
        self.assertEqual(len(self.gateway.delivered()), 1)
        self.edit(lambda text: text.replace("kinds: everything", "kinds: all"))
        self.wait_for_state("current")
        self.assertEqual(self.status("configuration", "problems"), [])

    def test_what_needs_a_restart_is_said_by_name_and_the_rest_takes_effect(self):
        self.gateway.configure((tapes.CUFF,))
        self.gateway.start_daemon()
        self.edit(lambda text: text.replace("timezone: Asia/Tokyo", "timezone: Europe/Berlin")
                  .replace("usb: { enabled: false }", "usb: { enabled: true }")
                  + "storage: { maximum: 99MB }\n")
        self.wait_for_state("restart-needed")
        self.assertEqual(self.status("configuration", "restart_needed"), ["gateway.timezone", "usb"])
        self.assertEqual(self.status("storage", "maximum_bytes"), 99_000_000)
        self.assertEqual(self.status("usb", "state"), "off")
        self.edit(lambda text: text.replace("Europe/Berlin", "Asia/Tokyo").replace(
            "usb: { enabled: true }", "usb: { enabled: false }"))
        self.wait_for_state("current")

    def test_a_device_that_the_file_moves_to_another_station_waits_for_a_word_that_knows_its_moment(self):
        stations = ("stations:\n  - { name: one, devices: [ { address: \"%s\" } ] }\n"
                    "  - { name: two, devices: [ { serial: \"9\" } ] }\n")
        self.gateway.configure((), more=stations % tapes.CUFF, devices="")
        self.gateway.start_daemon()
        self.edit(lambda text: text.replace("name: one", "name: three").replace("name: two", "name: one").replace(
            "name: three", "name: two"))
        self.wait_for_state("restart-needed")
        self.assertEqual(self.status("configuration", "restart_needed"), ["stations.devices"])

    def test_a_hangup_reads_everything_again_and_tells_the_service_manager(self):
        with Manager(self.gateway) as manager:
            self.gateway.configure((tapes.CUFF,))
            self.gateway.start_daemon()
            manager.wait_for("READY=1")
            # Through a link the directory of the file itself is not watched.
            loaded = self.status("configuration", "loaded_at")
            self.gateway.daemon.send_signal(signal.SIGHUP)
            manager.wait_for("RELOADING=1")
            manager.wait_for("READY=1", times=2)
            self.gateway.wait("reading it again", lambda: self.status("configuration", "loaded_at") != loaded)

    def test_ten_edits_in_a_row_end_with_the_last_one(self):
        self.gateway.configure((tapes.CUFF,))
        self.gateway.start_daemon()
        for number in range(10):
            self.edit(lambda text: re.sub(r"(?m)^storage:.*\n|\Z", "", text, count=1)
                      + "storage: { maximum: %dMB }\n" % (100 + number))
        self.gateway.wait("the last", lambda: self.status("storage", "maximum_bytes") == 109_000_000)


class Manager:
    """The service manager's end of sd_notify."""

    def __init__(self, gateway, watchdog=None):
        self.path = gateway.path("notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.messages, self._ends = [], False
        self._set = {"NOTIFY_SOCKET": self.path}
        if watchdog:
            self._set["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self):
        os.environ.update(self._set)
        self._thread.start()
        return self

    def __exit__(self, *ignored):
        for name in self._set:
            os.environ.pop(name)
        self._ends = True
        self._thread.join()
        self.socket.close()

    def _listen(self):
        self.socket.settimeout(0.2)
        while not self._ends:
            try:
                for field in self.socket.recv(65536).decode().split("\n"):
                    self.messages.append((time.monotonic(), field))
            except TimeoutError:
                pass

    def count(self, field, since=0.0):
        return sum(1 for at, said in self.messages if said == field and at >= since)

    def wait_for(self, field, times=1, since=0.0, seconds=15):
        end = time.monotonic() + seconds
        while self.count(field, since) < times:
            if time.monotonic() > end:
                raise AssertionError("%s did not come %d times: %s" % (field, times, self.messages[-5:]))
            time.sleep(0.02)


class Threads:
    """Stops one thread of a process and lets it go on, as a call that hangs in the kernel would."""

    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17

    def __init__(self):
        self._library = ctypes.CDLL(None, use_errno=True)
        self._library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    @staticmethod
    def named(process, name):
        for path in glob.glob("/proc/%d/task/*/comm" % process):
            if read(path).strip() == name:
                return int(path.split("/")[4])
        raise AssertionError("no thread is called " + name)

    def _call(self, request, thread):
        if self._library.ptrace(request, thread, None, None) != 0:
            raise PermissionError(ctypes.get_errno(), "ptrace is not permitted here")

    def stop(self, thread):
        self._call(self.SEIZE, thread)
        self._call(self.INTERRUPT, thread)
        os.waitpid(thread, 0x40000000)  # __WALL

    def go_on(self, thread):
        self._call(self.DETACH, thread)


class Watchdog(Operations):
    LIMIT = 2.0

    def test_it_is_fed_while_all_is_well_and_not_while_the_stores_thread_hangs(self):
        with Manager(self.gateway, watchdog=self.LIMIT) as manager:
            self.gateway.configure((tapes.CUFF,))
            self.gateway.start_daemon()
            manager.wait_for("WATCHDOG=1", times=3)
            # Reading the profiles on a slow, busy machine is no hang; afterwards the unit's own limit holds.
            told = [said for _, said in manager.messages if said == "READY=1" or said.startswith("WATCHDOG_USEC")]
            self.assertEqual(told, ["WATCHDOG_USEC=45000000", "READY=1", "WATCHDOG_USEC=2000000"])
            thread, threads = Threads.named(self.gateway.daemon.pid, "spool"), Threads()
            try:
                threads.stop(thread)
            except PermissionError as reason:
                self.skipTest(str(reason))
            # Something has to want the store: an idle thread is not woken to see whether it lives.
            asking = subprocess.Popen([os.path.join(PROGRAMS, "hakaru"), "--socket",
                                       self.gateway.path("hakaru.sock"), "records"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.gateway.wait("the log's word", lambda: "part-hangs part=store" in self.gateway.log())
            noticed = time.monotonic()
            time.sleep(1.5 * self.LIMIT)
            self.assertEqual(manager.count("WATCHDOG=1", since=noticed), 0, "systemd would restart it")
            self.assertTrue(any(said == "STATUS=store hangs" for _, said in manager.messages))
            threads.go_on(thread)
            manager.wait_for("WATCHDOG=1", since=time.monotonic())
            asking.wait(30)

    def test_a_loop_that_hangs_does_not_feed_it(self):
        with Manager(self.gateway, watchdog=self.LIMIT) as manager:
            self.gateway.configure((tapes.CUFF,))
            self.gateway.start_daemon()
            manager.wait_for("WATCHDOG=1", times=2)
            self.gateway.daemon.send_signal(signal.SIGSTOP)
            stopped = time.monotonic() + 0.3
            time.sleep(self.LIMIT)
            self.assertEqual(manager.count("WATCHDOG=1", since=stopped), 0)
            self.gateway.daemon.send_signal(signal.SIGCONT)


class Watching(Operations):
    def test_status_is_shown_anew_also_over_a_restart_of_the_daemon(self):
        self.gateway.configure((tapes.CUFF,))
        self.gateway.start_daemon()
        with open(self.gateway.path("watched"), "wb") as out:
            watching = subprocess.Popen([os.path.join(PROGRAMS, "hakaru"), "--socket",
                                         self.gateway.path("hakaru.sock"), "status", "--watch", "--json"], stdout=out)
        self.addCleanup(watching.wait)
        self.addCleanup(watching.kill)

        def lines():
            return [json.loads(line) for line in read(self.gateway.path("watched")).splitlines()]
        self.gateway.wait("the first", lambda: lines() and lines()[-1].get("gateway"))
        self.gateway.stop_daemon()
        self.gateway.wait("a word of the absence", lambda: "error" in lines()[-1])
        self.gateway.start_daemon()
        self.gateway.wait("the next", lambda: lines()[-1].get("gateway") == "system-test")


LINE = re.compile(r'^([a-z_:][a-z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)+\})? (-?[0-9.e+-]+)$')


class Metrics(Operations):
    def metrics(self):
        done = subprocess.run(["curl", "-s", "--unix-socket", self.gateway.path("hakaru.sock"),
                               "http://localhost/metrics"], capture_output=True, text=True)
        return done.stdout

    def filled(self):
        """The metrics of a gateway that has seen a cuff, a refusal, and an outage."""
        self.gateway.start_receiver()
        self.gateway.configure((tapes.CUFF,))
        self.gateway.start_daemon()
        self.gateway.played(self.gateway.drop("cuff", tapes.cuff(tapes.series(3), slow=datetime.timedelta(minutes=6))))
        self.gateway.delivered()
        self.gateway.stop_receiver()
        later = tapes.START + datetime.timedelta(hours=1)
        self.gateway.played(self.gateway.drop("later", tapes.cuff(tapes.series(1, first=later), at=later)))
        self.gateway.wait("a failed try", lambda: self.gateway.destination()["state"] == "retrying")
        return self.metrics()

    def test_they_keep_the_text_format_and_every_family_stands_together_under_its_kind(self):
        text = self.filled()
        seen, current = set(), None
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                current, kind = line.split()[2:]
                self.assertNotIn(current, seen, "a family comes twice")
                seen.add(current)
                self.assertIn(kind, ("counter", "gauge", "histogram"))
                continue
            found = LINE.match(line)
            self.assertTrue(found, line)
            self.assertIn(found.group(1), [current + end for end in ("", "_bucket", "_sum", "_count")], line)
        values = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                  for line in text.splitlines() if line[0] != "#"}
        self.assertEqual(values["hakaru_delivery_seconds_count"], 3)
        self.assertGreaterEqual(values["hakaru_store_seconds_count"], 2)
        buckets = [v for k, v in values.items() if k.startswith("hakaru_store_seconds_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], values["hakaru_store_seconds_count"])
        offset, = [v for k, v in values.items() if k.startswith("hakaru_device_clock_offset_seconds")]
        self.assertNotEqual(offset, 0)
        self.assertNotIn(tapes.CUFF, text, "metrics travel: no whole address in them")

    def test_every_name_in_the_alerts_and_on_the_dashboard_exists(self):
        names = {line.split("{")[0].split(" ")[0] for line in self.filled().splitlines() if line[0] != "#"}
        # No adapter, no USB bus and no battery is needed to test the rest.
        names |= {"hakaru_bluetooth_scanning", "hakaru_bluetooth_last_advertisement_timestamp_seconds",
                  "hakaru_bluetooth_recoveries_total", "hakaru_usb_watching", "hakaru_device_battery_percent"}
        for path in ("alerts.yaml", "dashboard.json"):
            text = read(os.path.join(ROOT, "monitoring", path))
            used = set(re.findall(r"\bhakaru_[a-z0-9_]+", text))
            self.assertGreater(len(used), 10, path)
            self.assertEqual(used - names, set(), path)

    def test_the_alerts_name_what_must_be_visible(self):
        text = read(os.path.join(ROOT, "monitoring/alerts.yaml"))
        for name in ("HakaruDeviceSilent", "HakaruDestinationBehind", "HakaruDown", "HakaruClockNotSynchronised",
                     "HakaruStorageTrouble", "HakaruDeadLetters", "HakaruQuarantine", "HakaruConfigurationRefused"):
            self.assertIn("alert: " + name, text)
        json.loads(read(os.path.join(ROOT, "monitoring/dashboard.json")))


if __name__ == "__main__":
    unittest.main()
