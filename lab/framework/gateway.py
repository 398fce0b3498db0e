"""hakarud under test, and hakaru to ask it."""
import json
import os
import subprocess

from framework.program import Program
from framework.waiting import Failed, until

TOKEN = "lab-token"
PARTICIPANT = "P0000001"
DEVICES = [
    {"model": "UA-651BLE", "address": "C0:26:DA:00:00:01"},
    {"model": "UC-352BLE", "address": "C0:26:DA:00:00:02"},
    {"model": "Accu-Chek Guide", "address": "00:60:19:00:00:03", "passkey": "314159"},
    {"model": "XMTZC05HM", "address": "5C:CA:D3:00:00:04"},
]

CONFIGURATION = """gateway:
  id: gw-lab
  consortium-id: C00001
  timezone: Asia/Tokyo
  setting: home
bluetooth: {{ enabled: true }}
usb: {{ enabled: false }}
tape: {{ enabled: false }}
destinations:
  - name: common-db
    format: meti-1.0
    url: {url}
    authorization: {{ bearer-token-file: {token} }}
    tls: {{ ca-file: {authority} }}
    extensions: [blood-glucose]
    batch: {{ max-records: 100 }}
    retry: {{ initial: 1s, maximum: 5s }}
participants:
  - id: {participant}
    devices:
{devices}
    consent: [ {{ destination: common-db, kinds: all }} ]
storage: {{ maximum: 512MB }}
"""


def configuration(url, authority, token):
    """The YAML of a home with the four devices."""
    devices = "\n".join("      - { %s }" % ", ".join(
        '%s: "%s"' % pair for pair in device.items()) for device in DEVICES)
    return CONFIGURATION.format(url=url, authority=authority, token=token,
                                participant=PARTICIPANT, devices=devices)


class Gateway:
    """One installation: configuration, state, runtime directory and the daemon on them."""

    def __init__(self, root, programs, folder, receiver):
        self._token = os.path.join(folder, "token")
        self.set_token(TOKEN)
        self.configuration = os.path.join(folder, "hakaru.yaml")
        with open(self.configuration, "w") as file:
            file.write(configuration(receiver.url, receiver.authority, self._token))
        self.runtime = os.path.join(folder, "run")
        state = os.path.join(folder, "state")
        for path in (self.runtime, state):
            os.makedirs(path, exist_ok=True)
        self._environment = {"HAKARU_DATA_DIRECTORY": root}
        self._client = os.path.join(programs, "hakaru")
        self.daemon = Program("hakarud", [
            os.path.join(programs, "hakarud"), "--config", self.configuration, "--state-directory", state,
            "--runtime-directory", self.runtime], folder, self._environment)

    def set_token(self, token):
        """Writes the bearer token that the daemon sends."""
        with open(self._token, "w") as file:
            file.write(token + "\n")
        os.chmod(self._token, 0o600)

    def start(self):
        """Starts the daemon and waits until it answers on its socket."""
        self.daemon.start()
        until("hakarud answers", self.answers, 20, every=0.1)

    def answers(self):
        """Whether `hakaru status` works."""
        self.daemon.expect_running()
        try:
            return bool(self.ask("status"))
        except Failed:
            return False

    def ask(self, *words):
        """What `hakaru WORDS --json` prints: a dictionary, or a list where it prints one a line."""
        command = [self._client, "--socket", os.path.join(self.runtime, "hakaru.sock"), *words, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30,
                              env={**os.environ, **self._environment})
        if done.returncode != 0:
            raise Failed("hakaru %s: status %d, %s" % (" ".join(words), done.returncode, done.stderr.strip()))
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def status(self):
        """`hakaru status`."""
        return self.ask("status")[0]

    def adapter(self):
        """The state of the first adapter, or None where the status names none."""
        adapters = self.status().get("bluetooth") or [{}]
        return adapters[0].get("state")

    def destination(self):
        """What the status says about the one destination."""
        return self.status()["destinations"][0]

    def device(self, address):
        """What `hakaru devices` says about the device, or {}."""
        for entry in self._entries("devices"):
            if (entry.get("address") or "").upper() == address:
                return entry
        return {}

    def _entries(self, *words):
        entries = self.ask(*words)
        if len(entries) == 1:  # one object with a list inside
            lists = [value for value in entries[0].values() if isinstance(value, list)]
            if lists:
                return lists[0]
        return entries

    def records(self):
        """`hakaru records`."""
        return self._entries("records")

    def wait_for_adapter(self, *states, seconds=45):
        """Waits until the status calls the first adapter one of these."""
        def reached():
            state = self.adapter()
            if state not in states:
                raise Failed("state %s" % state)
            return state
        return until("the adapter is %s" % " or ".join(map(str, states)), reached, seconds)

    def wait_for_destination(self, *states, seconds=45):
        """Waits until the status calls the destination one of these; returns what it says."""
        def reached():
            said = self.destination()
            if said.get("state") not in states:
                raise Failed(said)
            return said
        return until("the destination is %s" % " or ".join(states), reached, seconds)
