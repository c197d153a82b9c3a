"""From single runs to a table: medians, and their ratios to libtorrent's in the same session."""
import statistics

GIB = 1 << 30
BASELINE = "libtorrent"
COLUMNS = (("wall s", "wall"), ("transfer s", "transfer"), ("CPU-s/GiB", "cpu_per_gib"), ("cores", "cores"),
           ("seeder CPU-s/GiB", "seeder_cpu"), ("PSS MiB", "pss_mib"), ("without files MiB", "private_mib"))


def summarise(runs, memory, size):
    """{client: {figure: median}}. `runs` maps a client to its list of runs, `memory` to its Memory."""
    summary = {}
    for name, done in runs.items():
        if not done:
            continue
        figures = {
            "wall": statistics.median(run["wall"] for run in done),
            "transfer": statistics.median(run["transfer"] for run in done),
            "cpu_per_gib": statistics.median(run["cpu"] for run in done) * GIB / size,
            "cores": statistics.median(run["cpu"] / run["wall"] for run in done),
            "seeder_cpu": statistics.median(run["seeder_cpu"] for run in done) * GIB / size,
            "runs": len(done),
        }
        if name in memory:
            figures["pss_mib"] = memory[name].pss / (1 << 20)
            figures["private_mib"] = memory[name].private / (1 << 20)
        summary[name] = figures
    return summary


def ratios(summary):
    """{client: {figure: its median over libtorrent's}}; empty without libtorrent."""
    base = summary.get(BASELINE)
    if not base:
        return {}
    keys = [key for _, key in COLUMNS if key not in ("seeder_cpu", "cores")]
    return {name: {key: figures[key] / base[key] for key in keys if key in figures and base.get(key)}
            for name, figures in summary.items()}


def table(summary):
    """The text for people; a figure is followed by its ratio to libtorrent."""
    compared = ratios(summary)
    lines = [["client", "runs", *(title for title, _ in COLUMNS)]]
    for name, figures in summary.items():
        row = [name, str(figures["runs"])]
        for _, key in COLUMNS:
            if key not in figures:
                row.append("-")
                continue
            ratio = compared.get(name, {}).get(key)
            row.append(f"{figures[key]:.2f}" + (f" (x{ratio:.2f})" if ratio else ""))
        lines.append(row)
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in lines)
