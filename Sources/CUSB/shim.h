#pragma once
#include <libusb.h>

/* libusb_set_option is variadic, which Swift cannot call. Devices are found by the kernel's own messages
 * (they come with udevd and without it), so the library neither looks for them nor starts a thread. */
static inline int hakaru_usb_no_discovery(void) {
    return libusb_set_option(NULL, LIBUSB_OPTION_NO_DEVICE_DISCOVERY);
}
