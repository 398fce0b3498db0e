"""hakarud under test, and its status socket to ask it."""
import http.client
import json
import os
import socket
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
    {"model": "S400", "address": "5C:CA:D3:00:00:06", "key": "00112233445566778899aabbccddeeff"},
]

WITHOUT_RIGHTS = ["setpriv", "--bounding-set", "-net_admin,-net_raw", "--inh-caps", "-net_admin,-net_raw"]

CABLES = [
    {"model": "HEM-790IT", "port": "1-1"},
    {"model": "HEM-790IT", "port": "1-2"},
]

CONFIGURATION = """gateway:
  id: gw-lab
  consortium-id: C00001
  timezone: Asia/Tokyo
  setting: home
bluetooth: {{ enabled: {bluetooth} }}
usb: {{ enabled: {usb} }}
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


def configuration(url, authority, token, owned, cables=False):
    """The YAML of a home with these devices, on the air or on cables."""
    devices = "\n".join("      - { %s }" % ", ".join(
        "%s: %s" % (name, value if isinstance(value, int) else '"%s"' % value)
        for name, value in device.items()) for device in owned)
    return CONFIGURATION.format(url=url, authority=authority, token=token,
                                participant=PARTICIPANT, devices=devices,
                                bluetooth=str(not cables).lower(), usb=str(cables).lower())


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Gateway:
    """One installation: configuration, state, runtime directory and the daemon on them."""

    def __init__(self, root, programs, folder, receiver, debug=False, cables=False):
        self._receiver, self._cables, self._debug = receiver, cables, debug
        self._lie(root, programs, folder)
        self.set_token(TOKEN)
        self.set_devices(CABLES if cables else DEVICES)

    def _lie(self, root, programs, folder):
        """Says where everything is, and makes the daemon that is to be started."""
        self._authority = self._receiver.authority
        self._hakaru, self._environment = os.path.join(programs, "hakaru"), {"HAKARU_DATA_DIRECTORY": root}
        self._token, self.configuration, self.runtime, self.state = (
            os.path.join(folder, name) for name in ("token", "hakaru.yaml", "run", "state"))
        for path in (self.runtime, self.state):
            os.makedirs(path, exist_ok=True)
        self._arguments = [
            os.path.join(programs, "hakarud"), "--config", self.configuration, "--state-directory", self.state,
            "--runtime-directory", self.runtime, "--log-level", "debug" if self._debug else "info"]
        self.daemon = Program("hakarud", self._arguments, folder, self._environment)

    def hear_over(self, source):
        """Where advertisements come from, from the next start on: `management-socket`, which needs rights, or `d-bus`."""
        self.daemon.arguments = (WITHOUT_RIGHTS if source == "d-bus" else []) + self._arguments

    def check(self):
        """What must hold after each scenario, beside what it expects itself."""

    def close(self):
        """Ends the daemon, whatever state it is in."""
        self.daemon.kill()

    def set_devices(self, devices):
        """Writes whose devices these are; read at the next start."""
        with open(self.configuration, "w") as file:
            file.write(configuration(
                self._receiver.url, self._authority, self._token, devices, self._cables))

    def typed(self, *words, language="C.UTF-8"):
        """The words of `hakaru …` and the environment for them."""
        socket_path = os.path.join(self.runtime, "hakaru.sock")
        return ([self._hakaru, *words, "--socket", socket_path],
                {**os.environ, "LC_ALL": language, **self._environment})

    def hakaru(self, *words, seconds=60):
        """Runs `hakaru …` to its end; returns its status, output and errors."""
        command, environment = self.typed(*words)
        try:
            ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                                   capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed("hakaru %s did not end within %g s" % (" ".join(words), seconds))
        return ended.returncode, ended.stdout, ended.stderr

    def command(self, *words):
        """Runs `hakaru` against this daemon; returns what it printed."""
        done = subprocess.run([self._hakaru, *words, "--socket", os.path.join(self.runtime, "hakaru.sock")],
                              capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failed("hakaru %s: %s" % (" ".join(words), done.stderr.strip()))
        return done.stdout

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
        """Whether the socket answers."""
        self.daemon.expect_running()
        try:
            return bool(self.status())
        except Failed:
            return False

    def ask(self, name):
        """What the socket says at /v1/NAME."""
        connection = UnixConnection(os.path.join(self.runtime, "hakaru.sock"))
        try:
            connection.request("GET", "/v1/" + name)
            answer = connection.getresponse()
            body = answer.read().decode()
        except OSError as problem:
            raise Failed("the socket does not answer to /v1/%s: %r" % (name, problem))
        finally:
            connection.close()
        if answer.status != 200:
            raise Failed("/v1/%s: status %d, %s" % (name, answer.status, body.strip()))
        return json.loads(body)

    def status(self):
        """The state of everything."""
        return self.ask("status")

    def adapter(self):
        """The state of the first adapter, or None where the status names none."""
        adapters = self.status().get("bluetooth") or [{}]
        return adapters[0].get("state")

    def destination(self):
        """What the status says about the one destination."""
        return self.status()["destinations"][0]

    def device(self, address):
        """What the daemon knows of the device, or {}."""
        for entry in self.ask("devices")["devices"]:
            if (entry.get("address") or "").upper() == address:
                return entry
        return {}

    def records(self):
        """The stored records."""
        return self.ask("records?limit=10000")["records"]

    def metrics(self):
        """The counters by name."""
        connection = UnixConnection(os.path.join(self.runtime, "hakaru.sock"))
        try:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        finally:
            connection.close()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")}

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
