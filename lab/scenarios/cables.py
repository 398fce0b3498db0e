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


def measured(home, device, count, start=0):
    """Has a cuff measure so many times, minutes apart, on a clock that runs right."""
    import datetime
    now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))) - datetime.timedelta(hours=1)
    for number in range(start, start + count):
        when = now + datetime.timedelta(minutes=number)
        home.cables.do(device, "measure", when=[*when.timetuple()[:6]], systolic=110 + number,
                       diastolic=70, pulse=60 + number)


def cuff_records(home, count, seconds=60):
    """Waits for so many records in the store; returns their systolic values in order."""
    def stored():
        found = home.gateway.records()
        if len(found) < count:
            raise Failed("%d of them" % len(found))
        return found
    until("%d records are stored" % count, stored, seconds)
    return [int(record["values"]["systolic"]["value"]) for record in home.gateway.records()]


@scenario("usb-cuff", cables=True, smoke=True)
def cuff(home):
    """An Omron cuff on HID gives all its records once, and nothing more when it is plugged in again.

    It is busy when it is woken, refuses every third command once, and leaves stale bytes in its reports.
    """
    home.cables.do("omron", "set", busy=2, no=3)
    measured(home, "omron", 8)
    home.gateway.start()
    path = home.cables.plug("omron")
    values = cuff_records(home, 8)
    expect("the records", sorted(values), list(range(110, 118)))
    wait_for_port(home, path, "the session is over", state="read")
    home.cables.do("omron", "unplug")
    gone(home, path)
    measured(home, "omron", 1, start=8)
    home.cables.plug("omron")
    cuff_records(home, 9)
    wait_for_port(home, path, "the second session is over", state="read")
    expect("records after all", len(home.gateway.records()), 9)
    expect("times that the memory was cleared", home.cables.do("omron", "get", name="cleared"), 0)
    return {"records": 9, "sessions": 2}


@scenario("usb-cuff-pulled", cables=True, seconds=400)
def pulled(home):
    """The cable is pulled at every step of the talk in turn: nothing is lost, nothing comes twice."""
    measured(home, "omron", 4)
    home.gateway.start()
    pulls = 0
    for step in range(1, 60):
        home.cables.do("omron", "set", pull_after=step)
        mark = home.cables.mark()
        path = home.cables.plug("omron")

        def ended():
            pulled = home.cables.seen("omron", "unplugged", after=mark)
            return "pulled" if pulled else port(home, path).get("state") == "read" and "read"
        how = until("the session ends or the cable is pulled at step %d" % step, ended, 30, every=0.05)
        values = [int(record["values"]["systolic"]["value"]) for record in home.gateway.records()]
        expect("records that came twice at step %d" % step, len(values), len(set(values)))
        if how == "read":
            home.cables.do("omron", "unplug")
            gone(home, path)
            break
        pulls += 1
        gone(home, path)
    expect("the way the last session ended", how, "read")
    expect("the records", sorted(cuff_records(home, 4)), list(range(110, 114)))
    return {"pulls": pulls, "records": 4}


@scenario("usb-two-cuffs", cables=True)
def two(home):
    """Two identical cuffs without serial numbers are read at the same time and are kept apart."""
    measured(home, "omron", 3)
    measured(home, "omron-2", 3, start=20)
    home.gateway.start()
    first, second = home.cables.plug("omron"), home.cables.plug("omron-2")
    cuff_records(home, 6)
    devices = {}
    for record in home.gateway.records():
        devices.setdefault(record["device"], []).append(int(record["values"]["systolic"]["value"]))
    expect("devices", {name.split("@")[1]: sorted(values) for name, values in devices.items()},
           {first: [110, 111, 112], second: [130, 131, 132]})
    return {"devices": len(devices), "records": 6}


@scenario("usb-silent-cuff", cables=True)
def silent(home):
    """A cuff that says nothing is tried again, later each time, and is read when it answers."""
    measured(home, "omron", 2)
    home.cables.do("omron", "set", silent=True)
    home.gateway.start()
    path = home.cables.plug("omron")
    until("the daemon says that the cuff does not wake",
          lambda: "wake" in port(home, path).get("state", ""), 60)
    expect("records", len(home.gateway.records()), 0)
    home.cables.do("omron", "set", silent=False)
    expect("the records", sorted(cuff_records(home, 2)), [110, 111])
    return {"records": 2}


@scenario("usb-stick", cables=True)
def stick(home):
    """A stick with a meter's numbers is never opened by the daemon and never written to; the meter is read."""
    home.gateway.start()
    path = home.cables.plug("stick")
    said = until("the stick is left alone", lambda: port(home, path).get("state", "").endswith("not opened")
                 and port(home, path))
    expect("the profile", said.get("profile"), None)
    import time
    seconds = int(time.time()) + 9 * 3600 - 946684800
    home.cables.do("verio", "set", clock=seconds)
    for number in range(5):
        home.cables.do("verio", "measure", seconds=seconds - 3600 + 60 * number, mg_dl=95 + number)
    meter = home.cables.plug("verio")
    wait_for_port(home, meter, "the meter is read", seconds=40, state="read")
    values = sorted(int(record["values"]["glucose"]["value"]) for record in home.gateway.records())
    expect("the records", values, [95, 96, 97, 98, 99])
    expect("blocks written to the stick", home.cables.do("stick", "get", name="writes"), 0)
    expect("times that the meter was erased", home.cables.do("verio", "get", name="erased"), 0)
    return {"records": 5, "blocks_written_to_the_stick": 0}


@scenario("usb-jpi-cuff", cables=True)
def jpi(home):
    """A cuff behind CDC with broken descriptors is read by its bulk pipes; its answer comes in pieces."""
    home.gateway.start()
    path = home.cables.plug("jpi")
    wait_for_port(home, path, "the cuff is read", state="read")
    record = home.gateway.records()[0]
    expect("the values", [record["values"][name]["value"] for name in ("systolic", "diastolic", "pulse_rate")],
           [134, 97, 83])
    expect("records", len(home.gateway.records()), 1)
    return {"records": 1}


@scenario("usb-adapter", cables=True)
def adapter(home):
    """An adapter is not touched until its port is bound; then its scale gives one record per weighing."""
    home.gateway.start()
    path = home.cables.plug("adapter")
    wait_for_port(home, path, "the adapter has a line", line="ttyUSB0")
    expect_that("an adapter says nothing of a model", "port bind" in port(home, path)["state"])
    home.gateway.command("port", "bind", path, "AD-4212")
    wait_for_port(home, path, "the scale is listened to", state="session", bound_to="and-standard-scale")
    for kilograms in (71.35, 64.20):
        for line in ["US,+00%.2f kg" % (kilograms - 3)] * 5 + ["ST,+000%.2f kg" % kilograms] * 40:
            home.cables.do("adapter", "say", text=line + "\r\n", split=5)
        until("the weighing is stored", lambda: any(
            float(record["values"]["weight"]["value"]) == kilograms for record in home.gateway.records()), 20)
        for _ in range(10):
            home.cables.do("adapter", "say", text="ST,+00000.00 kg\r\n")
    weights = [float(record["values"]["weight"]["value"]) for record in home.gateway.records()]
    expect("the weighings", [weight for weight in weights if weight > 1], [71.35, 64.2])
    home.gateway.command("port", "unbind", path)
    until("the line is given back", lambda: "port bind" in port(home, path).get("state", ""))
    return {"lines": 110, "records": len(weights)}
