"""Waiting for something to become true, and the error that says what did not."""
import time


class Failed(Exception):
    """A scenario's expectation that did not hold; the text says which."""


def until(what, condition, seconds=30, every=0.2):
    """Calls the condition until it gives something true, which is returned.

    Raises Failed with the last thing seen where the condition offers it (by raising Failed itself).
    """
    end, seen = time.monotonic() + seconds, None
    while True:
        try:
            value = condition()
            if value:
                return value
            seen = value
        except Failed as reason:
            seen = reason
        if time.monotonic() > end:
            raise Failed("not within %g s: %s (last seen: %s)" % (seconds, what, seen))
        time.sleep(every)


def expect(what, got, wanted):
    """Compares, and says what came instead."""
    if got != wanted:
        raise Failed("%s: expected %s, got %s" % (what, wanted, got))


def expect_that(what, holds):
    """States something that must be true."""
    if not holds:
        raise Failed(what)
