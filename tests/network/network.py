"""Nodes of this machine as network namespaces: each has its own address, host name and /dev/shm, so that ranks of
different nodes are strangers to each other and talk over TCP. All of it lives in namespaces of the test's own, and is
gone with it. No Slurm: mpirun reaches a node through nsenter in place of ssh.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

SKIPPED = 77  # what CTest takes, and tells, for a test that can't run here
NEEDED = ("unshare", "nsenter", "ip", "tc", "mpirun")
SANDBOX = "PACELINE_NETWORK"

ENVIRONMENT = {
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_btl": "self,vader,tcp",
    "OMPI_MCA_btl_tcp_if_include": "eth0",
    "OMPI_MCA_oob_tcp_if_include": "eth0",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}


def enter_sandbox():
    """Starts this program again in its namespaces, which die with it; ends it where these are forbidden."""
    if SANDBOX in os.environ:
        return
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        sys.exit(f"there is no {', '.join(missing)}: bash tests/run.sh installs it")
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    words = ["unshare", *user, "--mount", "--uts", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*words, "true"], capture_output=True).returncode != 0:
        print("skipped: namespaces are forbidden here")
        sys.exit(SKIPPED)
    os.environ[SANDBOX] = "1"
    os.execvp("unshare", [*words, sys.executable, *sys.argv])


def call(*words):
    return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True).stdout


class Network:
    """Nodes n1 ... nN on one bridge. mpirun runs on n1."""

    def __init__(self, folder, nodes=3):
        self.folder = pathlib.Path(folder)
        self.names = [f"n{i}" for i in range(1, nodes + 1)]
        call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
        pathlib.Path("/run/netns").mkdir()
        call("ip", "link", "set", "lo", "up")
        call("ip", "link", "add", "br0", "type", "bridge")
        call("ip", "link", "set", "br0", "up")
        hosts = ["127.0.0.1 localhost"]
        for i, name in enumerate(self.names, start=1):
            call("ip", "netns", "add", name)
            call("ip", "-n", name, "link", "set", "lo", "up")
            call("ip", "link", "add", f"v{i}", "type", "veth", "peer", "name", "eth0", "netns", name)
            call("ip", "link", "set", f"v{i}", "master", "br0")
            call("ip", "link", "set", f"v{i}", "up")
            call("ip", "-n", name, "addr", "add", f"10.79.0.{i}/24", "dev", "eth0")
            call("ip", "-n", name, "link", "set", "eth0", "up")
            hosts.append(f"10.79.0.{i} {name}")
        (self.folder / "hosts").write_text("\n".join(hosts) + "\n")
        # mpirun calls it as it would call ssh: agent HOST COMMAND ...
        self.agent = self.folder / "agent"
        self.agent.write_text(f"""#!/bin/sh
name=$1
shift
exec nsenter --net=/run/netns/$name unshare --uts --mount --ipc sh -c '
  hostname "$0"
  mount --bind {self.folder}/hosts /etc/hosts
  mount -t tmpfs tmpfs /dev/shm
  mkdir -p {self.folder}/tmp-$0
  export TMPDIR={self.folder}/tmp-$0
  exec sh -c "$*"' "$name" "$@"
""")
        self.agent.chmod(0o755)

    def number(self, name):
        return self.names.index(name) + 1

    def cut(self, name):
        call("ip", "link", "set", f"v{self.number(name)}", "down")

    def restore(self, name):
        call("ip", "link", "set", f"v{self.number(name)}", "up")

    def slow(self, name, rate):
        """Limits what goes out of and into a node: 100mbit ..."""
        call("tc", "qdisc", "replace", "dev", f"v{self.number(name)}", "root", "tbf", "rate", rate, "burst", "64kb",
             "latency", "200ms")
        call("ip", "netns", "exec", name, "tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate, "burst",
             "64kb", "latency", "200ms")

    def start(self, words, ranks_per_node=1, options=()):
        hosts = ",".join(f"{name}:{ranks_per_node}" for name in self.names)
        line = ["mpirun", "-q", "--mca", "plm_rsh_agent", self.agent, "--mca", "plm_rsh_no_tree_spawn", "1", "-H", hosts,
                "-np", ranks_per_node * len(self.names), *options, *words]
        return Job([self.agent, self.names[0], *line], {**os.environ, **ENVIRONMENT}, self.folder)


class Job:
    """An mpirun over the nodes; output goes to files, so that a stopped process holds up no reader."""

    def __init__(self, words, environment, folder):
        self.out = open(folder / "out", "w+b")
        self.process = subprocess.Popen(list(map(str, words)), env=environment, stdout=self.out,
                                        stderr=subprocess.STDOUT, start_new_session=True)

    def text(self):
        return os.pread(self.out.fileno(), 10**6, 0).decode()

    def wait_for(self, text, timeout=60):
        end = time.monotonic() + timeout
        while text not in self.text():
            if self.process.poll() is not None and text not in self.text():
                raise AssertionError(f"ended with {self.process.returncode} before {text!r}:\n{self.text()}")
            if time.monotonic() > end:
                raise AssertionError(f"no {text!r} in {timeout} s:\n{self.text()}")
            time.sleep(0.02)

    def wait(self, timeout=90):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end:\n{self.text()}") from None

    def processes(self, name):
        """Those of this sandbox that run the program of that name."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if (path / "exe").resolve().name == name:
                    found.append(int(path.name))
            except OSError:
                continue
        return sorted(found)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.out.close()
