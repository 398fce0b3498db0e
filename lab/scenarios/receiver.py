"""A receiver that is away or says no."""
import time

from framework.gateway import TOKEN
from framework.registry import scenario
from framework.waiting import expect, expect_that, until


def weigh(home, kg, stored):
    """A weighing that reaches the store."""
    home.room.do("mi-scale", "weigh", kg=kg, impedance=512, settling=0.5, stable=0.5, final=2.0, removed=1.0)
    until("%d records are stored" % stored, lambda: home.gateway.status()["records"]["stored"] >= stored)


@scenario("bluetooth-receiver-down")
def receiver_down(home):
    """The receiver is away, then refuses the token, then accepts: all arrives once, each state was shown."""
    home.receiver.stop()
    home.gateway.set_token("not-" + TOKEN)
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    weigh(home, 68.2, 1)
    away = home.gateway.wait_for_destination("retrying")
    expect_that("the status says why nothing is sent", away.get("last_error"))
    home.receiver.start()
    held = home.gateway.wait_for_destination("held")
    weigh(home, 69.1, 2)
    expect("accepted with a wrong token", home.receiver.records(), [])
    home.gateway.set_token(TOKEN)
    records = home.receiver.wait_for(2, "weighing_scale")
    expect("weights", [float(record["body_weight"]) for record in records], [68.2, 69.1])
    home.gateway.wait_for_destination("idle")
    home.receiver.expect_exactly(2)
    return {"away": away["last_error"], "refused": held["last_error"]}


@scenario("bluetooth-bad-certificate")
def bad_certificate(home):
    """The receiver's certificate has expired: nothing goes out, the status says why, and it heals by itself."""
    home.receiver.stop()
    home.receiver.set_certificate("expired")
    home.receiver.start()
    home.gateway.start()
    home.gateway.wait_for_adapter("scanning")
    weigh(home, 68.2, 1)
    said = home.gateway.wait_for_destination("retrying", "held")
    expect_that("the status names the certificate: %s" % said.get("last_error"),
                "certificate" in (said.get("last_error") or ""))
    expect("what came with an expired certificate", home.receiver.arrivals(), [])
    home.receiver.stop()
    home.receiver.set_certificate("server")
    home.receiver.start()
    began = time.monotonic()
    home.receiver.wait_for(1, "weighing_scale")
    healed = time.monotonic() - began
    home.gateway.wait_for_destination("idle")
    home.receiver.expect_exactly(1)
    return {"said": "%s, %s" % (said["state"], said["last_error"]), "there after": "%.1f s" % healed}
