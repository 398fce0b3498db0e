"""Cuts of power: a disk whose machine is killed, and what must be on it afterwards."""
