"""How a scenario ends, and what its figures look like."""
import math


class Failed(Exception):
    """Something that is promised was not kept."""


class Skipped(Exception):
    """It cannot run here: what is missing, in one line."""


def percentile(values, share):
    """The smallest of the values that at least `share` (0 … 1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values, digits=3):
    """Median, 95th percentile and largest, as one text."""
    if not values:
        return "none"
    median, high, most = percentile(values, 0.5), percentile(values, 0.95), max(values)
    return f"median {median:.{digits}f}, p95 {high:.{digits}f}, max {most:.{digits}f} ({len(values)})"


def mebibytes(count):
    return f"{count / (1 << 20):.1f} MiB"


def text_of_figures(figures):
    width = max((len(name) for name in figures), default=0)
    return [f"{name:<{width}}  {f'{value:.2f}' if isinstance(value, float) else value}"
            for name, value in figures.items()]
