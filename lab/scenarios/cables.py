"""Devices on a cable: who is plugged in, what is read, and what becomes of it when the cable is pulled."""
from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until


def port(home, path):
    """What the daemon says of a socket, or {}."""
    return next((entry for entry in home.gateway.ask("ports")["ports"] if entry["place"] == path), {})


def wait_for_port(home, path, what, seconds=15, **wanted):
    """Waits until the daemon says this of a socket; returns all that it says."""
    def reached():
        said = port(home, path)
        if any(said.get(key) != value for key, value in wanted.items()):
            raise Failed(said)
        return said or Failed("nothing is there")
    return until(what, reached, seconds)


def gone(home, path):
    """Waits until the daemon knows of nothing in the socket."""
    until("nothing is plugged into %s" % path, lambda: not port(home, path))


@scenario("usb-hotplug", cables=True, smoke=True)
def hotplug(home):
    """Two identical cuffs come and go without udevd: each has its own socket, and nothing stays behind."""
    home.gateway.start()
    expect("the state of USB", home.gateway.status()["usb"]["state"], "watching")
    first = home.cables.plug("omron")
    wait_for_port(home, first, "the first cuff is seen", numbers="0590:0028")
    second = home.cables.plug("omron-2")
    wait_for_port(home, second, "the second cuff is seen", numbers="0590:0028")
    expect_that("the cuffs have sockets of their own", first != second)
    for _ in range(3):
        home.cables.do("omron", "unplug")
        gone(home, first)
        expect("the other cuff", port(home, second).get("numbers"), "0590:0028")
        again = home.cables.plug("omron")
        expect("the socket", again, first)
        wait_for_port(home, first, "the first cuff is back", numbers="0590:0028")
    home.cables.do("omron", "unplug")
    home.cables.do("omron-2", "unplug")
    gone(home, first)
    gone(home, second)
    return {"plugs": 5}
