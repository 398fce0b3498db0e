"""The benchmark of matching and decoding: what an advertisement costs, beside TheengsDecoder."""
import json
import os
import subprocess
import sys
import venv

from figure import Figure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PEER = os.path.join(ROOT, ".build/bench/venv")
PACKAGE = "TheengsDecoder==2.5.0"
PEER_FRAMES = 20000


def run(folder):
    """Advertisements a second, what a foreign one costs, and the ratio to TheengsDecoder."""
    stream = os.path.join(folder, "stream")
    ours = json.loads(subprocess.run(
        [os.path.join(ROOT, ".build/release/DecodeBench"), os.path.join(ROOT, "device-profiles"), stream],
        check=True, stdout=subprocess.PIPE, text=True).stdout)
    peer = measure_peer(stream)
    few, many = ours["foreign_ns_10"], ours["foreign_ns_500"]
    yield Figure("foreign frame, 500 profiles", many / few, "x", 1.5,
                 "%.0f ns at 10 profiles, %.0f at 100, %.0f at 500; the filter on raw messages of the management "
                 "socket, fastest of 7 passes; limit: the cost at 10 profiles, and half as much"
                 % (few, ours["foreign_ns_100"], many))
    yield Figure("allocations", ours["allocations"], "", 0,
                 "requests to malloc and its relatives during %d foreign frames, 500 profiles"
                 % ours["allocation_frames"])
    rate = 1e9 / ours["frame_ns"]
    yield Figure("ratio to TheengsDecoder", rate / peer["rate"], "x", 100,
                 "%.0f frames/s against %.0f on the same stream (%d frames, 95 %% foreign, 500 profiles of which %d "
                 "are shipped): filter, match and decode of %d own frames, of which %d are measurements. "
                 "TheengsDecoder (C++, by its Python interface as its users call it, %d decoded) had %d frames of "
                 "the stream as JSON that was made before" % (
                     rate, peer["rate"], ours["frames"], ours["shipped_profiles"], ours["candidates"],
                     ours["measurements"], peer["decoded"], peer["frames"]), more=True)


def measure_peer(stream):
    """Frames a second of TheengsDecoder, installed into a folder of its own at the first run."""
    python = os.path.join(PEER, "bin/python")
    if subprocess.run([python, "-c", "import TheengsDecoder"], stderr=subprocess.DEVNULL).returncode \
            if os.path.exists(python) else True:
        print("installing %s in %s" % (PACKAGE, PEER), flush=True)
        venv.create(PEER, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", PACKAGE], check=True)
    peer = os.path.join(os.path.dirname(os.path.realpath(__file__)), "theengs.py")
    return json.loads(subprocess.run([python, peer, stream, str(PEER_FRAMES)], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)


if __name__ == "__main__":
    sys.exit("run scripts/bench decode")
