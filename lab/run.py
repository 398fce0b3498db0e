#!/usr/bin/env python3
"""Boots the virtual machine, has it play the scenarios, and prints one line for each.

Called by scripts/lab, which has set up Python and the programs. A scenario that failed is played once
more in a fresh machine, and both results are printed.
"""
import argparse
import concurrent.futures
import json
import os
import shutil
import signal
import sys
import threading

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)

from framework import registry  # noqa: E402
from vm import image, machine  # noqa: E402

printing = threading.Lock()


def say(text):
    """One line to whoever started the lab."""
    with printing:
        print(text, flush=True)


class Output:
    """Splits what a machine prints into results and the rest."""

    def __init__(self, report, file):
        self._report, self._file, self._rest = report, file, b""
        self._talk = []

    def __call__(self, data):
        self._file.write(data)
        self._file.flush()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            if text.startswith("RESULT "):
                self._report(json.loads(text[7:]), "\n".join(self._talk))
                self._talk = []
            else:
                self._talk.append(text)

    @property
    def talk(self):
        """What was printed since the last result."""
        return "\n".join(self._talk)


class Lab:
    """The whole run."""

    def __init__(self, options, scenarios):
        self.options, self.scenarios = options, scenarios
        self.results = os.path.join(options.cache, "results")
        self.failed_tails = {}
        shutil.rmtree(self.results, ignore_errors=True)
        os.makedirs(self.results)
        self.kernel = image.set_up(options.cache, options.kernel, say)

    def play(self, names, attempt):
        """Plays the scenarios; returns their results by name."""
        groups = []
        for systemd in (False, True):
            fitting = [name for name in names if self.scenarios[name].systemd == systemd]
            for part in range(self.options.jobs if fitting else 0):
                if fitting[part::self.options.jobs]:
                    groups.append((systemd, fitting[part::self.options.jobs]))
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            outcomes = pool.map(lambda job: self._machine(job[0], *job[1], attempt), enumerate(groups, 1))
            return {name: result for outcome in outcomes for name, result in outcome.items()}

    def _machine(self, number, systemd, names, attempt):
        results = {}

        def report(result, talk):
            results[result["name"]] = result
            self._print(result, talk, attempt)
        folder = os.path.join(self.results, "try-%d" % attempt)
        os.makedirs(folder, exist_ok=True)
        python = os.path.join(self.options.cache, "venv/bin/python")
        with open(os.path.join(folder, "machine-%d.log" % number), "wb") as file:
            output = Output(report, file)
            outcome = machine.run(machine.Machine(
                cache=self.options.cache, kernel=self.kernel, modules=["hci_vhci", "vhci_hcd"], systemd=systemd,
                line=any(self.scenarios[name].line for name in names), shares=[folder], folder=ROOT, timeout=60 + sum(self.scenarios[n].seconds for n in names),
                command=[python, os.path.join(HERE, "suite.py"), "--root", ROOT,
                         "--programs", self.options.programs, "--results", folder,
                         *(["--systemd"] if systemd else []),
                         *(["--debug"] if self.options.debug else []), *names]), output)
        for name in names:
            if name not in results:
                if machine.stopping():
                    raise KeyboardInterrupt
                problem = outcome.why or "the machine ended with status %d" % outcome.status
                report({"name": name, "passed": False, "seconds": 0, "figures": {},
                        "problem": problem}, output.talk + "\n--- console\n" + outcome.console)
        for fault in outcome.faults:
            say("kernel fault in the guest: %s" % fault.strip())
        if outcome.faults:
            for name in names:
                if results[name]["passed"]:
                    results[name].update(passed=False, problem="the guest's kernel had a fault")
        return results

    def _print(self, result, talk, attempt):
        figures = ", ".join("%s %s" % item for item in result["figures"].items())
        verdict = "passed" if result["passed"] else "failed"
        if attempt > 1:
            verdict += " on second try"
        say("%-32s %-22s %6.1f s  %s" % (result["name"], verdict, result["seconds"], figures))
        if not result["passed"]:
            say("  " + (result["problem"] or "").rstrip().replace("\n", "\n  "))
            say(talk)


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/lab", description="Plays scenarios with virtual devices in a virtual machine.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all")
    parser.add_argument("--list", action="store_true", help="name the scenarios and what they prove")
    parser.add_argument("--smoke", action="store_true", help="only the part that CI runs")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="virtual machines at a time (1)")
    parser.add_argument("--debug", action="store_true",
                        help="hakarud and bluetoothd tell everything; the bus is recorded; all logs are kept")
    parser.add_argument("--kernel", default=os.environ.get("HAKARU_LAB_KERNEL", image.KERNEL),
                        help="Debian package of the guest's kernel (%(default)s)")
    parser.add_argument("--cache", default=os.environ.get("HAKARU_LAB_CACHE", os.path.join(ROOT, "cache")))
    parser.add_argument("--programs", default=os.environ.get(
        "HAKARU_BUILD", os.path.join(ROOT, ".build/release")), help="where hakarud and hakaru are")
    parser.add_argument("--needs-programs", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.cache, options.programs = os.path.abspath(options.cache), os.path.abspath(options.programs)
    return parser, options


def chosen(parser, options, scenarios):
    """The names to play, in order."""
    unknown = [name for name in options.scenarios if name not in scenarios]
    if unknown:
        parser.error("no scenario %s; --list names them" % ", ".join(unknown))
    names = options.scenarios or list(scenarios)
    return [name for name in names if scenarios[name].smoke or not options.smoke or options.scenarios]


def main(arguments):
    parser, options = parse(arguments)
    scenarios = registry.load()
    names = chosen(parser, options, scenarios)
    if options.list:
        for name in names:
            about = scenarios[name]
            print("%-32s%s %s" % (name, " [smoke]" if about.smoke else "        ", about.proves))
        return 0
    if options.needs_programs:
        return 0 if any(scenarios[name].needs_programs for name in names) else 1
    try:
        lab = Lab(options, scenarios)
    except image.CannotSetUp as reason:
        print("scripts/lab: %s" % reason, file=sys.stderr)
        return 1
    results = lab.play(names, 1)
    again = [name for name in names if not results[name]["passed"]]
    if again:
        say("once more in a fresh machine: %s" % ", ".join(again))
        results.update(lab.play(again, 2))
    failed = [name for name in names if not results[name]["passed"]]
    if again:
        say("logs and captures of failed tries: %s" % lab.results)
    say("%d passed, %d failed" % (len(names) - len(failed), len(failed)))
    return 1 if failed else 0


def stop(number, frame):
    """On SIGINT and SIGTERM: no machine outlives the lab."""
    machine.stop_all()
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
