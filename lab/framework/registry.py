"""The list of scenarios, and what each of them says about itself."""
import dataclasses
import importlib
import pkgutil

SCENARIOS = {}
UNIT_TAKES = 1.5  # how much longer a scenario may take with the packaged unit
DROP_INS = ["management-socket", "no-cables"]  # of those that are shipped, without a configuration of their own


@dataclasses.dataclass
class Scenario:
    """One scenario: `play(home)` raises where something is wrong and returns figures (a dictionary)."""

    name: str
    play: object
    proves: str
    smoke: bool = False
    systemd: bool = False  # needs a machine with systemd as process 1
    needs_programs: bool = True  # hakarud and hakaru
    plugged: bool = True  # the adapter is there from the beginning
    bluetoothd: bool = True  # so is bluetoothd
    host: bool = False  # played from outside of the machine, `play(lab)`
    cables: bool = False  # devices on a cable in the place of the room
    boots: int = 1  # more than one: on a disk that is kept, the power fails in between where the scenario says so
    package: bool = False  # the Debian package, made from the programs
    line: bool = False  # the machine has a USB serial adapter of its own
    seconds: float = 150  # a scenario that takes longer has failed
    unplayable: str = ""  # why it cannot be played with the packaged unit

    @property
    def not_as_unit(self):
        """Why it is not played with the packaged unit; empty where it is."""
        if not self.needs_programs:
            return "no part of hakarud takes part"
        if self.host:
            return "it runs the store alone, without a service, and kills the machine"
        if self.systemd:
            return "it installs hakarud as a service itself, in ways of its own"
        return self.unplayable


def scenario(name, **about):
    """Registers the function below it; its first doc line says what the scenario proves."""
    def register(function):
        proves = (function.__doc__ or "").strip().splitlines()[0]
        SCENARIOS[name] = Scenario(name, function, proves, **about)
        return function
    return register


def load():
    """Imports every module of `scenarios`; returns the scenarios by name, in a fixed order."""
    import scenarios
    for module in sorted(m.name for m in pkgutil.iter_modules(scenarios.__path__)):
        importlib.import_module("scenarios." + module)
    return dict(sorted(SCENARIOS.items()))
