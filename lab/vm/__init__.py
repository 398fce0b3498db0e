"""The throw-away virtual machine: `image` puts its parts together, `machine` runs one command in it."""
