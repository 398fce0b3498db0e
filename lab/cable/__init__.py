"""Devices on a cable, plugged into the guest's kernel through vhci_hcd (USB/IP)."""
