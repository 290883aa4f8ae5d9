"""How plot.py draws a study: speed-up, efficiency, phases, the ranks x threads map and memory, on one page.

Made to be adapted: a Study is made of the JSON that `paceline plot` hands over; a draw_ function draws one panel each.
"""
import collections
import math

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker

# Colours that the colour-blind tell apart: M. Okabe, K. Ito, Color universal design, 2008. One for each thread count or
# study, with a marker of its own, so that the picture can be read in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666", "#999933")
LAW_COLOUR = "#8E5FC7"
MARKERS = "osD^vP*X"
PHASES = (("init", "#999999"), ("plan", "#F0E442"), ("scatter", "#56B4E9"), ("compute", "#0072B2"),
          ("waiting for the slowest", "#A6CBE3"), ("gather", "#009E73"), ("write", "#E69F00"), ("rest", "#DDDDDD"))
# Factors of the measured parallel efficiency: what they lose, in the order in which the tree has them.
FACTORS = (("mpi_load_balance", "balance of ranks", "#D55E00"), ("mpi_communication", "communication", "#E69F00"),
           ("openmp_serial", "serial code", "#CC79A7"), ("openmp_load_balance", "balance of threads", "#56B4E9"),
           ("openmp_scheduling", "OpenMP itself", "#009E73"))
MODELS = {"amdahl": "Amdahl's law", "gustafson": "Gustafson's law", "usl": "universal scalability law",
          "two-level": "two-level Amdahl law"}
NUMBERS = ("wall_s", "init_s", "plan_s", "scatter_s", "compute_s", "gather_s", "write_s", "compute_mean_s", "serial_s",
           "max_rss_bytes", "sum_rss_bytes")


class NothingToDraw(Exception):
    """The study has no result yet."""


class Layout(collections.namedtuple("Layout", "ranks threads nodes")):
    @property
    def cores(self):
        return self.ranks * self.threads

    def name(self, with_nodes):
        return f"{self.ranks}×{self.threads}" + (f" on {self.nodes}" if with_nodes else "")


def layout_of(entry):
    return Layout(*(int(entry[name]) for name in Layout._fields))


class Study:
    """Samples that count, by layout in the order of cores: `rows[layout]`; medians of wall time; the fit, if any."""

    def __init__(self, document):
        self.file, self.command = document["file"], document["command"]
        self.machine = document["facts"].get("machine") or document["facts"].get("imported_from", "").split("\n")[0]
        self.weak = document["mode"] == "weak"
        self.trusted = "trust" in document["facts"].get("binding", "")
        good = [sample for sample in document["samples"] if sample["status"] == "ok" and not sample["warmup"]]
        if not good:
            raise NothingToDraw("no run gave a result" if document["samples"] else "it has no samples yet")
        self.layouts = sorted({layout_of(sample) for sample in good},
                              key=lambda layout: (layout.cores, layout.ranks, layout.nodes))
        self.rows, self.bound = {}, {}
        for layout in self.layouts:
            mine = [sample for sample in good if layout_of(sample) == layout]
            # What a program does not tell is null.
            self.rows[layout] = {name: np.array([math.nan if sample[name] is None else sample[name] for sample in mine],
                                                dtype=float) for name in NUMBERS}
            self.bound[layout] = all(sample["bound_ok"] for sample in mine)
        self.median = {layout: float(np.median(rows["wall_s"])) for layout, rows in self.rows.items()}
        self.left_out = {layout_of(entry) for entry in document["left_out"]}
        self.with_nodes = len({layout.nodes for layout in self.layouts}) > 1
        self.threads = sorted({layout.threads for layout in self.layouts})
        # What everything is held against: the fewest cores that were measured with a core a thread.
        bound = [layout for layout in self.layouts if self.bound[layout]] or self.layouts
        self.base = min(bound, key=lambda layout: (layout.cores, self.median[layout]))
        self.fit = document["fit"]
        self.has_fit = bool(self.fit.get("chosen") in MODELS and self.fit.get("curve"))

    @property
    def efficiencies(self):
        """Measured factors by layout, of those that were profiled."""
        found = {}
        for entry in self.fit["layouts"]:
            measured = entry.get("efficiencies")
            if measured and measured["runs"] > 0:
                found[Layout(entry["ranks"], entry["threads"], entry.get("nodes", 1))] = measured
        return found

    def efficiency(self, cores, seconds):
        """1 where all cores are as useful as those of the base."""
        ideal = self.median[self.base] * (1 if self.weak else self.base.cores / cores)
        return ideal / seconds

    def speedup(self, cores, seconds):
        """Over the base, as the table has it."""
        return self.efficiency(cores, seconds) * cores / self.base.cores

    def memory(self, layout, name):
        """Bytes, the largest of all runs; nan where nothing tells it."""
        most = float(np.max(self.rows[layout][name]))
        return most if most > 0 else math.nan

    @property
    def has_memory(self):
        return any(not math.isnan(self.memory(layout, "sum_rss_bytes")) for layout in self.layouts)

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
    ranks, threads, *seconds = (np.array([math.nan if point[name] is None else point[name]
                                          for point in study.fit["curve"]], dtype=float)
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
            if len(times) > 1:
                axes.plot([layout.cores] * len(times), measure(layout.cores, times), ".", color=colour, alpha=0.35,
                          markersize=4, markeredgewidth=0)
        for is_bound in (True, False):
            some = [layout for layout in mine if study.bound[layout] == is_bound]
            if not some:
                continue
            label = f"{threads} thread{'s' if threads > 1 else ''} per rank" + ("" if is_bound else ", sharing cores")
            axes.plot([layout.cores for layout in some],
                      [measure(layout.cores, study.median[layout]) for layout in some], marker, color=colour,
                      markersize=5.5, markerfacecolor=colour if is_bound else "white", label=label)


def scale_cores(axes, studies, is_wide=False):
    """From 0, or by powers of two where many more cores than few were measured; returns the right end."""
    least, most = (side(layout.cores for study in studies for layout in study.layouts) for side in (min, max))
    axes.set_xlabel("cores (ranks × threads)")
    if is_wide and most >= 16 * least:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:.0f}"))
        axes.set_xlim(least / 1.25, most * 1.25)
    else:
        axes.set_xlim(0, most * 1.08 + 0.2)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(8, integer=True))
    return most * 1.08 + 0.2


def against(study):
    return f" over {study.base.name(False)}"


def draw_speedup(axes, study):
    end = scale_cores(axes, [study])
    axes.plot([0, end], [0, end / study.base.cores], color="0.55", linewidth=1, label="ideal")
    for threads, cores, middle, low, high in fit_curves(study, end):
        colour = study.style(threads)[0] if threads else LAW_COLOUR
        axes.plot(cores, middle, "--", color=colour, linewidth=1)
        axes.fill_between(cores, low, high, color=colour, alpha=0.1 if threads else 0.15, linewidth=0)
    if study.has_fit:
        axes.plot([], [], "--", color=LAW_COLOUR, linewidth=1, label=MODELS[study.fit["chosen"]])
    draw_points(axes, study, study.speedup)
    highest = max(float(np.max(study.speedup(layout.cores, study.rows[layout]["wall_s"]))) for layout in study.layouts)
    ideal = end / study.base.cores
    axes.set_ylim(0, max(ideal, 1.05 * highest) if highest > ideal / 4 else 2.5 * highest)
    axes.set_ylabel(f"{'scaled ' if study.weak else ''}speed-up{against(study)}")
    axes.set_title("Speed-up")
    axes.legend(loc="best", fontsize=7)


def draw_efficiency(axes, study):
    scale_cores(axes, [study], is_wide=True)
    axes.axhline(100, color="0.55", linewidth=1)
    draw_points(axes, study, lambda cores, seconds: 100 * study.efficiency(cores, seconds))
    axes.set_ylim(0, max(110, axes.get_ylim()[1]))
    axes.set_ylabel("efficiency [%]")
    axes.set_title("Efficiency")


def phase_seconds(rows):
    """Median seconds of each of PHASES, or nothing when the program tells none."""
    middle = {name: float(np.median(rows[name])) for name in NUMBERS if name.endswith("_s")}
    if any(math.isnan(middle[f"{name}_s"]) for name in ("init", "compute", "compute_mean")):
        return None
    found = {name: max(0, middle.get(f"{name}_s", 0)) for name, _ in PHASES}
    found["compute"] = min(middle["compute_mean_s"], middle["compute_s"])
    found["waiting for the slowest"] = max(0, middle["compute_s"] - middle["compute_mean_s"])
    found["rest"] = max(0, middle["wall_s"] - sum(found.values()))
    return found


def name_layouts(axes, study):
    names = [layout.name(study.with_nodes) for layout in study.layouts]
    axes.set_xlim(-0.7, max(len(names), 3) - 0.3)
    crowded = len(names) > 8
    axes.set_xticks(np.arange(len(names)), names, rotation=90 if crowded else 0, fontsize=6 if len(names) > 20 else 8)
    axes.set_xlabel("layout (ranks × threads" + (" on nodes)" if study.with_nodes else ")"))


def draw_phases(axes, study):
    """Seconds in weak mode; else those of all cores together, which stay the same where cores are used well."""
    places = np.arange(len(study.layouts))
    phases = [phase_seconds(study.rows[layout]) for layout in study.layouts]
    cores = np.array([1 if study.weak else layout.cores for layout in study.layouts])
    walls = cores * np.array([study.median[layout] for layout in study.layouts])
    if None in phases:
        axes.bar(places, walls, color=PHASES[3][1], width=0.7)
        axes.set_title("Wall time" if study.weak else "Core-seconds of a run")
    else:
        below = np.zeros(len(places))
        for name, colour in PHASES:
            heights = cores * np.array([found[name] for found in phases])
            if heights.max() < 0.002 * walls.max():  # too thin to be seen
                continue
            axes.bar(places, heights, bottom=below, color=colour, width=0.7, label=name)
            below += heights
        alone = cores * np.array([np.median(study.rows[layout]["serial_s"]) for layout in study.layouts])
        if alone.max() >= 0.002 * walls.max():
            axes.plot(places, alone, "_", color="black", markersize=min(9, 160 / len(places)), markeredgewidth=1.5,
                      label="one rank alone")
        axes.set_title("Where the time goes")
        axes.set_ylim(0, walls.max() * 1.4)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="upper left", fontsize=6.5, ncols=3)
    name_layouts(axes, study)
    what = "median time" if None in phases else "median of each phase"
    axes.set_ylabel(f"{what} [s]" if study.weak else f"cores × {what} [core s]")


def rounded(seconds):
    return f"{seconds:,.0f}" if seconds >= 1000 else f"{seconds:.3g}"


def draw_losses(axes, study):
    """Shares of the core time by what the probe has measured: what is useful, and what each factor loses."""
    found = [(place, study.efficiencies[layout]) for place, layout in enumerate(study.layouts) if layout in study.efficiencies]
    places = np.array([place for place, _ in found])
    left = np.ones(len(found))
    losses = []
    for name, words, colour in FACTORS:
        factor = np.array([1 if measured[name] is None else measured[name] for _, measured in found])
        losses.append((words, colour, left * (1 - factor)))
        left = left * factor
    axes.bar(places, 100 * left, color="#0072B2", width=0.7, label="useful")
    below = 100 * left
    for words, colour, lost in reversed(losses):
        if lost.max() >= 0.002:  # else too thin to be seen
            axes.bar(places, 100 * lost, bottom=below, color=colour, width=0.7, label=words)
        below = below + 100 * lost
    axes.axhline(80, color="black", linestyle="--", linewidth=0.8)
    axes.annotate("80 %", (1, 80), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7)
    axes.set_ylim(0, 140)
    axes.set_yticks(range(0, 101, 20))
    axes.set_title("Where the cores go, measured")
    axes.set_ylabel("core time [%]")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", fontsize=6, ncols=3, columnspacing=1)
    name_layouts(axes, study)


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
            axes.text(column, row, "–" if np.isnan(seconds) else rounded(seconds), ha="center", va="center", fontsize=7,
                      color="#fefefe" if is_dark else "#010101",  # whatever the page around
                      fontweight="bold" if seconds == low else "normal")
    axes.set_xticks(range(len(ranks)), ranks, fontsize=9 if len(ranks) <= 8 else 6.5)
    axes.set_yticks(range(len(threads)), threads)
    axes.set_xlabel("ranks")
    axes.set_ylabel("threads per rank")
    axes.set_title("Median time" + (" (grey: not run)" if np.isnan(grid).any() else ""))
    if high > low:
        bar = axes.figure.colorbar(image, ax=axes, label="median time [s]")
        bar.ax.yaxis.set_major_locator(ticker.MaxNLocator(5) if high <= 4 * low else ticker.LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda seconds, _: rounded(seconds)))
        bar.ax.yaxis.set_minor_formatter(ticker.NullFormatter())


def draw_memory(axes, study):
    """Peak resident memory: bars of all ranks together, a mark for the largest rank."""
    places = np.arange(len(study.layouts))
    sums, largest = (np.array([study.memory(layout, name) for layout in study.layouts])
                     for name in ("sum_rss_bytes", "max_rss_bytes"))
    unit, name = next((size, name) for size, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
                      if np.nanmax(sums) >= size)
    axes.bar(places, np.nan_to_num(sums / unit), color=COLOURS[5], width=0.7, label="all ranks together")
    axes.plot(places, largest / unit, "_", color=COLOURS[1], markersize=min(14, 240 / len(places)), markeredgewidth=2,
              label="largest rank")
    axes.set_ylim(0, 1.3 * float(np.nanmax(sums)) / unit)
    name_layouts(axes, study)
    axes.set_ylabel(f"peak resident memory [{name}]")
    axes.set_title("Memory")
    axes.legend(loc="upper left", fontsize=7)


def draw_times(axes, studies):
    """Median time over cores, of one study or of several over each other."""
    scale_cores(axes, studies, is_wide=True)
    for place, study in enumerate(studies):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        best = {}
        for layout in study.layouts:
            best[layout.cores] = min(best.get(layout.cores, math.inf), study.median[layout])
        axes.plot(list(best), list(best.values()), "-", color=colour, linewidth=0.8, alpha=0.6)
        axes.plot([layout.cores for layout in study.layouts], [study.median[layout] for layout in study.layouts],
                  marker, color=colour, markersize=5)
    lows, highs = zip(*((min(study.median.values()), max(study.median.values())) for study in studies))
    if max(highs) > 4 * min(lows):
        axes.set_yscale("log")
        if max(highs) < 100 * min(lows):
            axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(ticker.NullFormatter())
    else:
        axes.set_ylim(0, 1.1 * max(highs))
    axes.set_ylabel("median time [s]")
    axes.set_title("Time")


# --- several studies --------------------------------------------------------------------------------------------------

def labels_of(studies):
    """Their files without what all of them share; which are weak is said where some are."""
    names = [study.file.rsplit("/", 1)[-1].removesuffix(".h5") for study in studies]
    if len(set(names)) < len(names):
        names = [study.file.removesuffix(".h5") for study in studies]
    mixed = len({study.weak for study in studies}) > 1
    return [f"{name} ({'weak' if study.weak else 'strong'})" if mixed else name for name, study in zip(names, studies)]


def overlay(axes, studies, measure):
    for place, (study, label) in enumerate(zip(studies, labels_of(studies))):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        values = [measure(study, layout.cores, study.median[layout]) for layout in study.layouts]
        axes.plot([layout.cores for layout in study.layouts], values, marker, color=colour, markersize=5, label=label)


def overlay_speedup(axes, studies):
    end = scale_cores(axes, studies)
    least = min(study.base.cores for study in studies)
    if len({study.base.cores for study in studies}) == 1:  # else each has an ideal of its own
        axes.plot([0, end], [0, end / least], color="0.55", linewidth=1, label="ideal")
    highest = 0
    for place, study in enumerate(studies):
        for threads, cores, middle, low, high in fit_curves(study, end):
            colour = COLOURS[place % len(COLOURS)]
            axes.plot(cores, middle, "--", color=colour, linewidth=1)
            axes.fill_between(cores, low, high, color=colour, alpha=0.1, linewidth=0)
        highest = max(highest, *(study.speedup(layout.cores, study.median[layout]) for layout in study.layouts))
    overlay(axes, studies, lambda study, cores, seconds: study.speedup(cores, seconds))
    axes.set_ylim(0, max(1.05 * highest, min(end / least, 2.5 * highest)))
    axes.set_ylabel("speed-up, each over its smallest layout")
    axes.set_title("Speed-up")
    axes.legend(loc="best", fontsize=7)


def overlay_efficiency(axes, studies):
    scale_cores(axes, studies, is_wide=True)
    axes.axhline(100, color="0.55", linewidth=1)
    overlay(axes, studies, lambda study, cores, seconds: 100 * study.efficiency(cores, seconds))
    axes.set_ylim(0, max(110, axes.get_ylim()[1]))
    axes.set_ylabel("efficiency [%]")
    axes.set_title("Efficiency")


def overlay_memory(axes, studies):
    scale_cores(axes, studies, is_wide=True)
    for place, study in enumerate(studies):
        axes.plot([layout.cores for layout in study.layouts],
                  [study.memory(layout, "sum_rss_bytes") / 1e6 for layout in study.layouts],
                  MARKERS[place % len(MARKERS)], color=COLOURS[place % len(COLOURS)], markersize=5)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("peak memory of all ranks [MB]")
    axes.set_title("Memory")


# --- whole pages ------------------------------------------------------------------------------------------------------

def panels_of(studies):
    """(function, what it draws) of each panel."""
    if len(studies) > 1:
        found = [(overlay_speedup, studies), (overlay_efficiency, studies), (draw_times, studies)]
        return found + ([(overlay_memory, studies)] if any(study.has_memory for study in studies) else [])
    study = studies[0]
    found = [(draw_speedup, study), (draw_efficiency, study), (draw_phases, study)]
    # A single row or column of a map says no more than the times do.
    is_map = all(len({getattr(layout, name) for layout in study.layouts}) > 1 for name in ("ranks", "threads"))
    found += [(draw_map, study)] if is_map else [(draw_times, studies)]
    found += [(draw_losses, study)] if study.efficiencies else []
    return found + ([(draw_memory, study)] if study.has_memory else [])


def finish(axis):
    axis.spines[["top", "right"]].set_visible(False)
    if not axis.images:
        axis.grid(color="0.92", linewidth=0.6)
        axis.set_axisbelow(True)


def clipped(text, most=90):
    plain = "".join(c if c.isprintable() else "�" for c in text).replace("$", r"\$")
    return plain if len(plain) <= most else plain[:most - 3] + "..."


def draw_studies(documents):
    """The figure and a sentence for its caption."""
    studies = [Study(document) for document in documents]
    panels = panels_of(studies)
    many = max(len(study.layouts) for study in studies) > 12
    rows = (len(panels) + 1) // 2
    figure, axes = plt.subplots(rows, 2, figsize=(10 if many else 8.4, (3.6 if many else 3.2) * rows), squeeze=False)
    for (panel, what), axis in zip(panels, axes.flat):
        panel(axis, what)
        finish(axis)
    for axis in list(axes.flat)[len(panels):]:
        axis.set_visible(False)
    commands = sorted({study.command for study in studies})
    figure.suptitle(clipped(commands[0] if len(commands) == 1 else f"{len(studies)} studies"), fontsize=10)
    if len(studies) > 1:
        return figure, "Markers: medians" + (", bands: 95 % intervals of the laws" if
                                             any(study.has_fit for study in studies) else "")
    study = studies[0]
    runs = sorted({len(rows["wall_s"]) for rows in study.rows.values()})
    runs = f"{runs[0]}" if len(runs) == 1 else f"{runs[0]} to {runs[-1]}"
    band = ", band: 95 % interval of the law" if study.has_fit else ""
    trust = ", binding not checked" if study.trusted else ""
    return figure, clipped(f"{study.machine}. {'Weak' if study.weak else 'Strong'} scaling, {runs} "
                           f"run{'' if runs == '1' else 's'} per layout{trust}; dots: runs, markers: medians{band}", 200)
