"""Where the time of a reading went, from the device's first advertisement to the value at the socket."""
import dataclasses

# The stages in order, as the daemon's stream of events names them.
STAGES = ("began", "adapter", "quiet", "linked", "bonded", "services", "subscribed")


@dataclasses.dataclass
class Reading:
    """One reading: when its device was shown, sent it, and the socket told of it; its session."""

    shown: float
    sent: float
    told: float
    session: dict  # what the stream told of the session, or None

    @property
    def heard(self):
        """When the daemon first heard the device, but not before it was shown for this reading."""
        return max(self.shown, self.session["heard_at_ms"] / 1000)

    def parts(self):
        """The length of each stage in seconds, by name."""
        moment, lengths = self.heard, {"shown to heard": self.heard - self.shown}
        before = "heard"
        for stage in STAGES:
            if stage not in self.session["milliseconds"]:
                continue
            at = (self.session["heard_at_ms"] + self.session["milliseconds"][stage]) / 1000
            lengths["%s to %s" % (before, stage)] = max(0.0, at - moment)
            moment, before = max(at, moment), stage
        lengths["subscribed to sent"] = max(0.0, self.sent - moment)
        lengths["sent to socket"] = self.told - self.sent
        return lengths

    def found_busy(self, sessions):
        """Whether another device was being set up between this one's first advertisement and its turn."""
        turn = _reached(self.session, "adapter")
        return any(_reached(other, "adapter") <= turn and self.shown <= _reached(other, "first_value", "ended")
                   for other in sessions if other is not self.session and "adapter" in other["milliseconds"])


def _reached(session, *names):
    """When a session came to the first of these stages that it came to."""
    stages = session["milliseconds"]
    return (session["heard_at_ms"] + next(stages[name] for name in (*names, "ended") if name in stages)) / 1000


def session_of(sessions, device, sent):
    """The session in which a device sent something at that moment."""
    for session in sessions:
        began = session["heard_at_ms"] / 1000
        if session["device"] == device and began <= sent <= began + session["milliseconds"]["ended"] / 1000 + 0.5:
            return session
    return None


def percentile(seconds, part):
    """The value that this part of them does not exceed."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def percentiles(seconds):
    """p50, p95, p99 and the longest, as text."""
    ordered = sorted(seconds)
    if not ordered:
        return "none"
    pick = [percentile(ordered, part) for part in (0.5, 0.95, 0.99)]
    return "p50 %.2f p95 %.2f p99 %.2f max %.2f s (%d)" % (*pick, ordered[-1], len(ordered))


def figures(readings, sessions, floor):
    """Percentiles of the whole way and of each stage; who found the adapter busy, or paired, stands apart.

    `floor` is how long a bare client took for the same in the same machine, amid the same crowd.
    """
    first = [reading for reading in readings if reading.session and "bonded" in reading.session["milliseconds"]]
    known = [reading for reading in readings if reading.session and reading not in first]
    busy = [reading for reading in known if reading.found_busy(sessions)]
    free = [reading.told - reading.shown for reading in known if reading not in busy]
    lengths = {}
    for reading in known:
        for stage, seconds in reading.parts().items():
            lengths.setdefault(stage, []).append(seconds)
    print("\n".join("STAGE %-28s %s" % (stage, percentiles(values)) for stage, values in lengths.items()))
    for reading in sorted(known, key=lambda one: one.shown - one.told)[:6]:
        print("SLOW %.2f s: %s" % (reading.told - reading.shown, ", ".join(
            "%s %.2f" % part for part in reading.parts().items())), flush=True)
    ratios = [percentile(free, part) / percentile(floor, part) for part in (0.5, 0.99)] if free else []
    return {"advertising to socket, adapter free": percentiles(free),
            "bare client for the same": percentiles(floor),
            "ratio": "p50 %.2f p99 %.2f" % tuple(ratios) if ratios else "none",
            "advertising to socket, another device before it": percentiles([r.told - r.shown for r in busy]),
            "first use, with pairing": percentiles([r.told - r.shown for r in first]),
            **{stage: percentiles(values) for stage, values in lengths.items()}}


def ends(sessions):
    """How the sessions ended, as text."""
    counts = {}
    for session in sessions:
        counts[session["end"]] = counts.get(session["end"], 0) + 1
    return ", ".join("%d %s" % (count, end) for end, count in sorted(counts.items()))
