#!/usr/bin/env python3
"""Plays scenarios one after the other; runs inside the virtual machine.

    suite.py --root REPOSITORY --programs FOLDER --results FOLDER NAME…

For each scenario it prints one line `RESULT {json}`. For a failed one it prints the ends of the logs
before that, and copies the logs into the results folder.
"""
import argparse
import json
import os
import shutil
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.realpath(__file__))
WORK = "/run/hakaru-lab"  # a tmpfs: sockets and databases do not live on a shared folder
CERTIFICATES = os.path.join(WORK, "certificates")
sys.path.insert(0, HERE)

from framework import bluetooth, clock, latency, registry, unit  # noqa: E402
from framework.home import Home  # noqa: E402
from framework.receiver import make_certificates  # noqa: E402
from framework.waiting import Failed  # noqa: E402


class OutOfTime(Failed):
    """The scenario took longer than it may."""


def _alarm(number, frame):
    raise OutOfTime("the scenario took too long")


def play(about, options):
    """Plays one scenario in a fresh home; returns what to report and the ends of the logs."""
    began = time.monotonic()
    folder = os.path.join(WORK, about.name)
    problem, figures, tails, home = None, {}, "", None
    signal.alarm(int(about.seconds * (registry.UNIT_TAKES if options.unit else 1)))
    try:
        home = Home(options, CERTIFICATES, folder, about)
        home.open()
        figures = about.play(home) or {}
        if home.gateway:
            home.gateway.check()
        if home.receiver:
            if not about.cables:
                figures = {**latency.figures(home.room.events, home.receiver.arrivals()), **figures}
    except Failed as reason:
        problem = str(reason)
    except Exception:
        problem = traceback.format_exc()
    signal.alarm(0)
    if home:
        if problem or options.debug:
            try:
                tails = home.tails()
            except Exception as error:
                tails = "the logs could not be read: %r" % error
        home.close()
        if problem or options.debug:
            keep(folder, os.path.join(options.results, about.name))
    return {"name": about.name, "passed": problem is None, "problem": problem, "figures": figures,
            "seconds": round(time.monotonic() - began, 1)}, problem and tails


def keep(folder, results):
    """Copies the logs and captures of a failed scenario out of the guest."""
    os.makedirs(results, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith((".log", ".jsonl", ".btsnoop", ".yaml")):
            shutil.copy(os.path.join(folder, name), results)


def install(options):
    """The package, for scenarios that use its unit; reported as one more result."""
    began, problem, figures = time.monotonic(), None, {}
    try:
        figures = unit.prepare(options.package, options.drop_in, options.debug)
    except Exception:
        problem = traceback.format_exc()
    print("RESULT " + json.dumps({
        "name": "(the package is installed)", "passed": problem is None, "problem": problem, "figures": figures,
        "seconds": round(time.monotonic() - began, 1)}), flush=True)
    return problem is None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--package", help="the Debian package, for scenarios that install it")
    parser.add_argument("--boot", type=int, default=1, help="which start of a machine with a disk this is")
    parser.add_argument("--results", required=True)
    parser.add_argument("--systemd", action="store_true", help="systemd runs the guest")
    parser.add_argument("--unit", action="store_true", help="hakarud is the package's unit")
    parser.add_argument("--drop-in", action="append", default=[], help="one that the package ships")
    parser.add_argument("--debug", action="store_true", help="verbose logs, kept whether it fails or not")
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    scenarios = registry.load()
    signal.signal(signal.SIGALRM, _alarm)
    clock.mark(synchronised=True)
    if not options.systemd:
        bluetooth.start_system_bus()
    began = time.monotonic()
    if any(not scenarios[name].cables for name in options.names):
        import room.control  # noqa: F401  seconds, once for all scenarios
    if any(scenarios[name].needs_programs for name in options.names):
        make_certificates(options.root, CERTIFICATES)
    if options.unit and not install(options):
        sys.exit(1)
    print("ready after %.1f s" % (time.monotonic() - began), flush=True)
    for name in options.names:
        result, tails = play(scenarios[name], options)
        if tails:
            print(tails, flush=True)
        print("RESULT " + json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
