"""Every pixel is what NumPy gives for INTERFACE.md's definition, which is all that this file knows of the fractal."""
import concurrent.futures

import h5py
import numpy

import harness

INTERIORS = ("skip", "plain")


def axis(a, b, n):
    """Sample j is j*((b-a)/(n-1)) + a, in doubles; n = 1: a."""
    return numpy.arange(n) * ((b - a) / (n - 1)) + a if n > 1 else numpy.array([float(a)])


def steps_complex(z, c):
    """The lessons' words."""
    while True:
        z = z**2 + c
        yield abs(z) > 2


def step_real(formula, x, y, cx, cy):
    """Real arithmetic, in the order in which INTERFACE.md writes it."""
    if formula == "burning-ship":
        x, y = abs(x), abs(y)
    if formula == "tricorn":
        y = -y
    return (x * x - y * y) + cx, (x * y + x * y) + cy


def counts_of_rows(formula, re, im, max_iter, julia_c):
    """The last i before z is first outside, max_iter if it never is; points that are outside are dropped."""
    x, y = (part.ravel().copy() for part in numpy.meshgrid(re, im))
    cx, cy = (x, y) if julia_c is None else (numpy.full_like(x, julia_c[0]), numpy.full_like(y, julia_c[1]))
    counts = numpy.full(x.size, max_iter, dtype=numpy.uint64)
    left = numpy.arange(x.size)
    for i in range(1, max_iter + 1):
        x, y = step_real(formula, x, y, cx, cy)
        is_outside = x * x + y * y > 4
        if is_outside.any():
            counts[left[is_outside]] = i - 1
            x, y, cx, cy, left = (values[~is_outside] for values in (x, y, cx, cy, left))
        if left.size == 0:
            break
    return counts.reshape(len(im), len(re))


class Oracle(harness.TestCase):
    def check(self, rows=37, cols=53, re=(-2, 1), im=(-1.25, 1.25), max_iter=100, formula="mandelbrot", julia_c=None,
              stored="u1"):
        options = ["--rows", rows, "--cols", cols, "--max-iter", max_iter, "--formula", formula,
                   f"--re={re[0]!r}:{re[1]!r}", f"--im={im[0]!r}:{im[1]!r}"]
        options += ["--julia-c={!r},{!r}".format(*julia_c)] if julia_c else []

        def compute(interior):
            path = self.folder / f"{interior}.h5"
            self.run_ok(["fractal", "-o", path, "--force", "--interior", interior, *options])
            return path

        with concurrent.futures.ThreadPoolExecutor() as pool:
            paths = list(pool.map(compute, INTERIORS))
        x, y = axis(*re, cols), axis(*im, rows)
        expected = counts_of_rows(formula, x, y, max_iter, julia_c)
        for path in paths:
            with h5py.File(path) as file:
                # Bit for bit, so that -0.0 is not 0.0 either.
                self.assertEqual(file["/fractal/re"][:].tobytes(), x.tobytes())
                self.assertEqual(file["/fractal/im"][:].tobytes(), y.tobytes())
                counts = file["/fractal/counts"]
                self.assertEqual(counts.dtype, numpy.dtype("<" + stored))
                wrong = numpy.argwhere(counts[:] != expected)
                self.assertEqual(len(wrong), 0, f"{path.name}: {len(wrong)} pixels differ, first {wrong[:3].tolist()}")
        return expected

    def test_lessons_image_in_complex_arithmetic(self):
        paths = []
        for interior in INTERIORS:
            paths.append(self.folder / f"{interior}.h5")
            self.run_ok(["fractal", "-o", paths[-1], "--interior", interior], OMP_NUM_THREADS="2")
        re, im = axis(-1.5, 0, 3000), axis(-1, 0, 4000)
        files = [h5py.File(path) for path in paths]
        for file in files:
            self.assertEqual(file["/fractal/counts"].shape, (4000, 3000))
            self.assertEqual(file["/fractal/re"][:].tobytes(), re.tobytes())
            self.assertEqual(file["/fractal/im"][:].tobytes(), im.tobytes())
        with numpy.errstate(over="ignore", invalid="ignore"):
            for begin in range(0, 4000, 10):
                c = re[None, :] + 1j * im[begin:begin + 10, None]
                expected = numpy.zeros(c.shape, dtype=numpy.uint8)
                is_inside = numpy.ones(c.shape, dtype=bool)
                for _, is_outside in zip(range(20), steps_complex(c, c)):
                    is_inside &= ~is_outside
                    expected += is_inside
                for file in files:
                    self.assertTrue((file["/fractal/counts"][begin:begin + 10] == expected).all(), f"rows from {begin}")

    def test_odd_sizes(self):
        self.check(rows=101, cols=67, max_iter=60)
        self.check(rows=3, cols=1021, max_iter=60)

    def test_one_pixel(self):
        self.check(rows=1, cols=1, re=(-0.7436, 0), im=(0.1318, 1), max_iter=1000, stored="u2")

    def test_one_row(self):
        self.check(rows=1, cols=333, re=(-2, 0.5), im=(0, 1))

    def test_one_column(self):
        self.check(rows=333, cols=1, re=(-0.75, 1), im=(-1, 1))

    def test_seahorse_zoom(self):
        counts = self.check(rows=60, cols=80, re=(-0.7463, -0.7443), im=(0.1092, 0.1107), max_iter=2000, stored="u2")
        self.assertGreater(len(numpy.unique(counts)), 100)

    def test_cardioid_and_disc_edges(self):
        """Where a skip of the interior would first be wrong."""
        self.check(rows=41, cols=41, re=(0.24, 0.26), im=(-0.01, 0.01), max_iter=1500, stored="u2")
        self.check(rows=41, cols=41, re=(-0.76, -0.74), im=(-0.01, 0.01), max_iter=1500, stored="u2")
        self.check(rows=41, cols=41, re=(-1.26, -1.24), im=(-0.01, 0.01), max_iter=1500, stored="u2")

    def test_julia(self):
        self.check(re=(-1.6, 1.6), im=(-1.2, 1.2), formula="julia", julia_c=(-0.8, 0.156), max_iter=300, stored="u2")
        # A constant with an attracting cycle, so that there is an interior.
        self.check(re=(-1.6, 1.6), im=(-1.2, 1.2), formula="julia", julia_c=(-0.12, 0.74), max_iter=300, stored="u2")

    def test_burning_ship(self):
        self.check(re=(-1.8, -1.7), im=(-0.08, 0.02), formula="burning-ship", max_iter=200)
        self.check(re=(-2.2, 1.2), im=(-2, 0.8), formula="burning-ship", max_iter=255)

    def test_tricorn(self):
        self.check(re=(-2, 1.5), im=(-1.6, 1.6), formula="tricorn", max_iter=255)

    def test_far_outside(self):
        """|c| > 2, up to where squares overflow."""
        counts = self.check(re=(2.5, 4), im=(-3, 3))
        self.assertEqual(counts.max(), 0)
        with numpy.errstate(over="ignore", invalid="ignore"):
            self.check(rows=7, cols=9, re=(-1e200, 1e200), im=(-1e160, 1e160))
        # |c| = 2 is not outside yet: -2 never leaves.
        self.check(rows=3, cols=5, re=(-2, 2), im=(0, 2), max_iter=50)

    def test_max_iter_and_types(self):
        few = {"rows": 7, "cols": 11}
        self.check(max_iter=1, **few)
        self.check(max_iter=255, **few)
        self.check(max_iter=256, stored="u2", **few)
        self.check(max_iter=65535, stored="u2", **few)
        self.check(max_iter=65536, stored="u4", **few)
        # NumPy can't follow so many iterations, but outside there are few.
        self.check(max_iter=2**32, stored="u8", re=(0.5, 2), **few)

    def test_reversed_axes(self):
        self.check(re=(1, -2), im=(1.25, -1.25))


if __name__ == "__main__":
    harness.main()
