"""A small BlueZ client over D-Bus: what the self test uses in the place of hakarud."""
import asyncio
import time

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface, method

ADAPTER = "/org/bluez/hci0"
AGENT = "/lab/agent"


class Agent(ServiceInterface):
    """Answers passkeys; a Just Works bond that we start asks nothing."""

    def __init__(self):
        super().__init__("org.bluez.Agent1")
        self.passkey, self.asked = 0, []

    @method()
    def Release(self):  # noqa: N802  D-Bus names
        """Never called while we live."""

    @method()
    def RequestPasskey(self, device: "o") -> "u":  # noqa: N802, F821
        """The number that the device shows."""
        self.asked.append("RequestPasskey")
        return self.passkey

    @method()
    def RequestAuthorization(self, device: "o"):  # noqa: N802, F821
        """Yes."""
        self.asked.append("RequestAuthorization")

    @method()
    def Cancel(self):  # noqa: N802
        """The device gave up."""
        self.asked.append("Cancel")


class Central:
    """Keeps BlueZ's objects and waits for them to change."""

    async def open(self):
        """Connects to the system bus, reads the objects, registers the agent."""
        self.bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        self.objects, self.values, self._changed = {}, [], asyncio.Event()
        self.bus.add_message_handler(self._signal)
        await self._call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                         "AddMatch", "s", ["type='signal',sender='org.bluez'"])
        objects = await self._call("org.bluez", "/", "org.freedesktop.DBus.ObjectManager",
                                   "GetManagedObjects")
        for path, interfaces in objects.items():
            self._learn(path, interfaces)
        self.agent = Agent()
        self.bus.export(AGENT, self.agent)
        await self.call("/org/bluez", "AgentManager1", "RegisterAgent", "os", [AGENT, "KeyboardDisplay"])
        await self.call("/org/bluez", "AgentManager1", "RequestDefaultAgent", "o", [AGENT])
        await self.until(lambda: self.get(ADAPTER, "Adapter1", "Powered"), "power")
        return self

    def _learn(self, path, interfaces):
        for interface, properties in interfaces.items():
            self.objects.setdefault((path, interface.rpartition(".")[2]), {}).update(
                {name: variant.value for name, variant in properties.items()})

    def _signal(self, message):
        if message.message_type != MessageType.SIGNAL:
            return
        if message.member == "PropertiesChanged":
            interface, changed, _ = message.body
            self._learn(message.path, {interface: changed})
            if interface == "org.bluez.GattCharacteristic1" and "Value" in changed:
                self.values.append((message.path, bytes(changed["Value"].value)))
        elif message.member == "InterfacesAdded":
            self._learn(*message.body)
        elif message.member == "InterfacesRemoved":
            for interface in message.body[1]:
                self.objects.pop((message.body[0], interface.rpartition(".")[2]), None)
        self._changed.set()

    async def _call(self, destination, path, interface, member, signature="", body=()):
        answer = await asyncio.wait_for(self.bus.call(Message(
            destination=destination, path=path, interface=interface, member=member,
            signature=signature, body=list(body))), 60)
        if answer.message_type == MessageType.ERROR:
            raise RuntimeError("%s: %s" % (answer.error_name, answer.body))
        return answer.body[0] if answer.body else None

    async def call(self, path, interface, member, signature="", body=()):
        """Calls a method of one of BlueZ's objects."""
        return await self._call("org.bluez", path, "org.bluez." + interface, member, signature, body)

    def get(self, path, interface, name):
        """A property as last seen."""
        return self.objects.get((path, interface), {}).get(name)

    async def until(self, condition, what, seconds=40):
        """Waits until the condition gives something true."""
        end = time.monotonic() + seconds
        while not (value := condition()):
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.01, end - time.monotonic()))
            except asyncio.TimeoutError:
                raise TimeoutError("not within %g s: %s" % (seconds, what)) from None
        return value

    @staticmethod
    def device(address):
        """The object path of a device."""
        return "%s/dev_%s" % (ADAPTER, address.replace(":", "_"))

    async def scan(self, on):
        """Starts or ends discovery, every advertisement reported."""
        if on:
            await self.call(ADAPTER, "Adapter1", "SetDiscoveryFilter", "a{sv}", [
                {"Transport": Variant("s", "le"), "DuplicateData": Variant("b", True)}])
        await self.call(ADAPTER, "Adapter1", "StartDiscovery" if on else "StopDiscovery")

    async def find(self, device):
        """Scans until the device is known."""
        await self.scan(True)
        await self.until(lambda: (device, "Device1") in self.objects, "discovery of " + device)
        await self.scan(False)

    async def services(self, device):
        """Waits until the device's services are known."""
        await self.until(lambda: self.get(device, "Device1", "ServicesResolved"), "services of " + device)

    def characteristic(self, device, number):
        """The object path of a characteristic, by its 16-bit number."""
        wanted = "0000%04x-0000-1000-8000-00805f9b34fb" % number
        for (path, interface), properties in self.objects.items():
            if (interface == "GattCharacteristic1" and path.startswith(device)
                    and properties.get("UUID") == wanted):
                return path
        raise KeyError("%s has no characteristic %04x" % (device, number))

    async def subscribe(self, device, number):
        """Asks for notifications or indications; returns the characteristic."""
        path = self.characteristic(device, number)
        await self.call(path, "GattCharacteristic1", "StartNotify")
        return path

    async def read(self, device, number):
        """Reads a characteristic."""
        return bytes(await self.call(self.characteristic(device, number), "GattCharacteristic1",
                                     "ReadValue", "a{sv}", [{}]))

    async def write(self, device, number, value):
        """Writes a characteristic and waits for the device's answer."""
        await self.call(self.characteristic(device, number), "GattCharacteristic1", "WriteValue",
                        "aya{sv}", [value, {}])

    def received(self, path):
        """Every value that a characteristic has sent so far."""
        return [value for sender, value in self.values if sender == path]

    async def wait_values(self, path, count, seconds=40):
        """Waits for so many values of a characteristic."""
        await self.until(lambda: len(self.received(path)) >= count, "%d values of %s" % (count, path), seconds)
        return self.received(path)

    async def gone(self, device):
        """Waits until the device is no longer connected."""
        await self.until(lambda: not self.get(device, "Device1", "Connected"), device + " gone")
