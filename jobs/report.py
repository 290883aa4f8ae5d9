#!/usr/bin/python3
"""Writes the document of studies: report.py -o FILE.html|md|tex|csv|pdf [--force], from the JSON that `paceline report`
hands over on standard input. All numbers are its; here they get their form.

Made to be adapted: tables_of() makes the tables, sections_of() the text, and a write_ function each kind of file.
"""
import csv
import html
import io
import json
import math
import re
import sys

from plot import STYLE, Parser, Problem, check_output, plt, printable, run, save
from plot_study import NothingToDraw, Study, finish, labels_of, panels_of

LAWS = {"amdahl": "Amdahl's law", "gustafson": "Gustafson's law", "usl": "Gunther's universal scalability law",
        "two-level": "the two-level law of ranks × threads"}
PARAMETERS = {"serial_fraction": "serial fraction", "t1_s": "time on one core [s]", "contention": "contention",
              "coherency": "coherency", "process_fraction": "parallel fraction of processes",
              "thread_fraction": "parallel fraction of threads", "limit_speedup": "speed-up on any number of cores",
              "peak_cores": "cores at the peak", "peak_speedup": "speed-up at the peak"}
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
PLAIN_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
POWER = " × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
GOOD_DOUBLING = 1.5  # what twice the cores should give, as many centres ask


# --- numbers ----------------------------------------------------------------------------------------------------------

def number(value, digits=4):
    """Rounded for people: 4 digits, no powers of ten where they can be avoided; a dash for what is not known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa} × 10" + str(int(power)).translate(SUPERSCRIPT)
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def counted(count, noun):
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def ended(text):
    """As a sentence."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith(("?", ".")) else text + "."


def interval(low, high):
    if low is None:
        return "–"
    return f"above {number(low)}" if high is None else f"{number(low)} to {number(high)}"


def with_interval(entry):
    if entry["value"] is None:
        return "no limit"
    return number(entry["value"]) + ("" if entry["low"] is None
                                     else f" ({interval(entry['low'], entry['high'])})")


def size(value):
    if value is None or value < 0:
        return "–"
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value} B"


class Row:
    """A layout that counts."""

    def __init__(self, entry):
        self.ranks, self.threads, self.nodes = entry["ranks"], entry["threads"], entry.get("nodes", 1)
        self.cores = self.ranks * self.threads
        self.time, self.low, self.high = entry["median_s"], entry["low"], entry["high"]
        self.speedup, self.efficiency = entry["speedup"], entry["efficiency"]
        self.largest, self.memory = entry["max_rss_bytes"], entry["sum_rss_bytes"]
        self.core_hours = self.cores * self.time / 3600

    def name(self):
        return f"{self.ranks} × {self.threads}" + (f" on {self.nodes} nodes" if self.nodes > 1 else "")


def rows_of(study):
    rows = [Row(entry) for entry in study["fit"]["layouts"] if entry["used"]]
    return sorted(rows, key=lambda row: (row.cores, row.nodes, row.ranks))


def base_of(rows):
    """The smallest layout; of several that small, the fastest, as the fit takes it."""
    return min(rows, key=lambda row: (row.cores, row.time))


def best_of_each(rows, key):
    """The fastest layout for each number of cores or nodes, in their order."""
    best = {}
    for row in rows:
        if key(row) not in best or row.time < best[key(row)].time:
            best[key(row)] = row
    return [best[count] for count in sorted(best)]


def gain_per_doubling(before, after, key, weak):
    """How many times as fast (weak scaling: as much work a second) for twice as much."""
    work = key(after) / key(before) if weak else 1
    return (work * before.time / after.time) ** (1 / math.log2(key(after) / key(before)))


# --- tables -----------------------------------------------------------------------------------------------------------

class Table:
    def __init__(self, head, rows, caption=""):
        self.head, self.rows, self.caption = head, rows, caption


def prace_table(study):
    weak = study["mode"] == "weak"
    rows = rows_of(study)
    base = base_of(rows)
    head = ["Number of cores", "Wall clock time", "Speed-up vs the first one", "Number of Nodes", "Number of process"]
    body = []
    for row in rows:
        cells = [str(row.cores), f"{number(row.time)} s", number(base.time / row.time, 3), str(row.nodes), str(row.ranks)]
        body.append(cells)
    if weak:
        head = head[:2] + head[3:]
        body = [cells[:2] + cells[3:] for cells in body]
    return Table(head, body, "" if weak else f"The first one is {base.name()}, {number(base.time)} s.")


def csc_table(study, threshold):
    weak = study["mode"] == "weak"
    rows = rows_of(study)
    by_nodes = len({row.nodes for row in rows}) > 1
    key = (lambda row: row.nodes) if by_nodes else (lambda row: row.cores)
    best = best_of_each(rows, key)
    base = best[0]
    body = []
    for place, row in enumerate(best):
        share = base.time / row.time * (1 if weak else key(base) / key(row))
        gain = "–" if place == 0 else number(gain_per_doubling(best[place - 1], row, key, weak), 3)
        body.append([str(row.nodes), str(row.cores), number(row.time), f"{100 * share:.0f} %",
                     "yes" if share >= threshold else "no", gain])
    formula = "T_b/T_N" if weak else "p_b × T_b/(p_N × T_N)"
    return Table(["Nodes", "Cores", "Wall clock time [s]", f"Efficiency {formula}", f"At least {100 * threshold:g} %",
                  "Gain per doubling"], body,
                 f"p counts {'nodes' if by_nodes else 'cores'}; b is {base.name()}, {number(base.time)} s. Of several "
                 f"layouts on as many {'nodes' if by_nodes else 'cores'} the fastest is shown.")


def plain_table(study, production):
    rows = rows_of(study)
    base = base_of(rows)
    nodes = any(row.nodes > 1 for row in rows)
    memory = any(row.memory is not None for row in rows)
    known = any(row.low is not None for row in rows)
    head = ["Ranks × threads"] + ["Nodes"] * nodes + ["Cores", "Time [s]"] + ["95 % interval"] * known
    head += ["Scaled speed-up" if study["mode"] == "weak" else "Speed-up", "Efficiency", "Core-hours a run"]
    head += ["Core-hours in all"] * bool(production) + ["Memory a rank", "Memory in all"] * memory
    body = []
    for row in rows:
        cells = [f"{row.ranks} × {row.threads}"] + [str(row.nodes)] * nodes + [str(row.cores), number(row.time)]
        cells += [interval(row.low, row.high)] * known
        cells += [number(row.speedup, 3), f"{100 * row.efficiency:.0f} %", number(row.core_hours, 3)]
        cells += [number(row.core_hours * production, 3)] if production else []
        cells += [size(row.largest), size(row.memory)] if memory else []
        body.append(cells)
    return Table(head, body, f"Median times. Speed-up and efficiency are relative to the smallest layout measured, "
                             f"{base.name()}, which takes {number(base.time)} s.")


def law_table(study):
    """Of all laws that could be fitted, the chosen one first."""
    chosen = study["fit"]["chosen"]
    body = []
    for name in sorted(study["fit"]["models"], key=lambda law: law != chosen):
        law = study["fit"]["models"][name]
        first = True
        for key, title in PARAMETERS.items():
            if key in law:
                value = law[key]
                body.append([(LAWS[name] + (" (chosen)" if name == chosen else "")) if first else "", title,
                             "no limit" if value["value"] is None else number(value["value"]),
                             interval(value["low"], value["high"]), number(law["aicc"]) if first else ""])
                first = False
    return Table(["Law", "Parameter", "Value", "95 % interval", "AICc"], body)


def efficiency_table(study):
    """POP's factors, a row each, of the layouts that were profiled. No rows: there are none."""
    names = (("parallel_efficiency", "Parallel efficiency"), ("mpi_load_balance", "Load balance of ranks"),
             ("mpi_communication", "Communication"), ("openmp_serial", "Serial code"),
             ("openmp_load_balance", "Load balance of threads"), ("openmp_scheduling", "OpenMP scheduling"),
             ("computation", "Computation scaling"))
    found = [(entry, entry["efficiencies"]) for entry in study["fit"]["layouts"]
             if (entry.get("efficiencies") or {}).get("runs")]
    found.sort(key=lambda pair: (pair[0]["ranks"] * pair[0]["threads"], pair[0]["ranks"]))
    if not found:
        return Table([], [])
    body = []
    for name, words in names:
        values = [measured[name] for _, measured in found]
        if any(value is not None for value in values):
            body.append([words] + ["–" if value is None else f"{100 * value:.1f} %{' <' if value < 0.8 else ''}"
                                   for value in values])
    return Table(["Ranks × threads"] + [f"{entry['ranks']} × {entry['threads']}" for entry, _ in found], body,
                 "Measured by the probe in runs of their own. The parallel efficiency is the product of the factors below "
                 "it, computation scaling apart, which is relative to the first layout. < marks what is below 80 %.")


# --- text -------------------------------------------------------------------------------------------------------------

def sentence_of(study):
    """What a referee can quote."""
    rows, fit = rows_of(study), study["fit"]
    base = base_of(rows)
    weak = study["mode"] == "weak"
    best = min(rows, key=lambda row: row.time / (row.cores if weak else 1))
    ends = f" (95 % interval {interval(best.low, best.high)} s)" if best.low is not None else ""
    text = f"On {best.name()} a run takes {number(best.time)} s{ends}"
    if best is not base:
        what = "as much work a second as" if weak else "as fast as"
        text += (f", {number(best.speedup, 3)} times {what} on {base.name()}, the smallest layout measured "
                 f"({number(base.time)} s), at {100 * best.efficiency:.0f} % efficiency")
    text += "."
    if fit["chosen"]:
        law = fit["models"][fit["chosen"]]
        known = ("serial_fraction", "contention", "coherency", "process_fraction", "thread_fraction")
        values = ", ".join(f"{PARAMETERS[key]} {with_interval(law[key])}" for key in known if key in law)
        text += f" The times follow {LAWS[fit['chosen']]} with {values}."
        if fit["chosen"] == "amdahl":
            text += f" By it no number of cores gives a speed-up above {with_interval(law['limit_speedup'])} over one core."
        if fit["chosen"] == "usl" and law["peak_cores"]["value"] is not None:
            text += (f" By it the speed-up over one core peaks on {with_interval(law['peak_cores'])} cores, "
                     f"at {with_interval(law['peak_speedup'])}.")
    else:
        text += f" No law of scaling is resolved: {fit['why'] if fit['why'].endswith('?') else fit['why'] + '.'}"
    return text


def criteria_of(study, threshold):
    """The two that centres ask for, which disagree where the first doublings lose most."""
    rows = rows_of(study)
    weak = study["mode"] == "weak"
    best = best_of_each(rows, lambda row: row.cores)
    good = [row for row in rows if row.efficiency >= threshold]
    lines = [f"Efficiency against the smallest layout: at least {100 * threshold:g} % up to {max(good, key=lambda row: row.cores).name()}."
             if good else f"Efficiency against the smallest layout: no layout has {100 * threshold:g} %."]
    law = (study["fit"]["threshold"] or {}).get("cores_by_law")
    if law:
        lines[0] += f" By the law, against one core, up to {law:,} cores."
    last, gains = best[0], []
    is_broken = False
    for before, after in zip(best, best[1:]):
        gain = gain_per_doubling(before, after, lambda row: row.cores, weak)
        gains.append(f"{before.cores} to {after.cores} cores: {number(gain, 3)}")
        is_broken = is_broken or gain < GOOD_DOUBLING
        if not is_broken:
            last = after
    if gains:
        lines.append(f"Gain per doubling: at least {GOOD_DOUBLING:g} up to {counted(last.cores, 'core')} ({'; '.join(gains)}).")
    return lines


def left_out_of(study):
    found = [f"{entry['ranks']} × {entry['threads']}: {entry['why_not']}" for entry in study["fit"]["layouts"]
             if not entry["used"]]
    warmups = sum(sample["warmup"] for sample in study["samples"])
    if warmups:
        found.append(f"{warmups} warm-up run{'s' if warmups > 1 else ''}")
    failed = sum(sample["status"] != "ok" for sample in study["samples"])
    if failed:
        found.append(f"{failed} run{'s' if failed > 1 else ''} without a time")
    for outlier in study["fit"]["outliers"]:
        found.append(f"{outlier['ranks']} × {outlier['threads']}, repeat {outlier['repeat']}: "
                     f"{number(outlier['ratio'], 3)} times the usual time, kept with weight {outlier['weight']:.1f}")
    return found + [note for note in study["facts"].get("import_notes", "").split("\n") if note]


def conditions_of(study):
    """(what, value) of all that is known."""
    facts = study["facts"]
    runs = sum(not sample["warmup"] and sample["status"] == "ok" for sample in study["samples"])
    binding = {"check": "checked: every thread has a core of its own", "ignore": "not checked",
               "trust": "not checked: whoever made this study vouches for it"}
    found = [("Command", study["command"]), ("Scaling", study["mode"])]
    for title, name in (("Machine", "machine"), ("CPU", "cpu_model"), ("Topology", "topology"), ("System", "system"),
                        ("Kernel", "kernel"), ("MPI launcher", "launcher_version"), ("Compiler of paceline", "compiler"),
                        ("Slurm job", "slurm_job_id"), ("Slurm nodes", "slurm_nodes"), ("Imported from", "imported_from"),
                        ("Format", "imported_format")):
        if facts.get(name):
            found.append((title, facts[name].replace("\n", ", ")))
    found.append(("Binding", binding.get(facts.get("binding", ""), facts.get("binding", "") or "unknown")))
    if facts.get("affinity"):
        found.append(("Cores of the threads", facts["affinity"]))
    if facts.get("launcher_lines"):
        found.append(("Launcher lines", facts["launcher_lines"]))
    if facts.get("environment"):
        found.append(("Environment", facts["environment"]))
    noise = study["fit"]["noise"]
    found += [("Runs that count", f"{runs} on {len(rows_of(study))} layouts, in shuffled blocks" if "seed" in facts
               else f"{runs} on {len(rows_of(study))} layouts"),
              ("Noise of a run", "unknown: nothing was repeated" if noise is None else f"{100 * noise:.2g} %"),
              ("Date", facts.get("date", "unknown")), ("Measured by", "paceline " + facts.get("paceline", ""))]
    return found


def repeat_of(study):
    if study["facts"].get("study_command"):
        return study["facts"]["study_command"]
    files = " ".join(study["facts"].get("imported_from", "").split("\n"))
    return f"paceline import {files} -o {study['file']}" if files else ""


# --- pictures ---------------------------------------------------------------------------------------------------------

def figures_of(studies):
    """A figure a panel, each small enough for a phone."""
    for panel, what in panels_of(studies):
        figure, axis = plt.subplots(figsize=(5.6, 3.7))
        panel(axis, what)
        finish(axis)
        yield axis.get_title(), figure
        plt.close(figure)


def svg_of(figure, place, title):
    """Inline SVG: its colours follow the page, and its names are its own."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, bbox_inches="tight", pad_inches=0.02,
                   metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="f{place}-\1"', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1f{place}-", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"|<svg ([^>]*?)height="[^"]*"([^>]*?)width="[^"]*"',
                 lambda match: "<svg " + "".join(part or "" for part in match.groups()), svg, count=1)
    svg = svg.replace("#000000", "currentColor").replace("#ffffff", "var(--paper)").replace("#ebebeb", "var(--rule)")
    # Text and lines without a colour of their own are black.
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(title)}" fill="currentColor" ', 1)


# --- kinds of files ---------------------------------------------------------------------------------------------------

class Document:
    def __init__(self, json_document):
        self.software, self.form = json_document["software"], json_document["form"]
        self.threshold, self.production = json_document["threshold"], json_document["production"]
        self.studies = json_document["studies"]
        for study in self.studies:
            if not rows_of(study):
                reasons = left_out_of(study)
                raise Problem(5, f"there is nothing to report of {study['file']}",
                              reasons[0] if reasons else "it has no samples yet", "go on with its study")
        self.drawn = [Study(study) for study in self.studies]
        self.labels = labels_of(self.drawn)

    def main_table(self, study):
        if self.form == "prace":
            return prace_table(study)
        return csc_table(study, self.threshold) if self.form == "csc" else plain_table(study, self.production)

    def title(self):
        commands = sorted({study["command"] for study in self.studies})
        whole = printable(commands[0]) if len(commands) == 1 else f"{len(self.studies)} studies"
        return f"Scaling of {whole if len(whole) <= 100 else whole[:97] + '...'}"

    def head(self, study, label):
        """Of a study among several."""
        return label if len(self.studies) > 1 else ""

    def total(self, study):
        if not self.production:
            return []
        rows = rows_of(study)
        weak = study["mode"] == "weak"
        best = min(rows, key=lambda row: row.time / (row.cores if weak else 1))
        return [f"{self.production:,} runs on {best.name()} take {number(best.core_hours * self.production, 3)} core-hours "
                f"({number(best.core_hours, 3)} a run)."]


def write_csv(document):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    several = len(document.studies) > 1
    for place, (study, label) in enumerate(zip(document.studies, document.labels)):
        table = document.main_table(study)
        if place == 0:
            writer.writerow(["Study"] * several + table.head)
        for row in table.rows:
            writer.writerow([label] * several + [re.sub(POWER, lambda power: "e" + power[1].translate(PLAIN_DIGITS), cell)
                                                    for cell in row])
    return text.getvalue()


def markdown(text):
    return re.sub(r"([\\`*_{}\[\]<>|#~$])", r"\\\1", printable(text))


def markdown_table(table):
    lines = ["| " + " | ".join(map(markdown, table.head)) + " |", "|" + " ---: |" * len(table.head)]
    lines += ["| " + " | ".join(markdown(cell) for cell in row) + " |" for row in table.rows]
    return "\n".join(lines) + (f"\n\n{markdown(table.caption)}" if table.caption else "")


def fenced(text):
    """A block of code, whatever it holds."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def write_markdown(document):
    parts = [f"# {markdown(document.title())}"]
    for study, label in zip(document.studies, document.labels):
        if document.head(study, label):
            parts.append(f"## {markdown(label)}")
        if document.form != "plain":
            parts.append(markdown_table(document.main_table(study)))
            continue
        parts += [markdown(sentence_of(study)), markdown_table(document.main_table(study))]
        parts.append("\n".join(f"- {markdown(line)}" for line in criteria_of(study, document.threshold)
                               + study["fit"]["advice"] + document.total(study)))
        if efficiency_table(study).rows:
            parts += ["### Where the cores go", markdown_table(efficiency_table(study))]
        if law_table(study).rows:
            parts += ["### Laws", markdown_table(law_table(study)), markdown(ended(study["fit"]["why"]))]
        parts.append("### Conditions")
        parts.append("| | |\n| --- | --- |\n" + "\n".join(
            f"| {markdown(what)} | {'<br>'.join(map(markdown, value.splitlines()))} |" for what, value in conditions_of(study)))
        if left_out_of(study):
            parts += ["### Left out", "\n".join(f"- {markdown(line)}" for line in left_out_of(study))]
        if repeat_of(study):
            parts += ["### How to repeat it", fenced(repeat_of(study))]
    parts.append(f"Made by {markdown(document.software)}.")
    return "\n\n".join(parts) + "\n"


TEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
       "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "–": "--", "<": r"\textless{}",
       ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": "'", "`": r"\textasciigrave{}",
       "µ": r"$\mu$"}


def tex(text):
    plain = re.sub(POWER, lambda power: f"\0{power[1].translate(PLAIN_DIGITS)}\0", printable(text).replace("\0", ""))
    # What pdflatex has no letter for is told as a question mark.
    escaped = "".join(TEX.get(c, c if ord(c) < 256 or c == "\0" else "?") for c in plain)
    return re.sub("\0(-?\\d+)\0", r"$\\times 10^{\1}$", escaped)


def tex_table(table):
    lines = [r"\begin{center}", r"\small", r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
             r"\begin{tabular}{" + "r" * len(table.head) + "}", r"\toprule", " & ".join(map(tex, table.head)) + r" \\",
             r"\midrule"]
    lines += [" & ".join(map(tex, row)) + r" \\" for row in table.rows]
    lines += [r"\bottomrule", r"\end{tabular}}", r"\end{center}"]
    return "\n".join(lines) + (f"\n\n\\noindent {tex(table.caption)}" if table.caption else "")


def write_tex(document):
    parts = [r"\documentclass[11pt,a4paper]{article}", r"\usepackage[utf8]{inputenc}", r"\usepackage[T1]{fontenc}",
             r"\usepackage{textcomp}", r"\usepackage{graphicx}", r"\usepackage{booktabs}", r"\sloppy", r"\begin{document}",
             rf"\section*{{{tex(document.title())}}}"]
    for study, label in zip(document.studies, document.labels):
        if document.head(study, label):
            parts.append(rf"\subsection*{{{tex(label)}}}")
        if document.form == "plain":
            parts.append(tex(sentence_of(study)))
        parts.append(tex_table(document.main_table(study)))
        if document.form != "plain":
            continue
        parts.append(r"\begin{itemize}" + "\n" + "\n".join(
            rf"\item {tex(line)}" for line in criteria_of(study, document.threshold) + study["fit"]["advice"]
            + document.total(study)) + "\n" + r"\end{itemize}")
        if efficiency_table(study).rows:
            parts += [r"\subsubsection*{Where the cores go}", tex_table(efficiency_table(study))]
        if law_table(study).rows:
            parts += [r"\subsubsection*{Laws}", tex_table(law_table(study)), tex(ended(study["fit"]["why"]))]
        parts += [r"\subsubsection*{Conditions}", r"\begin{description}"]
        parts += [rf"\item[{tex(what)}] " + r"\newline ".join(map(tex, value.splitlines() or [""])) for what, value
                  in conditions_of(study)]
        parts.append(r"\end{description}")
        if left_out_of(study):
            parts += [r"\subsubsection*{Left out}", r"\begin{itemize}",
                      *(rf"\item {tex(line)}" for line in left_out_of(study)), r"\end{itemize}"]
        if repeat_of(study):
            parts += [r"\subsubsection*{How to repeat it}", rf"\texttt{{{tex(repeat_of(study))}}}"]
    parts += [rf"\medskip\noindent{{\small Made by {tex(document.software)}.}}", r"\end{document}"]
    return "\n\n".join(parts) + "\n"


CSS = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c1c1e; --soft: #5a5a60; --rule: #d9d9de; --band: #f4f4f7; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17181b; --ink: #e8e8ea; --soft: #a5a6ad; --rule: #3a3b41; --band: #212227; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
.quote { border-left: 3px solid #0072b2; padding: .2rem 0 .2rem .9rem; margin: 1rem 0; }
.wide { overflow-x: auto; margin: .8rem 0; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.wide table { min-width: 100%; overflow-wrap: normal; } .wide td { white-space: nowrap; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--rule); }
th { text-align: right; font-weight: 600; vertical-align: bottom; } th:first-child, td:first-child { text-align: left; }
.note { color: var(--soft); font-size: .9rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem; }
figure { margin: 0; } svg { width: 100%; height: auto; display: block; }
dl { display: grid; grid-template-columns: minmax(7rem, 12rem) 1fr; gap: .3rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; } dd, pre { white-space: pre-wrap; overflow-wrap: anywhere; }
pre { background: var(--band); padding: .7rem; font-size: .85rem; }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; gap: 0; } dt { margin-top: .5rem; } }
@media print { body { max-width: none; font-size: 10pt; } .wide { overflow: visible; } figure, tr { break-inside: avoid; } }
"""


def html_table(table):
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(printable(cell))}</td>" for cell in row) + "</tr>\n"
                   for row in table.rows)
    caption = f'<p class="note">{html.escape(printable(table.caption))}</p>' if table.caption else ""
    return (f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'
            f"\n{caption}")


def clean(text):
    """For HTML; lines stay lines."""
    return html.escape("\n".join(map(printable, text.splitlines())))


def html_list(lines):
    return "<ul>" + "".join(f"<li>{clean(line)}</li>" for line in lines) + "</ul>"


def write_html(document):
    parts = []
    pictures = [f"<figure>{svg_of(figure, place, title)}</figure>"
                for place, (title, figure) in enumerate(figures_of(document.drawn))]
    plots = f'<div class="plots">{"".join(pictures)}</div>'
    for place, (study, label) in enumerate(zip(document.studies, document.labels)):
        if document.head(study, label):
            parts.append(f"<h2>{clean(label)}</h2>")
        parts += [f'<p class="quote">{clean(sentence_of(study))}</p>', html_table(document.main_table(study))]
        if place == 0 and len(document.studies) == 1:
            parts.append(plots)
        if document.form == "plain":
            parts += ["<h3>Advice</h3>", html_list(study["fit"]["advice"] + document.total(study)),
                      "<h3>How far it scales</h3>", html_list(criteria_of(study, document.threshold))]
            if study["fit"]["suggested"]:
                names = ", ".join(f"{entry['ranks']} × {entry['threads']} ({number(entry['core_hours'], 2)} core-hours)"
                                  for entry in study["fit"]["suggested"])
                parts.append(f"<p>To resolve the law, measure the cheapest of: {clean(names)}.</p>")
            if efficiency_table(study).rows:
                parts += ["<h3>Where the cores go</h3>", html_table(efficiency_table(study))]
            if law_table(study).rows:
                parts += ["<h3>Laws</h3>", html_table(law_table(study)),
                          f'<p class="note">{clean(ended(study["fit"]["why"]))}</p>']
        parts += ["<h3>Conditions</h3>", "<dl>" + "".join(f"<dt>{clean(what)}</dt><dd>{clean(value)}</dd>" for what, value
                                                          in conditions_of(study)) + "</dl>"]
        if left_out_of(study):
            parts += ["<h3>Left out, and what was noticed</h3>", html_list(left_out_of(study))]
        if repeat_of(study):
            parts += ["<h3>How to repeat it</h3>", f"<pre>{clean(repeat_of(study))}</pre>"]
    if len(document.studies) > 1:
        parts.insert(0, plots)
    title = html.escape(document.title())
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
            f'<link rel="icon" href="data:,"><style>{CSS}</style></head><body>\n<h1>{title}</h1>\n' + "\n".join(parts)
            + f'\n<p class="note">Made by {html.escape(document.software)}.</p>\n</body></html>\n')


def write_pdf(document, file):
    """Pages of A4: text and table, then the plots."""
    from matplotlib.backends.backend_pdf import PdfPages
    import textwrap

    def page():
        figure = plt.figure(figsize=(8.27, 11.69), constrained_layout=False)
        return figure, 0.95

    with PdfPages(file, metadata={"Title": document.title(), "CreationDate": None}) as pages:
        for study, label in zip(document.studies, document.labels):
            table = document.main_table(study)
            figure, y = page()
            blocks = [(document.title() if len(document.studies) == 1 else f"{document.title()}: {label}", 13)]
            blocks.append((sentence_of(study), 9.5))
            for text, points in blocks:
                wrapped = textwrap.fill(printable(text).replace("$", r"\$"), int(1000 / points))
                figure.text(0.07, y, wrapped, fontsize=points, va="top")
                y -= (wrapped.count("\n") + 1) * points * 1.35 / 72 / 11.69 + 0.012
            most = 40
            for start in range(0, len(table.rows), most):
                some = table.rows[start:start + most]
                height = min(y - 0.08, 0.024 * (len(some) + 1.6))
                axes = figure.add_axes((0.07, y - height, 0.86, height))
                axes.axis("off")
                head = [textwrap.fill(cell, 14) for cell in table.head]
                widths = [max(max(map(len, name.split("\n"))), *(len(row[column]) for row in some)) + 2
                          for column, name in enumerate(head)]
                drawn = axes.table(cellText=some, colLabels=head, cellLoc="right", bbox=(0, 0, 1, 1), edges="horizontal",
                                   colWidths=[width / sum(widths) for width in widths])
                drawn.auto_set_font_size(False)
                drawn.set_fontsize(max(5, 8.5 - 0.35 * max(0, len(head) - 6)))
                for (row, _), cell in drawn.get_celld().items():
                    cell.set_linewidth(0.4)
                    if row == 0:
                        cell.set_height(cell.get_height() * 1.6)
                y -= height + 0.02
                if start + most < len(table.rows):
                    pages.savefig(figure)
                    plt.close(figure)
                    figure, y = page()
            lines = [table.caption] if table.caption else []
            if document.form == "plain":
                factors = efficiency_table(study)
                lines += [f"{row[0]}: " + ", ".join(f"{cell} on {name}" for name, cell in zip(factors.head[1:], row[1:]))
                          for row in factors.rows]
                lines += study["fit"]["advice"] + criteria_of(study, document.threshold) + document.total(study)
                law = ""
                for name, parameter, value, ends, aicc in law_table(study).rows:
                    law = name or law
                    lines.append(f"{law}: {parameter} {value}" + (f" ({ends})" if ends != "–" else "")
                                 + (f", AICc {aicc}" if name and aicc != "–" else ""))
                lines.append(ended(study["fit"]["why"]))
                lines += [f"{what}: {value}" for what, value in conditions_of(study)
                          if what not in ("Launcher lines", "Environment", "Cores of the threads")]
                lines += [f"Left out: {line}" for line in left_out_of(study)]
                lines += [f"To repeat it: {repeat_of(study)}"] if repeat_of(study) else []
            for line in lines:
                wrapped = textwrap.fill(printable(line).replace("$", r"\$"), 118, subsequent_indent="    ")
                needed = (wrapped.count("\n") + 1) * 8.5 * 1.35 / 72 / 11.69
                if y - needed < 0.05:
                    pages.savefig(figure)
                    plt.close(figure)
                    figure, y = page()
                figure.text(0.07, y, wrapped, fontsize=8.5, va="top")
                y -= needed + 0.004
            pages.savefig(figure)
            plt.close(figure)
        for _, figure in figures_of(document.drawn):
            pages.savefig(figure)


WRITERS = {"html": write_html, "md": write_markdown, "tex": write_tex, "csv": write_csv}
SUFFIXES = (*WRITERS, "pdf")


def main():
    parser = Parser(prog="paceline report", description="Writes the document of studies.")
    parser.add_argument("-o", "--output", metavar="FILE.html|md|tex|csv|pdf", required=True, help="the document")
    parser.add_argument("--force", action="store_true", help="overwrite what exists")

    def write():
        options = parser.parse_args()
        suffix = check_output(options.output, options.force, SUFFIXES, "report.html")
        try:
            document = Document(json.load(sys.stdin))
        except NothingToDraw as nothing:
            raise Problem(5, "there is nothing to report", str(nothing), "go on with the study") from None
        with plt.rc_context({**STYLE, "svg.fonttype": "none", "svg.hashsalt": "paceline"}):
            if suffix == "pdf":
                pages = io.BytesIO()
                write_pdf(document, pages)
                data = pages.getvalue()
            else:
                data = WRITERS[suffix](document).encode("utf-8", "replace")
            save(lambda file: file.write(data), options.output)

    return run(write)


if __name__ == "__main__":
    sys.exit(main())
