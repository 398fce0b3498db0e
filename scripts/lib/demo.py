#!/usr/bin/env python3
"""The demonstration behind scripts/demo: the real daemon, recorded devices, a checking receiver.

Plays the tapes of four devices one after the other, prints each reading as the receiver accepts it, then
the status. Ends with a summary; its exit code is 0 only when every number in it is as expected.
"""
import argparse
import os
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
os.environ.setdefault("HAKARU_BUILD", os.path.join(ROOT, ".build/release"))
sys.path.insert(0, os.path.join(ROOT, "Tests/System"))
from gateway import PROGRAMS, Gateway, Stuck, tape  # noqa: E402

DEVICES = [
    # profile, tape, what it is, records that reach the receiver
    ("and-ua-651ble", "backlog", "cuff with 32 stored records, 30 of them failed, clock 6 min slow", 2),
    ("and-uc-352ble", "weighing", "weight scale, clock 40 s fast, one weighing in kg, one in lb", 2),
    ("roche-accu-chek", "first-session",
     "glucose meter, four records: one HI, one control solution", 2),
    ("xiaomi-mi-body-composition-scale-2", "weighing", "advertisement-only scale, one weighing", 1),
    ("and-ua-651ble", "backlog", "the same cuff sends everything again", 0),
]
DEVICE_FIELDS = ("observation_time", "update_time", "origin_of_time_code", "data_input_code",
                 "model_manufacturer_code", "model_number", "production_specification_serial")


def show(lines):
    for line in lines:
        values = line["values"]
        shown = "  ".join("%s %s" % (k, v) for k, v in values.items() if k not in DEVICE_FIELDS)
        print("    %-9s %s  %-14s %-45s time code %s" % (
            line["verdict"], values.get("observation_time"), line["table"].split(".")[-1], shown,
            values.get("origin_of_time_code")), flush=True)


def run(gateway):
    """Plays everything; returns what is not as it should be."""
    gateway.start_receiver()
    print("receiver   %s (TLS, checks every document against the exchange spec)" % gateway.url)
    gateway.configure(sorted({tape(p, t)[1] for p, t, _, _ in DEVICES}),
                      change=lambda text: text.replace("id: system-test", "id: demo"))
    print("hakarud    answers after %.0f ms\n" % gateway.start_daemon())
    problems, accepted, refused = [], 0, 0
    for number, (profile, name, what, expected) in enumerate(DEVICES):
        print("%s: %s" % (profile, what), flush=True)
        gateway.play(profile, name, "%d-%s" % (number, profile))
        lines = gateway.delivered()
        show(lines)
        count = sum(line["verdict"] == "accepted" for line in lines)
        accepted, refused = accepted + count, refused + len(lines) - count
        if not lines:
            print("    nothing new")
        if count != expected:
            problems.append("%s: %d records arrived, %d were due" % (profile, count, expected))
    print()
    subprocess.run([os.path.join(PROGRAMS, "hakaru"), "--socket", gateway.path("hakaru.sock"),
                    "status"], check=True)
    records = gateway.hakaru("status")["records"]
    cuff = next(d for d in gateway.hakaru("devices", lines=True) if d["profile"] == DEVICES[0][0])
    if refused:
        problems.append("%d records were refused" % refused)
    if records["delivered"] != accepted or records["waiting"] or records["quarantined"]:
        problems.append("the gateway counts %s" % records)
    if cuff["failed_measurements"] != 30:
        problems.append("the cuff counts %d failed measurements, 30 were due"
                        % cuff["failed_measurements"])
    print("\n%d records delivered, each once; %d failed measurements counted, none sent; %d refused "
          "by the receiver" % (accepted, records["failed_measurements"], refused))
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    keep = parser.parse_args().keep
    gateway = Gateway("hakaru-demo-")
    problems = ["it did not come to its end"]
    try:
        problems = run(gateway)
        if keep:
            print("\nrunning on; try:  %s --socket %s records\nCtrl-C ends it" % (
                os.path.join(PROGRAMS, "hakaru"), gateway.path("hakaru.sock")), flush=True)
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            while True:
                time.sleep(3600)
    except Stuck as stuck:
        problems = [str(stuck)]
    except KeyboardInterrupt:
        pass
    finally:
        codes = gateway.close()
    if any(code not in (0, -signal.SIGTERM) for code in codes):
        problems.append("exit codes %s" % codes)
    for problem in problems:
        print("demo: " + problem, file=sys.stderr)
    if not problems:
        print("every number is as it must be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
