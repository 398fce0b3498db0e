"""What a benchmark yields."""


class Figure:
    """One measured number beside its limit; smaller is better, unless more is wanted."""

    def __init__(self, name, value, unit, limit, how, more=False):
        self.name, self.value, self.unit, self.limit, self.how = name, value, unit, limit, how
        self.holds = value >= limit if more else value <= limit

    def line(self):
        """The figure as two lines of text."""
        ratio = self.value / self.limit if self.limit else float(self.value)
        return "%-28s %9.2f %-3s limit %7.2f  ratio %5.2f  %s\n    %s" % (
            self.name, self.value, self.unit, self.limit, ratio,
            "holds" if self.holds else "FALLS SHORT", self.how)
