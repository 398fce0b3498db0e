"""The air of the room: bumble's simulated link and controllers, with bumble 0.0.236's faults corrected.

Each correction says what bumble does wrong. No radio is simulated: nothing is lost or delayed, and
instead of encrypting, the two ends' keys are compared.
"""
import asyncio
import dataclasses
import os
import struct

from bumble import hci, link, ll
from bumble.controller import Controller, LegacyAdvertiser

Report = hci.HCI_LE_Advertising_Report_Event
Kind = Report.EventType
SUPERVISION_TIMEOUT = 0x08


@dataclasses.dataclass
class Advertisement(ll.AdvertisingPdu):
    """One advertisement on the air; bumble's own has neither type nor scan response."""

    advertiser_address: hci.Address
    event_type: int
    data: bytes
    scan_response: bytes = b""
    rssi: int = -60


class Air(link.LocalLink):
    """The link. bumble addresses data by the sender's random address, which is wrong when the
    connection was made from the public one, as the kernel does. It wakes every controller for each
    advertisement, which is most of the room's time where many advertise."""

    def send_advertising_pdu(self, sender_controller, packet):
        is_request = not isinstance(packet, Advertisement)  # that to connect, which bumble sends so too
        for controller in self.controllers:
            if controller is not sender_controller and (is_request or controller.listens):
                asyncio.get_running_loop().call_soon(controller.on_ll_advertising_pdu, packet)

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        connection = sender_controller.le_connections.get(destination_address)
        receiver = connection and self.find_le_controller(destination_address)
        if receiver:
            asyncio.get_running_loop().call_soon(
                receiver.on_link_acl_data, connection.self_address, transport, data)

    def send_ll_control_pdu(self, sender_address, receiver_address, packet):
        if self.find_le_controller(receiver_address):
            super().send_ll_control_pdu(sender_address, receiver_address, packet)


class RoomAdvertiser(LegacyAdvertiser):
    """Sends this module's advertisements at the interval that the host asked for."""

    def send_advertising_data(self):
        if self.enabled:
            kind = (Kind.ADV_IND, Kind.ADV_DIRECT_IND, Kind.ADV_SCAN_IND, Kind.ADV_NONCONN_IND,
                    Kind.ADV_DIRECT_IND)[self.advertising_type]
            self.controller.send_advertising_pdu(Advertisement(
                self.address, kind, self.advertising_data, self.scan_response_data, self.controller.rssi))

    def _on_timer_fired(self):
        self.send_advertising_data()
        self.timer_handle = asyncio.get_running_loop().call_later(
            max(self.advertising_interval_min * 0.000625, 0.02), self._on_timer_fired)


class RoomController(Controller):
    """bumble's controller as a Bluetooth 4.2 LE dongle. bumble ignores the accept list, the scan type
    and the duplicate filter, leaves a cancelled connection pending, and resets nothing on Reset."""

    rssi = -60
    le_features = (hci.LeFeatureMask.LE_ENCRYPTION | hci.LeFeatureMask.LE_PING
                   | hci.LeFeatureMask.EXTENDED_REJECT_INDICATION
                   | hci.LeFeatureMask.PERIPHERAL_INITIATED_FEATURE_EXCHANGE)
    hci_version = hci.HCI_VERSION_BLUETOOTH_CORE_4_2
    lmp_version = hci.HCI_VERSION_BLUETOOTH_CORE_4_2
    le_acl_data_packet_length = 251
    total_num_le_acl_data_packets = 16
    filter_accept_list_size = 16
    resolving_list_size = 0
    manufacturer_company_identifier = 0x000A
    supported_commands = Controller.supported_commands - {
        hci.HCI_LE_READ_TRANSMIT_POWER_COMMAND, hci.HCI_LE_SET_PRIVACY_MODE_COMMAND,
        hci.HCI_LE_READ_BUFFER_SIZE_V2_COMMAND, hci.HCI_LE_SET_DEFAULT_PHY_COMMAND,
        hci.HCI_LE_READ_PHY_COMMAND, hci.HCI_LE_SET_PHY_COMMAND, hci.HCI_LE_SET_DATA_LENGTH_COMMAND,
        hci.HCI_LE_ADD_DEVICE_TO_RESOLVING_LIST_COMMAND,
        hci.HCI_LE_REMOVE_DEVICE_FROM_RESOLVING_LIST_COMMAND,
        hci.HCI_LE_CLEAR_RESOLVING_LIST_COMMAND, hci.HCI_LE_READ_RESOLVING_LIST_SIZE_COMMAND,
        hci.HCI_LE_SET_ADDRESS_RESOLUTION_ENABLE_COMMAND,
        hci.HCI_LE_SET_RESOLVABLE_PRIVATE_ADDRESS_TIMEOUT_COMMAND}

    def __init__(self, *positional, **named):
        super().__init__(*positional, **named)
        self.le_legacy_advertiser = RoomAdvertiser(self)
        self.accept_list, self.reported = set(), set()
        self.scan_refused = False  # a fault: no discovery can be started
        self.deaf = False  # a fault: what comes over a connection is not heard

    def on_link_acl_data(self, *positional, **named):
        if not self.deaf:
            super().on_link_acl_data(*positional, **named)

    def on_hci_reset_command(self, command):
        self.le_scan_enable, self.pending_le_connection = False, None
        self.le_legacy_advertiser.stop()
        self.accept_list.clear()
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(SUPERVISION_TIMEOUT))
        self.le_connections.clear()
        return super().on_hci_reset_command(command)

    def on_hci_le_clear_filter_accept_list_command(self, command):
        self.accept_list.clear()
        return super().on_hci_le_clear_filter_accept_list_command(command)

    def on_hci_le_add_device_to_filter_accept_list_command(self, command):
        self.accept_list.add(bytes(command.address))
        return super().on_hci_le_add_device_to_filter_accept_list_command(command)

    def on_hci_le_remove_device_from_filter_accept_list_command(self, command):
        self.accept_list.discard(bytes(command.address))
        return super().on_hci_le_remove_device_from_filter_accept_list_command(command)

    def on_hci_le_set_scan_enable_command(self, command):
        if self.scan_refused and command.le_scan_enable:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.reported.clear()
        return super().on_hci_le_set_scan_enable_command(command)

    def on_hci_le_create_connection_cancel_command(self, command):
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet, hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR, connection_handle=0,
                role=hci.Role.CENTRAL, peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address, connection_interval=0, peripheral_latency=0,
                supervision_timeout=0, central_clock_accuracy=0))
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_disconnect_command(self, command):
        connection = self.find_le_connection_by_handle(command.connection_handle)
        if connection is None:
            return super().on_hci_disconnect_command(command)
        self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING, command.op_code)
        connection.send_ll_control_pdu(ll.TerminateInd(command.reason))
        self.on_le_disconnected(
            connection, hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR)

    def fade(self):
        """Takes the controller out of range: both ends of each link see a supervision timeout."""
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(SUPERVISION_TIMEOUT))
            self.on_le_disconnected(connection, SUPERVISION_TIMEOUT)

    @property
    def listens(self):
        """Whether an advertisement is news to it: it scans, or waits for a device to connect to."""
        return self.le_scan_enable or self.pending_le_connection is not None

    def on_ll_advertising_pdu(self, packet):
        if not isinstance(packet, Advertisement):
            return super().on_ll_advertising_pdu(packet)
        address = bytes(packet.advertiser_address)
        accepted = address in self.accept_list
        if self.le_scan_enable and (not self.le_scanning_filter_policy & 1 or accepted):
            self._report(packet, packet.event_type, packet.data)
            if self.le_scan_type == 1 and packet.event_type in (Kind.ADV_IND, Kind.ADV_SCAN_IND):
                self._report(packet, Kind.SCAN_RSP, packet.scan_response)
        pending = self.pending_le_connection
        if pending and packet.event_type in (Kind.ADV_IND, Kind.ADV_DIRECT_IND):
            if pending.initiator_filter_policy == 1:
                if not accepted:
                    return
                pending.peer_address = packet.advertiser_address
            if pending.peer_address == packet.advertiser_address:
                self.create_le_connection(packet.advertiser_address)

    def _report(self, packet, kind, data):
        if self.filter_duplicates:  # by content too, as most controllers do
            key = (bytes(packet.advertiser_address), kind, packet.data, data)
            if key in self.reported:
                return
            self.reported.add(key)
        # Packed by hand: bumble's own way takes ten times as long, and nobody waits for a crowd in reality.
        body = struct.pack("<BBBB6sB", Report.subevent_code, 1, kind, packet.advertiser_address.address_type,
                           bytes(packet.advertiser_address), len(data)) + data + struct.pack("b", packet.rssi)
        self.host.on_packet(bytes([hci.HCI_EVENT_PACKET, hci.HCI_LE_META_EVENT, len(body)]) + body)


class Dongle:
    """A controller that the kernel sees as hci0, hci1, … One read or write is one HCI packet."""

    def __init__(self, air, address):
        self.air = air
        self.controller = RoomController("dongle", link=air, public_address=address)
        self.controller.host = self
        self.silent = False  # a fault: the controller neither hears the kernel nor answers it
        self.descriptor = os.open("/dev/vhci", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        os.write(self.descriptor, b"\xff\x00")  # create a primary controller now
        answer = os.read(self.descriptor, 260)
        self.index = answer[2] | answer[3] << 8
        asyncio.get_running_loop().add_reader(self.descriptor, self._readable)

    def _readable(self):
        try:
            while True:
                packet = os.read(self.descriptor, 4096)
                if not self.silent:
                    self.controller.on_packet(packet)
        except BlockingIOError:
            pass

    def on_packet(self, packet):
        """A packet from the controller to the kernel."""
        if self.descriptor >= 0 and not self.silent:
            os.write(self.descriptor, packet)

    def unplug(self):
        """Pulls the dongle: the kernel loses the adapter, the devices lose their links."""
        asyncio.get_running_loop().remove_reader(self.descriptor)
        os.close(self.descriptor)
        self.descriptor = -1
        self.controller.fade()
        self.air.remove_controller(self.controller)
