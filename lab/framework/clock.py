"""The guest kernel's clock: right from the start, and marked as synchronised as by an NTP client."""
import ctypes

ADJ_MAXERROR, ADJ_ESTERROR, ADJ_STATUS = 0x04, 0x08, 0x10
STA_UNSYNC = 0x40


class Timex(ctypes.Structure):
    """The kernel's `struct timex`."""

    _fields_ = [
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
        ("constant", ctypes.c_long), ("precision", ctypes.c_long), ("tolerance", ctypes.c_long),
        ("time", ctypes.c_long * 2), ("tick", ctypes.c_long), ("rest", ctypes.c_byte * 128)]


def mark(synchronised=True):
    """Sets or clears the kernel's note that its clock is synchronised."""
    libc = ctypes.CDLL(None, use_errno=True)
    timex = Timex(modes=ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR,
                  status=0 if synchronised else STA_UNSYNC)
    if libc.adjtimex(ctypes.byref(timex)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
