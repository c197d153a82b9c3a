"""The names that `hostile_peer.py --mode` takes; a trailing -N is handed to the class as its argument."""
from behaviours import BEHAVIOURS
from breaches import BREACHES

MODES = {**BEHAVIOURS, **BREACHES}


def find(mode):
    """The class and the number of "name-N"; LookupError if there is no such mode."""
    if mode in MODES:
        return MODES[mode], None
    name, _, number = mode.rpartition("-")
    if not number.isdigit():
        raise LookupError(mode)
    return MODES[name], int(number)
