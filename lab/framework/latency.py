"""How long a value takes from the device to the receiver."""
import struct


def _cuff(event):
    return "blood_pressure", float(struct.unpack_from("<H", bytes.fromhex(event["value"]), 1)[0] & 0xFFF)


def _scale(event):
    return "weighing_scale", round(struct.unpack_from("<H", bytes.fromhex(event["value"]), 1)[0] * 0.005, 3)


SENT = {("cuff", "sending"): _cuff, ("scale", "sending"): _scale,
        ("mi-scale", "measured"): lambda event: ("weighing_scale", float(event["kg"]))}
COLUMN = {"blood_pressure": "systolic", "weighing_scale": "body_weight", "blood_glucose": "blood_glucose"}


def readable(what, event):
    """The value in what a device has sent; None where it sent something that nobody can read."""
    try:
        return what(event)
    except struct.error:
        return None


def delays(events, arrivals):
    """Seconds from the moment when a device first sent a value, or had reported all, to the receiver."""
    first, reported = {}, []
    for event in events:
        what = SENT.get((event["device"], event["event"]))
        if what and (value := readable(what, event)):
            first.setdefault(value, event["at"])
        elif (event["device"], event["event"]) == ("meter", "reported"):
            reported.append(event["at"])
    seconds = []
    for arrival in arrivals:
        table = arrival["table"].rpartition(".")[2]
        sent = first.get((table, float(arrival["values"].get(COLUMN.get(table), "nan"))))
        if table == "blood_glucose":
            sent = max((at for at in reported if at <= arrival["at"]), default=None)
        if sent is not None and arrival["verdict"] == "accepted":
            seconds.append(arrival["at"] - sent)
    return seconds


def figures(events, arrivals):
    """What every scenario prints of its records."""
    accepted = sum(arrival["verdict"] == "accepted" for arrival in arrivals)
    seconds = sorted(delays(events, arrivals))
    if not accepted or not seconds:
        return {"records": accepted}
    middle = seconds[len(seconds) // 2]
    return {"records": accepted, "device to receiver": "%.2f s (at most %.2f s)" % (middle, seconds[-1])}
