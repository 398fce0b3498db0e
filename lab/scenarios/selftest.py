"""The lab on itself."""
from framework.registry import scenario


@scenario("bluetooth-selftest", needs_programs=False)
def selftest(home):
    """The machine, bluetoothd and every virtual device work; no part of the gateway takes part."""
    import selftest as test
    return test.run(home)
