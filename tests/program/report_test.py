"""`paceline report`: the document of a study in each form and kind, opened where people open it."""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import unittest

import h5py
import numpy as np
import PIL.Image

import harness

FVCOM = "cores,nodes,time\n128,1,4071.89\n256,2,2193.52\n512,4,1173.19\n1024,8,659.38\n2048,16,395.53\n"


def page_facts(page, width, dark=False):
    """What Chromium finds in the page, shown in a frame of that width: how wide it is, colours, and console errors."""
    frame = page.with_name(f"frame{width}.html")
    script = """
      const frame = document.querySelector("iframe");
      frame.addEventListener("load", () => {
        const inside = frame.contentDocument, root = inside.documentElement;
        const outside = [...inside.querySelectorAll("body *")].filter(element => !element.closest(".wide") &&
          element.getBoundingClientRect().right > root.clientWidth + 1).map(element => element.tagName);
        const facts = {scroll: root.scrollWidth, client: root.clientWidth, outside: outside, svgs: inside.querySelectorAll("svg").length,
          paper: frame.contentWindow.getComputedStyle(inside.body).backgroundColor, tables: inside.querySelectorAll("table").length,
          text: inside.body.innerText};
        document.body.setAttribute("data-facts", JSON.stringify(facts)); });
      frame.srcdoc = PAGE;"""
    # A script in a page can't hold its own end tag.
    text = json.dumps(page.read_text()).replace("</", "<\\/")
    frame.write_text(f'<!DOCTYPE html><body><iframe width="{width}" height="900" style="border:0"></iframe>'
                     f'<script>{script.replace("PAGE", text)}</script></body>')
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
             "--virtual-time-budget=5000", f"--user-data-dir={page.parent}/chromium"]
    if dark:
        words.append("--blink-settings=preferredColorScheme=0")
    else:
        words.append("--blink-settings=preferredColorScheme=1")
    # Its own settings must not decide.
    environment = {**os.environ, "HOME": str(page.parent)}
    result = subprocess.run([*words, "--dump-dom", f"file://{frame}"], capture_output=True, text=True, timeout=120,
                            env=environment)
    found = re.search(r'data-facts="([^"]*)"', result.stdout)
    assert found, result.stdout[-2000:] + result.stderr[-2000:]
    facts = json.loads(found[1].replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    facts["console"] = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    return facts


def picture(page, path, dark):
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                    f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--window-size=800,1600",
                    f"--user-data-dir={page.parent}/chromium", f"--screenshot={path}", f"file://{page}"],
                   capture_output=True, timeout=120, check=True, env={**os.environ, "HOME": str(page.parent)})
    return np.asarray(PIL.Image.open(path).convert("L"))


class Report(harness.TestCase):
    def setUp(self):
        super().setUp()
        (self.folder / "fvcom.csv").write_text(FVCOM)
        self.study = self.folder / "fvcom.h5"
        self.run_ok(["import", "fvcom.csv", "-o", "fvcom.h5", "--command", "fvcom <case> & $x_1 | `y`"], cwd=self.folder)

    def measured(self):
        path = self.folder / "measured.h5"
        self.run_ok(["study", "-o", path, "--ranks", "1,2", "--threads", "1,2", "--repeats", 3, "--oversubscribe", "--binding",
                     "trust", "--", "paceline", "fractal", "--rows", 300, "--cols", 200])
        return path

    def report(self, kind, *more, studies=()):
        path = self.folder / f"r.{kind}"
        self.run_ok(["report", *(studies or [self.study]), "-o", path, "--force", *more])
        return path

    def test_the_table_for_prace(self):
        rows = list(csv.reader(io.StringIO(self.report("csv", "--form", "prace").read_text())))
        self.assertEqual(rows[0], ["Number of cores", "Wall clock time", "Speed-up vs the first one", "Number of Nodes",
                                   "Number of process"])
        self.assertEqual(rows[1], ["128", "4072 s", "1.00", "1", "128"])
        self.assertEqual([row[2] for row in rows[1:]], ["1.00", "1.86", "3.47", "6.18", "10.3"])
        self.run_ok(["import", self.folder / "fvcom.csv", "-o", self.folder / "w.h5", "--mode", "weak"])
        rows = list(csv.reader(io.StringIO(self.report("csv", "--form", "prace", studies=[self.folder / "w.h5"]).read_text())))
        self.assertEqual(rows[0], ["Number of cores", "Wall clock time", "Number of Nodes", "Number of process"])

    def test_the_table_for_csc(self):
        rows = list(csv.reader(io.StringIO(self.report("csv", "--form", "csc").read_text())))
        self.assertEqual([row[0] for row in rows[1:]], ["1", "2", "4", "8", "16"])
        self.assertEqual([row[3] for row in rows[1:]], ["100 %", "93 %", "87 %", "77 %", "64 %"])
        self.assertEqual([row[4] for row in rows[1:]], ["yes"] * 4 + ["no"])
        self.assertEqual([row[5] for row in rows[1:]], ["–", "1.86", "1.87", "1.78", "1.67"])
        rows = list(csv.reader(io.StringIO(self.report("csv", "--form", "csc", "--threshold", "60%").read_text())))
        self.assertEqual([row[4] for row in rows[1:]], ["yes"] * 5)

    def test_markdown(self):
        text = self.report("md", "--production", 1000).read_text()
        self.assertIn("Amdahl's law with serial fraction 2.86", text)
        self.assertIn("| 128 × 1 | 1 | 128 | 4072 |", text)
        self.assertIn("1,000 runs on 2048 × 1 on 16 nodes take", text)
        self.assertIn(r"fvcom \<case\> & \$x\_1 \| \`y\`", text)
        # Each row of a table has the cells of its head.
        for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
            counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            self.assertEqual(len(counts), 1, block)
        # Both criteria, which disagree here.
        self.assertIn("at least 75 % up to 1024 × 1 on 8 nodes", text)
        self.assertIn("at least 1.5 up to 2,048 cores", text)

    def test_latex(self):
        for form in ("plain", "prace", "csc"):
            path = self.report("tex", "--form", form, studies=[self.study, self.measured()] if form == "plain" else [])
            text = path.read_text()
            self.assertIn(r"\usepackage{booktabs}", text)
            if shutil.which("pdflatex"):
                result = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name],
                                        cwd=self.folder, capture_output=True, text=True, errors="replace", timeout=120)
                self.assertEqual(result.returncode, 0, result.stdout[-3000:])
            else:
                # 1: a command ends with a space; others: dashes, blanks and x, which are style.
                result = subprocess.run(["chktex", "-q", "-n1", "-n8", "-n36", "-n24", "-n18", "-n29", path.name], cwd=self.folder,
                                        capture_output=True, text=True, timeout=60)
                self.assertEqual((result.returncode, result.stdout), (0, ""), result.stdout + result.stderr)

    def test_pdf(self):
        for form in ("plain", "prace"):
            data = self.report("pdf", "--form", form).read_bytes()
            self.assertTrue(data.startswith(b"%PDF"))
            self.assertGreaterEqual(data.count(b"/Type /Page\n") + data.count(b"/Type /Page "), 5)

    def test_html_in_a_browser(self):
        if not shutil.which("chromium"):
            self.fail("there is no chromium")
        measured = self.measured()
        for studies, svgs in (([self.study], 4), ([measured], 5), ([self.study, measured], 4)):
            page = self.report("html", studies=studies)
            text = page.read_text()
            self.assertNotRegex(text, r'(?:src|href)="(?!#|data:)[^"]*"', "nothing is loaded from elsewhere")
            self.assertNotIn("<script", text)
            for width in (400, 1000):
                facts = page_facts(page, width)
                self.assertEqual(facts["console"], [])
                self.assertLessEqual(facts["scroll"], facts["client"], facts["outside"])
                self.assertEqual(facts["outside"], [])
                self.assertEqual(facts["svgs"], svgs)
            if self.study in studies:
                self.assertIn("fvcom <case> & $x_1 | `y`", facts["text"])
        self.assertEqual(facts["paper"], "rgb(255, 255, 255)")
        self.assertEqual(page_facts(page, 400, dark=True)["paper"], "rgb(23, 24, 27)")
        light, dark = (picture(page, self.folder / f"{name}.png", name == "dark") for name in ("light", "dark"))
        self.assertGreater(light.mean(), 200)
        self.assertLess(dark.mean(), 90)
        for shot in (light, dark):
            self.assertGreater(shot.std(), 10, "something is on it")

    def test_what_the_page_says(self):
        text = self.report("html", studies=[self.measured()]).read_text()
        for part in ("not checked: whoever made this study vouches for it", "How to repeat it", "Launcher lines", "Core-hours a run",
                     "Memory a rank", "4 warm-up runs", "How far it scales", "prefers-color-scheme"):
            self.assertIn(part, text)

    def test_what_is_refused(self):
        out = self.folder / "x.html"
        self.assert_error(harness.run(["report", self.folder / "no.h5", "-o", out]), 3, "there is no such file")
        self.assert_error(harness.run(["report", self.study, "-o", self.folder / "x.doc"]), 2, "the name ends in none of")
        self.assert_error(harness.run(["report", self.study, "-o", out, "--form", "odd"]), 2, "plain, prace, csc")
        self.assert_error(harness.run(["report", self.study, "-o", self.folder / "no/x.html"]), 4, "No such file or directory")
        out.write_text("mine")
        self.assert_error(harness.run(["report", self.study, "-o", out]), 4, "it exists", "--force")
        self.assertEqual(out.read_text(), "mine")
        with h5py.File(self.study, "r+") as file:
            rows = file["/study/samples"][:]
            rows["bound_ok"] = False
            file["/study/samples"][:] = rows
        self.assert_error(harness.run(["report", self.study, "-o", out, "--force"]), 5, "nothing to report")
        self.assertEqual(out.read_text(), "mine")


if __name__ == "__main__":
    unittest.main()
