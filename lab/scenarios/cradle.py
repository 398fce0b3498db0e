"""A meter in a cradle on a cable."""
from framework.registry import scenario
from framework.waiting import expect, expect_that, until
from scenarios.cables import gone, minutes_ago, port, pulled_everywhere, values_of, wait_for_port


@scenario("usb-true-metrix", cables=True, seconds=550)
def true_metrix(home):
    """A TRUE METRIX meter in a cradle: pulled at every step, wrong checksums, an empty cradle, equal results.

    HI, LO and control solution are nobody's values; a download whose checksum stays wrong gives none at all.
    """
    def measured_at(minutes, mg_dl, control=False):
        home.cables.do("true-metrix", "measure", when=[*minutes_ago(minutes).timetuple()[:5]], mg_dl=mg_dl,
                       control=control)

    def refused(step):
        return home.gateway.metrics().get("hakaru_usb_refused_%s_total" % step, 0)
    for number in range(4):
        measured_at(90 - number, 101 + number)
    for mg_dl, control in ((620, False), (12, False), (111, True)):
        measured_at(80, mg_dl, control)
    home.gateway.start()
    pulls = pulled_everywhere(home, "true-metrix", "glucose", range(101, 105))

    # Plugged in again with a frame that is broken once: two new results, equal in every digit, are two.
    home.cables.do("true-metrix", "set", broken=1, pull_after=None)
    for _ in range(2):
        measured_at(40, 130)
    path = home.cables.plug("true-metrix")
    wait_for_port(home, path, "the meter is read again", seconds=60, state="read")
    expect("the values", sorted(values_of(home, "glucose")), [101, 102, 103, 104, 130, 130])
    expect("messages with a wrong checksum", refused("frame_checksum"), 1)
    sleeps = home.cables.do("true-metrix", "get", name="sleeps")
    expect_that("the meter was told to sleep", sleeps > 0)
    home.cables.do("true-metrix", "unplug")
    gone(home, path)

    # A download whose own checksum is wrong is none, however often it comes.
    measured_at(30, 140)
    home.cables.do("true-metrix", "set", wrong_sums=3)
    home.cables.plug("true-metrix")
    until("the daemon says what is wrong", lambda: "download checksum" in port(home, path).get("state", ""), 60)
    expect("the values meanwhile", len(values_of(home, "glucose")), 6)
    wait_for_port(home, path, "it is read by itself when its checksum fits", seconds=60, state="read")
    expect("the values", sorted(values_of(home, "glucose")), [101, 102, 103, 104, 130, 130, 140])
    home.cables.do("true-metrix", "unplug")
    gone(home, path)

    # Only the cradle is on the cable, then somebody puts the meter in.
    home.cables.do("true-metrix", "set", in_cradle=False)
    measured_at(20, 150)
    home.cables.plug("true-metrix")
    until("the daemon asks for the meter", lambda: "cradle" in port(home, path).get("state", ""), 60)
    home.cables.do("true-metrix", "set", in_cradle=True)
    wait_for_port(home, path, "the meter is read", seconds=90, state="read")
    expect("the values", sorted(values_of(home, "glucose")), [101, 102, 103, 104, 130, 130, 140, 150])
    expect("what the meter did not understand", home.cables.do("true-metrix", "get", name="deaf"), 0)
    return {"pulls": pulls, "records": 8, "downloads": home.cables.do("true-metrix", "get", name="downloads")}
