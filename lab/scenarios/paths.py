"""The two ways of an advertisement: from the kernel's management socket, and over bluetoothd's bus."""
import glob

from framework.registry import scenario
from framework.waiting import expect, until

DEVICES, PER_SECOND, SECONDS = 100, 150, 20


def processor_seconds(home):
    """What all threads of the daemon have used so far."""
    total = 0
    for path in glob.glob("/proc/%d/task/*/schedstat" % home.gateway.daemon.id):
        with open(path) as file:
            total += int(file.read().split()[0])
    return total / 1e9


def cost(home):
    """Processor time for 1,000 advertisements of bystanders, in milliseconds."""
    mark, before = home.room.mark(), processor_seconds(home)
    home.room.do("crowd", "advertise", devices=DEVICES, per_second=PER_SECOND, seconds=SECONDS)
    sent = home.room.wait("crowd", "silent", seconds=SECONDS + 60, after=mark)["advertisements"]
    used = processor_seconds(home) - before
    return 1e6 * used / sent, sent


def records(home, count):
    """What is the same of every record whenever it was measured, in order."""
    names = ("systolic", "diastolic", "body_weight", "data_input_code", "origin_of_time_code")
    return [tuple(record.get(name) for name in names) for record in home.receiver.wait_for(count)]


def measure(home, source, seen):
    """Cuff, connecting scale and advertising scale, on the path that the status has to name."""
    room = home.room
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    adapter = home.gateway.status()["bluetooth"][0]
    expect("where advertisements come from (%s)" % adapter.get("advertisements_because"),
           adapter["advertisements"], source)
    milliseconds, sent = cost(home)
    room.do("cuff", "set", clock_offset=-360)
    mark = room.mark()
    room.do("cuff", "backlog", failed=2, good=3)
    room.do("cuff", "advertise", seconds=60)
    records(home, seen + 3)
    room.wait("cuff", "disconnected", after=mark)
    mark = room.mark()
    room.do("scale", "weigh", kg=71.35)
    records(home, seen + 4)
    room.wait("scale", "disconnected", after=mark)
    room.do("mi-scale", "weigh", kg=68.2, impedance=512)
    found = records(home, seen + 5)[seen:]
    room.wait("mi-scale", "weighing-over", after=mark)
    until("everything is sent", lambda: home.gateway.status()["records"]["waiting"] == 0)
    home.receiver.expect_exactly(seen + 5)
    return found, milliseconds, sent


@scenario("bluetooth-both-paths", seconds=300)
def both(home):
    """The same measurings give the same records over both paths; the cost of either is printed."""
    home.gateway.hear_over("management-socket")
    raw, raw_cost, raw_sent = measure(home, "management-socket", 0)
    home.gateway.daemon.stop()
    # Without the right to see them: the daemon finds out by itself.
    home.gateway.hear_over("d-bus")
    bus, bus_cost, bus_sent = measure(home, "d-bus", len(raw))
    expect("records of both paths", bus, raw)
    return {"management socket": "%.1f ms of processor for 1,000 advertisements (of %d)" % (raw_cost, raw_sent),
            "D-Bus": "%.1f ms (of %d)" % (bus_cost, bus_sent), "ratio": "%.1f" % (bus_cost / raw_cost)}
