#include "study/measure/launcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include <paceline/error.hpp>

#include "study/measure/mpi_library.hpp"
#include "study/shell_words.hpp"

namespace paceline {
namespace {

using Words = std::vector<std::string>;

void add(Words& line, const Words& more) { line.insert(line.end(), more.begin(), more.end()); }

/// The command in place of a word {command}; quoted, where it is a part of a longer word for a shell.
Words from_template(const Words& words, const Layout& layout, const Words& command) {
  const Placeholders values = {{"ranks", std::to_string(layout.ranks)},
                               {"threads", std::to_string(layout.threads)},
                               {"nodes", std::to_string(layout.nodes)},
                               {"scale", std::to_string(layout.cores())},
                               {"command", joined(command)}};
  Words line;
  for (const auto& word : words) {
    if (word == "{command}") {
      add(line, command);
    } else {
      line.push_back(with_values(word, values));
    }
  }
  return line;
}

Words open_mpi_line(const Launcher& launcher, const Layout& layout, Sharing sharing) {
  Words line = {launcher.name, "-np", std::to_string(layout.ranks), "--map-by"};
  const int ranks_per_node = layout.ranks / layout.nodes;
  if (sharing == Sharing::oversubscribed) {
    add(line, {fmt::format("ppr:{}:node", ranks_per_node), "--bind-to", "none", "--oversubscribe"});
  } else {
    add(line, {fmt::format("ppr:{}:node:PE={}", ranks_per_node, layout.threads), "--bind-to", "core"});
  }
  // Open MPI takes only its own variables to other nodes.
  add(line, {"-x", "OMP_NUM_THREADS"});
  if (sharing == Sharing::none) add(line, {"-x", "OMP_PLACES"});
  add(line, {"-x", "OMP_PROC_BIND"});
  return line;
}

Words mpich_line(const Launcher& launcher, const Layout& layout, Sharing sharing) {
  Words line = {launcher.name, "-np", std::to_string(layout.ranks), "-ppn",
                std::to_string(layout.ranks / layout.nodes)};
  add(line, {"-bind-to", sharing == Sharing::oversubscribed ? "none" : fmt::format("core:{}", layout.threads)});
  return line;
}

Words srun_line(const Launcher& launcher, const Layout& layout, Sharing sharing) {
  Words line = {"srun", fmt::format("--nodes={}", layout.nodes), fmt::format("--ntasks={}", layout.ranks),
                fmt::format("--ntasks-per-node={}", layout.ranks / layout.nodes), "--kill-on-bad-exit=1"};
  if (sharing == Sharing::oversubscribed) {
    add(line, {"--overcommit", "--cpu-bind=none"});
  } else {
    // srun no longer inherits what sbatch was told, and without --exact a step takes whole nodes.
    add(line,
        {fmt::format("--cpus-per-task={}", layout.threads * launcher.cpus_per_core), "--cpu-bind=cores", "--exact"});
  }
  return line;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

/// The first line of what it says of itself; a name and number for Hydra, whose lines are tables.
std::string version_of(const std::string& told) {
  const auto at = told.find("Version:");
  if (told.find("HYDRA") == std::string::npos || at == std::string::npos) return first_line(told);
  const auto number = split_words(first_line(told.substr(at + 8)));
  return "MPICH (Hydra) " + (number.empty() ? std::string() : number.front());
}

std::string said_by(const std::string& name) {
  const auto told = run_process({name, "--version"}, {}, {.timeout_s = 60});
  if (told.is_ok()) return told.out;
  throw Error(ErrorKind::usage, fmt::format("`{} --version` fails", name), first_line(told.err),
              "give --launcher another one, or a template with {command}");
}

bool belongs_to(const std::string& said, const MpiLibrary& library) {
  const bool is_open_mpi = said.find("Open MPI") != std::string::npos || said.find("OpenRTE") != std::string::npos;
  return library.family == MpiLibrary::Family::open_mpi ? is_open_mpi : said.find("HYDRA") != std::string::npos;
}

/// The mpirun that a shell would start, if it belongs to the program's MPI; else the one beside the library.
Launcher mpirun_for(const std::optional<MpiLibrary>& library, Launcher launcher) {
  Words names = {"mpirun"};
  if (library) {
    for (const auto& path : launchers_beside(*library)) names.push_back(path.string());
    add(names, library->family == MpiLibrary::Family::open_mpi ? Words{"mpirun.openmpi", "orterun"}
                                                               : Words{"mpirun.mpich", "mpiexec.hydra"});
  }
  std::string other;
  for (const auto& name : names) {
    if (find_program(name).empty()) continue;
    const auto said = said_by(name);
    if (library && !belongs_to(said, *library)) {
      if (other.empty()) other = fmt::format("{} says {}", name, version_of(said));
      continue;
    }
    launcher.kind = mpirun_kind(said);
    launcher.version = version_of(said);
    launcher.name = name;
    return launcher;
  }
  if (other.empty()) {
    throw Error(ErrorKind::usage, "there is no mpirun", "it is not in PATH",
                "install it, load its module, or give --launcher a template with {command}");
  }
  throw Error(ErrorKind::usage, fmt::format("there is no mpirun of {}'s", to_string(library->family)),
              fmt::format("the program is linked with {}, and {}", library->path.string(), other),
              "install it, load its module, or give --launcher a template with {command}");
}

/// From Slurm 23.11 on srun, and that with which mpirun starts its daemons, refuses to start where the job's two
/// variables for the CPUs of a task differ. Where both are there they say the same.
void agree_on_cpus(Environment& environment, int cpus) {
  const char* const given = std::getenv("SLURM_TRES_PER_TASK");
  if (given == nullptr || !is_set("SLURM_CPUS_PER_TASK")) return;
  std::string resources = given;  // "cpu=2,gres/gpu=1", "cpu:2"
  const auto at = resources.find("cpu");
  if (at == std::string::npos || at + 4 > resources.size()) return;
  const auto end = std::min(resources.find_first_not_of("0123456789", at + 4), resources.size());
  environment.emplace_back("SLURM_CPUS_PER_TASK", std::to_string(cpus));
  environment.emplace_back("SLURM_TRES_PER_TASK", resources.replace(at + 4, end - at - 4, std::to_string(cpus)));
}

/// srun starts the first part alone, and the variables of the allocation are of that part, too.
void refuse_heterogeneous_job() {
  const char* const parts = std::getenv("SLURM_HET_SIZE");
  if (parts == nullptr || std::string(parts) == "1") return;
  throw Error(ErrorKind::usage, "a study can't run in a heterogeneous job", fmt::format("SLURM_HET_SIZE is {}", parts),
              "ask for nodes of one kind, or give --launcher a template that knows the parts");
}

}  // namespace

double Launcher::grace_s() const { return kind == Kind::srun ? 45 : 2; }

bool Launcher::starts_ranks() const {
  if (kind != Kind::custom) return true;
  return from_template(template_words, {1, 1, 1}, {}) != from_template(template_words, {2, 1, 1}, {});
}

Launcher::Kind mpirun_kind(const std::string& version) {
  if (version.find("Open MPI") != std::string::npos || version.find("OpenRTE") != std::string::npos) {
    return Launcher::Kind::open_mpi;
  }
  if (version.find("HYDRA") != std::string::npos) return Launcher::Kind::mpich;
  throw Error(ErrorKind::usage, "this mpirun is neither Open MPI's nor MPICH's",
              fmt::format("it says: {}", first_line(version)),
              "give its options as a template, for example --launcher 'mpirun -np {ranks} {command}'");
}

Launcher find_launcher(const std::string& wish, int cpus_per_core, const std::string& program) {
  if (wish == "auto" || wish == "mpirun" || wish == "srun") {
    const bool has_allocation = is_set("SLURM_JOB_ID") && !find_program("srun").empty();
    refuse_heterogeneous_job();
    Launcher launcher;
    launcher.cpus_per_core = cpus_per_core;
    if (wish == "mpirun" || (wish == "auto" && !has_allocation)) return mpirun_for(mpi_library_of(program), launcher);
    if (find_program("srun").empty()) {
      throw Error(ErrorKind::usage, "there is no srun", "it is not in PATH",
                  "install it, load its module, or give --launcher a template with {command}");
    }
    if (!is_set("SLURM_JOB_ID")) {
      throw Error(ErrorKind::usage, "srun wants an allocation", "SLURM_JOB_ID is not set",
                  "start the study in a job script or under salloc");
    }
    launcher.kind = Launcher::Kind::srun;
    launcher.name = "srun";
    launcher.version = first_line(said_by("srun"));
    return launcher;
  }
  Launcher launcher;
  launcher.name = wish;
  launcher.template_words = split_words(wish);
  launcher.cpus_per_core = cpus_per_core;
  if (wish.find("{command}") == std::string::npos) {
    throw Error(ErrorKind::usage, fmt::format("--launcher {} starts nothing", quoted(wish)), "it has no {command}",
                "use auto, mpirun, srun, or a template such as 'mpirun -np {ranks} {command}'");
  }
  from_template(launcher.template_words, {1, 1, 1}, {});  // an unknown name is reported before anything runs
  return launcher;
}

std::vector<std::string> launch_line(const Launcher& launcher, const Layout& layout, Sharing sharing,
                                     const std::vector<std::string>& command) {
  const auto filled = filled_in(command, layout);
  if (launcher.kind == Launcher::Kind::custom) return from_template(launcher.template_words, layout, filled);
  auto line = launcher.kind == Launcher::Kind::open_mpi ? open_mpi_line(launcher, layout, sharing)
              : launcher.kind == Launcher::Kind::mpich  ? mpich_line(launcher, layout, sharing)
                                                        : srun_line(launcher, layout, sharing);
  add(line, filled);
  return line;
}

Environment launch_environment(const Launcher& launcher, const Layout& layout, Sharing sharing, bool is_root) {
  Environment environment = {{"OMP_NUM_THREADS", std::to_string(layout.threads)}};
  if (sharing == Sharing::oversubscribed) {
    // Ranks that are bound to nothing would each bind their threads to the first cores.
    environment.emplace_back("OMP_PROC_BIND", "false");
  } else if (launcher.starts_ranks() || layout.ranks == 1) {
    environment.emplace_back("OMP_PLACES", "cores");
    environment.emplace_back("OMP_PROC_BIND", "close");
  }
  if (launcher.kind == Launcher::Kind::srun && sharing == Sharing::none) {
    environment.emplace_back("SRUN_CPUS_PER_TASK", std::to_string(layout.threads * launcher.cpus_per_core));
  }
  agree_on_cpus(environment, sharing == Sharing::none ? layout.threads * launcher.cpus_per_core : 1);
  // Templates may call it, too. srun never asks.
  if (is_root && launcher.kind != Launcher::Kind::srun) {
    environment.emplace_back("OMPI_ALLOW_RUN_AS_ROOT", "1");
    environment.emplace_back("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
  }
  return environment;
}

}  // namespace paceline
