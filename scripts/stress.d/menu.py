"""The scenarios by name, in the order of `all`. Each is a module whose first line says what it does, with a function
`run(scene)` that raises Failed or Skipped."""
import importlib

SCENARIOS = {
    "kills": "kills",
    "supervisor": "supervisor_kills",
    "liars": "liars",
    "slow-disk": "slow_disk",
    "full-disk": "full_disk",
    "flaky-net": "flaky_net",
    "many-peers": "many_peers",
    "mixed-swarm": "mixed_swarm",
    "power-cut": "power_cut",
    "soak": "soak",
}


def summary(name):
    return importlib.import_module(SCENARIOS[name]).__doc__.splitlines()[0].rstrip(".")


def run(name, scene):
    importlib.import_module(SCENARIOS[name]).run(scene)
