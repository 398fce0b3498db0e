"""The power fails: the whole machine is killed while readings are stored."""
import json
import os
import random
import threading

from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that
from power.disk import Disk
from vm import machine

CUTS = int(os.environ.get("HAKARU_LAB_CUTS", "24"))
HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


class Witness:
    """What one boot has told, line by line; sets off the cut a while after the work began."""

    def __init__(self, after, cut):
        self.stored, self.accepted, self.unsynced = None, {}, 0
        self.talk, self._rest = [], b""
        self._after, self._cut = after, cut

    def __call__(self, data):
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "STORED":
                self.stored = json.loads(rest)
            elif word == "WORKING":
                threading.Timer(self._after, self._cut).start()
            elif word == "ACCEPTED":
                key, values = json.loads(rest)
                self.accepted[key] = values
            elif word == "UNSYNCED":
                self.unsynced = int(rest)
            else:
                self.talk.append(line.decode(errors="replace"))


def boot(lab, disk, number, seconds):
    """Boots on the disk, works for so long, and cuts the power; returns what was told."""
    vm = machine.Machine(
        cache=lab.options.cache, kernel=lab.kernel, modules=["virtio_blk", "ext4"], folder=lab.root, timeout=240,
        more=disk.arguments(), command=[
            "python3", os.path.join(HERE, "power/guest.py"), "--root", lab.root, "--programs",
            lab.options.programs, "--number", str(number)])
    witness = Witness(seconds, lambda: disk.strike(vm.cut.set))
    outcome = machine.run(vm, witness)
    if outcome.why and not vm.cut.is_set():
        raise Failed("boot %d: %s\n%s\n%s" % (number, outcome.why, "\n".join(witness.talk[-20:]), outcome.console))
    if witness.stored is None:
        raise Failed("boot %d told nothing\n%s" % (number, "\n".join(witness.talk[-20:])))
    disk.cut(number)
    return witness


def series(lab, volatile, cuts, figures):
    """Cut after cut on one disk; what was accepted before must be there after each of them."""
    chance = random.Random(20260301 + volatile)
    disk = Disk(lab.results, volatile)
    accepted, unsynced, lost_lines = {}, 0, 0
    for number in range(cuts + 1):
        witness = boot(lab, disk, number, chance.uniform(0.2, 3.5))
        stored = dict(witness.stored["records"])
        expect("damaged stores after cut %d" % number, witness.stored["set_aside"], [])
        expect("state of the storage", witness.stored["state"], "ok")
        expect("records with two values or none", len(stored), len(witness.stored["records"]))
        lost = [key for key, values in accepted.items() if stored.get(key) != values]
        expect_that("%d of %d accepted readings are lost or changed after cut %d" % (
            len(lost), len(accepted), number), not lost)
        lost_lines += max(0, unsynced - witness.stored["unsynced"])
        unsynced = witness.unsynced
        accepted.update(stored)
        accepted.update(witness.accepted)
        lab.say("  cut %2d on a disk with a %s: %d accepted readings, none lost" % (
            number, "volatile cache" if volatile else "direct path", len(accepted)))
    expect_that("readings were stored", len(accepted) > cuts)
    # What nobody synchronised is the proof that the power was really gone.
    expect_that("a file that nobody synchronised has lost something", lost_lines > 0)
    if volatile:
        expect_that("writes waited for their flush at %d of %d cuts" % (disk.hits, cuts + 1), disk.hits > cuts / 2)
        expect_that("some of them were lost", 0 < disk.lost < disk.waiting)
    name = "volatile" if volatile else "direct"
    figures["%s: cuts" % name] = cuts
    figures["%s: accepted" % name] = len(accepted)
    figures["%s: lost" % name] = 0
    figures["%s: unsynchronised lines lost" % name] = lost_lines
    if volatile:
        figures["sectors lost"] = "%d of %d that were not flushed, at %d cuts" % (disk.lost, disk.waiting, disk.hits)


@scenario("power-cut", host=True, seconds=3600)
def power_cut(lab):
    """The machine is killed 24 times while readings are stored: none that was accepted is lost.

    The second dozen has a disk that forgets half of what was not flushed, and fails while such writes wait.
    """
    figures = {}
    series(lab, False, CUTS // 2, figures)
    series(lab, True, CUTS - CUTS // 2, figures)
    return figures
