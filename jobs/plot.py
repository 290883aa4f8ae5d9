#!/usr/bin/python3
"""Draws a result of paceline: plot.py FILE.h5 -o FILE.png|svg|pdf [--force], or with --document studies, of which
`paceline plot` hands the samples and the fit over as JSON.

Made to be copied and adapted: a read_ function says what lies in the file, a draw_ function how it looks, and DRAWINGS
which of them is for which file. Studies are drawn by plot_study.py beside this.
"""
import argparse
import io
import json
import logging
import os
import resource
import signal
import sys
import tempfile

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")  # locks fail on many network file systems
logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no room for its cache is not worth a message


def import_matplotlib():
    """Without the user's settings: a matplotlibrc lies in the working folder, or is named by the environment."""
    os.environ["MATPLOTLIBRC"] = os.devnull
    os.environ.pop("MPLBACKEND", None)
    folder = os.open(".", os.O_RDONLY)
    os.chdir("/")
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot
    finally:
        os.fchdir(folder)
        os.close(folder)
    return matplotlib


try:
    import numpy as np

    matplotlib = import_matplotlib()
    import matplotlib.pyplot as plt
    from matplotlib import colors, ticker

    from plot_study import NothingToDraw, draw_studies
except Exception as missing:  # a package may be there and broken
    why = " ".join(str(missing).split()) or type(missing).__name__
    print(f"paceline: error: can't plot ({why}); install python3-numpy, python3-h5py and python3-matplotlib",
          file=sys.stderr)
    sys.exit(1)

SUFFIXES = ("png", "svg", "pdf")
LARGEST_SIDE = 4096  # pixels; of larger images every k-th row and column is drawn
LONGEST_DRAWING = 120  # seconds of CPU time for one result
LONGER_SIDE = 5.6  # inches, of the image in the picture
USAGE, INPUT, OUTPUT = 2, 3, 4  # exit codes of paceline
STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.formatter.offset_threshold": 7,
    "pdf.fonttype": 42,  # journals want TrueType
    "figure.constrained_layout.use": True,
}


class Problem(Exception):
    """An error as paceline tells it: PROBLEM (WHY); SUGGESTION, with its exit code."""

    def __init__(self, code, problem, why, suggestion):
        super().__init__(f"{problem} ({why}); {suggestion}")
        self.code = code


class AlreadyTold(Exception):
    """The child has told the user."""

    def __init__(self, code):
        super().__init__()
        self.code = code


# --- a fractal --------------------------------------------------------------------------------------------------------

FORMULAS = {
    "mandelbrot": ("Mandelbrot set", r"$z \mapsto z^2 + c$"),
    "julia": ("Julia set", r"$z \mapsto z^2 + c$"),
    "burning-ship": ("Burning Ship", r"$z \mapsto (|\mathrm{Re}\,z| + i\,|\mathrm{Im}\,z|)^2 + c$"),
    "tricorn": ("Tricorn", r"$z \mapsto \bar{z}^2 + c$"),
}


def read_fractal(file):
    """Counts [im, re], thinned to LARGEST_SIDE a side with little memory, the axes that go with them, parameters."""
    counts, re, im = file["/fractal/counts"], file["/fractal/re"], file["/fractal/im"]
    rows, cols = counts.shape
    step = max(1, -(-max(rows, cols) // LARGEST_SIDE))
    # The middle one of each group of `step`, so that edges stay where they are.
    first_row, first_col = ((min(step, size) - 1) // 2 for size in (rows, cols))
    thinned = np.stack([counts[row, first_col::step] for row in range(first_row, rows, step)])
    return thinned, re[first_col::step], im[first_row::step], dict(counts.attrs)


def edges(values, step_if_alone):
    """Half a pixel beyond the first and the last sample."""
    step = (values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else step_if_alone
    return values[0] - step / 2, values[-1] + step / 2


def draw_fractal(file):
    counts, re, im, parameters = read_fractal(file)
    max_iter = int(parameters["max_iter"])
    norm, cmap = scale(counts, max_iter)

    # A single row or column is drawn as a strip of a tenth of its length, or as a square pixel.
    width, height = (abs(values[-1] - values[0]) for values in (re, im))
    left, right = edges(re, height / 10 or 1.0)
    first, last = edges(im, width / 10 or 1.0)
    ratio = abs((last - first) / (right - left))
    shape = min(max(ratio, 0.1), 10)
    inches = LONGER_SIDE * min(1, 1 / shape), LONGER_SIDE * min(1, shape)
    figure, axes = plt.subplots(figsize=(inches[0] + 1.5, inches[1] + 1))

    # Coloured here, so that where the picture has fewer pixels than the image, colours are averaged and not counts.
    axes.imshow(cmap(norm(counts), bytes=True), extent=(left, right, last, first), origin="upper",
                aspect="equal" if shape == ratio else "auto")
    axes.set_box_aspect(shape)
    # As in the PNG and in the HDF5 image: the first row on top, the first column on the left.
    axes.set_xlim(left, right)
    axes.set_ylim(last, first)
    for axis, values, length, room in ((axes.xaxis, re, inches[0], 0.65), (axes.yaxis, im, inches[1], 0.5)):
        several = ticker.MaxNLocator(max(1, int(length / room)), steps=[1, 2, 5, 10])
        axis.set_major_locator(several if len(values) > 1 else ticker.FixedLocator(values))
    formula = text_of(parameters["formula"])
    point = "z_0" if formula == "julia" else "c"
    axes.set_xlabel(rf"$\mathrm{{Re}}\,{point}$")
    axes.set_ylabel(rf"$\mathrm{{Im}}\,{point}$")

    # As high as the image. Its tip is the colour of what has no count: the interior.
    beside = axes.inset_axes([1 + 0.12 / inches[0], 0, 0.16 / inches[0], 1])
    bar = figure.colorbar(matplotlib.cm.ScalarMappable(norm, cmap), cax=beside, extend="max", label="iterations",
                          extendfrac=0.12 / inches[1])
    bar.set_ticks(bar_ticks(norm, int(inches[1] / 0.3)))
    bar.minorticks_off()
    bar.formatter = ticker.StrMethodFormatter("{x:,.0f}")
    bar.update_ticks()

    name, rule = FORMULAS.get(formula, (formula, ""))
    title = ", ".join(filter(None, (name, rule)))
    if formula == "julia":
        title += ", $c = {:g}{:+g}i$".format(parameters["julia_c_re"], parameters["julia_c_im"])
    axes.set_title(title)
    return figure, f"Black: $|z| \\leq 2$ through all {max_iter:,} iterations"


def scale(counts, max_iter):
    """Norm and colour map: a colour a count if there are few, else even at first and logarithmic above the median."""
    outside = counts[counts < max_iter]
    low, high = (int(outside.min()), int(outside.max())) if outside.size else (0, max_iter - 1)
    viridis = matplotlib.colormaps["viridis"]
    if high - low < 32:
        bounds = np.arange(low, high + 2) - 0.5
        few = colors.ListedColormap(viridis(np.linspace(0, 1, len(bounds) - 1)))
        return colors.BoundaryNorm(bounds, few.N), few.with_extremes(over="black")
    norm = colors.AsinhNorm(linear_width=max(1.0, float(np.median(outside))), vmin=low, vmax=high)
    return norm, viridis.with_extremes(over="black")


def bar_ticks(norm, most):
    """Round counts, far enough from each other on the bar."""
    if isinstance(norm, colors.BoundaryNorm):
        low, high = norm.vmin + 0.5, norm.vmax - 0.5
        ticks = ticker.MaxNLocator(max(1, most), integer=True).tick_values(low, high)
        return [tick for tick in ticks if low <= tick <= high]
    ticks = []
    for tick in [0] + [digit * 10**power for power in range(16) for digit in (1, 2, 5)]:
        if norm.vmin <= tick <= norm.vmax and (not ticks or norm(tick) - norm(ticks[-1]) > 1 / max(1, most)):
            ticks.append(tick)
    return ticks


# --- any file ---------------------------------------------------------------------------------------------------------

# Group in the file -> function that returns a figure and a sentence for its caption.
DRAWINGS = {"fractal": draw_fractal}


def text_of(value):
    """Texts of fixed length are bytes in h5py."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def add_caption(figure, made, sentence):
    figure.supxlabel(f"{sentence}. {made}", fontsize=7, color="0.35")


def draw_file(path):
    """The figure that suits the file. Throws Problem."""
    damaged = f"{path} is damaged or not a result of paceline"
    if not os.path.exists(path):
        has_part = os.path.exists(os.path.realpath(path) + ".part")
        raise Problem(INPUT, f"can't read {path}", "its run is unfinished" if has_part else "there is no such file",
                      "run the same command with --resume" if has_part else "give the name of a result file")
    if os.path.isdir(path):
        raise Problem(INPUT, f"can't read {path}", "it is a folder", "give the name of a result file")
    if not os.path.isfile(path):
        raise Problem(INPUT, f"can't read {path}", "it is a device or a pipe", "give the name of a result file")
    try:
        import h5py
    except ImportError as missing:
        raise Problem(1, "can't plot", str(missing), "install python3-h5py") from None
    try:
        with h5py.File(path, "r") as file:
            groups = [name for name in DRAWINGS if name in file]
            if not groups and "digest" in file.attrs:
                raise Problem(INPUT, f"there is no drawing for {path}", f"it holds {', '.join(sorted(set(file) - {'run'}))}",
                              f"give a file with {' or '.join([*DRAWINGS, 'study'])}")
            if not groups:
                raise Problem(INPUT, damaged, f"it has no group {' or '.join([*DRAWINGS, 'study'])}",
                              "give the name of a result file")
            if "digest" not in file.attrs:
                raise Problem(INPUT, f"{path} is unfinished", "it has no digest yet",
                              "run the same command with --resume")
            figure, sentence = DRAWINGS[groups[0]](file)
            made = [text_of(file.attrs[name]) for name in ("software", "software_version", "date")]
            add_caption(figure, f"{made[0]} {made[1]}, {made[2][:10]}", sentence)
            return figure
    except PermissionError as error:
        raise Problem(INPUT, f"can't read {path}", error.strerror or "no permission", "see that it is yours") from None
    except (OSError, KeyError, ValueError, TypeError, IndexError, RuntimeError, AttributeError, MemoryError) as error:
        raise Problem(INPUT, damaged, str(error).strip("\"'"), "compute it again") from None


def in_child(path, action):
    """The bytes that `action` returns, or its Problem, from a process of its own: HDF5 can crash or loop for ever on a
    damaged file."""
    hard_s = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit_s = LONGEST_DRAWING if hard_s < 0 else min(LONGEST_DRAWING, max(1, hard_s - 1))
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, hard_s))
        code = 1
        try:
            os.close(ours)
            with os.fdopen(theirs, "wb") as pipe:
                code = run(lambda: pipe.write(action()))
        finally:
            os._exit(code)
    os.close(theirs)
    try:
        with os.fdopen(ours, "rb") as pipe:
            answer = pipe.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        why = f"reading it does not end within {limit_s} s" if number == signal.SIGXCPU else \
            f"HDF5 crashes on it: {signal.strsignal(number)}"
        raise Problem(INPUT, f"{path} is damaged or not a result of paceline", why, "compute it again")
    if os.WEXITSTATUS(status) != 0:
        raise AlreadyTold(os.WEXITSTATUS(status))
    return answer


def draw_document(document):
    try:
        figure, sentence = draw_studies(document["studies"])
    except NothingToDraw as nothing:
        files = ", ".join(study["file"] for study in document["studies"])
        raise Problem(INPUT, f"there is nothing to draw in {files}", str(nothing), "go on with its study") from None
    dates = sorted(study["facts"].get("date", "")[:10] for study in document["studies"])
    add_caption(figure, f"{document['software']}, {dates[-1]}", sentence)
    return figure


def check_output(path, force, suffixes=SUFFIXES, example="fractal.png"):
    suffix = os.path.splitext(path)[1][1:].lower()
    if suffix not in suffixes:
        raise Problem(USAGE, f"can't write {path}", "the name ends in none of ." + ", .".join(suffixes),
                      f"name it by its kind, for example {example}")
    if os.path.islink(os.path.realpath(path)):
        raise Problem(OUTPUT, f"can't write {path}", "its symbolic links lead in a circle",
                      "remove them or choose another place")
    if os.path.isdir(path):
        raise Problem(OUTPUT, f"can't write {path}", "it is a folder", "name a file")
    if os.path.exists(path) and not os.path.isfile(path):
        raise Problem(OUTPUT, f"can't write {path}", "it is a device or a pipe", "name a file")
    if os.path.exists(path) and not force:
        raise Problem(OUTPUT, f"can't write {path}", "it exists", "--force overwrites it")
    return suffix


def save(write, path):
    """Beside its place first: what is there stays until the document is complete. A link stays, too. `write` is given a
    file that is open for bytes."""
    place = os.path.realpath(path)
    aside = None
    try:
        # A name that nobody can have laid a link at; made with the modes that the user wants for files.
        handle, aside = tempfile.mkstemp(dir=os.path.dirname(place), prefix=f".{os.path.basename(place)}.")
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(aside, 0o666 & ~mask)
        os.replace(aside, place)
    except OSError as error:
        raise Problem(OUTPUT, f"can't write {path}", error.strerror or str(error), "choose another place") from None
    finally:
        if aside and os.path.exists(aside):
            os.remove(aside)


def printable(text):
    """In one line, without what a terminal would take for more than text."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def run(action):
    """Does it; what goes wrong is one line and an exit code. Other errors than Problem are of the drawing itself."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        action()
    except Problem as problem:
        print(f"paceline: error: {printable(str(problem))}", file=sys.stderr)
        return problem.code
    except AlreadyTold as told:
        return told.code
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        print("paceline: error: can't draw it (there is not enough memory); draw it on a larger machine", file=sys.stderr)
        return 1
    except Exception as error:
        why = printable(str(error)) or type(error).__name__
        print(f"paceline: error: can't draw it ({type(error).__name__}: {why}); see that the file is one of paceline",
              file=sys.stderr)
        return INPUT
    return 0


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Problem(USAGE, "wrong command line", message, "`paceline plot --help` lists the options")


def main():
    parser = Parser(prog="paceline plot", description="Draws a result file with its axes, or studies.")
    parser.add_argument("file", metavar="FILE.h5", nargs="?", help="what to draw")
    parser.add_argument("--document", action="store_true", help="draw the studies that standard input tells in JSON")
    parser.add_argument("-o", "--output", metavar="FILE.png|svg|pdf", required=True, help="the picture")
    parser.add_argument("--force", action="store_true", help="overwrite what exists")

    def picture_of(options, suffix):
        with plt.rc_context(STYLE):
            figure = draw_document(json.load(sys.stdin)) if options.document else draw_file(options.file)
            # In memory first: the backends don't tell a full disk from their own faults.
            picture = io.BytesIO()
            figure.savefig(picture, format=suffix, dpi=300, bbox_inches="tight", pad_inches=0.05)
            return picture.getvalue()

    def draw():
        options = parser.parse_args()
        if bool(options.file) == options.document:
            raise Problem(USAGE, "wrong command line", "give a file or --document", "see --help")
        suffix = check_output(options.output, options.force)
        picture = picture_of(options, suffix) if options.document else \
            in_child(options.file, lambda: picture_of(options, suffix))
        save(lambda file: file.write(picture), options.output)

    return run(draw)


if __name__ == "__main__":
    sys.exit(main())
