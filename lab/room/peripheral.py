"""Devices that can be connected to: bumble's host stack on a controller of their own."""
import asyncio
import struct

from bumble import att, core, device, gatt, hci, host, keys, pairing

from room.air import RoomController
from room.formats import advertisement

Permission = att.Attribute.Permissions
Property = gatt.Characteristic.Properties
IoCapability = pairing.PairingDelegate.IoCapability
ENCRYPTED = Permission.READ_REQUIRES_ENCRYPTION | Permission.WRITE_REQUIRES_ENCRYPTION
AUTHENTICATED = (ENCRYPTED | Permission.READ_REQUIRES_AUTHENTICATION
                 | Permission.WRITE_REQUIRES_AUTHENTICATION)
WRITE_SECURITY = Permission.WRITE_REQUIRES_ENCRYPTION | Permission.WRITE_REQUIRES_AUTHENTICATION
READ_SECURITY = Permission.READ_REQUIRES_ENCRYPTION | Permission.READ_REQUIRES_AUTHENTICATION
NOTIFICATIONS, INDICATIONS = 1, 2


def uuid(value):
    """A 16-bit number or a text as bumble wants it."""
    return core.UUID.from_16_bits(value) if isinstance(value, int) else core.UUID(value)


class RoomStack(device.Device):
    """bumble stores the keys of a device that was paired the legacy way the wrong way round, so that
    every later connection would end in a MIC failure."""

    async def get_long_term_key(self, connection_handle, rand, ediv):
        connection = self.lookup_connection(connection_handle)
        bond = connection and await self.keystore.get(str(connection.peer_address))
        fresh = connection and self.smp_manager.get_long_term_key(connection, rand, ediv)
        if bond and bond.ltk_central and not fresh:
            return bond.ltk_central.value
        return await super().get_long_term_key(connection_handle, rand, ediv)


class Delegate(pairing.PairingDelegate):
    """What the device does when somebody pairs with it."""

    def __init__(self, owner):
        super().__init__(owner.io)
        self.owner = owner

    async def accept(self):
        self.owner.event("pairing-request")
        return self.owner.accept_pairing

    async def generate_passkey(self):
        return self.owner.passkey

    async def display_number(self, number, digits):
        self.owner.event("passkey-shown", passkey="%06d" % number)


class Peripheral:
    """A connectable device. Subclasses say what it is called, what it serves and how it behaves."""

    io = IoCapability.NO_OUTPUT_NO_INPUT
    security = Permission(0)  # what its values and subscriptions ask of the link
    legacy_pairing, mitm = False, False
    service, appearance = 0, 0
    manufacturer, model, serial = "", "", ""
    battery = 90

    def __init__(self, room, name, address):
        self.room, self.name = room, name
        self.address = hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS)
        self.suffix = address.replace(":", "")[-6:]
        self.connection, self.session, self.closing = None, None, None
        self.accept_pairing, self.passkey = True, 0
        self.shown_as = hci.OwnAddressType.PUBLIC
        self.vanish_at, self.vanish_after, self.vanish_how = "", 1, "fade"

    @property
    def shown_name(self):
        """The name in the scan response."""
        raise NotImplementedError

    def services(self):
        """The device's own services, as bumble's objects."""
        raise NotImplementedError

    async def run_session(self):
        """What the device does on each connection; cancelled when the connection ends."""

    def event(self, event, **more):
        """Tells the scenarios what happened; at the step that was set, the device vanishes."""
        self.room.event(event, self.name, **more)
        if event == self.vanish_at:
            self.vanish_after -= 1
            if self.vanish_after <= 0:
                self.vanish_at = ""
                self.vanishing = asyncio.create_task(self._vanish())

    async def _vanish(self):
        self.event("vanished", how=self.vanish_how)
        await (self.do_disconnect() if self.vanish_how == "disconnect" else self.do_fade())

    async def do_vanish_at(self, event, after=1, how="fade"):
        """Lets the device vanish when it comes to that step for so manieth time."""
        self.vanish_at, self.vanish_after, self.vanish_how = event, after, how

    async def do_deaf(self, on=True):
        """Lets the device hear nothing more of what comes over its connection."""
        self.controller.deaf = on

    async def start(self):
        """Puts the device into the room, silent."""
        self.controller = RoomController(self.name, link=self.room.air, public_address=self.address)
        self.controller.set_packet_sink(None)
        bottom = host.Host()
        bottom.controller = self.controller
        raw = bytes(self.address)
        random = hci.Address(raw[:5] + bytes([raw[5] | 0xC0]), hci.Address.RANDOM_DEVICE_ADDRESS)
        self.stack = RoomStack(config=device.DeviceConfiguration(
            name=self.shown_name, address=random, irk=raw + bytes(10),
            identity_address_type=self.address.address_type), host=bottom)
        self.stack.keystore = keys.MemoryKeyStore()
        self.stack.pairing_config_factory = lambda connection: pairing.PairingConfig(
            sc=not self.legacy_pairing, mitm=self.mitm, bonding=True, delegate=Delegate(self))
        for service in [*self.base_services(), *self.services()]:
            self.stack.add_service(service)
        self._secure_subscriptions()
        self.stack.on("connection", self._connected)
        await self.stack.power_on()

    def base_services(self):
        """Device information and battery."""
        return [
            gatt.Service(uuid(0x180A), [
                self.text(0x2A29, self.manufacturer), self.text(0x2A24, self.model),
                self.text(0x2A25, self.serial)]),
            gatt.Service(uuid(0x180F), [
                self.characteristic(0x2A19, Property.READ, bytes([self.battery]), open_to_all=True)])]

    def text(self, number, value):
        """A characteristic of the device information service."""
        return gatt.Characteristic(uuid(number), Property.READ, Permission.READABLE, value.encode())

    def characteristic(self, number, properties, value=b"", open_to_all=False):
        """A characteristic with the security that the device asks for."""
        permissions = Permission(0)
        security = Permission(0) if open_to_all else self.security
        if properties & Property.READ:
            permissions |= Permission.READABLE | security & READ_SECURITY
        if properties & (Property.WRITE | Property.WRITE_WITHOUT_RESPONSE):
            permissions |= Permission.WRITEABLE | security & WRITE_SECURITY
        made = gatt.Characteristic(uuid(number), properties, permissions, value)
        label = "%04x" % number if isinstance(number, int) else number
        made.on("subscription", lambda bearer, notify, indicate: self.event(
            "subscribed", char=label, notify=bool(notify), indicate=bool(indicate)))
        return made

    def _secure_subscriptions(self):
        """Real devices refuse a subscription on an open link; bumble's descriptors are open to all."""
        for attribute in self.stack.gatt_server.attributes:
            if attribute.type == uuid(0x2902):
                attribute.permissions |= self.security & WRITE_SECURITY

    def _connected(self, connection):
        self.connection = connection
        if self.closing:
            self.closing.cancel()
        self.event("connected", peer=str(connection.peer_address))
        connection.on("disconnection", self._disconnected)
        connection.on("pairing", lambda bond: self.event(
            "paired", authenticated=bool(bond.ltk and bond.ltk.authenticated)))
        connection.on("pairing_failure", lambda reason: self.event("pairing-failed", reason=int(reason)))
        connection.on("connection_encryption_change", lambda: self.event(
            "encrypted", on=bool(connection.encryption)))
        self.session = asyncio.create_task(self._guarded_session())

    async def _guarded_session(self):
        try:
            await self.run_session()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.event("session-failed", error=repr(error))

    def _disconnected(self, reason):
        self.connection = None
        if self.session:
            self.session.cancel()
        self.event("disconnected", reason=int(reason))

    def advertising(self):
        """Advertising data and scan response."""
        data = [(0x01, b"\x06"), (0x03, struct.pack("<H", self.service))]
        if self.appearance:
            data.append((0x19, struct.pack("<H", self.appearance)))
        return advertisement(*data), advertisement((0x09, self.shown_name.encode()))

    async def do_advertise(self, on=True, seconds=None, interval_ms=100):
        """Advertises until somebody connects, or for so many seconds."""
        if self.closing:
            self.closing.cancel()
        if not on:
            await self.stack.stop_advertising()
            return
        data, scan_response = self.advertising()
        await self.stack.start_advertising(
            advertising_data=data, scan_response_data=scan_response, auto_restart=False,
            own_address_type=self.shown_as,
            advertising_interval_min=interval_ms, advertising_interval_max=interval_ms)
        self.event("advertising")
        if seconds:
            self.closing = asyncio.create_task(self._close_window(seconds))

    async def _close_window(self, seconds):
        await asyncio.sleep(seconds)
        await self.stack.stop_advertising()
        self.event("window-closed")

    async def do_rotate(self):
        """Shows itself under a new resolvable private address from now on; who has its key knows it again."""
        self.stack.random_address = hci.Address.generate_private_address(self.stack.irk)
        await self.stack.send_command(
            hci.HCI_LE_Set_Random_Address_Command(random_address=self.stack.random_address))
        self.shown_as = hci.OwnAddressType.RANDOM
        return str(self.stack.random_address)

    async def do_disconnect(self):
        """The device closes the connection."""
        if self.connection:
            await self.connection.disconnect()

    async def do_linked(self):
        """Whether somebody is connected."""
        return self.connection is not None

    async def do_fade(self):
        """Out of range, in the middle of whatever it was doing."""
        await self.stack.stop_advertising()
        self.controller.fade()

    async def do_carry(self, rssi):
        """Somebody carries it nearer or farther away: so many dBm are left of its signal."""
        self.controller.rssi = rssi

    async def do_forget(self):
        """Its owner cleared the device's bonds."""
        await self.stack.keystore.delete_all()

    async def do_set(self, **settings):
        """Changes settings of the device by name."""
        for name, value in settings.items():
            if not hasattr(self, name):
                raise AttributeError("%s has no setting %s" % (self.name, name))
            setattr(self, name, value)

    def listening(self, characteristic, bit):
        """Whether the connected peer has subscribed."""
        subscribers = self.stack.gatt_server.subscribers
        value = subscribers.get(self.connection, {}).get(characteristic.handle) if self.connection else None
        return bool(value and value[0] & bit)

    async def until_listening(self, characteristic, bit):
        """Waits for the subscription; the session's task is cancelled if the link ends first."""
        while not self.listening(characteristic, bit):
            await asyncio.sleep(0.02)
