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
    # A port that is bound stays in the list.
    until("nothing is plugged into %s" % path,
          lambda: port(home, path).get("state", "not plugged in") == "not plugged in")


@scenario("usb-hotplug", cables=True, smoke=True)
def hotplug(home):
    """Two identical cuffs come and go without udevd: each has its own socket, and nothing stays behind."""
    home.gateway.start()
    until("USB is watched", lambda: home.gateway.status()["usb"]["state"] == "watching", 10)
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


def values_of(home, quantity):
    """The numbers of one quantity in the store."""
    return [float(record["values"][quantity]["value"]) for record in home.gateway.records()
            if quantity in record["values"]]


def pulled_everywhere(home, device, quantity, wanted, is_over=None):
    """Pulls the cable at every step of the talk in turn, until a session comes to its end.

    Nothing may come twice at any time, and all must be there in the end. Returns how often it was pulled.
    """
    over = is_over or (lambda path: port(home, path).get("state") == "read")
    for step in range(1, 100):
        home.cables.do(device, "set", pull_after=step)
        mark = home.cables.mark()
        path = home.cables.plug(device)

        def ended():
            pulled = home.cables.seen(device, "unplugged", after=mark)
            return "pulled" if pulled else over(path) and "over"
        how = until("the session ends or the cable is pulled at step %d" % step, ended, 40, every=0.05)
        values = values_of(home, quantity)
        expect("records that came twice at step %d" % step, len(values), len(set(values)))
        home.cables.do(device, "unplug")
        gone(home, path)
        if how == "over":
            break
    expect("the way the last session ended", how, "over")
    expect("the records", sorted(values_of(home, quantity)), sorted(wanted))
    return step - 1


@scenario("usb-cuff-pulled", cables=True, seconds=400)
def pulled(home):
    """The cable is pulled at every step of the talk in turn: nothing is lost, nothing comes twice."""
    measured(home, "omron", 4)
    home.gateway.start()
    pulls = pulled_everywhere(home, "omron", "systolic", range(110, 114))
    return {"pulls": pulls, "records": 4}


def minutes_ago(count):
    """A moment in the zone of the gateway."""
    import datetime
    zone = datetime.timezone(datetime.timedelta(hours=9))
    return datetime.datetime.now(zone) - datetime.timedelta(minutes=count)


@scenario("usb-contour", cables=True, seconds=300)
def contour(home):
    """A Contour meter on HID: frames cut into reports, wrong checksums, and the cable pulled at every step."""
    home.cables.do("contour", "set", clock=minutes_ago(0).strftime("%Y%m%d%H%M%S"), broken=3)
    for number in range(6):
        home.cables.do("contour", "measure", when=minutes_ago(90 - number).strftime("%Y%m%d%H%M"),
                       mg_dl=101 + number)
    home.gateway.start()
    pulls = pulled_everywhere(home, "contour", "glucose", range(101, 107))
    expect_that("frames came with a wrong checksum", home.cables.do("contour", "get", name="wrong") > 0)
    return {"pulls": pulls, "records": 6}


@scenario("usb-meter-pulled", cables=True, seconds=500)
def meter_pulled(home):
    """The cable of the mass-storage meter is pulled at every step: all records once, and nothing erased."""
    import time
    seconds = int(time.time()) + 9 * 3600 - 946684800
    home.cables.do("verio", "set", clock=seconds)
    for number in range(3):
        home.cables.do("verio", "measure", seconds=seconds - 3600 + 60 * number, mg_dl=95 + number)
    home.gateway.start()
    pulls = pulled_everywhere(home, "verio", "glucose", range(95, 98))
    expect("times that the meter was erased", home.cables.do("verio", "get", name="erased"), 0)
    return {"pulls": pulls, "records": 3}


@scenario("usb-jpi-pulled", cables=True, seconds=300)
def jpi_pulled(home):
    """The cuff on bulk pipes is pulled before it answers; what it says later is read once."""
    home.gateway.start()
    pulls = pulled_everywhere(home, "jpi", "systolic", [134])
    return {"pulls": pulls, "records": 1}


@scenario("usb-health-scale", cables=True, seconds=300)
def health_scale(home):
    """A scale of the personal health standard on PHDC tells its own configuration, then each weighing.

    It forgets a weighing when it was confirmed, so one that is confirmed and not stored is lost: there is none,
    at whatever step the cable is pulled. Its APDUs come cut into small transfers, then several in one.
    """
    def weighed(count, start):
        for number in range(start, start + count):
            moment = minutes_ago(60 - number)
            home.cables.do("health-scale", "measure", when=[*moment.timetuple()[:6]], weight=600 + number,
                           fat=200 + number)
    home.cables.do("health-scale", "set", clock=[*minutes_ago(0).timetuple()[:6]])
    weighed(4, 0)
    home.gateway.start()
    pulls = pulled_everywhere(
        home, "health-scale", "weight", [60.0, 60.1, 60.2, 60.3],
        is_over=lambda path: home.cables.do("health-scale", "left") == 0)
    home.cables.do("health-scale", "set", pull_after=None, together=True, part=64,
                   clock=[*minutes_ago(0).timetuple()[:6]])
    path = home.cables.plug("health-scale")
    wait_for_port(home, path, "the scale is listened to", state="session")
    told = home.cables.do("health-scale", "get", name="configurations")
    weighed(3, 4)
    until("every weighing was confirmed", lambda: home.cables.do("health-scale", "left") == 0, 30)
    expect("the weighings", sorted(values_of(home, "weight")), [60.0, 60.1, 60.2, 60.3, 60.4, 60.5, 60.6])
    expect("values of body fat", sorted(values_of(home, "body_fat")),
           [20.0, 20.1, 20.2, 20.3, 20.4, 20.5, 20.6])
    # What it told is kept: a daemon that starts anew does not ask for it again …
    home.cables.do("health-scale", "unplug")
    home.gateway.daemon.stop()
    home.gateway.start()
    path = home.cables.plug("health-scale")
    wait_for_port(home, path, "the scale is listened to", state="session")
    weighed(1, 7)
    until("it was confirmed", lambda: home.cables.do("health-scale", "left") == 0, 30)
    expect("how often it told its configuration", home.cables.do("health-scale", "get", name="configurations"), told)
    # … until the scale means something else by the same number: it is asked anew, and what it sends is right.
    home.cables.do("health-scale", "unplug")
    home.cables.do("health-scale", "set", handles=[11, 12])
    path = home.cables.plug("health-scale")
    wait_for_port(home, path, "the scale is listened to", state="session")
    weighed(1, 8)
    until("it was confirmed too", lambda: home.cables.do("health-scale", "left") == 0, 60)
    expect("it was asked once more", home.cables.do("health-scale", "get", name="configurations"), told + 1)
    expect("the last weighings", sorted(values_of(home, "weight"))[-2:], [60.7, 60.8])
    return {"pulls": pulls, "records": 9, "configurations": told + 1}


@scenario("usb-serial-cuff", cables=True, seconds=300)
def serial_cuff(home):
    """A cuff behind an adapter is read once its port is bound, and pulled at every step of the talk."""
    for number in range(3):
        home.cables.do("serial-cuff", "measure", when=[*minutes_ago(60 - number).timetuple()[:5]],
                       systolic=120 + number, diastolic=80, pulse=60, user=1 + number % 2)
    home.gateway.start()
    path = home.cables.plug("serial-cuff")
    until("the adapter is left alone", lambda: "port bind" in port(home, path).get("state", ""))
    expect("what the cuff heard before", home.cables.seen("serial-cuff", "command"), [])
    home.gateway.command("port", "bind", path, "IH02")
    wait_for_port(home, path, "the cuff is read", seconds=30, state="read", bound_to="beurer-serial")
    home.cables.do("serial-cuff", "unplug")
    gone(home, path)
    home.cables.do("serial-cuff", "measure", when=[*minutes_ago(20).timetuple()[:5]], systolic=131, diastolic=80,
                   pulse=60)
    pulls = pulled_everywhere(home, "serial-cuff", "systolic", [120, 121, 122, 131])
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
    # Pulled in the middle of a line: what was said before and what is said after are never one number.
    home.cables.do("adapter", "say", text="ST,+0009")
    home.cables.do("adapter", "unplug")
    gone(home, path)
    home.cables.plug("adapter")
    wait_for_port(home, path, "the scale is listened to again", state="session", bound_to="and-standard-scale")
    for line in ["9.99 kg"] + ["ST,+00058.10 kg"] * 40:
        home.cables.do("adapter", "say", text=line + "\r\n")
    until("the weighing is stored", lambda: 58.1 in values_of(home, "weight"), 20)
    expect("the weighings after the pull", [value for value in values_of(home, "weight") if value > 1],
           [71.35, 64.2, 58.1])
    home.gateway.command("port", "unbind", path)
    until("the line is given back", lambda: "port bind" in port(home, path).get("state", ""))
    return {"lines": 110, "records": len(weights)}


@scenario("usb-qemu-line", cables=True, line=True)
def qemu_line(home):
    """A kiosk behind an adapter that is not ours (QEMU's FTDI): bound, heard in pieces, each reading once."""
    voice = home.cables.line()
    home.gateway.start()

    def adapter():
        return next((entry for entry in home.gateway.ask("ports")["ports"]
                     if entry.get("numbers") == "0403:6001" and entry.get("line")), None)
    path = until("the kernel's line is seen", adapter, 40)["place"]
    expect_that("an adapter says nothing of a model", "port bind" in port(home, path)["state"])
    voice.write(b"2026,07,11,09,05,12345678901234567890,0,099,080,072,0\r\n")
    home.gateway.command("port", "bind", path, "HBP-9020")
    wait_for_port(home, path, "the kiosk is listened to", state="session", bound_to="omron-hbp-9020")
    said = []
    for number in range(5):
        moment = minutes_ago(0)
        line = "bp,%020d,%s,%s,%03d,098,077,068,0\r\n" % (
            int("9" * 20), moment.strftime("%Y/%m/%d"), moment.strftime("%H:%M"), 130 + number)
        for start in range(0, len(line), 9):
            voice.write(line[start:start + 9].encode())
        said.append(130.0 + number)
        until("reading %d is stored" % number, lambda: len(values_of(home, "systolic")) == number + 1, 20)
    expect("the readings", sorted(values_of(home, "systolic")), said)
    return {"records": len(said)}
