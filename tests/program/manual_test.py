"""What belongs to the program beside it: manual pages that man shows, and completion as shells do it."""
import os
import pathlib
import pty
import re
import select
import subprocess
import tempfile
import time
import unittest

import harness

COMMANDS = ("array", "compare", "fetch", "fit", "fractal", "import", "profile", "report", "study", "table")


def run(words, **more):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, **more)


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keeper = tempfile.TemporaryDirectory(prefix="paceline-documents-")
        cls.addClassCleanup(cls.keeper.cleanup)
        cls.folder = pathlib.Path(cls.keeper.name)
        done = run([harness.PROGRAM, "write-documents", cls.folder])
        assert done.returncode == 0 and done.stdout == done.stderr == "", done

    def test_manual_pages_show_what_help_shows(self):
        pages = self.folder / "man/man1"
        self.assertIn("paceline-study.1", os.listdir(pages))
        for page in sorted(pages.iterdir()):
            with self.subTest(page.name):
                checked = run(["groff", "-man", "-ww", "-z", page])
                self.assertEqual((checked.returncode, checked.stderr), (0, ""))
                shown = run(["man", "-l", page], env={**os.environ, "MANWIDTH": "200", "MAN_KEEP_FORMATTING": ""})
                text = re.sub(".\x08", "", shown.stdout)
                command = page.stem.removeprefix("paceline").removeprefix("-")
                told = run([harness.PROGRAM, *([command] if command else []), "--help"]).stdout
                names = re.findall(r"^  (?:-\w,)?(--[a-z-]+)", told, re.MULTILINE)
                self.assertTrue(names, told)
                for name in names if command else COMMANDS:
                    self.assertRegex(text, rf"(?m)^ +(-\w, )?{name}\b")
                self.assertIn("EXIT STATUS", text)

    def test_documents_that_cannot_be_written(self):
        (self.folder / "file").write_text("")
        done = run([harness.PROGRAM, "write-documents", self.folder / "file"])
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, "^paceline: error: can't write .*file/man")

    # What each shell offers for a line, with files a.h5, b.png and the folder deep where it is.

    OFFERS = (("paceline fra", {"fractal"}, {"array"}),
              ("paceline fractal --sch", {"--schedule"}, {"--rows"}),
              ("paceline fractal --schedule ", {"dynamic", "weighted"}, {"a.h5"}),
              ("paceline fractal --colormap m", {"magma"}, {"viridis"}),
              ("paceline fit --model t", {"two-level"}, {"usl"}),
              ("paceline fit ", {"a.h5"}, {"b.png"}),
              ("paceline plot ", {"a.h5"}, {"b.png"}),
              ("paceline fractal --png ", {"b.png"}, {"a.h5"}),
              ("paceline completion ", {"bash", "zsh", "fish"}, {"a.h5"}))

    def place(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        for name in ("a.h5", "b.png"):
            (folder / name).write_text("")
        (folder / "deep").mkdir()
        return folder

    def test_bash(self):
        script = self.folder / "bash-completion/completions/paceline"
        self.assertEqual(run(["shellcheck", "-s", "bash", script]).stdout, "")
        place = self.place()
        for line, offered, others in self.OFFERS:
            with self.subTest(line):
                words = line.split(" ")
                told = run(["bash", "-c", f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _paceline; '
                                          'printf "%s\\n" "${COMPREPLY[@]}"', "bash", *words], cwd=place)
                found = set(told.stdout.split())
                self.assertEqual(told.stderr, "")
                self.assertLessEqual(offered, found)
                self.assertFalse(others & found, found)
        # Three words, as bash parts them; and another command line behind --.
        told = run(["bash", "-c", f"source {script}; COMP_WORDS=(paceline fractal --gather = r); COMP_CWORD=4; "
                                  "_paceline; echo ${COMPREPLY[@]}; COMP_WORDS=(paceline study -- mpiru); COMP_CWORD=3; "
                                  "_paceline; echo ${COMPREPLY[@]}"])
        self.assertEqual(told.stdout.splitlines()[0], "root")
        self.assertIn("mpirun", told.stdout.splitlines()[1].split())

    def test_fish(self):
        script = self.folder / "fish/vendor_completions.d/paceline.fish"
        place = self.place()
        for line, offered, others in self.OFFERS:
            with self.subTest(line):
                told = run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"], cwd=place,
                           env={**os.environ, "HOME": str(place)})
                found = [offer.split("\t")[0] for offer in told.stdout.splitlines()]
                self.assertEqual(told.stderr, "")
                self.assertLessEqual(offered, set(found))
                files = [name for name in found if name in ("a.h5", "b.png")]
                if offered & {"a.h5", "b.png"}:  # fish offers all files, the right ones first
                    self.assertIn(files[0], offered)
                else:
                    self.assertFalse(others & set(found), found)

    def test_zsh(self):
        place = self.place()
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(place)
            os.environ.update(TERM="dumb", HOME=str(place), LINES="50", COLUMNS="200")
            os.execvp("zsh", ["zsh", "-f", "-i"])

        def told_until(mark, seconds=100):
            text, end = "", time.monotonic() + seconds
            while mark not in text and time.monotonic() < end:
                if select.select([terminal], [], [], 0.1)[0]:
                    text += os.read(terminal, 4096).decode(errors="replace")
            self.assertIn(mark, text)
            return text

        try:
            # The key ^X^L prints what would be offered, each match a line; the line itself is dropped.
            os.write(terminal, (
                f"PROMPT=; fpath=({self.folder}/zsh/site-functions $fpath); autoload -U compinit; "
                "compinit -u -d $HOME/dump; "
                "compadd() { local -a found; builtin compadd -O found \"$@\"; print -rl -- OFFER:$^found; "
                "builtin compadd \"$@\" }; "
                "zstyle ':completion:*' completer _complete; show() { zle complete-word; print DONE:$((6 * 7)); "
                "zle kill-buffer }; "
                "zle -C complete-word complete-word _main_complete; zle -N show; bindkey '^X^L' show; "
                "print READY:$((40 + 2))\n").encode())
            told_until("READY:42")
            for line, offered, others in self.OFFERS:
                with self.subTest(line):
                    os.write(terminal, line.encode() + b"\x18\x0c")
                    told = told_until("DONE:42")
                    found = set(re.findall(r"OFFER:(\S+)", told))
                    self.assertLessEqual(offered, found, told)
                    self.assertFalse(others & found, told)
        finally:
            os.write(terminal, b"\x04")
            os.close(terminal)
            os.kill(child, 9)
            os.waitpid(child, 0)


if __name__ == "__main__":
    unittest.main()
