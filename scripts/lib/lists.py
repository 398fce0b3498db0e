"""How long a list of 100,000 participants takes: checked without a daemon, and imported whole."""
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
os.environ.setdefault("HAKARU_BUILD", os.path.join(ROOT, ".build/release"))
sys.path.insert(0, os.path.join(ROOT, "Tests/System"))
from figure import Figure  # noqa: E402
from gateway import PROGRAMS, Gateway  # noqa: E402

ROWS = 100_000
LIMIT = 2_000


def roster(path):
    """A list as a spreadsheet writes it: Shift_JIS, Japanese header, quoted cells, CR LF."""
    rows = ["\u30b3\u30f3\u30bd\u30fc\u30b7\u30a2\u30e0ID,\u53c2\u52a0\u8005ID,\u751f\u5e74\u6708,"
            "\u53c2\u52a0\u958b\u59cb\u65e5,\u53c2\u52a0\u7d42\u4e86\u65e5,\u5c45\u4f4f\u5730\u60c5\u5831"]
    rows += ['C00001,"MDM-%06d",1985/4,2026/4/1,2027/3/31,13101' % n for n in range(ROWS)]
    with open(path, "wb") as f:
        f.write(("\r\n".join(rows) + "\r\n").encode("cp932"))


def run(_):
    """Check and import of a list of 100,000 participants."""
    gateway = Gateway("hakaru-lists-")
    try:
        path = gateway.path("roster.csv")
        roster(path)
        gateway.configure()
        gateway.start_daemon("--log-level", "error")

        def command(*words):
            begin = time.monotonic()
            done = subprocess.run([os.path.join(PROGRAMS, "hakaru"), "--socket",
                                   gateway.path("hakaru.sock"), *words], capture_output=True)
            took = (time.monotonic() - begin) * 1000
            if done.returncode:
                raise SystemExit("bench: lists: " + done.stderr.decode()[:500])
            return took
        size = "%d rows, %.1f MB in Shift_JIS" % (ROWS, os.path.getsize(path) / 1e6)
        yield Figure("check of a list", command("lists", "check", path), "ms", LIMIT,
                     "hakaru lists check, from exec to exit, " + size)
        yield Figure("import of a list", command("lists", "import", path), "ms", LIMIT,
                     "hakaru lists import into an empty store, fsync included, " + size)
        yield Figure("import in its place", command("lists", "import", path), "ms", LIMIT,
                     "the same again: 100,000 rows go, 100,000 come")
        gateway.stop_daemon()
        gateway.start_daemon("--log-level", "error")
        yield Figure("first question after a restart", command("session", "show"), "ms", LIMIT,
                     "hakaru session show, which reads the list of 100,000 from the store")
    finally:
        gateway.close()
