"""What `cpack` makes: a source archive of the whole tree, and a Debian package that works where nothing else is there."""
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import types
import unittest
import unittest.mock

import harness

BUILD = pathlib.Path(os.environ["PACELINE_BUILD"])
MIRROR = "http://deb.debian.org/debian"


def dockerfile_stages():
    """{name: [(instruction, rest), ...]}; the last stage, which has no name, is called final."""
    text = (harness.REPOSITORY / "jobs/package/Dockerfile").read_text()
    lines = "".join(line for line in text.splitlines(True) if not line.startswith("#")).replace("\\\n", "")
    stages = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        word, rest = line.split(None, 1)
        if word == "FROM":
            name = rest.split(" AS ")[1] if " AS " in rest else "final"
            stages[name] = []
        stages[name].append((word, rest))
    return stages


def definition_stages():
    """{stage: {section: text}} of the Apptainer definition; what stands before the first section is called head."""
    text = (harness.REPOSITORY / "jobs/package/paceline.def").read_text()
    stages = {}
    for part in re.split("(?m)^(?=Bootstrap:)", text)[1:]:
        head, *sections = re.split("(?m)^%", part)
        stages[re.search("(?m)^Stage: (.*)$", head)[1]] = {
            "head": head, **dict(section.split("\n", 1) for section in sections)}
    return stages


class Packages(harness.TestCase):
    def sh(self, *words, timeout=240, **more):
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=timeout, **more)
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def test_source_archive(self):
        self.sh("cpack", "--config", BUILD / "CPackSourceConfig.cmake", "-B", self.folder)
        archive, = self.folder.glob("paceline-*.tar.gz")
        with tarfile.open(archive) as tar:
            names = {member.name.split("/", 1)[1] for member in tar if member.isfile()}
        # What Git knows is what the tree is made of; without Git, what a build needs.
        known = subprocess.run(["git", "-C", harness.REPOSITORY, "ls-files", "-z", "--cached", "--others",
                                "--exclude-standard"], capture_output=True, text=True)
        expected = {name for name in known.stdout.split("\0")
                    if name and not name.startswith(".git") and (harness.REPOSITORY / name).exists()}
        if known.returncode == 0:
            self.assertEqual(names, expected)
        self.assertLessEqual({"CMakeLists.txt", "README.md", "jobs/quickstart.sh", "src/main.cpp", ".readme/report.png"},
                             names)
        shutil.unpack_archive(archive, self.folder)
        self.sh("cmake", "-S", self.folder / archive.name.removesuffix(".tar.gz"), "-B", self.folder / "build",
                "-DPACELINE_TESTS=OFF", "-DPACELINE_BENCH=OFF")

    def debian_package(self):
        self.sh("cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", self.folder)
        package, = self.folder.glob("*.deb")
        return package

    def test_debian_package_has_its_things_in_their_places(self):
        package = self.debian_package()
        names = {line.split()[-1].removeprefix(".") for line in self.sh("dpkg-deb", "-c", package).splitlines()}
        for name in ("/usr/bin/paceline", "/usr/share/man/man1/paceline.1", "/usr/share/man/man1/paceline-study.1",
                     "/usr/share/bash-completion/completions/paceline", "/usr/share/zsh/vendor-completions/_paceline",
                     "/usr/share/fish/vendor_completions.d/paceline.fish", "/usr/share/paceline/jobs/plot.py",
                     "/usr/include/paceline/pool.hpp", "/usr/share/doc/paceline/CHANGELOG.md"):
            self.assertIn(name, names)
        self.assertTrue(any(re.match(r"/usr/lib/.*/?libpaceline_probe\.so$", name) for name in names))
        fields = self.sh("dpkg-deb", "-f", package)
        depends = re.search("^Depends: (.*)$", fields, re.MULTILINE)[1]
        for name in ("openmpi-bin", "libopenmpi3", "libhdf5-openmpi", "libfmt9", "libcurl4"):
            self.assertIn(name, depends)
        self.assertIn("python3-matplotlib", re.search("^Recommends: (.*)$", fields, re.MULTILINE)[1])
        version = self.sh(harness.PROGRAM, "--version").split()[1]
        self.assertRegex(fields, rf"(?m)^Version: {re.escape(version)}\b")

    base = None  # of all fresh Debians: made once

    def fresh_debian(self):
        if os.geteuid() != 0:
            self.skipTest("only root installs packages, in a Debian of its own or not")
        if Packages.base is None:
            keeper = tempfile.TemporaryDirectory(prefix="paceline-debian-")
            self.addClassCleanup(keeper.cleanup)
            base = pathlib.Path(keeper.name) / "debian"
            self.sh("debootstrap", "--variant=minbase", "bookworm", base, MIRROR, timeout=800)
            # Apt is asked as this machine's is; the installation itself goes without syncing each file.
            for name in ("/etc/apt/sources.list.d", "/etc/apt/apt.conf.d"):
                shutil.copytree(name, base / name[1:], dirs_exist_ok=True)
            Packages.base = base
        self.sh("cp", "-a", Packages.base, self.folder / "debian")
        return self.folder / "debian"

    def within(self, debian, *words, folder="/", environment=(), **more):
        """Runs a command as a container would: with nothing of this machine but devices and the network."""
        return self.sh(
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
            'mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && root=$1 && shift && exec env -i "$@"',
            "sh", debian, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *environment,
            "chroot", debian, "sh", "-c", 'cd "$0" && exec "$@"', folder, *words, timeout=800, **more)

    def test_containers_are_made_by_their_steps(self):
        """Of both recipes the last stage, of the package that this build makes: what the first stage would compile."""
        package = self.debian_package()
        debian = self.fresh_debian()
        (debian / "packages").mkdir()
        shutil.copy(package, debian / "packages")
        environment, folder, entry = [], "/", None
        for word, rest in dockerfile_stages()["final"]:
            if word == "COPY":
                *sources, target = shlex.split(rest)[1:]
                for source in (one for pattern in sources for one in debian.glob(pattern.lstrip("/"))):
                    shutil.copy(source, debian / target.lstrip("/"))
            elif word == "RUN":
                self.within(debian, "sh", "-c", rest, folder=folder, environment=environment)
            elif word == "ENV":
                environment += shlex.split(rest)
            elif word == "WORKDIR":
                folder = rest
                (debian / rest.lstrip("/")).mkdir()
            elif word == "ENTRYPOINT":
                entry = json.loads(rest)
        self.assertEqual(list((debian / "tmp").iterdir()), [])
        done = dict(folder=folder, environment=environment)
        version = self.sh(harness.PROGRAM, "--version")
        self.assertEqual(self.within(debian, *entry, "--version", **done), version)
        self.within(debian, *entry, "fractal", "--threads", "1", "-o", "fractal.h5", **done)
        self.within(debian, *entry, "plot", "fractal.h5", "-o", "fractal.png", **done)
        self.assertGreater((debian / folder.lstrip("/") / "fractal.png").stat().st_size, 10_000)
        # Nothing more is to be installed: that is quick.
        sections = definition_stages()["final"]
        self.within(debian, "sh", "-ec", sections["post"])
        self.assertFalse((debian / "packages").exists())
        self.assertEqual(self.within(debian, "sh", "-c", sections["test"]), version)
        self.assertEqual(self.within(debian, "sh", "-c", sections["runscript"], "sh", "--version"), version)

    def test_debian_package_works_where_nothing_else_is(self):
        package = self.debian_package()
        debian = self.fresh_debian()
        shutil.copy(package, debian / "paceline.deb")
        script = """
            set -e
            export DEBIAN_FRONTEND=noninteractive OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
            mount -t proc proc /proc
            apt-get -qq update
            apt-get -qq install -y --no-install-recommends /paceline.deb >/dev/null
            cd /tmp
            paceline --version
            mpirun --oversubscribe --bind-to none -np 2 paceline fractal --threads 1 -o fractal.h5 --png fractal.png
            paceline profile -- mpirun --oversubscribe -np 2 paceline tasks --threads 1 --work squares:1000 --count 10
            test -s fractal.png
        """
        told = self.sh("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                       'mount --rbind /dev "$1/dev" && exec chroot "$1" sh -c "$2"', "sh", debian, script, timeout=800)
        digest = self.record(["fractal", "--rows", 4000])["digest"]
        self.assertIn(f"digest: {digest}", re.sub(r"digest +", "digest: ", told))
        self.assertRegex(told, "(?i)parallel efficiency")


class Recipe:
    """Stands in for what Spack gives its recipes: keeps what is said of a package."""

    def __init__(self):
        self.said = []

    def directive(self, name):
        return lambda *words, **more: self.said.append((name, words, more)) or contextlib.nullcontext()

    def named(self, name):
        return [words[0] for said, words, _ in self.said if said == name]


class Sites(unittest.TestCase):
    """Files by which sites install and load it."""

    JOBS = harness.REPOSITORY / "jobs/package"

    def test_spack_recipe(self):
        recipe = Recipe()
        names = {name: recipe.directive(name) for name in ("license", "version", "variant", "depends_on", "conflicts",
                                                           "generator")}
        names["when"] = lambda *_: contextlib.nullcontext()
        module = types.ModuleType("spack.package")
        module.__dict__.update(names, CMakePackage=type("CMakePackage", (), {}), __all__=[*names, "CMakePackage"])
        text = (self.JOBS / "spack/packages/paceline/package.py").read_text()
        with unittest.mock.patch.dict(sys.modules, {"spack": types.ModuleType("spack"), "spack.package": module}):
            exec(compile(text, "package.py", "exec"), {"__name__": "package"})
        self.assertIn(harness.run(["--version"]).out.split()[1], recipe.named("version"))
        # Everything that CMake looks for is asked for, by Spack's name.
        spack = {"MPI": "mpi", "HDF5": "hdf5", "hwy": "highway", "CLI11": "cli11", "Eigen3": "eigen", "fmt": "fmt",
                 "nlohmann_json": "nlohmann-json", "PNG": "libpng", "re2": "re2", "ZLIB": "zlib-api", "zstd": "zstd",
                 "hwloc": "hwloc", "isal": "isa-l", "Boost": "boost", "CURL": "curl", "xxhash": "xxhash", "PkgConfig": "pkgconfig",
                 "GTest": "googletest", "OpenMP": "c", "Threads": "c"}
        cmake = (harness.REPOSITORY / "CMakeLists.txt").read_text()
        found = re.findall(r"^(?:find_package|pkg_check_modules)\((\w+)", cmake, re.MULTILINE)
        self.assertGreater(len(found), 12)
        asked = {re.match("[a-z0-9-]+", name)[0] for name in recipe.named("depends_on")}
        self.assertLessEqual({spack[name] for name in [*found, "GTest"]}, asked)

    def test_module_files(self):
        """Tcl reads the one; what both prepend are folders of an installation."""
        script = self.JOBS / "paceline.tcl"
        told = subprocess.run(["tclsh"], capture_output=True, text=True, input=(
            "foreach name {prepend-path setenv} { proc $name {name value} { puts \"$name $value\" } }\n"
            f"proc module-whatis text {{}}\nset ::env(PACELINE_ROOT) /p\nsource {script}\n"))
        self.assertEqual(told.stderr, "")
        expected = {"PATH /p/bin", "MANPATH /p/share/man", "CMAKE_PREFIX_PATH /p", "XDG_DATA_DIRS /p/share",
                    "PACELINE_JOBS /p/share/paceline/jobs"}
        self.assertEqual(set(told.stdout.splitlines()), expected)
        lua = (self.JOBS / "paceline.lua").read_text()
        said = re.findall(r'^(?:prepend_path|setenv)\("(\w+)", (?:pathJoin\(root, "([^"]+)"\)|root)\)', lua, re.MULTILINE)
        self.assertEqual({f"{name} /p{'/' if path else ''}{path}" for name, path in said}, expected)

    def assert_parses(self, shell, text):
        done = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), text)

    def assert_copied(self, source, stages, stage):
        """What a container copies is in the tree, or made by a command of the stage that it comes from."""
        if stage is None:
            self.assertTrue(list(harness.REPOSITORY.glob(source)) if source != "." else True, source)
        else:
            folder = source.split("*")[0].rstrip("/")
            self.assertIn(f" {folder}", stages[stage], f"{stage} makes no {source}")

    def test_containers_follow_the_scripts(self):
        for name in ("Dockerfile", "paceline.def"):
            text = (self.JOBS / name).read_text()
            with self.subTest(name):
                self.assertIn("debian:12", text)
                # Their shell lines are the ones that are tested: the set-up's functions and a preset that is there.
                command, = re.findall(r"bash -c '([^']+)'", text)
                # cpack makes no Debian package without these, but an archive that nothing installs.
                self.assertIn('"${build_packages[@]}" "${deb_packages[@]}"', command)
                self.assert_parses("bash", command.replace("\\\n", "\n"))
                presets = json.loads((harness.REPOSITORY / "CMakePresets.json").read_text())["configurePresets"]
                self.assertIn(re.search(r"configure (\w+)", command)[1], [preset["name"] for preset in presets])

    def test_dockerfile(self):
        stages = dockerfile_stages()
        self.assertEqual(list(stages), ["build", "final"])
        runs = {name: " ".join(rest for word, rest in steps if word == "RUN") for name, steps in stages.items()}
        for name, steps in stages.items():
            self.assertEqual(steps[0][0], "FROM")
            for word, rest in steps:
                with self.subTest(name, step=f"{word} {rest}"):
                    self.assertIn(word, ("FROM", "COPY", "WORKDIR", "RUN", "ENV", "ENTRYPOINT"))
                    if word == "COPY":
                        stage = re.match(r"--from=(\S+) ", rest)
                        for source in shlex.split(rest)[1 if stage else 0:-1]:
                            self.assert_copied(source, runs, stage and stage[1])
                    if word == "RUN":
                        self.assert_parses("sh", rest)
                    if word == "ENV":
                        self.assertTrue(all(re.match(r"\w+=", one) for one in shlex.split(rest)))
                    if word == "ENTRYPOINT":
                        self.assertEqual(json.loads(rest), ["paceline"])

    def test_apptainer_definition(self):
        stages = definition_stages()
        self.assertEqual(list(stages), ["build", "final"])
        posts = {name: sections["post"] for name, sections in stages.items()}
        for name, sections in stages.items():
            for section, text in sections.items():
                with self.subTest(name, section=section):
                    word, *more = section.split()
                    self.assertIn(word, ("head", "files", "post", "environment", "runscript", "test", "labels"))
                    if word == "files":
                        for line in filter(None, map(str.strip, text.splitlines())):
                            self.assert_copied(line.split()[0], posts, more[1] if more else None)
                    if word in ("post", "environment", "runscript", "test"):
                        self.assert_parses("sh", text)

    def test_packages_are_debians(self):
        lists = ("build_packages", "deb_packages", "plot_packages", "test_packages")
        words = " ".join(f"${{{name}[*]}}" for name in lists)
        names = subprocess.run(["bash", "-c", f'source {harness.REPOSITORY}/jobs/setup.sh; echo "{words}"'],
                               capture_output=True, text=True, check=True).stdout.split()
        self.assertGreater(len(names), 40)
        told = subprocess.run(["apt-cache", "policy", *names], capture_output=True, text=True, check=True,
                              env={**os.environ, "LC_ALL": "C"}).stdout
        found = dict(re.findall(r"(?m)^(\S+):\n.*\n  Candidate: (.*)$", told))
        self.assertEqual([name for name in names if found.get(name, "(none)") == "(none)"], [])


if __name__ == "__main__":
    unittest.main()
