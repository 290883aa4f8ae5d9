"""A real Slurm on this machine: munged, slurmctld and four slurmd as virtual nodes, in namespaces that nobody else sees.

The whole test lives in PID, mount and network namespaces of its own: whatever happens to it, nothing is left running,
no port clashes with anybody's, and no file outside of its folder is touched. Each node has a network namespace with its
own address, so that ranks of different nodes really talk over TCP; where that is forbidden, all nodes are on 127.0.0.1.

By hand: python3 tests/slurm/cluster.py COMMAND ... starts the cluster, runs the command in it, and stops.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77  # what CTest takes, and tells, for a test that can't run here
NEEDED = ("munged", "slurmctld", "slurmd", "srun", "unshare", "nsenter", "ip")
PORT = 26900
SANDBOX = "PACELINE_SANDBOX"

# Of the networks only TCP is there. Ranks share two cores, but do not yield in a loop: while they did, others were
# seen not to run for a minute (Linux 6.18: no packet, no kernel thread moved for 65 s).
ENVIRONMENT = {
    "OMPI_MCA_mpi_yield_when_idle": "0",
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_btl": "self,vader,tcp",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}


def enter_sandbox():
    """Starts this program again in its namespaces, which die with it; ends it where these are forbidden."""
    if SANDBOX in os.environ:
        return
    missing = [name for name in NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if missing:
        sys.exit(f"there is no {', '.join(missing)}: bash tests/run.sh installs it")
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    words = ["unshare", *user, "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    for network in (["--net"], []):
        if subprocess.run([*words, *network, "true"], capture_output=True).returncode == 0:
            os.environ[SANDBOX] = "net" if network else "loop"
            os.environ["PATH"] += ":/usr/sbin:/sbin"
            os.execvp("unshare", [*words, *network, sys.executable, *sys.argv])
    print("skipped: namespaces are forbidden here")
    sys.exit(SKIPPED)


def call(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **more).stdout


class Cluster:
    """Four nodes n1 ... n4 of the machine's own cores each."""

    def __init__(self, folder, nodes=4):
        self.folder = pathlib.Path(folder)
        self.nodes = nodes
        self.has_networks = os.environ.get(SANDBOX) == "net" and self._make_networks()
        self.slurmd = {}

    # Starting and stopping.

    def _make_networks(self):
        try:
            # Names of network namespaces are files here: nobody else's.
            call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
            pathlib.Path("/run/netns").mkdir()
            call("ip", "link", "set", "lo", "up")
            call("ip", "link", "add", "br0", "type", "bridge")
            call("ip", "addr", "add", f"{self._address(0)}/24", "dev", "br0")
            call("ip", "link", "set", "br0", "up")
            for i in range(1, self.nodes + 1):
                call("ip", "netns", "add", f"n{i}")
                call("ip", "-n", f"n{i}", "link", "set", "lo", "up")
                call("ip", "link", "add", f"v{i}", "type", "veth", "peer", "name", "eth0", "netns", f"n{i}")
                call("ip", "link", "set", f"v{i}", "master", "br0")
                call("ip", "link", "set", f"v{i}", "up")
                call("ip", "-n", f"n{i}", "addr", "add", f"{self._address(i)}/24", "dev", "eth0")
                call("ip", "-n", f"n{i}", "link", "set", "eth0", "up")
            return True
        except (OSError, subprocess.CalledProcessError):
            subprocess.run(["ip", "link", "set", "lo", "up"], capture_output=True)
            return False

    def _address(self, i):
        return "10.77.0.1" if i == 0 else f"10.77.0.{10 + i}"

    def _hardware(self):
        """What a node is: the whole machine, as Slurm itself sees it."""
        words = dict(re.findall(r"(\w+)=(\S+)", call("slurmd", "-C").splitlines()[0]))
        self.cores = int(words["Boards"]) * int(words["SocketsPerBoard"]) * int(words["CoresPerSocket"])
        names = ("CPUs", "Boards", "SocketsPerBoard", "CoresPerSocket", "ThreadsPerCore")
        # Slurm binds to cores only where this process may use all of them.
        self.binds = os.cpu_count() == len(os.sched_getaffinity(0)) == int(words["CPUs"])
        return " ".join(f"{name}={words[name]}" for name in names) + " RealMemory=2000 State=UNKNOWN"

    def _write_configuration(self):
        folder, nodes = self.folder, range(1, self.nodes + 1)
        hardware = self._hardware()
        host = os.uname().nodename
        hosts = [line for line in pathlib.Path("/etc/hosts").read_text().splitlines()
                 if not re.search(r"\b(ctl|n[1-9])\b", line)]
        if self.has_networks:
            host, address = "ctl", self._address(0)
            hosts += [f"{self._address(0)} ctl", *(f"{self._address(i)} n{i}" for i in nodes)]
            lines = [f"NodeName=n{i} NodeHostname=n{i} NodeAddr={self._address(i)} Port={PORT + 1} {hardware}"
                     for i in nodes]
        else:
            address = "127.0.0.1"
            hosts += [f"127.0.0.1 n{i}" for i in nodes]
            lines = [f"NodeName=n{i} NodeHostname={host} NodeAddr=127.0.0.1 Port={PORT + i} {hardware}" for i in nodes]
        (folder / "hosts").write_text("\n".join(hosts) + "\n")
        (folder / "slurm.conf").write_text(f"""ClusterName=test
SlurmctldHost={host}({address})
SlurmctldPort={PORT}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
TmpFS={folder}/tmp/%n
ProctrackType=proctrack/linuxproc
TaskPlugin={"task/affinity" if self.binds else "task/none"}
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=5
MinJobAge=3600
MessageTimeout=5
SlurmdTimeout=10
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
PropagateResourceLimits=NONE
""" + "\n".join(lines) + f"\nPartitionName=main Nodes=n[1-{self.nodes}] Default=YES MaxTime=INFINITE State=UP\n")
        # With the default fence, one in ten starts over several nodes hangs or crashes in MPI_Init (Slurm 22.05).
        (folder / "mpi.conf").write_text("PMIxCollFence=ring\n")

    def start(self):
        for name in ("run", "log", "state", "munge", "spool", "tmp"):
            (self.folder / name).mkdir()
        for i in range(1, self.nodes + 1):
            for name in ("spool", "tmp"):
                (self.folder / name / f"n{i}").mkdir()
        self._write_configuration()
        os.environ["SLURM_CONF"] = str(self.folder / "slurm.conf")
        # What other tests say of sharing cores is not what users of Slurm have.
        for name in ("OMPI_MCA_rmaps_base_oversubscribe", "OMPI_MCA_hwloc_base_binding_policy", "OMP_NUM_THREADS"):
            os.environ.pop(name, None)
        os.environ.update(ENVIRONMENT)
        call("mount", "--bind", self.folder / "hosts", "/etc/hosts")  # in this namespace alone
        if self.has_networks:
            call("hostname", "ctl")
        munge = self.folder / "munge"
        munge.chmod(0o711)
        (munge / "key").write_bytes(os.urandom(128))
        (munge / "key").chmod(0o600)
        call("munged", "--force", f"--key-file={munge}/key", f"--socket={munge}/socket", f"--pid-file={munge}/pid",
             f"--log-file={munge}/log", f"--seed-file={munge}/seed")
        call("slurmctld", "-f", os.environ["SLURM_CONF"])
        for i in range(1, self.nodes + 1):
            self.start_node(i)
        self.wait_idle()
        return self

    def start_node(self, i):
        """slurmd with a host name and shared memory of its own, as on a machine of its own."""
        network = ["nsenter", f"--net=/run/netns/n{i}"] if self.has_networks else []
        script = f'hostname n{i}; mount -t tmpfs -o size=256m,mode=1777 tmpfs /dev/shm; exec slurmd -N n{i} -D'
        log = open(self.folder / "log" / f"n{i}.out", "a")
        self.slurmd[i] = subprocess.Popen([*network, "unshare", "--uts", "--mount", "sh", "-c", script],
                                          stdout=log, stderr=log, start_new_session=True)
        log.close()

    def wait_idle(self, nodes=None, timeout=60):
        def count():
            out = subprocess.run(["sinfo", "-h", "-N", "-o", "%T"], capture_output=True, text=True).stdout.split()
            return out.count("idle")
        wait_for(lambda: count() >= (nodes or self.nodes), timeout, lambda: f"nodes are not idle\n{self.report()}")

    def stop(self):
        controller = self.folder / "run" / "slurmctld.pid"
        subprocess.run(["scontrol", "shutdown"], capture_output=True, timeout=20)
        try:
            wait_for(lambda: not controller.exists(), 20, lambda: "slurmctld does not end")
        except AssertionError:
            os.kill(int(controller.read_text()), signal.SIGKILL)
        for process in self.slurmd.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        pid = self.folder / "munge" / "pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)
        subprocess.run(["umount", "/etc/hosts"], capture_output=True)

    # What happens to nodes.

    def processes_of(self, i):
        """Everything that runs on a node, slurmd the first."""
        first = self.slurmd[i].pid
        found = []
        try:
            namespace = os.readlink(f"/proc/{first}/ns/mnt")
        except OSError:
            return found
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(path / "ns" / "mnt") == namespace:
                    found.append(int(path.name))
            except OSError:
                pass  # ended meanwhile
        return sorted(found, key=lambda pid: (pid != first, pid))

    def lose(self, i):
        """The node is gone at once: its link is cut where it has one, and all that runs on it is killed without a word.
        """
        if self.has_networks:
            call("ip", "link", "set", f"v{i}", "down")
        for pid in self.processes_of(i):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.slurmd[i].wait()

    def cut(self, i):
        """The node lives on, but nobody reaches it."""
        call("ip", "link", "set", f"v{i}", "down")

    def bring_back(self, i):
        if self.has_networks:
            call("ip", "link", "set", f"v{i}", "up")
        if self.slurmd[i].poll() is not None:
            # As after a boot: sockets of killed steps would be in the way of the next.
            for name in ("spool", "tmp"):
                for path in (self.folder / name / f"n{i}").iterdir():
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            self.start_node(i)

    # Jobs.

    def submit(self, *words, **environment):
        out = subprocess.run(["sbatch", "--parsable", *map(str, words)], capture_output=True, text=True, timeout=30,
                             cwd=self.folder, env={**os.environ, **{k: str(v) for k, v in environment.items()}})
        if out.returncode != 0:
            raise AssertionError(f"sbatch {words}: {out.stderr}")
        return out.stdout.strip().split(";")[0]

    def jobs(self, job):
        """What Slurm knows of a job, or of each task of an array."""
        out = subprocess.run(["scontrol", "--oneliner", "show", "job", str(job)], capture_output=True, text=True).stdout
        return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in out.splitlines() if line]

    def state(self, job):
        found = self.jobs(job)
        return found[0].get("JobState", "?") if found else "?"

    def log(self, job):
        return "".join(path.read_text() for path in sorted(self.folder.glob(f"*{job}*.log")))

    def wait(self, job, *states, timeout=60):
        """Waits until the job, or each task of an array, is in one of these states. Returns the last one's facts."""
        wanted = states or ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
        final = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"} - set(wanted)

        def reached():
            found = [each.get("JobState") for each in self.jobs(job)]
            if final & set(found):
                raise AssertionError(f"job {job} is {found} instead of {wanted}\n{self.report(job)}")
            return found and all(state in wanted for state in found)
        wait_for(reached, timeout, lambda: f"job {job} is not {wanted} after {timeout} s\n{self.report(job)}")
        return self.jobs(job)[-1]

    def report(self, job=""):
        """For whoever reads why a test failed."""
        parts = [call("sinfo", "-N", "-l"), call("scontrol", "show", "job", *([job] if job else [])),
                 self.log(job) if job else ""]
        for path in sorted((self.folder / "log").iterdir()):
            parts.append(f"--- {path.name}\n" + "\n".join(path.read_text().splitlines()[-15:]))
        return "\n".join(parts)


def wait_for(condition, timeout, message):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(message())
        time.sleep(0.1)


if __name__ == "__main__":
    enter_sandbox()
    with tempfile.TemporaryDirectory(prefix="paceline-slurm-") as scratch:
        cluster = Cluster(scratch).start()
        try:
            code = subprocess.run(sys.argv[1:] or [os.environ.get("SHELL", "sh")], cwd=scratch).returncode
        finally:
            cluster.stop()
    sys.exit(code)
