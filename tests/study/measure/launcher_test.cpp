// Launcher lines and environments, word by word: binding is right or nothing is.
#include "study/measure/launcher.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

#include "study/measure/mpi_library.hpp"
#include "study/shell_words.hpp"

namespace paceline {
namespace {

using Words = std::vector<std::string>;

Launcher launcher_of(Launcher::Kind kind, int cpus_per_core = 1) {
  Launcher launcher;
  launcher.kind = kind;
  launcher.name = "mpirun";
  launcher.cpus_per_core = cpus_per_core;
  return launcher;
}

Launcher from_template(const std::string& text) { return find_launcher(text, 1, ""); }

std::string line(const Launcher& launcher, const Layout& layout, Sharing sharing = Sharing::none) {
  return joined(launch_line(launcher, layout, sharing, {"app", "-n", "{ranks}"}));
}

std::string environment(const Launcher& launcher, const Layout& layout, Sharing sharing = Sharing::none,
                        bool is_root = false) {
  std::string text;
  for (const auto& [name, value] : launch_environment(launcher, layout, sharing, is_root)) {
    text += name + "=" + value + " ";
  }
  return text;
}

TEST(Launcher, BindsWithOpenMpi) {
  const auto mpirun = launcher_of(Launcher::Kind::open_mpi);
  const std::string variables = "-x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND";
  EXPECT_EQ(line(mpirun, {2, 3, 1}), "mpirun -np 2 --map-by ppr:2:node:PE=3 --bind-to core " + variables + " app -n 2");
  EXPECT_EQ(line(mpirun, {8, 4, 2}), "mpirun -np 8 --map-by ppr:4:node:PE=4 --bind-to core " + variables + " app -n 8");
  EXPECT_EQ(line(mpirun, {4, 2, 1}, Sharing::oversubscribed),
            "mpirun -np 4 --map-by ppr:4:node --bind-to none --oversubscribe -x OMP_NUM_THREADS -x OMP_PROC_BIND "
            "app -n 4");
}

TEST(Launcher, BindsWithMpich) {
  const auto mpirun = launcher_of(Launcher::Kind::mpich);
  EXPECT_EQ(line(mpirun, {8, 4, 2}), "mpirun -np 8 -ppn 4 -bind-to core:4 app -n 8");
  EXPECT_EQ(line(mpirun, {4, 1, 1}, Sharing::oversubscribed), "mpirun -np 4 -ppn 4 -bind-to none app -n 4");
}

TEST(Launcher, BindsWithSrun) {
  // Slurm counts hardware threads.
  const auto srun = launcher_of(Launcher::Kind::srun, 2);
  EXPECT_EQ(line(srun, {8, 4, 2}),
            "srun --nodes=2 --ntasks=8 --ntasks-per-node=4 --kill-on-bad-exit=1 --cpus-per-task=8 --cpu-bind=cores "
            "--exact app -n 8");
  EXPECT_EQ(line(srun, {8, 4, 2}, Sharing::oversubscribed),
            "srun --nodes=2 --ntasks=8 --ntasks-per-node=4 --kill-on-bad-exit=1 --overcommit --cpu-bind=none app -n 8");
  EXPECT_EQ(environment(srun, {8, 4, 2}, Sharing::none, true),
            "OMP_NUM_THREADS=4 OMP_PLACES=cores OMP_PROC_BIND=close SRUN_CPUS_PER_TASK=8 ");
}

TEST(Launcher, SetsTheEnvironment) {
  const auto mpirun = launcher_of(Launcher::Kind::open_mpi);
  const std::string root = "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ";
  EXPECT_EQ(environment(mpirun, {2, 3, 1}), "OMP_NUM_THREADS=3 OMP_PLACES=cores OMP_PROC_BIND=close ");
  EXPECT_EQ(environment(mpirun, {2, 3, 1}, Sharing::none, true),
            "OMP_NUM_THREADS=3 OMP_PLACES=cores OMP_PROC_BIND=close " + root);
  // Ranks bound to nothing would all bind their threads to the first cores.
  EXPECT_EQ(environment(mpirun, {2, 3, 1}, Sharing::oversubscribed), "OMP_NUM_THREADS=3 OMP_PROC_BIND=false ");
  const auto none = from_template("{command}");
  EXPECT_EQ(environment(none, {1, 3, 1}), "OMP_NUM_THREADS=3 OMP_PLACES=cores OMP_PROC_BIND=close ");
  EXPECT_EQ(environment(none, {2, 3, 1}), "OMP_NUM_THREADS=3 ") << "the program starts ranks itself";
}

TEST(Launcher, FollowsATemplate) {
  EXPECT_EQ(line(from_template("{command}"), {2, 3, 1}), "app -n 2");
  EXPECT_FALSE(from_template("{command}").starts_ranks());
  const auto own = from_template("jsrun -n {ranks} -c {threads} --nodes={nodes} {command} --scale {scale}");
  EXPECT_TRUE(own.starts_ranks());
  EXPECT_EQ(line(own, {4, 3, 2}), "jsrun -n 4 -c 3 --nodes=2 app -n 4 --scale 12");
  // Inside a word for a shell the command is quoted.
  const auto shell = from_template("sh -c 'sleep 1; exec {command}'");
  EXPECT_EQ(launch_line(shell, {1, 1, 1}, Sharing::none, {"app", "two words"}),
            (Words{"sh", "-c", "sleep 1; exec app 'two words'"}));
  const auto error = test::error_of([] { from_template("mpirun -np {ranks}"); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(test::says(*error, "{command}")) << error->what();
}

TEST(Launcher, KnowsThePlaceHoldersOfATemplate) {
  for (const char* text : {"mpirun -np {rank} {command}", "sh -c 'run -n{ranks} -x {RANKS} {command}'"}) {
    const auto error = test::error_of([&] { from_template(text); });
    ASSERT_TRUE(error) << text;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
    EXPECT_TRUE(test::says(*error, "{ranks} {threads} {nodes} {scale} {command}")) << error->what();
  }
  const auto error = test::error_of([] { from_template("run --host {host_1} {command}"); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(test::says(*error, "{host_1} is not a placeholder")) << error->what();
  EXPECT_TRUE(test::says(*error, "{{host_1}}")) << error->what();
}

TEST(Launcher, LeavesOtherBraces) {
  const auto words = [](const std::string& text) {
    return launch_line(from_template(text), {2, 3, 1}, Sharing::none, {"app", "{x}"});
  };
  EXPECT_EQ(words("run {{host}}-{ranks} {{ranks}} {command}"), (Words{"run", "{host}-2", "{ranks}", "app", "{x}"}));
  EXPECT_EQ(words("bash -c 'x=${HOME} {a,b} {1..2} {} { {command}; }; echo {3d} ${ranks}'"),
            (Words{"bash", "-c", "x=${HOME} {a,b} {1..2} {} { app '{x}'; }; echo {3d} $2"}))
      << "no name, or a variable of the shell";
  EXPECT_FALSE(from_template("run {{ranks}} {command}").starts_ranks());
}

TEST(Launcher, IsRecognised) {
  EXPECT_EQ(mpirun_kind("mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/"),
            Launcher::Kind::open_mpi);
  EXPECT_EQ(mpirun_kind("mpirun.real (OpenRTE) 4.0.3"), Launcher::Kind::open_mpi);
  EXPECT_EQ(mpirun_kind("HYDRA build details:\n    Version:                                 4.0.2\n"),
            Launcher::Kind::mpich);
  const auto error = test::error_of([] { mpirun_kind("mpirun of 1996\n"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::usage);
  EXPECT_TRUE(test::says(*error, "mpirun of 1996")) << error->what();
}

TEST(Launcher, IsFoundOnThisMachine) {
  unsetenv("SLURM_JOB_ID");
  const auto found = find_launcher("auto", 1, "");
  EXPECT_EQ(found.name, "mpirun");
  EXPECT_NE(found.kind, Launcher::Kind::custom);
  EXPECT_FALSE(found.version.empty());
  const auto error = test::error_of([] { find_launcher("srun", 1, ""); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::usage);
}

TEST(Launcher, MakesSlurmsVariablesAgree) {
  const auto srun = launcher_of(Launcher::Kind::srun);
  const std::string own = "OMP_NUM_THREADS=3 OMP_PLACES=cores OMP_PROC_BIND=close SRUN_CPUS_PER_TASK=3 ";
  setenv("SLURM_CPUS_PER_TASK", "8", 1);
  EXPECT_EQ(environment(srun, {2, 3, 1}), own) << "an older Slurm";
  setenv("SLURM_TRES_PER_TASK", "gres/gpu:1,cpu=8", 1);
  EXPECT_EQ(environment(srun, {2, 3, 1}), own + "SLURM_CPUS_PER_TASK=3 SLURM_TRES_PER_TASK=gres/gpu:1,cpu=3 ");
  setenv("SLURM_TRES_PER_TASK", "cpu:16,mem=4G", 1);
  EXPECT_EQ(environment(srun, {2, 3, 1}, Sharing::oversubscribed),
            "OMP_NUM_THREADS=3 OMP_PROC_BIND=false SLURM_CPUS_PER_TASK=1 SLURM_TRES_PER_TASK=cpu:1,mem=4G ");
  for (const char* other : {"gres/gpu:1", "cpu", ""}) {
    setenv("SLURM_TRES_PER_TASK", other, 1);
    EXPECT_EQ(environment(srun, {2, 3, 1}), own) << other;
  }
  unsetenv("SLURM_TRES_PER_TASK");
  unsetenv("SLURM_CPUS_PER_TASK");
}

TEST(Launcher, RefusesHeterogeneousJobs) {
  setenv("SLURM_HET_SIZE", "2", 1);
  const auto error = test::error_of([] { find_launcher("auto", 1, ""); });
  EXPECT_NO_THROW(from_template("run {command}"));
  unsetenv("SLURM_HET_SIZE");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::usage);
  EXPECT_TRUE(test::says(*error, "heterogeneous")) << error->what();
}

TEST(Launcher, IsTheOneOfTheProgramsMpi) {
  // This program's own: whatever mpirun is first in PATH.
  const auto here = find_launcher("mpirun", 1, "/proc/self/exe");
  const auto family = mpi_library_of("/proc/self/exe")->family;
  EXPECT_EQ(here.kind, family == MpiLibrary::Family::open_mpi ? Launcher::Kind::open_mpi : Launcher::Kind::mpich);
}

}  // namespace
}  // namespace paceline
