"""Readers at a station: what they read begins sessions, and a cuff's value lands under the right person."""
import fcntl
import glob
import os
import struct
import subprocess
import time

from framework.cables import bus
from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until

GRAB, CLAIM = 0x40044590, 0x8004550F
CARD, OTHER_CARD = "0114b34c5d6e7f80", "01fe0011223344aa"
PEOPLE = ["MDM-001", "MDM-002", "MDM-003"]


def seat(home, place):
    """What the daemon says of a reader, or {}."""
    return next((entry for entry in home.gateway.ask("readers")["readers"] if entry["port"] == place), {})


def wait_for_reader(home, place, state, seconds=20):
    """Waits until a reader is in a state."""
    def reached():
        said = seat(home, place)
        if said.get("state") != state:
            raise Failed(said)
        return said
    return until("the reader at %s is %s" % (place, state), reached, seconds)


def who(home):
    """Who has the session at the station, or None."""
    session = home.gateway.ask("stations")["stations"][0]["session"]
    return session and session["participant"]


def event_node(path):
    """The event node of the keyboard in a socket."""
    found = glob.glob("/sys/bus/usb/devices/%s:1.0/*/input/input*/event*" % path)
    if not found:
        raise Failed("no event node for %s" % path)
    return "/dev/input/" + os.path.basename(found[0])


def grabbed(node):
    """Whether somebody has the node for himself."""
    file = os.open(node, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(file, GRAB, 1)
        fcntl.ioctl(file, GRAB, 0)
        return False
    except OSError:
        return True
    finally:
        os.close(file)


def claimed(path, interface):
    """Takes an interface as another program would; closing what is returned gives it back."""
    folder = "/sys/bus/usb/devices/%s/" % path
    numbers = [int(open(folder + name).read()) for name in ("busnum", "devnum")]
    file = os.open("/dev/bus/usb/%03d/%03d" % tuple(numbers), os.O_RDWR)
    fcntl.ioctl(file, CLAIM, struct.pack("I", interface))
    return file


def open_station(home, readers, cuff):
    """A daemon with one station, three people and their leave to send."""
    with open(home.gateway.configuration, "a") as file:
        file.write("stations:\n  - name: table-1\n    devices: [ { port: \"%s\" } ]\n" % cuff)
        if readers:
            file.write("    readers:\n")
        for reader in readers:
            file.write("      - { %s }\n" % reader)
    home.gateway.start()
    people = os.path.join(home.folder, "people.csv")
    with open(people, "w") as file:
        file.write("consortium_id,participant_id\n" + "".join("C00001,%s\n" % code for code in PEOPLE))
    home.gateway.command("participants", "import", people)
    for code in PEOPLE:
        home.gateway.command("consent", "grant", code, "--destination", "common-db")


def measure(home, number, systolic, person):
    """The person at the station measures; the cuff is plugged in, read and pulled out again."""
    time.sleep(2.5)
    now = time.gmtime(time.time() + 9 * 3600)
    home.cables.do("omron", "measure", when=list(now[:6]), systolic=systolic, diastolic=70, pulse=60)
    time.sleep(2.5)
    home.cables.plug("omron")

    def stored():
        found = [record for record in home.gateway.records()
                 if float(record["values"]["systolic"]["value"]) == systolic]
        if not found:
            raise Failed("%d records" % len(home.gateway.records()))
        return found[0]
    record = until("the value is stored", stored, 40)
    home.cables.do("omron", "unplug")
    expect("whose value %d is" % number, record["participant"], person)
    expect("by which rule", record["participant_rule"], "station-session")


@scenario("usb-station-readers", cables=True, seconds=300)
def readers(home):
    """A bar-code reader, a scanner on a line and a PaSoRi begin sessions; each value lands under its person.

    Another keyboard of the same model is left alone, readers are pulled out and plugged in again, unknown
    cards and half codes begin nothing, and no card number stands in store or log.
    """
    for module in ("evdev", "port100"):
        subprocess.run(["modprobe", module], capture_output=True)
    plugs = {name: home.cables.plug(name) for name in ("reader", "keyboard", "adapter", "pasori")}
    cuff = "%d-5" % bus()
    open_station(home, [
        'kind: keyboard, port: "05e0:1200@%s", layout: jis' % plugs["reader"],
        'kind: serial, port: "serial:A900LAB1", speed: 9600',
        'kind: pasori, port: "%s"' % plugs["pasori"]], cuff)
    places = {"reader": "05e0:1200@" + plugs["reader"], "adapter": "serial:A900LAB1", "pasori": plugs["pasori"]}
    for place in places.values():
        wait_for_reader(home, place, "ready")
    expect("who is at the station", who(home), None)

    # The bound reader is the gateway's alone; the keyboard beside it, of the same numbers, is not.
    expect("the reader's node is grabbed", grabbed(event_node(plugs["reader"])), True)
    expect("the keyboard's node is grabbed", grabbed(event_node(plugs["keyboard"])), False)
    home.cables.do("keyboard", "type", text="MDM-003\n")
    time.sleep(0.5)
    expect("who is at the station after the keyboard", who(home), None)

    # 1: a bar code, typed by the layout that the reader is set to.
    home.cables.do("reader", "type", text="mdm-001\n", layout="jis")
    until("the bar code begins a session", lambda: who(home) == "MDM-001")
    measure(home, 1, 121, "MDM-001")

    # 2: the same by a scanner on a line, in parts, with the unknown codes before it.
    home.cables.do("adapter", "say", text="4912345678904\r\n", split=3)
    until("an unknown code ends the session", lambda: who(home) is None)
    expect("why", seat(home, places["adapter"])["last_refusal"]["code"], "unknown-card")
    home.cables.do("adapter", "say", text="MDM-0")
    until("half a code is refused", lambda: home.gateway.metrics().get("hakaru_reader_incomplete_total") == 1)
    home.cables.do("adapter", "say", text="\x02MDM-002\x03", split=4)
    until("the scanner begins a session", lambda: who(home) == "MDM-002")
    measure(home, 2, 122, "MDM-002")

    # 3: a FeliCa card that is registered where it is read.
    home.cables.do("pasori", "lay", card=OTHER_CARD)
    until("a card that nobody knows ends the session", lambda: who(home) is None)
    home.cables.do("pasori", "lift")
    time.sleep(1.5)
    command, environment = home.gateway.typed("participants", "card", "MDM-003", "--station", "table-1")
    asking = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    time.sleep(2)
    home.cables.do("pasori", "lay", card=CARD)
    expect("what the registration says", asking.communicate(timeout=40)[0], "The card is MDM-003's.\n")
    home.cables.do("pasori", "lift")
    time.sleep(1.5)
    began = time.monotonic()
    home.cables.do("pasori", "lay", card=CARD)
    until("the card begins a session", lambda: who(home) == "MDM-003", every=0.02)
    card_seconds = time.monotonic() - began
    sessions = len(home.gateway.ask("sessions?limit=1000")["sessions"])
    time.sleep(2)
    expect("sessions while the card lies there", len(home.gateway.ask("sessions?limit=1000")["sessions"]), sessions)
    measure(home, 3, 123, "MDM-003")
    home.cables.do("pasori", "lift")

    # Pulled out and plugged in again, each in the middle of something.
    home.cables.do("reader", "type", text="mdm-0", layout="jis")
    for name in ("reader", "adapter", "pasori"):
        home.cables.do(name, "unplug")
        wait_for_reader(home, places[name], "not plugged in")
        expect("the socket of the %s" % name, home.cables.plug(name), plugs[name])
        wait_for_reader(home, places[name], "ready")
    home.cables.do("reader", "type", text="mdm-002\n", layout="jis")
    until("the reader works again", lambda: who(home) == "MDM-002")
    home.cables.do("adapter", "say", text="MDM-001\r")
    until("the scanner works again", lambda: who(home) == "MDM-001")
    home.cables.do("pasori", "lay", card=CARD)
    until("the card reader works again", lambda: who(home) == "MDM-003")

    # A reader that loses the thread is set up again; looks that collide find nothing.
    home.cables.do("pasori", "set", broken=3)
    looks = home.cables.do("pasori", "get", name="looks")
    time.sleep(4)
    rate = (home.cables.do("pasori", "get", name="looks") - looks) / 4
    expect_that("the reader is asked a few times a second", 1 < rate < 6)
    home.gateway.daemon.stop()
    expect("the field after the end", home.cables.do("pasori", "get", name="field"), False)
    expect("the reader's node is grabbed after the end", grabbed(event_node(plugs["reader"])), False)
    traces = [name for name in files(home) if holds(name, CARD) or holds(name, OTHER_CARD)]
    expect("files with a card's number", traces, [])
    return {"values": 3, "sessions": sessions, "card to session": "%.2f s" % card_seconds,
            "looks a second": "%.1f" % rate}


@scenario("usb-pasori-s300", cables=True, seconds=240)
def pasori_300(home):
    """An RC-S300 begins sessions by its own interface, beside the one of smart cards.

    It is strict: what is not the right message is refused and counted. It is pulled out while it is asked, forgets its
    session, does not answer for a while; each time the next card is read.
    """
    path = home.cables.plug("pasori-300")
    # The next socket is the cuff's.
    open_station(home, [], "%d-2" % bus())
    home.gateway.command("station", "bind", "table-1", path)
    wait_for_reader(home, path, "ready")

    def get(name):
        return home.cables.do("pasori-300", "get", name=name)
    until("the reader is asked for cards", lambda: get("looks") > 3)
    expect("who is at the station", who(home), None)
    # A card that nobody knows, then one that is registered where it is read.
    home.cables.do("pasori-300", "lay", card=OTHER_CARD)
    until("a card that nobody knows is refused",
          lambda: (seat(home, path).get("last_refusal") or {}).get("code") == "unknown-card")
    home.cables.do("pasori-300", "lift")
    time.sleep(1.5)
    command, environment = home.gateway.typed("participants", "card", "MDM-003", "--station", "table-1")
    asking = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    time.sleep(2)
    home.cables.do("pasori-300", "lay", card=CARD)
    expect("what the registration says", asking.communicate(timeout=40)[0], "The card is MDM-003's.\n")
    home.cables.do("pasori-300", "lift")
    time.sleep(1.5)
    began = time.monotonic()
    home.cables.do("pasori-300", "lay", card=CARD)
    until("the card begins a session", lambda: who(home) == "MDM-003", every=0.02)
    card_seconds = time.monotonic() - began
    sessions = len(home.gateway.ask("sessions?limit=1000")["sessions"])
    time.sleep(2)
    expect("sessions while the card lies there", len(home.gateway.ask("sessions?limit=1000")["sessions"]), sessions)
    measure(home, 1, 124, "MDM-003")
    home.cables.do("pasori-300", "lift")
    looks = get("looks")
    time.sleep(4)
    rate = (get("looks") - looks) / 4
    expect_that("the reader is asked a few times a second", 1 < rate < 6)

    def begins_again(what):
        """The next card ends the session of the one before and begins its own."""
        time.sleep(1.5)
        home.cables.do("pasori-300", "lay", card=OTHER_CARD)
        until("%s: the other card is read" % what, lambda: who(home) is None, 30)
        home.cables.do("pasori-300", "lift")
        time.sleep(1.5)
        home.cables.do("pasori-300", "lay", card=CARD)
        until("%s: the card is read" % what, lambda: who(home) == "MDM-003", 30)
        home.cables.do("pasori-300", "lift")
    # Pulled out at each step of its set-up and while it is asked; nothing is left in a state that needs a person.
    for step in range(1, 11):
        home.cables.do("pasori-300", "unplug")
        wait_for_reader(home, path, "not plugged in")
        home.cables.do("pasori-300", "set", pull_after=step)
        mark = home.cables.mark()
        expect("the socket", home.cables.plug("pasori-300"), path)
        until("the cable is pulled at step %d" % step, lambda: home.cables.seen("pasori-300", "unplugged", after=mark))
    wait_for_reader(home, path, "not plugged in")
    home.cables.do("pasori-300", "set", pull_after=None)
    home.cables.plug("pasori-300")
    wait_for_reader(home, path, "ready")
    begins_again("after the pulls")
    # It forgets its session: every look is refused until it is set up anew.
    begun = get("sessions")
    home.cables.do("pasori-300", "lost")
    until("it is set up anew", lambda: get("sessions") > begun, 20)
    begins_again("after it forgot its session")
    refusals = get("refusals")
    expect_that("looks were refused meanwhile", refusals > 0)
    # Another program takes its interface before the gateway does: that is said, and who it mostly is.
    home.cables.do("pasori-300", "unplug")
    wait_for_reader(home, path, "not plugged in")
    home.gateway.command("station", "unbind", path)
    home.cables.plug("pasori-300")
    until("the kernel knows it", lambda: os.path.exists("/sys/bus/usb/devices/%s/busnum" % path), every=0.02)
    taken = claimed(path, 1)
    home.gateway.command("station", "bind", "table-1", path)
    said = until("the daemon says that somebody has it", lambda: "holds the device" in seat(home, path).get("state", "")
                 and seat(home, path)["state"], 20)
    expect_that("it names the smart-card service", "pcscd" in said)
    os.close(taken)
    wait_for_reader(home, path, "ready", 40)
    begins_again("after another program had it")
    # It does not answer three times.
    home.cables.do("pasori-300", "set", hangs=3)
    until("it was asked three times", lambda: get("hangs") == 0, 20)
    wait_for_reader(home, path, "ready", 30)
    begins_again("after it did not answer")
    expect("messages that were none", get("bad"), 0)
    expect("numbers that were left out", get("skipped"), 0)
    home.gateway.daemon.stop()
    until("the field is off after the end", lambda: not get("field"), 5)
    expect("a session after the end", get("session"), False)
    traces = [name for name in files(home) if holds(name, CARD) or holds(name, OTHER_CARD)]
    expect("files with a card's number", traces, [])
    return {"card to session": "%.2f s" % card_seconds, "looks a second": "%.1f" % rate, "refused looks": refusals}


def files(home):
    """All that the daemon wrote: store, state and log."""
    state = [os.path.join(home.gateway.state, name) for name in os.listdir(home.gateway.state)]
    return [path for path in state if os.path.isfile(path)] + [home.gateway.daemon.log]


def holds(path, number):
    """Whether a card's number stands in a file, as text or as bytes."""
    with open(path, "rb") as file:
        data = file.read()
    colons = ":".join(number[place:place + 2] for place in range(0, 16, 2))
    return any(form in data for form in (
        number.encode(), number.upper().encode(), bytes.fromhex(number), colons.encode(), colons.upper().encode()))
