"""A&D UC-352BLE, a body weight scale."""
import struct

from room.and_device import AndDevice
from room.formats import weight
from room.peripheral import Property

# 2A9E: time stamp supported, resolution 5 g.
FEATURE = struct.pack("<I", 0x01 | 7 << 3)


class Scale(AndDevice):
    """Weighs, keeps the weighing, and advertises until it was taken."""

    service, appearance = 0x181D, 0x0C80
    measurement_number = 0x2A9D
    model = "UC-352BLE"

    @property
    def shown_name(self):
        return "A&D_UC-352BLE_" + self.suffix

    def services(self):
        feature = self.characteristic(0x2A9E, Property.READ, FEATURE)
        return [self.measurement_service([feature]), self.vendor_service()]

    async def do_weigh(self, kg, seconds=30):
        """Somebody steps on: the weighing is stored and offered at once. Returns the stored time."""
        moment = self.clock().replace(microsecond=0)
        self.store(weight(moment, kg))
        if not self.connection:
            await self.do_advertise(seconds=seconds)
        return moment.isoformat()
