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
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)

from framework import registry  # noqa: E402
from framework.waiting import Failed  # noqa: E402
from vm import image, machine  # noqa: E402
from vm.disk import VolatileDisk  # noqa: E402

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
        self.cuts, self.failed = False, False

    def __call__(self, data):
        self._file.write(data)
        self._file.flush()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            if text.startswith("CUT") and self.cuts:
                raise machine.PowerCut()
            if text.startswith("RESULT "):
                result = json.loads(text[7:])
                self.failed = not result["passed"]
                if self.cuts and result["passed"]:
                    continue  # there is another boot to come
                self._report(result, "\n".join(self._talk))
                self._talk = []
            else:
                self._talk.append(text)

    @property
    def talk(self):
        """What was printed since the last result."""
        return "\n".join(self._talk)


class Lab:
    """The whole run."""

    def __init__(self, options, scenarios, names):
        self.options, self.scenarios = options, scenarios
        self.root, self.say = ROOT, say
        self.results = os.path.join(options.cache, "results")
        self.failed_tails = {}
        shutil.rmtree(self.results, ignore_errors=True)
        os.makedirs(self.results)
        self.kernel = image.set_up(options.cache, options.kernel, say)
        self.package = self._package() if options.unit or any(scenarios[name].package for name in names) else None

    def _package(self):
        """The Debian package of the programs; HAKARU_PACKAGE names one that is there."""
        if os.environ.get("HAKARU_PACKAGE"):
            return os.path.abspath(os.environ["HAKARU_PACKAGE"])
        say("making the package")
        done = subprocess.run([os.path.join(ROOT, "scripts/package")], capture_output=True, text=True,
                              env={**os.environ, "HAKARU_BUILD": self.options.programs})
        if done.returncode:
            raise image.CannotSetUp("scripts/package failed:\n" + (done.stdout + done.stderr)[-2000:])
        # Packed without compression: an emulated machine takes a minute to unpack it otherwise.
        packed = os.path.join(ROOT, done.stdout.splitlines()[-1])
        tree, plain = os.path.join(self.options.cache, "package"), os.path.join(self.options.cache, "package.deb")
        shutil.rmtree(tree, ignore_errors=True)
        for words in (["-R", packed, tree], ["--root-owner-group", "-Znone", "-b", tree, plain]):
            subprocess.run(["dpkg-deb", *words], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)
        return plain

    def play(self, names, attempt):
        """Plays the scenarios; returns their results by name."""
        hosted = {name: self._hosted(name, attempt) for name in names if self.scenarios[name].host}
        names = [name for name in names if name not in hosted]
        groups = []
        for name in names:
            if self.scenarios[name].boots > 1:  # a machine of its own
                groups.append((self.scenarios[name].systemd, [name]))
        kinds = {}
        for name in names:
            about = self.scenarios[name]
            if about.boots == 1:
                # udevd finds the machine's own adapter at once: no line for a scenario that counts its lines.
                kinds.setdefault((about.systemd or self.options.unit, about.line and self.options.unit), []).append(name)
        for (systemd, _), fitting in sorted(kinds.items()):
            for part in range(self.options.jobs):
                if fitting[part::self.options.jobs]:
                    groups.append((systemd, fitting[part::self.options.jobs]))
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            outcomes = pool.map(lambda job: self._machine(job[0], *job[1], attempt), enumerate(groups, 1))
            return hosted | {name: result for outcome in outcomes for name, result in outcome.items()}

    def _hosted(self, name, attempt):
        """Plays a scenario that handles its machines itself."""
        began, figures, problem = time.monotonic(), {}, None
        try:
            figures = self.scenarios[name].play(self) or {}
        except Failed as reason:
            if machine.stopping():
                raise KeyboardInterrupt
            problem = str(reason)
        result = {"name": name, "passed": problem is None, "problem": problem, "figures": figures,
                  "seconds": round(time.monotonic() - began, 1)}
        self._print(result, "", attempt)
        return result

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
            vm = machine.Machine(
                cache=self.options.cache, kernel=self.kernel, modules=["hci_vhci", "vhci_hcd"], systemd=systemd,
                line=any(self.scenarios[name].line for name in names), shares=[folder], folder=ROOT,
                timeout=self._seconds(names),
                command=[python, os.path.join(HERE, "suite.py"), "--root", ROOT,
                         "--programs", self.options.programs, "--results", folder,
                         *(["--package", self.package] if self.package else []),
                         *(["--systemd"] if systemd else []),
                         *(["--unit"] if self.options.unit else []),
                         *("--drop-in=" + name for name in self.options.drop_in),
                         *(["--debug"] if self.options.debug else []), *names])
            if self.scenarios[names[0]].boots == 1:
                outcome = machine.run(vm, output)
            else:
                outcome = self._boots(vm, output, self.scenarios[names[0]].boots, attempt)
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

    def _seconds(self, names):
        """How long a machine with these may run."""
        seconds = 60 + sum(self.scenarios[name].seconds for name in names)
        return 240 + registry.UNIT_TAKES * seconds if self.options.unit else seconds

    def _boots(self, vm, output, count, attempt):
        """Starts a machine on one disk again and again; where it asks for it, its power is cut."""
        with tempfile.TemporaryDirectory(prefix="hakaru-disk-") as folder:
            vm.disk = VolatileDisk(os.path.join(folder, "image"), 3 << 30)
            subprocess.run(["mkfs.ext4", "-q", "-F", vm.disk.path], check=True)
            command = list(vm.command)
            for boot in range(1, count + 1):
                vm.command = [*command[:-1], "--boot", str(boot), command[-1]]
                output.cuts = boot < count
                try:
                    outcome = machine.run(vm, output)
                    vm.disk.power_off()
                except machine.PowerCut:
                    waiting, lost = vm.disk.cut(seed=attempt * 100 + boot)
                    say("power cut in boot %d: of %d sectors that were not flushed %d are lost" % (
                        boot, waiting, lost))
                    continue
                if output.failed or outcome.why:
                    break
            return outcome

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
    parser.add_argument("--unit", action="store_true",
                        help="hakarud is the package's hardened unit under systemd, not a child of the scenario")
    parser.add_argument("--drop-in", action="append", default=[], choices=registry.DROP_INS,
                        help="with --unit: a drop-in that the package ships")
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
    names = [name for name in names if scenarios[name].smoke or not options.smoke or options.scenarios]
    if options.drop_in and not options.unit:
        parser.error("--drop-in is for --unit")
    if options.unit:
        names = [name for name in names if playable(scenarios[name], options)]
        if not names:
            parser.error("none of these is played with the unit")
    return names


def playable(about, options):
    """Whether a scenario can be played with the packaged unit; says why not."""
    why = about.not_as_unit
    if "no-cables" in options.drop_in and about.cables:
        why = "the drop-in takes the devices on a cable away"
    if why and not options.needs_programs:
        say("%-32s not with the unit: %s" % (about.name, why))
    return not why


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
        lab = Lab(options, scenarios, names)
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
