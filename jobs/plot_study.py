"""How plot.py draws a study: speed-up, efficiency, phases, and the ranks x threads map, on one page.

Made to be adapted: read_study() says what lies in the file, a draw_ function draws one panel each.
"""
import collections
import json
import math

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker

# Colours that the colour-blind tell apart: M. Okabe, K. Ito, Color universal design, 2008. One for each thread count,
# with a marker of its own, so that the picture can be read in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
MARKERS = "osD^vP*X"
PHASES = (("init", "#999999"), ("plan", "#F0E442"), ("scatter", "#56B4E9"), ("compute", "#0072B2"),
          ("waiting for the slowest", "#A6CBE3"), ("gather", "#009E73"), ("write", "#E69F00"), ("rest", "#DDDDDD"))
MODELS = {"amdahl": "Amdahl's law", "gustafson": "Gustafson's law", "usl": "universal scalability law",
          "two-level": "two-level Amdahl law"}


class NothingToDraw(Exception):
    """The study has no result yet."""


class Layout(collections.namedtuple("Layout", "ranks threads nodes")):
    @property
    def cores(self):
        return self.ranks * self.threads

    def name(self, with_nodes):
        return f"{self.ranks}×{self.threads}" + (f" on {self.nodes}" if with_nodes else "")


class Study:
    """Samples that count, by layout in the order of cores: `rows[layout]`; medians of wall time; the fit, if any."""

    def __init__(self, file):
        table = file["/study/samples"][:]
        about = file["/study"].attrs
        self.command, self.machine, self.weak = about["command"], about["machine"], about["mode"] == "weak"
        good = table[(table["status"] == b"ok") & ~table["warmup"]]
        if not good.size:
            raise NothingToDraw("no run gave a result" if table.size else "it has no samples yet")
        layouts = {Layout(*(int(row[name]) for name in Layout._fields)) for row in good}
        self.layouts = sorted(layouts, key=lambda layout: (layout.cores, layout.ranks, layout.nodes))
        self.rows = {layout: good[np.all([good[name] == value for name, value in layout._asdict().items()], axis=0)]
                     for layout in self.layouts}
        self.bound = {layout: bool(rows["bound_ok"].all()) for layout, rows in self.rows.items()}
        self.median = {layout: float(np.median(rows["wall_s"])) for layout, rows in self.rows.items()}
        self.left_out = {Layout(*(int(row[name]) for name in Layout._fields)) for row in file["/study/left_out"][:]}
        self.with_nodes = len({layout.nodes for layout in self.layouts}) > 1
        self.threads = sorted({layout.threads for layout in self.layouts})
        # What everything is held against: the fewest cores that were measured with a core a thread.
        bound = [layout for layout in self.layouts if self.bound[layout]] or self.layouts
        self.base = bound[0]
        self.fit = json.loads(file["/fit/json"][()]) if "fit" in file and "json" in file["fit"] else {}
        self.has_fit = bool(self.fit.get("chosen") in MODELS and self.fit.get("curve"))

    def efficiency(self, cores, seconds):
        """1 where all cores are as useful as those of the base."""
        ideal = self.median[self.base] * (1 if self.weak else self.base.cores / cores)
        return ideal / seconds

    def speedup(self, cores, seconds):
        return self.efficiency(cores, seconds) * cores

    def style(self, threads):
        place = self.threads.index(threads) if threads in self.threads else len(self.threads)
        return COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]


# --- the fit ----------------------------------------------------------------------------------------------------------

def fit_curves(study, most_cores):
    """(threads or None, cores, speed-up, lowest, highest) of the chosen law and the band of its bootstrap; a curve a
    thread count if it has two levels.
    """
    if not study.has_fit:
        return
    ranks, threads, *seconds = (np.array([point[name] for point in study.fit["curve"]], dtype=float)
                                for name in ("ranks", "threads", "value", "high", "low"))
    for width in sorted(set(threads)):
        mine = threads == width
        known = ranks[mine] * width
        cores = np.linspace(known[0], max(known[0], min(known[-1], most_cores)), 200)
        # The law is known at whole numbers of ranks; in between, core-seconds are as good as linear.
        yield (int(width) if study.fit["chosen"] == "two-level" else None, cores,
               *(study.speedup(cores, np.interp(cores, known, known * times[mine]) / cores) for times in seconds))


# --- the panels -------------------------------------------------------------------------------------------------------

def draw_points(axes, study, measure):
    """Each sample a dot, each median a marker; hollow where threads share cores."""
    for threads in study.threads:
        colour, marker = study.style(threads)
        mine = [layout for layout in study.layouts if layout.threads == threads]
        for layout in mine:
            times = study.rows[layout]["wall_s"]
            axes.plot([layout.cores] * len(times), measure(layout.cores, times), ".", color=colour, alpha=0.35,
                      markersize=4, markeredgewidth=0)
        for is_bound in (True, False):
            some = [layout for layout in mine if study.bound[layout] == is_bound]
            if not some:
                continue
            label = f"{threads} thread{'s' if threads > 1 else ''} a rank" + ("" if is_bound else ", sharing cores")
            axes.plot([layout.cores for layout in some],
                      [measure(layout.cores, study.median[layout]) for layout in some], marker, color=colour,
                      markersize=5.5, markerfacecolor=colour if is_bound else "white", label=label)


def scale_cores(axes, study, is_wide=False):
    """From 0, or by powers of two where many more cores than few were measured; returns the right end."""
    least, most = (side(layout.cores for layout in study.layouts) for side in (min, max))
    axes.set_xlabel("cores (ranks × threads)")
    if is_wide and most >= 16 * least:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:.0f}"))
        axes.set_xlim(least / 1.25, most * 1.25)
    else:
        axes.set_xlim(0, most * 1.08 + 0.2)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(8, integer=True))
    return most * 1.08 + 0.2


def draw_speedup(axes, study):
    end = scale_cores(axes, study)
    axes.plot([0, end], [0, end], color="0.55", linewidth=1, label="ideal")
    for threads, cores, middle, low, high in fit_curves(study, end):
        colour = study.style(threads)[0] if threads else "black"
        axes.plot(cores, middle, "--", color=colour, linewidth=1)
        axes.fill_between(cores, low, high, color=colour, alpha=0.1 if threads else 0.15, linewidth=0)
    if study.has_fit:
        axes.plot([], [], "--", color="black", linewidth=1, label=MODELS[study.fit["chosen"]])
    draw_points(axes, study, study.speedup)
    highest = max(float(np.max(study.speedup(layout.cores, study.rows[layout]["wall_s"]))) for layout in study.layouts)
    axes.set_ylim(0, max(end, 1.05 * highest) if highest > end / 4 else 2.5 * highest)
    axes.set_ylabel(f"{'scaled ' if study.weak else ''}speed-up")
    against = "" if study.base.cores == 1 else f", held against {study.base.name(study.with_nodes)}"
    axes.set_title(f"Speed-up{against}")
    axes.legend(loc="best", fontsize=7)


def draw_efficiency(axes, study):
    scale_cores(axes, study, is_wide=True)
    axes.axhline(100, color="0.55", linewidth=1)
    draw_points(axes, study, lambda cores, seconds: 100 * study.efficiency(cores, seconds))
    axes.set_ylim(0, max(110, axes.get_ylim()[1]))
    axes.set_ylabel("efficiency [%]")
    axes.set_title("Efficiency")


def phase_seconds(rows):
    """Median seconds of each of PHASES, or nothing when the program tells none."""
    middle = {name: float(np.median(rows[name])) for name in rows.dtype.names if name.endswith("_s")}
    if any(math.isnan(middle[f"{name}_s"]) for name in ("init", "compute", "compute_mean")):
        return None
    found = {name: max(0, middle.get(f"{name}_s", 0)) for name, _ in PHASES}
    found["compute"] = min(middle["compute_mean_s"], middle["compute_s"])
    found["waiting for the slowest"] = max(0, middle["compute_s"] - middle["compute_mean_s"])
    found["rest"] = max(0, middle["wall_s"] - sum(found.values()))
    return found


def draw_phases(axes, study):
    """Seconds in weak mode; else those of all cores together, which stay the same where cores are used well."""
    names = [layout.name(study.with_nodes) for layout in study.layouts]
    places = np.arange(len(names))
    phases = [phase_seconds(study.rows[layout]) for layout in study.layouts]
    cores = np.array([1 if study.weak else layout.cores for layout in study.layouts])
    walls = cores * np.array([study.median[layout] for layout in study.layouts])
    if None in phases:
        axes.bar(places, walls, color=PHASES[3][1], width=0.7)
        axes.set_title("Wall time (the program tells no phases)")
    else:
        below = np.zeros(len(names))
        for name, colour in PHASES:
            heights = cores * np.array([found[name] for found in phases])
            if heights.max() < 0.002 * walls.max():  # too thin to be seen
                continue
            axes.bar(places, heights, bottom=below, color=colour, width=0.7, label=name)
            below += heights
        alone = cores * np.array([np.median(study.rows[layout]["serial_s"]) for layout in study.layouts])
        if alone.max() >= 0.002 * walls.max():
            axes.plot(places, alone, "_", color="black", markersize=min(9, 160 / len(names)), markeredgewidth=1.5,
                      label="one rank alone")
        axes.set_title("Where the time goes")
        axes.set_ylim(0, walls.max() * 1.4)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="upper left", fontsize=6.5, ncols=3)
    axes.set_xlim(-0.7, max(len(names), 3) - 0.3)
    crowded = len(names) > 8
    axes.set_xticks(places, names, rotation=90 if crowded else 0, fontsize=6 if len(names) > 20 else 8)
    axes.set_xlabel("layout (ranks × threads" + (" on nodes)" if study.with_nodes else ")"))
    axes.set_ylabel("median of each phase [s]" if study.weak else "cores × median of each phase [core s]")


def draw_map(axes, study):
    """The fastest median for each number of ranks and threads, whatever the nodes."""
    asked = set(study.layouts) | study.left_out
    ranks, threads = (sorted({getattr(layout, name) for layout in asked}) for name in ("ranks", "threads"))
    grid = np.full((len(threads), len(ranks)), np.nan)
    for layout, seconds in study.median.items():
        place = threads.index(layout.threads), ranks.index(layout.ranks)
        grid[place] = seconds if np.isnan(grid[place]) else min(grid[place], seconds)
    colours = matplotlib.colormaps["viridis_r"].with_extremes(bad="0.9")
    low, high = np.nanmin(grid), np.nanmax(grid)
    # Times of many layouts span powers of ten.
    scale = matplotlib.colors.LogNorm if high > 4 * low else matplotlib.colors.Normalize
    image = axes.imshow(grid, cmap=colours, norm=scale(low, high if high > low else low * 1.01), aspect="auto",
                        origin="lower")
    if grid.size <= 48:
        for (row, column), seconds in np.ndenumerate(grid):
            is_dark = not np.isnan(seconds) and image.norm(seconds) > 0.55
            axes.text(column, row, "–" if np.isnan(seconds) else f"{seconds:.3g}", ha="center", va="center", fontsize=7,
                      color="white" if is_dark else "black",
                      fontweight="bold" if seconds == low else "normal")
    axes.set_xticks(range(len(ranks)), ranks, fontsize=9 if len(ranks) <= 8 else 6.5)
    axes.set_yticks(range(len(threads)), threads)
    axes.set_xlabel("ranks")
    axes.set_ylabel("threads a rank")
    axes.set_title("Median time" + (" (grey: not run)" if np.isnan(grid).any() else ""))
    if high > low:
        bar = axes.figure.colorbar(image, ax=axes, label="median time [s]")
        bar.ax.yaxis.set_major_locator(ticker.MaxNLocator(5) if high <= 4 * low else ticker.LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:.3g}"))
        bar.ax.yaxis.set_minor_formatter(ticker.NullFormatter())


def draw_study(file):
    """The figure and a sentence for its caption."""
    study = Study(file)
    many = len(study.layouts) > 12
    figure, axes = plt.subplots(2, 2, figsize=(10 if many else 8.4, 7.2 if many else 6.4))
    for panel, axis in zip((draw_speedup, draw_efficiency, draw_phases, draw_map), axes.flat):
        panel(axis, study)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.flat[:2]:
        axis.grid(color="0.92", linewidth=0.6)
        axis.set_axisbelow(True)
    command = study.command if len(study.command) <= 90 else study.command[:87] + "..."
    figure.suptitle(command.replace("$", r"\$"), fontsize=10)
    runs = sorted({len(rows) for rows in study.rows.values()})
    runs = f"{runs[0]}" if len(runs) == 1 else f"{runs[0]} to {runs[-1]}"
    band = ", band: 95 % interval of the law" if study.has_fit else ""
    return figure, (f"{study.machine}. {'Weak' if study.weak else 'Strong'} scaling, {runs} runs a layout; "
                    f"dots: runs, markers: medians{band}")
