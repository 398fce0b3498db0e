"""A&D UA-651BLE, a blood-pressure cuff for the upper arm."""
import datetime

from room.and_device import AndDevice
from room.formats import blood_pressure
from room.peripheral import Property

# The two good records of the published capture, then more of the same kind.
READINGS = [(125, 80, 102, 64), (134, 77, 100, 61)]


class Cuff(AndDevice):
    """Keeps failed measurements as well: records with NaN in every value."""

    service, appearance = 0x1810, 0x0380
    measurement_number = 0x2A35
    model = "UA-651BLE"

    @property
    def shown_name(self):
        return "A&D_UA-651BLE_" + self.suffix

    def services(self):
        feature = self.characteristic(0x2A49, Property.READ, b"\x00\x00")
        return [self.measurement_service([feature]), self.vendor_service()]

    async def do_backlog(self, failed=30, good=2, minutes_apart=23):
        """Fills the memory, oldest first: so many failed measurements, then so many good ones.

        The device's present clock decides the stored times. Returns the good ones.
        """
        total, kept = failed + good, []
        start = self.clock().replace(microsecond=0)
        for index in range(total):
            moment = start - datetime.timedelta(minutes=minutes_apart * (total - index), seconds=7 * index)
            if index < failed:
                self.store(blood_pressure(moment))
                continue
            systolic, diastolic, mean, pulse = self._reading(index - failed)
            self.store(blood_pressure(moment, systolic, diastolic, mean, pulse))
            kept.append({"systolic": systolic, "diastolic": diastolic, "pulse": pulse,
                         "device_time": moment.isoformat()})
        return kept

    def _reading(self, number):
        if number < len(READINGS):
            return READINGS[number]
        systolic, diastolic = 110 + number, 70 + number
        return systolic, diastolic, diastolic + (systolic - diastolic) // 3, 60 + number

    async def do_measure(self, systolic, diastolic, pulse):
        """Somebody measures now; returns the stored time."""
        moment = self.clock().replace(microsecond=0)
        mean = diastolic + (systolic - diastolic) // 3
        self.store(blood_pressure(moment, systolic, diastolic, mean, pulse))
        return moment.isoformat()
