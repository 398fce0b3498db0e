"""A virtual Bluetooth LE room: the kernel's adapter (through /dev/vhci) and the devices around it.

One process, one simulated link. Each controller is bumble's, with the faults of version 0.0.236 corrected
(`air`). One of them is wired to the kernel, so that bluetoothd uses it as it would a USB dongle; each
connectable device has another, driven by bumble's host stack (`peripheral`). Devices that only advertise
need no stack (`broadcaster`). `control` lets the scenarios act on the devices and see what they see.
"""
