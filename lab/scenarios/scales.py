"""The scales: one that only advertises, one that indicates."""
from framework.registry import scenario
from framework.waiting import Failed, expect, until

TABLE = "weighing_scale"
S400, KEY = "5C:CA:D3:00:00:06", "00112233445566778899aabbccddeeff"


def weights(records):
    """Weights in the order of arrival."""
    return [float(record["body_weight"]) for record in records]


@scenario("bluetooth-scale-advertisement", smoke=True)
def advertisement(home):
    """One weighing on an advertising scale is one record, however often it repeats; the next is another."""
    room = home.room
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    room.do("crowd", "advertise", devices=50, per_second=20, seconds=20)
    frames = 0
    for count, (kg, impedance) in enumerate(((68.2, 512), (68.35, 509)), 1):
        mark = room.mark()
        room.do("mi-scale", "weigh", kg=kg, impedance=impedance)
        home.receiver.wait_for(count, TABLE)
        frames += room.wait("mi-scale", "weighing-over", after=mark)["frames"]
        until("everything is sent", lambda: home.gateway.status()["records"]["waiting"] == 0)
        home.receiver.expect_exactly(count)
    expect("weights", weights(home.receiver.records(TABLE)), [68.2, 68.35])
    return {"advertisements": frames}


@scenario("bluetooth-scale-live")
def live(home):
    """A weighing on a connecting scale arrives at once; its figures say how fast."""
    room = home.room
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    for count, kg in enumerate((71.35, 71.4), 1):
        mark = room.mark()
        room.do("scale", "weigh", kg=kg)
        home.receiver.wait_for(count, TABLE)
        room.wait("scale", "disconnected", after=mark)
    expect("weights", weights(home.receiver.records(TABLE)), [71.35, 71.4])
    home.receiver.expect_exactly(2)


@scenario("bluetooth-scale-encrypted")
def encrypted(home):
    """Encrypted weighings of a scale whose key its owner has given: one record each, and none by another key."""
    room = home.room
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    room.do("s400", "set", key=KEY)
    for count, (kg, impedance, low) in enumerate(((74.2, 486.0, 451.0), (74.3, 485.0, 450.0)), 1):
        mark = room.mark()
        room.do("s400", "weigh", kg=kg, impedance=impedance, low=low, pulse=71)
        home.receiver.wait_for(count, TABLE)
        room.wait("s400", "weighing-over", after=mark)
        until("everything is sent", lambda: home.gateway.status()["records"]["waiting"] == 0)
    expect("weights", weights(home.receiver.records(TABLE)), [74.2, 74.3])
    mark = room.mark()
    room.do("s400", "set", key="ff" * 16)
    room.do("s400", "weigh", kg=80.0, impedance=500.0, low=470.0)
    room.wait("s400", "weighing-over", after=mark)

    def asks():
        state = home.gateway.device(S400).get("state", "")
        if not state.startswith("needs-person"):
            raise Failed(state)
        return state
    said = until("the state asks for the right key", asks)
    home.receiver.expect_exactly(2)
    expect("the key in what the daemon says", KEY in said or KEY in home.gateway.daemon.tail(1000), False)
    return {"said": said}
