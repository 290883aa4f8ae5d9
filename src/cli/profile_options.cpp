#include "cli/profile_options.hpp"

#include <CLI/CLI.hpp>

namespace paceline {

CLI::App* add_profile(CLI::App& app, ProfileOptions& options) {
  auto* sub = app.add_subcommand(
      "profile", "run any MPI or OpenMP program once and say where its cores go: profile -- LAUNCH LINE");
  sub->add_flag("--json", options.json, "one JSON object on standard output; the program prints to standard error");
  sub->add_option("-o,--output", options.output, "the same as a file")->option_text("FILE.json");
  sub->add_flag("--force", options.force, "overwrite what exists");
  sub->footer(
      "LAUNCH LINE is what you type to start the program: paceline profile -- mpirun -np 4 ./solver. The program must "
      "be\n"
      "dynamically linked; it is loaded with a library that knows Open MPI, MPICH, and GNU's and LLVM's OpenMP.");
  return sub;
}

}  // namespace paceline
