"""Each promise of docs/guarantees.md names what proves it; what it names has to be there."""
import glob
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def scenarios():
    return set(re.findall(r'@scenario\(\s*"([^"]+)"', "".join(map(text, glob.glob("lab/scenarios/*.py", root_dir=ROOT)))))


def missing(page):
    """What a page names as proof and is nowhere, with the reason."""
    known, found = scenarios(), []
    suites = {}
    for path in glob.glob("Tests/**/*.swift", root_dir=ROOT, recursive=True):
        suites.setdefault(os.path.basename(path)[:-6], []).append(path)
    flat = re.sub(r"\s+", " ", page)
    for word in set(re.findall(r"`([^`]+)`", flat)):
        word = word.removeprefix("lab scenario ")
        if re.fullmatch(r"(bluetooth|usb|systemd|power)-[a-z0-9-]+", word):
            found += [] if word in known else ["no scenario " + word]
        elif re.fullmatch(r"[A-Z]\w+Tests", word):
            found += [] if word in suites else ["no suite " + word]
        elif re.fullmatch(r"test_\w+\.py", word):
            found += [] if os.path.exists(os.path.join(ROOT, "Tests/System", word)) else ["no file " + word]
        elif word.startswith(("Tests/", "scripts/")):
            path = os.path.join(ROOT, word.split()[0])
            if not (os.path.exists(path) or os.path.exists(path + ".swift")):
                found.append("no path " + word)
    for suite, words in re.findall(r"`(?:Tests/)?(?:\w+/)*(\w+Tests)`: ([^;|.`]+)", flat):
        files = " ".join(map(text, suites.get(suite, [])))
        if files and words.strip().lower() not in re.sub(r"\s+", " ", files).lower():
            found.append("%s has no test '%s'" % (suite, words.strip()))
    return sorted(found)


class Guarantees(unittest.TestCase):
    def test_every_test_suite_scenario_and_script_that_a_promise_names_is_there(self):
        self.assertEqual(missing(text("docs/guarantees.md")), [])

    def test_what_is_not_there_is_found(self):
        for page, word in [
                ("`Tests/SpoolTests/NoSuchTests`", "no path"), ("`NoSuchTests`", "no suite"),
                ("`bluetooth-no-such`", "no scenario"), ("`scripts/no-such`", "no path"),
                ("`test_no_such.py`", "no file"), ("`Tests/SpoolTests/DiskTroubleTests`: never written", "has no test")]:
            with self.subTest(page):
                self.assertEqual(len(missing(page)), 1)
                self.assertIn(word, missing(page)[0])


if __name__ == "__main__":
    unittest.main()
