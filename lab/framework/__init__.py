"""What a scenario is made of: the room, bluetoothd, the receiver, hakarud, and ways to wait for them.

Runs inside the virtual machine, in blocking Python of the standard library. Nothing here sleeps for a
fixed time: a scenario waits for an event of the room, a record at the receiver or a state of the daemon.
"""
