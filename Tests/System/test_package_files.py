"""What the package puts on a machine: rules of udev without mistake, a tight sandbox, secrets for the gateway alone."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
UNIT = os.path.join(ROOT, "systemd/hakarud.service")
CHECK = os.path.join(ROOT, "scripts/lib/udev-rules")


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def lines(name):
    return [line.strip() for line in read(name).splitlines() if line.strip() and not line.startswith("#")]


class Rules(unittest.TestCase):
    def check(self, folder):
        done = subprocess.run([CHECK, folder], capture_output=True, text=True, timeout=60)
        if done.returncode == 3:
            self.skipTest(done.stdout.strip())
        return done

    def test_udevadm_has_no_complaint_about_the_shipped_rules(self):
        done = self.check(os.path.join(ROOT, "udev"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("%d files" % len(glob.glob(os.path.join(ROOT, "udev/*.rules"))), done.stdout)

    def test_a_mistake_in_any_of_them_is_found_with_file_and_line(self):
        for name in sorted(os.listdir(os.path.join(ROOT, "udev"))):
            with tempfile.TemporaryDirectory() as folder:
                for path in glob.glob(os.path.join(ROOT, "udev/*.rules")):
                    shutil.copy(path, folder)
                broken = os.path.join(folder, name)
                with open(broken, "a") as file:
                    file.write('SUBSYSTEM=="tty", GRUOP="hakaru"\n')
                count = len(read(broken).splitlines())
                done = self.check(folder)
                self.assertEqual(done.returncode, 1, name)
                self.assertIn("%s:%d" % (name, count), done.stdout)

    def test_no_label_is_jumped_to_that_is_not_there(self):
        for path in glob.glob(os.path.join(ROOT, "udev/*.rules")):
            text = read(path)
            self.assertEqual(set(re.findall(r'GOTO="(\w+)"', text)) - set(re.findall(r'LABEL="(\w+)"', text)), set())


class Sandbox(unittest.TestCase):
    def exposure(self, *changes):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze on this machine")
        with tempfile.TemporaryDirectory() as folder:
            unit = os.path.join(folder, "hakarud.service")
            text = read(UNIT)
            for old, new in changes:
                self.assertIn(old, text)
                text = text.replace(old, new)
            with open(unit, "w") as file:
                file.write(text)
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                                  capture_output=True, text=True, timeout=60)
            if "unrecognized option" in done.stderr:
                self.skipTest("this systemd-analyze judges running units only")
            return float(re.search(r"(\d+\.\d+)", done.stdout.splitlines()[-1]).group(1))

    def test_the_exposure_with_cables_is_at_most_1_5(self):
        self.assertLessEqual(self.exposure(), 1.5)

    def test_what_makes_it_so_is_seen_when_it_is_gone(self):
        self.assertGreater(self.exposure(
            ("ProtectClock=yes\n", ""),
            ("SystemCallFilter=~@privileged @resources\n",
             "SystemCallFilter=~@privileged @resources\nSystemCallFilter=@chown adjtimex\n")), self.exposure())

    def test_only_the_drop_ins_that_need_it_loosen_anything(self):
        self.assertNotIn("@chown", "".join(lines("systemd/hakarud.service")))
        self.assertIn("CapabilityBoundingSet=", lines("systemd/hakarud.service"))
        loosened = {os.path.basename(path) for path in glob.glob(os.path.join(ROOT, "systemd/*.conf"))
                    if re.search(r"PrivateUsers=no|CAP_NET|@chown", read(path))}
        self.assertEqual(loosened, {"hakarud-management-socket.conf", "hakarud-staff-group.conf"})

    def test_a_driver_that_is_loaded_with_its_first_device_is_permitted_by_number(self):
        # A name is looked up when the service starts: an adapter that is plugged in later would be forbidden.
        allowed = {line.split("=")[1].split()[0] for line in lines("systemd/hakarud.service")
                   if line.startswith("DeviceAllow=")}
        self.assertLessEqual({"char-166", "char-188", "char-189"}, allowed)
        self.assertEqual(allowed & {"char-ttyUSB", "char-ttyACM", "char-usb_device"}, set())

    def test_every_drop_in_is_in_the_package_and_on_its_page(self):
        rules, page = read("debian/rules"), read("systemd/README.md")
        for path in glob.glob(os.path.join(ROOT, "systemd/hakarud-*.conf")):
            name = os.path.basename(path)
            self.assertIn("systemd/" + name, rules)
            self.assertIn(name, page)


class Secrets(unittest.TestCase):
    def test_the_token_is_the_gateways_alone_and_the_configuration_the_groups(self):
        modes = {words[1]: words[2:5] for words in map(str.split, lines("systemd/hakaru.tmpfiles.conf"))}
        self.assertEqual(modes, {
            "/etc/hakaru": ["0750", "root", "hakaru"],
            "/etc/hakaru/hakaru.yaml": ["0640", "root", "hakaru"],
            "/etc/hakaru/token": ["0400", "hakaru", "root"]})

    def test_no_page_tells_to_give_a_secret_to_the_group(self):
        for path in glob.glob(os.path.join(ROOT, "docs/*.md")) + glob.glob(os.path.join(ROOT, "docs/man/*")):
            for line in read(path).splitlines():
                if re.search(r"token|master\.key", line):
                    self.assertNotRegex(line, r"chmod 6[46]0|chgrp", "%s: %s" % (path, line))


if __name__ == "__main__":
    unittest.main()
